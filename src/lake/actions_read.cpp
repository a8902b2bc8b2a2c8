// The tables of corporate actions, read into one list.
#include <arrow/api.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "lake/about.h"
#include "lake/adjust.h"

namespace tapemill::lake {
namespace {

std::vector<Dataset> action_tables(const Lake& lake, const std::string& exchange) {
  std::vector<Dataset> all = datasets_in(lake);
  std::erase_if(all, [&](const Dataset& one) { return one.source != "corporate_actions" || one.exchange != exchange; });
  return all;
}

int rank_of(const std::string& feed) { return feed.starts_with("nse") ? 0 : feed.starts_with("polygon") ? 1 : 2; }

/// Columns of a combined table, by name.
template <class Array>
const Array& column(const arrow::Table& rows, const char* name) {
  return static_cast<const Array&>(*rows.GetColumnByName(name)->chunk(0));
}

Status read_table(const Lake& lake, const TableName& name, std::optional<std::int64_t> version,
                  const std::vector<std::string>& symbols, std::optional<Instant> known_at, const Workers& workers,
                  CorporateActions& out) {
  ScanRequest request;
  request.table = name;
  request.version = version;
  request.known_at = known_at;
  constexpr std::size_t kFew = 1000;  // more are read with all others
  if (symbols.size() <= kFew) request.symbols = symbols;
  request.columns = {"symbol",       "series", "kind", "number",   "ex_date",     "shares_before",
                     "shares_after", "amount", "feed", "delivery", "available_at"};
  ARROW_ASSIGN_OR_RAISE(ScanResult found, scan(lake, request, workers));
  out.tables.emplace_back(name, found.version);
  ARROW_ASSIGN_OR_RAISE(auto rows, found.rows->CombineChunks());
  if (rows->num_rows() == 0) return Status::OK();
  const auto text = [&](const char* key, std::int64_t i) {
    const auto& texts = column<arrow::StringArray>(*rows, key);
    return texts.IsNull(i) ? std::string() : texts.GetString(i);
  };
  const auto& days = column<arrow::Date32Array>(*rows, "ex_date");
  const auto& numbers = column<arrow::Int32Array>(*rows, "number");
  const auto &before = column<arrow::Int64Array>(*rows, "shares_before"),
             &after = column<arrow::Int64Array>(*rows, "shares_after");
  const auto& amounts = column<arrow::Decimal64Array>(*rows, "amount");
  const auto& known = column<arrow::TimestampArray>(*rows, "available_at");
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    CorporateAction one;
    one.symbol = text("symbol", i), one.series = text("series", i), one.kind = text("kind", i);
    if (!symbols.empty() && std::find(symbols.begin(), symbols.end(), one.symbol) == symbols.end()) continue;
    one.feed = text("feed", i), one.delivery = text("delivery", i);
    one.ex_date = Date{days.Value(i)}, one.number = numbers.IsNull(i) ? 1 : numbers.Value(i),
    one.known = Instant{known.Value(i)};
    if (before.IsValid(i) && after.IsValid(i)) one.before = before.Value(i), one.after = after.Value(i);
    if (amounts.IsValid(i)) one.amount = static_cast<std::int64_t>(arrow::Decimal64(amounts.GetValue(i)));
    if (one.before > 0 || one.amount > 0) out.list.push_back(std::move(one));
  }
  return Status::OK();
}

/// What tells one action from another, beside who says so.
auto key_of(const CorporateAction& one) { return std::tie(one.symbol, one.ex_date, one.kind, one.number, one.series); }

/// One entry an action: of the best feed that tells of its symbol, known since the first delivery.
Status settle(std::vector<CorporateAction>& list) {
  std::map<std::pair<std::string, bool>, int> best;  // by symbol, and whether shares change
  for (const CorporateAction& one : list) {
    auto [at, fresh] = best.try_emplace({one.symbol, one.before > 0}, rank_of(one.feed));
    at->second = std::min(at->second, rank_of(one.feed));
  }
  std::erase_if(list,
                [&](const CorporateAction& one) { return rank_of(one.feed) > best[{one.symbol, one.before > 0}]; });
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tuple_cat(key_of(a), std::tie(a.known)) < std::tuple_cat(key_of(b), std::tie(b.known));
  });
  std::vector<CorporateAction> once;
  for (CorporateAction& one : list) {
    if (once.empty() || key_of(once.back()) != key_of(one)) {
      once.push_back(std::move(one));
      continue;
    }
    const CorporateAction& other = once.back();
    if (other.before != one.before || other.after != one.after || other.amount != one.amount)
      return data_error(fmt::format("{} of {} on {}: {} and {} disagree", one.kind, one.symbol, one.ex_date.str(),
                                    other.delivery, one.delivery),
                        "ingest the right one again under the other's name: it replaces that file's rows");
  }
  list = std::move(once);
  return Status::OK();
}

}  // namespace

bool has_actions(const Lake& lake, const std::string& exchange) { return !action_tables(lake, exchange).empty(); }

Result<CorporateActions> actions_of(const Lake& lake, const std::string& exchange,
                                    const std::vector<std::string>& symbols, std::optional<Instant> known_at,
                                    const std::map<std::string, std::int64_t>& versions, const Workers& workers) {
  const auto tables = action_tables(lake, exchange);
  if (tables.empty())
    return usage_error(fmt::format("there are no corporate actions of exchange {} in this lake to adjust by", exchange),
                       fmt::format("tapemill ingest {} FILES; without them prices are shown as they were traded",
                                   exchange == "US" ? "us_corporate_actions" : "corporate_actions"));
  CorporateActions out;
  for (const Dataset& table : tables) {
    const TableName name{Layer::bronze, table.table};
    auto version = versions.find(name.str());
    ARROW_RETURN_NOT_OK(read_table(lake, name,
                                   version == versions.end() ? std::nullopt : std::optional(version->second), symbols,
                                   known_at, workers, out));
  }
  ARROW_RETURN_NOT_OK(settle(out.list));
  return out;
}

}  // namespace tapemill::lake
