#include <arrow/api.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include "core/expression.h"
#include "core/workers.h"
#include "lake/scan.h"
#include "lake/tags.h"
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

Result<std::vector<Rule>> compile(const Dataset& dataset) {
  std::vector<Rule> rules;
  for (const auto& rule : dataset.silver_nulls) {
    ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(rule.when, dataset.path));
    ARROW_ASSIGN_OR_RAISE(auto when, RowExpression::compile(parsed, *dataset.schema(), dataset.path));
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

/// A unit of bronze on its way into silver.
struct Derived {
  UnitState state;
  std::vector<lake::Part> from, made;
  std::unique_ptr<lake::PartWriter> writer;  // of `made`, which have no names yet
  std::int64_t rows = 0;
};

Status derive_unit(const lake::Table& bronze, const lake::Snapshot& snapshot, const lake::Table& silver,
                   const Dataset& dataset, const std::vector<Rule>& rules, Derived& unit, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(auto table, lake::read_parts(bronze, snapshot, unit.from, budget.pool()));
  lake::Provenance provenance{unit.state.sha256,
                              unit.state.unit,
                              unit.state.form,
                              unit.state.ordinal,
                              {{"file", lake::tag(unit.from.front(), "file")}}};
  ARROW_ASSIGN_OR_RAISE(unit.writer, lake::write_parts(silver, lake::layout_of(dataset), provenance, budget));
  arrow::TableBatchReader reader(*table);
  std::shared_ptr<arrow::RecordBatch> batch;
  for (;;) {
    ARROW_RETURN_NOT_OK(reader.ReadNext(&batch));
    if (batch == nullptr) break;
    unit.rows += batch->num_rows();
    ARROW_ASSIGN_OR_RAISE(auto derived, derive(rules, batch));
    ARROW_RETURN_NOT_OK(unit.writer->write(derived));
  }
  ARROW_ASSIGN_OR_RAISE(unit.made, unit.writer->finish_unnamed());
  return Status::OK();
}

}  // namespace

Status refresh_silver(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget) {
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table),
              silver = lake.table(lake::Layer::silver, dataset.table);
  ARROW_RETURN_NOT_OK(silver.create(dataset));
  ARROW_ASSIGN_OR_RAISE(auto rules, compile(dataset));
  for (std::int64_t last = -2;;) {
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot from, bronze.snapshot());
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot to, silver.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, from));
    ARROW_RETURN_NOT_OK(sources_known(silver, to));
    auto wanted = units_of(from), have = units_of(to);
    lake::Transaction transaction;
    transaction.read_version = to.version;
    transaction.operation = "DERIVE";
    transaction.txn = {{"silver", from.version}};
    for (const auto& [key, state] : have) {
      auto found = wanted.find(key);
      if (found != wanted.end() && found->second.sha256 == state.sha256 && found->second.ordinal == state.ordinal)
        continue;
      transaction.removes.insert(transaction.removes.end(), state.paths.begin(), state.paths.end());
      transaction.touches.push_back(state.unit);
    }
    std::vector<Derived> units;
    for (const auto& [key, state] : wanted) {
      auto found = have.find(key);
      if (found != have.end() && found->second.sha256 == state.sha256 && found->second.ordinal == state.ordinal)
        continue;
      Derived& unit = units.emplace_back();
      unit.state = state;
      for (const auto& part : from.parts)
        if (lake::tag(part, "unit") == state.unit && lake::tag(part, "form") == state.form) unit.from.push_back(part);
    }
    std::int64_t rows = 0;
    constexpr std::size_t kAtOnce = 32;  // their files are synced together, and open until then
    for (std::size_t at = 0; at < units.size(); at += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, units.size() - at);
      ARROW_RETURN_NOT_OK(workers.each(
          count,
          [&](std::size_t i) { return derive_unit(bronze, from, silver, dataset, rules, units[at + i], budget); },
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
