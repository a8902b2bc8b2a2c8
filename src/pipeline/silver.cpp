#include <arrow/api.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <set>

#include "core/expression.h"
#include "core/workers.h"
#include "lake/rewrite.h"
#include "lake/writer.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {
namespace {

/// The array with nulls where `hidden` is 1, what was null before staying null.
Result<std::shared_ptr<arrow::Array>> hide(const std::shared_ptr<arrow::Array>& array,
                                           const std::vector<double>& hidden) {
  ARROW_ASSIGN_OR_RAISE(auto bitmap, arrow::AllocateEmptyBitmap(array->length()));
  std::int64_t nulls = 0;
  for (std::int64_t i = 0; i < array->length(); ++i) {
    bool valid = array->IsValid(i) && hidden[static_cast<std::size_t>(i)] != 1.0;
    arrow::bit_util::SetBitTo(bitmap->mutable_data(), i, valid);
    nulls += !valid;
  }
  ARROW_ASSIGN_OR_RAISE(auto flat, arrow::Concatenate({array}));  // offset 0, so that the bitmap's bits are the rows
  auto data = flat->data()->Copy();
  data->buffers[0] = std::shared_ptr<arrow::Buffer>(std::move(bitmap));
  data->null_count = nulls;
  return arrow::MakeArray(data);
}

struct Rule {
  RowExpression when;
  std::vector<std::string> columns;
};

Result<std::vector<Rule>> compile(const Dataset& dataset, const arrow::Schema& schema) {
  std::vector<Rule> rules;
  for (const auto& rule : dataset.silver_nulls) {
    ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(rule.when, dataset.path));
    ARROW_ASSIGN_OR_RAISE(auto when, RowExpression::compile(parsed, schema, dataset.path));
    rules.push_back({std::move(when), rule.columns});
  }
  return rules;
}

Result<std::shared_ptr<arrow::RecordBatch>> derive(const std::vector<Rule>& rules,
                                                   std::shared_ptr<arrow::RecordBatch> rows) {
  for (const Rule& rule : rules) {
    ARROW_ASSIGN_OR_RAISE(auto hidden, rule.when.evaluate(*rows));
    for (const auto& name : rule.columns) {
      int at = rows->schema()->GetFieldIndex(name);
      ARROW_ASSIGN_OR_RAISE(auto column, hide(rows->column(at), hidden));
      ARROW_ASSIGN_OR_RAISE(rows, rows->SetColumn(at, rows->schema()->field(at), column));
    }
  }
  return rows;
}

/// What the rules look at and what they change, for parts of which the other columns are copied unread.
Result<lake::Change> change_of(const Dataset& dataset) {
  std::vector<std::string> wanted;
  lake::Change change;
  for (const auto& rule : dataset.silver_nulls) {
    ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(rule.when, dataset.path));
    parsed.names(wanted);
    for (const std::string& name : rule.columns) {
      if (std::find(change.columns.begin(), change.columns.end(), name) == change.columns.end())
        change.columns.push_back(name);
    }
  }
  wanted.insert(wanted.end(), change.columns.begin(), change.columns.end());
  arrow::FieldVector fields;
  const auto schema = dataset.schema();
  for (const auto& field : schema->fields()) {
    if (std::find(wanted.begin(), wanted.end(), field->name()) == wanted.end()) continue;
    fields.push_back(field);
    change.reads.push_back(field->name());
  }
  ARROW_ASSIGN_OR_RAISE(auto rules, compile(dataset, *arrow::schema(fields)));
  change.derive = [rules = std::move(rules)](const std::shared_ptr<arrow::RecordBatch>& rows) {
    return derive(rules, rows);
  };
  return change;
}

/// A unit of bronze on its way into silver.
struct Derived {
  lake::UnitState state;
  std::vector<lake::Part> made;
  std::unique_ptr<lake::PartWriter> writer;  // of `made`, which have no names yet
  std::int64_t rows = 0;
};

/// False where a part is not one that can be carried: rows of other units in it, another writer's, another layout's.
Result<bool> carry_unit(const lake::Table& bronze, const lake::Snapshot& snapshot, const lake::Change& change,
                        const lake::UnitState& state, lake::PartWriter& writer) {
  for (const lake::Part& part : snapshot.parts) {
    if (!std::binary_search(state.paths.begin(), state.paths.end(), part.path)) continue;
    ARROW_ASSIGN_OR_RAISE(bool carried, writer.carry(bronze, *snapshot.schema, part, change));
    if (!carried) return false;
  }
  return true;
}

Status derive_unit(const lake::Table& bronze, const lake::Snapshot& snapshot, const lake::Table& silver,
                   const Dataset& dataset, const std::vector<Rule>& rules, const lake::Change& change, Derived& unit,
                   MemoryBudget& budget) {
  lake::Provenance provenance{
      unit.state.sha256, unit.state.unit, unit.state.form, unit.state.ordinal, {{"file", unit.state.source}}};
  ARROW_ASSIGN_OR_RAISE(unit.writer, lake::write_parts(silver, fresh_layout(dataset), provenance, budget));
  ARROW_ASSIGN_OR_RAISE(bool carried, carry_unit(bronze, snapshot, change, unit.state, *unit.writer));
  if (carried) {
    ARROW_ASSIGN_OR_RAISE(unit.made, unit.writer->finish_unnamed());
    unit.rows = unit.state.rows;
    return Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(unit.writer, lake::write_parts(silver, fresh_layout(dataset), provenance, budget));
  ARROW_RETURN_NOT_OK(lake::stream_unit(bronze, snapshot, unit.state, budget.pool(),
                                        [&](const std::shared_ptr<arrow::RecordBatch>& batch) -> Status {
                                          unit.rows += batch->num_rows();
                                          ARROW_ASSIGN_OR_RAISE(auto derived, derive(rules, batch));
                                          return unit.writer->write(derived);
                                        }));
  ARROW_ASSIGN_OR_RAISE(unit.made, unit.writer->finish_unnamed());
  return Status::OK();
}

}  // namespace

Status refresh_silver(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget) {
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table),
              silver = lake.table(lake::Layer::silver, dataset.table);
  ARROW_RETURN_NOT_OK(silver.create(dataset));
  ARROW_ASSIGN_OR_RAISE(auto rules, compile(dataset, *dataset.schema()));
  ARROW_ASSIGN_OR_RAISE(auto change, change_of(dataset));
  for (std::int64_t last = -2;;) {
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot from, bronze.snapshot());
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot to, silver.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, from));
    ARROW_RETURN_NOT_OK(sources_known(silver, to));
    ARROW_ASSIGN_OR_RAISE(auto wanted, lake::units_by_key(from));
    ARROW_ASSIGN_OR_RAISE(auto have, lake::units_by_key(to));
    auto same = [](const lake::UnitState& one, const std::map<std::string, lake::UnitState>& others) {
      auto found = others.find(lake::unit_key(one.unit, one.form));
      return found != others.end() && found->second.sha256 == one.sha256 && found->second.ordinal == one.ordinal;
    };
    lake::Transaction transaction;
    transaction.read_version = to.version;
    transaction.operation = "DERIVE";
    transaction.txn = {{"silver", from.version}};
    std::set<std::string> leaving;
    for (const auto& [key, state] : have) {
      if (same(state, wanted)) continue;
      leaving.insert(key);
      transaction.touches.push_back(state.unit);
    }
    ARROW_ASSIGN_OR_RAISE(auto instead, lake::take_out(silver, to, leaving, lake::layout_of(dataset), budget));
    transaction.removes = std::move(instead.removes);
    transaction.adds = std::move(instead.adds);
    std::vector<Derived> units;
    for (const auto& [key, state] : wanted) {
      if (!same(state, have)) units.emplace_back().state = state;
    }
    std::int64_t rows = 0;
    constexpr std::size_t kAtOnce = 32;  // their files are synced together, and open until then
    for (std::size_t at = 0; at < units.size(); at += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, units.size() - at);
      ARROW_RETURN_NOT_OK(workers.each(
          count,
          [&](std::size_t i) {
            return derive_unit(bronze, from, silver, dataset, rules, change, units[at + i], budget);
          },
          interrupt()));
      std::vector<lake::PartWriter*> writers;
      for (std::size_t i = at; i < at + count; ++i) writers.push_back(units[i].writer.get());
      ARROW_RETURN_NOT_OK(lake::publish(writers));
      for (std::size_t i = at; i < at + count; ++i) {
        units[i].writer.reset();
        rows += units[i].rows;
        transaction.adds.insert(transaction.adds.end(), units[i].made.begin(), units[i].made.end());
        transaction.touches.push_back(units[i].state.unit);
      }
    }
    if (transaction.touches.empty()) return Status::OK();
    transaction.counts = {{"rows_stored", rows}};
    auto committed = silver.commit(transaction);
    if (committed.ok()) return Status::OK();
    if (!lake::is_conflict(committed.status())) return committed.status();
    if (to.version == last)
      return data_error(fmt::format("{}: another program has deleted rows that were derived from {} version {}",
                                    silver.name().str(), bronze.name().str(), from.version),
                        fmt::format("delete the folder {} and ingest again: silver is derived anew", silver.path()));
    last = to.version;
  }
}

}  // namespace tapemill::pipeline
