#include <arrow/api.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>

#include "core/expression.h"
#include "core/workers.h"
#include "lake/evolve.h"
#include "lake/rewrite.h"
#include "lake/writer.h"
#include "pipeline/derived.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {
namespace {

/// The array with nulls where `hidden` is 1, what was null before staying null.
Result<std::shared_ptr<arrow::Array>> hide(const std::shared_ptr<arrow::Array>& array,
                                           const std::vector<double>& hidden) {
  const std::int64_t rows = array->length();
  ARROW_ASSIGN_OR_RAISE(auto bitmap, arrow::AllocateEmptyBitmap(rows));
  std::uint8_t* bits = bitmap->mutable_data();
  for (std::size_t i = 0; i < hidden.size(); ++i)
    bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (hidden[i] != 1.0) << (i % 8));
  if (array->null_count() > 0)
    arrow::internal::BitmapAnd(bits, 0, array->null_bitmap_data(), array->offset(), rows, 0, bits);
  auto flat = array;
  if (flat->offset() != 0) {
    ARROW_ASSIGN_OR_RAISE(flat, arrow::Concatenate({array}));
  }  // the bitmap's bits are the rows
  auto data = flat->data()->Copy();
  data->buffers[0] = std::shared_ptr<arrow::Buffer>(std::move(bitmap));
  data->null_count = rows - arrow::internal::CountSetBits(bits, 0, rows);
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

Status derive_unit(const lake::Table& bronze, const lake::Snapshot& snapshot, const lake::Table& silver,
                   const Dataset& dataset, const std::vector<Rule>& rules, const lake::Change& change,
                   DerivedUnit& unit, MemoryBudget& budget) {
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
  ARROW_RETURN_NOT_OK(lake::create_or_evolve(silver, dataset, workers, budget).status());
  ARROW_ASSIGN_OR_RAISE(auto rules, compile(dataset, *dataset.schema()));
  ARROW_ASSIGN_OR_RAISE(auto change, change_of(dataset));
  Derivation how{"silver", bronze, silver, lake::layout_of(dataset), 32, " and ingest again: silver is derived anew",
                 {},       {}};
  how.same = [](const lake::UnitState& in_bronze, const lake::UnitState& derived) {
    return in_bronze.sha256 == derived.sha256 && in_bronze.ordinal == derived.ordinal;
  };
  how.derive = [&](const lake::Snapshot& from, DerivedUnit& unit) {
    return derive_unit(bronze, from, silver, dataset, rules, change, unit, budget);
  };
  return follow_bronze(how, workers, budget);  // files of 32 units are synced together, and open until then
}

}  // namespace tapemill::pipeline
