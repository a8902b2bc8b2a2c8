#include "pipeline/contracts.h"

#include <arrow/api.h>

#include <map>

#include "command.h"
#include "core/decimal.h"
#include "core/json.h"
#include "lake/about.h"
#include "lake/scan.h"
#include "print.h"
#include "sources/contract_symbol.h"

namespace tapemill::app {
struct ContractsOptions {
  std::string name, table = "nse_fo", session, expiry;
  std::vector<std::string> symbols;
  bool changes = false;
  int limit = 40;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::ContractsOptions> =
    std::tuple{field("name", &app::ContractsOptions::name,
                     "one contract: BANKNIFTY25AUG48000CE, BANKNIFTY1941128500CE, NIFTY28MAR2420800CE"),
               field("symbols", &app::ContractsOptions::symbols, "underlyings, by commas"),
               field("session", &app::ContractsOptions::session, "as of this session (else the last one there is)"),
               field("expiry", &app::ContractsOptions::expiry, "contracts of this expiry, each, instead of expiries"),
               field("changes", &app::ContractsOptions::changes,
                     "contracts whose expiry, lot or strike is not what it was a session before"),
               field("table", &app::ContractsOptions::table, "the data set of contracts"),
               field("limit", &app::ContractsOptions::limit, "rows shown on a terminal (0: all)", 0, 1e9)};
}  // namespace tapemill

namespace tapemill::app {
namespace {

struct Row {
  std::string id, symbol, contract, kind, option, source;
  Date session, expiry;
  std::optional<std::int64_t> strike, lot, tick, step;  // at 10^-2, the lot whole
};

Result<std::vector<Row>> read(const lake::Lake& lake, const lake::ScanRequest& request, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto scan, lake::scan(lake, request, context.workers, context.budget->pool()));
  ARROW_ASSIGN_OR_RAISE(auto rows, scan.rows->CombineChunks(context.budget->pool()));
  std::vector<Row> out(static_cast<std::size_t>(rows->num_rows()));
  if (out.empty()) return out;
  auto array = [&](const char* name) -> const arrow::Array& { return *rows->GetColumnByName(name)->chunk(0); };
  auto text = [&](const char* name, std::int64_t i) {
    const auto& texts = static_cast<const arrow::StringArray&>(array(name));
    return texts.IsNull(i) ? std::string() : texts.GetString(i);
  };
  auto money = [&](const char* name, std::int64_t i) -> std::optional<std::int64_t> {
    const auto& values = static_cast<const arrow::Decimal64Array&>(array(name));
    if (values.IsNull(i)) return std::nullopt;
    return static_cast<std::int64_t>(arrow::Decimal64(values.GetValue(i)));
  };
  auto date = [&](const char* name, std::int64_t i) {
    return Date{static_cast<const arrow::Date32Array&>(array(name)).Value(i)};
  };
  const auto& lots = static_cast<const arrow::Int64Array&>(array("lot_size"));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    Row& row = out[static_cast<std::size_t>(i)];
    row.id = text("instrument_id", i), row.symbol = text("symbol", i), row.contract = text("contract", i);
    row.kind = text("expiry_kind", i), row.option = text("option_type", i), row.source = text("lot_source", i);
    row.session = date("session", i), row.expiry = date("expiry", i);
    row.strike = money("strike", i), row.tick = money("tick_size", i), row.step = money("strike_step", i);
    if (lots.IsValid(i)) row.lot = lots.Value(i);
  }
  return out;
}

Json number(std::optional<std::int64_t> value, int scale) {
  return value ? Json(to_double(*value, scale)) : Json(nullptr);
}
std::string shown(const Json& value) {
  if (value.is_null()) return kNull;
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return fmt::format("{:.2f}", value.get<double>());
}

/// A list of objects with the same keys, for people or as JSON.
void print_rows(const Json& rows, const std::string& key, Json document, const Context& context, int limit,
                const std::string& footer) {
  if (context.json) {
    document[key] = rows;
    return print(document);
  }
  std::vector<std::string> names;
  if (!rows.empty())
    for (const auto& [name, value] : rows[0].items()) names.push_back(name + (value.is_number() ? ">" : ""));
  TextTable text(names);
  int count = 0;
  for (const auto& row : rows) {
    if (limit > 0 && count++ == limit) break;
    std::vector<std::string> cells;
    for (const auto& [name, value] : row.items()) cells.push_back(shown(value));
    text.add(std::move(cells));
  }
  if (!rows.empty()) print(text.str(terminal_width()));
  const auto total = static_cast<std::int64_t>(rows.size());
  print(limit > 0 && total > limit
            ? fmt::format("{} of {} (--limit 0 shows all) · {}\n", limit, counted(total, "row"), footer)
            : fmt::format("{} · {}\n", counted(total, "row"), footer));
}

Json contract_json(const Row& row) {
  return {{"contract", row.contract.empty() ? row.id : row.contract},
          {"instrument_id", row.id},
          {"session", row.session.str()},
          {"expiry", row.expiry.str()},
          {"expiry_kind", row.kind},
          {"strike", number(row.strike, 2)},
          {"option_type", row.option.empty() ? Json(nullptr) : Json(row.option)},
          {"lot_size", number(row.lot, 0)},
          {"lot_source", row.source.empty() ? Json(nullptr) : Json(row.source)},
          {"tick_size", number(row.tick, 2)},
          {"strike_step", number(row.step, 2)}};
}

/// Expiries of each underlying: lot, how many strikes, and the step that most of them have.
Json expiries_json(const std::vector<Row>& rows) {
  struct Expiry {
    std::string kind;
    std::map<std::int64_t, int> lots, steps;
    std::int64_t contracts = 0;
    std::optional<std::int64_t> least, most;
  };
  std::map<std::pair<std::string, Date>, Expiry> all;
  for (const Row& row : rows) {
    Expiry& one = all[{row.symbol, row.expiry}];
    one.kind = row.kind, ++one.contracts;
    if (row.lot) ++one.lots[*row.lot];
    if (row.step) ++one.steps[*row.step];
    if (row.strike) one.least = std::min(one.least.value_or(INT64_MAX), *row.strike);
    if (row.strike) one.most = std::max(one.most.value_or(0), *row.strike);
  }
  Json out = Json::array();
  for (const auto& [key, one] : all) {
    std::optional<std::int64_t> step;
    int often = 0;
    for (auto [value, count] : one.steps)
      if (count > often) often = count, step = value;
    std::optional<std::int64_t> lot;
    if (one.lots.size() == 1) lot = one.lots.begin()->first;
    out.push_back({{"symbol", key.first},
                   {"expiry", key.second.str()},
                   {"expiry_kind", one.kind},
                   {"lot_size", number(lot, 0)},
                   {"contracts", one.contracts},
                   {"least_strike", number(one.least, 2)},
                   {"most_strike", number(one.most, 2)},
                   {"common_step", number(step, 2)}});
  }
  return out;
}

/// What is not as it was in the contract's session before.
Json changes_json(std::vector<Row> rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return std::tie(a.id, a.session) < std::tie(b.id, b.session); });
  Json out = Json::array();
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Row &was = rows[i - 1], &is = rows[i];
    if (was.id != is.id) continue;
    auto say = [&](const char* what, const Json& before, const Json& now) {
      if (before == now) return;
      out.push_back({{"instrument_id", is.id},
                     {"contract", is.contract},
                     {"session", is.session.str()},
                     {"what", what},
                     {"before", before},
                     {"after", now}});
    };
    say("expiry", was.expiry.str(), is.expiry.str());
    say("lot_size", number(was.lot, 0), number(is.lot, 0));
    say("strike", number(was.strike, 2), number(is.strike, 2));
  }
  return out;
}

Status one_contract(const std::string& name, const std::vector<Row>& rows, std::optional<Date> around,
                    Context& context) {
  sources::NseContract asked;
  std::string rule = "the exchange's own name";
  std::vector<const Row*> found;
  for (const Row& row : rows)
    if (row.contract == name || row.id == name) found.push_back(&row);
  if (found.empty()) {
    if (!sources::parse_nse_option(name, around, asked))
      return usage_error(fmt::format("{}: is no name of an NSE option", name),
                         "they look like BANKNIFTY25AUG48000CE, BANKNIFTY1941128500CE, NIFTY28MAR2420800CE");
    const bool monthly = asked.rule == sources::NseRule::monthly;
    rule = monthly                                  ? "monthly: the last expiry of its month in the chain"
           : asked.rule == sources::NseRule::weekly ? "weekly: the day is in the name"
                                                    : "dated: the day is in the name";
    for (const Row& row : rows) {
      const bool day = monthly ? row.kind == "monthly" && row.expiry.year() == asked.expiry.year() &&
                                     row.expiry.month() == asked.expiry.month()
                               : row.expiry == asked.expiry;
      if (row.symbol == asked.underlying && day && row.option == (asked.call ? "CE" : "PE") && row.strike &&
          *row.strike * 10 == asked.strike)
        found.push_back(&row);
    }
  }
  if (found.empty())
    return usage_error(
        fmt::format("{} is in no file of that session", name),
        "tapemill contracts --symbols UNDERLYING lists the expiries there are; --session names another day");
  Json list = Json::array();
  for (const Row* row : found) list.push_back(contract_json(*row));
  print_rows(list, "contracts", {{"name", name}, {"rule", rule}}, context, 0, rule);
  return Status::OK();
}

Status run(const ContractsOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, options.table));
  if (!pipeline::names_contracts(dataset))
    return usage_error(dataset.table + " holds no contracts", "its rows need an expiry, a strike and a lot size");
  const lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  if (!bronze.exists())
    return usage_error(fmt::format("there are no files of {} in this lake", dataset.table),
                       fmt::format("tapemill ingest {} PATH", dataset.table));
  ARROW_RETURN_NOT_OK(pipeline::refresh_contracts(lake, dataset, context.workers, *context.budget));
  lake::ScanRequest request;
  request.table = pipeline::contracts_table(dataset);
  request.columns = {"instrument_id", "symbol",      "contract", "session",    "expiry",    "expiry_kind",
                     "strike",        "option_type", "lot_size", "lot_source", "tick_size", "strike_step"};
  request.symbols = options.symbols;
  ARROW_ASSIGN_OR_RAISE(auto snapshot, lake.table(request.table).snapshot());
  std::optional<Date> session, expiry;
  for (auto [text, out] : {std::pair{&options.session, &session}, {&options.expiry, &expiry}}) {
    if (text->empty()) continue;
    auto date = Date::parse(*text);
    if (!date.ok()) return usage_error(date.status().message(), "dates are written 2025-01-02");
    *out = *date;
  }
  if (!options.changes) {
    if (!session)
      if (auto range = lake::sessions_of(snapshot)) session = range->second;
    request.start = request.end = session;
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, read(lake, request, context));
  if (expiry) std::erase_if(rows, [&](const Row& row) { return row.expiry != *expiry; });
  const std::string at = fmt::format("{} version {}", request.table.table, snapshot.version);
  if (!options.name.empty()) return one_contract(options.name, rows, session, context);
  if (options.changes) {
    print_rows(changes_json(std::move(rows)), "changes", Json::object(), context, options.limit, at);
    return Status::OK();
  }
  const std::string day = session ? session->str() : "";
  if (!expiry) {
    print_rows(expiries_json(rows), "expiries", {{"session", day}}, context, options.limit, at + " · session " + day);
    return Status::OK();
  }
  Json list = Json::array();
  for (const Row& row : rows) list.push_back(contract_json(row));
  print_rows(list, "contracts", {{"session", day}}, context, options.limit, at + " · session " + day);
  return Status::OK();
}
}  // namespace

Command contracts_command() {
  return command<ContractsOptions>("contracts", "Contracts out of the exchange's files: lots, expiries, strikes, steps",
                                   {"?name"},
                                   "  tapemill contracts --symbols NIFTY,BANKNIFTY\n"
                                   "  tapemill contracts BANKNIFTY25FEB48000CE --session 2025-01-02 --json\n"
                                   "  tapemill contracts --changes",
                                   run);
}

}  // namespace tapemill::app
