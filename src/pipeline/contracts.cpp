#include "pipeline/contracts.h"

#include <arrow/api.h>

#include <future>

#include "backtest/rules.h"
#include "core/hash.h"
#include "lake/rewrite.h"
#include "lake/writer.h"
#include "pipeline/contract_terms.h"
#include "pipeline/derived.h"
#include "pipeline/ingest.h"
#include "pipeline/unit.h"

namespace tapemill::pipeline {
namespace {

std::shared_ptr<arrow::Schema> contracts_schema() {
  auto text = [](const char* name, bool null = true) { return arrow::field(name, arrow::utf8(), null); };
  auto money = [](const char* name) { return arrow::field(name, arrow::decimal64(18, kContractScale)); };
  return arrow::schema({text("instrument_id", false), text("symbol", false), text("contract"),
                        arrow::field("session", arrow::date32(), false), text("instrument_type", false),
                        arrow::field("expiry", arrow::date32(), false), arrow::field("actual_expiry", arrow::date32()),
                        text("expiry_kind", false), money("strike"), text("option_type"),
                        arrow::field("lot_size", arrow::int64()), text("lot_source"), money("tick_size"),
                        money("strike_step"),
                        arrow::field("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false)});
}

/// Cut and kept as the data set's own parts, so that what is the same in both need not be read.
lake::Layout contracts_layout(const Dataset& dataset) {
  lake::Layout layout = fresh_layout(dataset);
  layout.schema = contracts_schema();
  layout.partitions = {"year", "month"};
  layout.sort = {"symbol", "expiry", "strike", "option_type", "instrument_id", "session"};
  layout.session_column = "session";
  std::erase_if(layout.encodings, [&](const auto& one) { return layout.schema->GetFieldIndex(one.first) < 0; });
  return layout;
}

/// The unit's bytes as they stand in bronze, and the rules.
std::string origin_of(const lake::UnitState& state, const backtest::Rules& rules) {
  return sha256(fmt::format("{} {} {}", state.sha256, state.ordinal, rules.hash()));
}

/// How bronze's rows become contracts: of this one unit, as it was written when it came in.
lake::Change change_of(const Dataset& dataset, const lake::UnitState& state, const backtest::Rules& rules,
                       arrow::MemoryPool* pool) {
  lake::Change change{
      contract_term_names(), contract_term_inputs(),
      [&rules, pool](const std::shared_ptr<arrow::RecordBatch>& rows) { return contract_terms(*rows, rules, pool); }};
  change.whole_groups = true;
  change.from = {{state.sha256, state.unit, state.form, state.ordinal, {}}, fresh_layout(dataset)};
  change.from->provenance.arrival = state.arrival + (state.released.empty() ? "" : " released " + state.released);
  return change;
}

/// All rows of a unit at once, out of parts that cannot be carried.
Result<std::shared_ptr<arrow::RecordBatch>> contracts_of(const lake::Table& bronze, const lake::Snapshot& from,
                                                         const lake::UnitState& state, const backtest::Rules& rules,
                                                         arrow::MemoryPool* pool) {
  const auto schema = contracts_schema();
  std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;
  ARROW_RETURN_NOT_OK(
      lake::stream_unit(bronze, from, state, pool, [&](const std::shared_ptr<arrow::RecordBatch>& rows) {
        std::vector<int> wanted;
        for (int i = 0; i < rows->num_columns(); ++i)
          if (schema->GetFieldIndex(rows->column_name(i)) >= 0) wanted.push_back(i);
        return rows->SelectColumns(wanted).Value(&pieces.emplace_back());
      }));
  if (pieces.empty()) return arrow::RecordBatch::MakeEmpty(schema, pool);
  ARROW_ASSIGN_OR_RAISE(auto rows, arrow::ConcatenateRecordBatches(pieces, pool));
  pieces.clear();
  ARROW_ASSIGN_OR_RAISE(auto terms, contract_terms(*rows, rules, pool));
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    auto column = terms->GetColumnByName(field->name());
    if (column == nullptr) column = rows->GetColumnByName(field->name());
    if (column == nullptr) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(field->type(), rows->num_rows(), pool));
    } else if (field->name() == "strike") {
      ARROW_ASSIGN_OR_RAISE(column, contract_money(column, pool));
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, rows->num_rows(), columns);
}

Status derive_unit(const lake::Table& bronze, const lake::Snapshot& from, const lake::Table& table,
                   const Dataset& dataset, const backtest::Rules& rules, DerivedUnit& unit, MemoryBudget& budget) {
  lake::Provenance provenance{origin_of(unit.state, rules),
                              unit.state.unit,
                              unit.state.form,
                              unit.had ? *unit.had + 1 : 0,
                              {{"file", unit.state.source}}};
  const lake::Layout layout = contracts_layout(dataset);
  ARROW_ASSIGN_OR_RAISE(unit.writer, lake::write_parts(table, layout, provenance, budget));
  const auto change = change_of(dataset, unit.state, rules, budget.pool());
  bool carried = unit.state.paths.size() == 1 && unit.state.rows <= layout.row_group_rows;  // chains are whole
  if (carried) { ARROW_ASSIGN_OR_RAISE(carried, carry_unit(bronze, from, change, unit.state, *unit.writer)); }
  unit.rows = unit.state.rows;
  if (!carried) {
    ARROW_ASSIGN_OR_RAISE(auto rows, contracts_of(bronze, from, unit.state, rules, budget.pool()));
    unit.rows = rows->num_rows();
    if (unit.rows > 0) ARROW_RETURN_NOT_OK(unit.writer->write(rows));
  }
  return unit.writer->finish_unnamed().Value(&unit.made);
}

/// The table is made where it is not there. The lake, data set and budget must outlive it.
Result<Derivation> contracts_of_bronze(const lake::Lake& lake, const Dataset& dataset, MemoryBudget& budget) {
  const lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table),
                    table = lake.table(contracts_table(dataset));
  const lake::Layout layout = contracts_layout(dataset);
  std::string sort;
  for (const std::string& name : layout.sort) sort += (sort.empty() ? "" : ",") + name;
  ARROW_RETURN_NOT_OK(
      table.create(layout.schema, layout.partitions,
                   {{lake::kSort, sort}, {lake::kKey, "instrument_id,session"}, {lake::kSession, "session"}}));
  ARROW_ASSIGN_OR_RAISE(backtest::Rules loaded, backtest::Rules::load("nse_fo"));
  const auto rules = std::make_shared<const backtest::Rules>(std::move(loaded));
  Derivation how{"contracts", bronze, table, layout, 32, ": tapemill contracts derives it anew", {}, {}};
  how.same = [rules](const lake::UnitState& in_bronze, const lake::UnitState& derived) {
    return origin_of(in_bronze, *rules) == derived.sha256;
  };
  how.derive = [bronze, table, rules, &dataset, &budget](const lake::Snapshot& from, DerivedUnit& unit) {
    return derive_unit(bronze, from, table, dataset, *rules, unit, budget);
  };
  return how;
}

}  // namespace

bool names_contracts(const Dataset& dataset) {
  for (const char* name :
       {"instrument_id", "symbol", "session", "instrument_type", "expiry", "strike", "option_type", "lot_size"})
    if (dataset.column(name) == nullptr) return false;
  return dataset.column("strike")->kind == Kind::decimal;
}

lake::TableName contracts_table(const Dataset& dataset) {
  return {lake::Layer::silver, dataset.table == "nse_fo" ? "contracts" : "contracts_" + dataset.table};
}

Status refresh_contracts(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(auto how, contracts_of_bronze(lake, dataset, budget));
  return follow_bronze(std::move(how), workers, budget);
}

Status refresh_derived(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget) {
  const auto silver = [&] {
    return dataset.silver_is_view ? Status::OK() : refresh_silver(lake, dataset, workers, budget);
  };
  if (!names_contracts(dataset) || !lake.table(lake::Layer::bronze, dataset.table).exists()) return silver();
  ARROW_ASSIGN_OR_RAISE(auto how, contracts_of_bronze(lake, dataset, budget));
  Following contracts(std::move(how), workers, budget);
  ARROW_RETURN_NOT_OK(contracts.derive());
  auto committed = std::async(std::launch::async, [&] { return contracts.commit(); });
  ARROW_RETURN_NOT_OK(silver());
  return committed.get();
}

}  // namespace tapemill::pipeline
