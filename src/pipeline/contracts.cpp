#include "pipeline/contracts.h"

#include <arrow/api.h>

#include <algorithm>
#include <map>
#include <set>

#include "backtest/rules.h"
#include "core/hash.h"
#include "lake/rewrite.h"
#include "lake/writer.h"
#include "pipeline/derived.h"
#include "pipeline/ingest.h"

namespace tapemill::pipeline {
namespace {

constexpr int kScale = 2;  // of strikes, ticks and steps

std::shared_ptr<arrow::Schema> contracts_schema() {
  auto text = [](const char* name, bool null = true) { return arrow::field(name, arrow::utf8(), null); };
  auto money = [](const char* name) { return arrow::field(name, arrow::decimal64(18, kScale)); };
  return arrow::schema({text("instrument_id", false), text("symbol", false), text("contract"),
                        arrow::field("session", arrow::date32(), false), text("instrument_type", false),
                        arrow::field("expiry", arrow::date32(), false), arrow::field("actual_expiry", arrow::date32()),
                        text("expiry_kind", false), money("strike"), text("option_type"),
                        arrow::field("lot_size", arrow::int64()), text("lot_source"), money("tick_size"),
                        money("strike_step"),
                        arrow::field("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false)});
}

lake::Layout contracts_layout() {
  lake::Layout layout;
  layout.schema = contracts_schema();
  layout.partitions = {"year", "month"};
  layout.sort = {"symbol", "expiry", "strike", "option_type", "instrument_id", "session"};
  return layout;
}

/// What the rules of the exchange say where its file does not; nothing where no row answers.
class RuleFacts {
 public:
  explicit RuleFacts(const backtest::Rules& rules) : rules_(rules) {}
  std::optional<std::int64_t> find(const char* what, const std::string& symbol, Date session, Date expiry, int scale) {
    auto [at, fresh] = known_.try_emplace({what, symbol, session, expiry});
    if (fresh) {
      auto value = rules_.find({what, symbol, session, expiry, {}}, scale);
      if (value.ok()) at->second = *value;
    }
    return at->second;
  }

 private:
  const backtest::Rules& rules_;
  std::map<std::tuple<std::string, std::string, Date, Date>, std::optional<std::int64_t>> known_;
};

/// The rows of one unit, as plain vectors.
struct Chain {
  struct Row {
    std::string id, symbol, contract, type, option;
    Date session, expiry;
    std::optional<Date> actual;
    std::optional<std::int64_t> strike, lot;
    std::int64_t available = 0;
  };
  std::vector<Row> rows;
  std::map<std::tuple<Date, std::string, Date>, std::set<std::int64_t>> strikes;  // by session, symbol, expiry
  std::map<std::tuple<Date, std::string, int>, Date> last_of_month;                // year x 12 + month

  Status add(const arrow::RecordBatch& batch, int scale) {
    auto text = [&](const char* name, std::int64_t i) {
      auto column = batch.GetColumnByName(name);
      if (column == nullptr || column->IsNull(i)) return std::string();
      return static_cast<const arrow::StringArray&>(*column).GetString(i);
    };
    auto date = [&](const char* name, std::int64_t i) -> std::optional<Date> {
      auto column = batch.GetColumnByName(name);
      if (column == nullptr || column->IsNull(i)) return std::nullopt;
      return Date{static_cast<const arrow::Date32Array&>(*column).Value(i)};
    };
    for (std::int64_t i = 0; i < batch.num_rows(); ++i) {
      Row row;
      row.id = text("instrument_id", i), row.symbol = text("symbol", i), row.contract = text("contract", i);
      row.type = text("instrument_type", i), row.option = text("option_type", i);
      row.session = date("session", i).value_or(Date{}), row.expiry = date("expiry", i).value_or(Date{});
      row.actual = date("actual_expiry", i);
      if (auto strikes_in = batch.GetColumnByName("strike"); strikes_in->IsValid(i)) {
        const auto value = static_cast<std::int64_t>(
            arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(*strikes_in).GetValue(i)));
        row.strike = value / kPower(scale);
        strikes[{row.session, row.symbol, row.expiry}].insert(*row.strike);
      }
      if (auto lots = batch.GetColumnByName("lot_size"); lots->IsValid(i))
        row.lot = static_cast<const arrow::Int64Array&>(*lots).Value(i);
      row.available = static_cast<const arrow::TimestampArray&>(*batch.GetColumnByName("available_at")).Value(i);
      Date& last = last_of_month[{row.session, row.symbol, row.expiry.year() * 12 + row.expiry.month()}];
      last = std::max(last, row.expiry);
      rows.push_back(std::move(row));
    }
    return Status::OK();
  }

  /// To the nearer neighbour; nothing where there is one strike alone.
  std::optional<std::int64_t> step(const Row& row) const {
    if (!row.strike) return std::nullopt;
    const auto& all = strikes.at({row.session, row.symbol, row.expiry});
    auto at = all.find(*row.strike);
    std::optional<std::int64_t> least;
    if (at != all.begin()) least = *at - *std::prev(at);
    if (auto next = std::next(at); next != all.end()) least = std::min(least.value_or(INT64_MAX), *next - *at);
    return least;
  }
  bool monthly(const Row& row) const {
    return last_of_month.at({row.session, row.symbol, row.expiry.year() * 12 + row.expiry.month()}) == row.expiry;
  }

 private:
  static std::int64_t kPower(int scale) { return scale > kScale ? 100 : 1; }  // strikes of four digits; none is finer
};

Result<std::shared_ptr<arrow::RecordBatch>> rows_of(const Chain& chain, RuleFacts& rules, arrow::MemoryPool* pool) {
  const auto schema = contracts_schema();
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::RecordBatchBuilder::Make(schema, pool));
  auto text = [&](int column, const std::string& value) {
    auto* one = builder->GetFieldAs<arrow::StringBuilder>(column);
    return value.empty() ? one->AppendNull() : one->Append(value);
  };
  auto money = [&](int column, std::optional<std::int64_t> value) {
    auto* one = builder->GetFieldAs<arrow::Decimal64Builder>(column);
    return value ? one->Append(arrow::Decimal64(*value)) : one->AppendNull();
  };
  auto date = [&](int column, std::optional<Date> value) {
    auto* one = builder->GetFieldAs<arrow::Date32Builder>(column);
    return value ? one->Append(value->days) : one->AppendNull();
  };
  for (const Chain::Row& row : chain.rows) {
    std::optional<std::int64_t> lot = row.lot;
    std::string source = lot ? "file" : "";
    if (!lot && (lot = rules.find("lot_size", row.symbol, row.session, row.expiry, 0))) source = "rules";
    ARROW_RETURN_NOT_OK(text(0, row.id));
    ARROW_RETURN_NOT_OK(text(1, row.symbol));
    ARROW_RETURN_NOT_OK(text(2, row.contract));
    ARROW_RETURN_NOT_OK(date(3, row.session));
    ARROW_RETURN_NOT_OK(text(4, row.type));
    ARROW_RETURN_NOT_OK(date(5, row.expiry));
    ARROW_RETURN_NOT_OK(date(6, row.actual));
    ARROW_RETURN_NOT_OK(text(7, chain.monthly(row) ? "monthly" : "weekly"));
    ARROW_RETURN_NOT_OK(money(8, row.strike));
    ARROW_RETURN_NOT_OK(text(9, row.option));
    auto* lots = builder->GetFieldAs<arrow::Int64Builder>(10);
    ARROW_RETURN_NOT_OK(lot ? lots->Append(*lot) : lots->AppendNull());
    ARROW_RETURN_NOT_OK(text(11, source));
    const bool index = row.type.starts_with("ID") || row.type.ends_with("IDX");  // the rules' tick is the indices'
    ARROW_RETURN_NOT_OK(money(12, index ? rules.find("tick_size", row.symbol, row.session, row.expiry, kScale)
                                        : std::optional<std::int64_t>()));
    ARROW_RETURN_NOT_OK(money(13, chain.step(row)));
    ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::TimestampBuilder>(14)->Append(row.available));
  }
  return builder->Flush();
}

/// The unit's bytes as they stand in bronze, and the rules.
std::string origin_of(const lake::UnitState& state, const backtest::Rules& rules) {
  return sha256(fmt::format("{} {} {}", state.sha256, state.ordinal, rules.hash()));
}

Status derive_unit(const lake::Table& bronze, const lake::Snapshot& from, const lake::Table& table, int scale,
                   const backtest::Rules& rules, DerivedUnit& unit, MemoryBudget& budget) {
  Chain chain;
  ARROW_RETURN_NOT_OK(
      lake::stream_unit(bronze, from, unit.state, budget.pool(),
                        [&](const std::shared_ptr<arrow::RecordBatch>& batch) { return chain.add(*batch, scale); }));
  RuleFacts facts(rules);
  ARROW_ASSIGN_OR_RAISE(auto rows, rows_of(chain, facts, budget.pool()));
  unit.rows = rows->num_rows();
  lake::Provenance provenance{origin_of(unit.state, rules),
                              unit.state.unit,
                              unit.state.form,
                              unit.had ? *unit.had + 1 : 0,
                              {{"file", unit.state.source}}};
  ARROW_ASSIGN_OR_RAISE(unit.writer, lake::write_parts(table, contracts_layout(), provenance, budget));
  if (unit.rows > 0) ARROW_RETURN_NOT_OK(unit.writer->write(rows));
  return unit.writer->finish_unnamed().Value(&unit.made);
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
  const lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table),
                    table = lake.table(contracts_table(dataset));
  const lake::Layout layout = contracts_layout();
  std::string sort;
  for (const std::string& name : layout.sort) sort += (sort.empty() ? "" : ",") + name;
  ARROW_RETURN_NOT_OK(
      table.create(layout.schema, layout.partitions,
                   {{lake::kSort, sort}, {lake::kKey, "instrument_id,session"}, {lake::kSession, "session"}}));
  ARROW_ASSIGN_OR_RAISE(backtest::Rules rules, backtest::Rules::load("nse_fo"));
  const int scale = dataset.column("strike")->scale;
  constexpr std::size_t kAtOnce = 8;  // chains are held whole
  Derivation how{"contracts", bronze, table, layout, kAtOnce, ": tapemill contracts derives it anew", {}, {}};
  how.same = [&](const lake::UnitState& in_bronze, const lake::UnitState& derived) {
    return origin_of(in_bronze, rules) == derived.sha256;
  };
  how.derive = [&](const lake::Snapshot& from, DerivedUnit& unit) {
    return derive_unit(bronze, from, table, scale, rules, unit, budget);
  };
  return follow_bronze(how, workers, budget);
}

Status refresh_derived(const lake::Lake& lake, const Dataset& dataset, const Workers& workers, MemoryBudget& budget) {
  if (!dataset.silver_is_view) ARROW_RETURN_NOT_OK(refresh_silver(lake, dataset, workers, budget));
  if (!names_contracts(dataset) || !lake.table(lake::Layer::bronze, dataset.table).exists()) return Status::OK();
  return refresh_contracts(lake, dataset, workers, budget);
}

}  // namespace tapemill::pipeline
