// Corporate actions out of the feeds that tell them: NSE (JSON and CSV), Polygon's reference JSON, Yahoo's chart events.
#include <algorithm>
#include <map>

#include "core/decimal.h"
#include "sources/action_subject.h"
#include "sources/days.h"
#include "sources/feed.h"

namespace tapemill::sources {
namespace {

__extension__ using Wide = __int128;

const std::vector<std::string> kCells{
    "symbol",       "isin",      "series",        "name",         "kind",   "number",   "ex_date",    "record_date",
    "payment_date", "announced", "shares_before", "shares_after", "amount", "currency", "face_value", "subject"};

/// From when an action may be used: the day after it was announced, no later than its ex-date where it was announced before
/// that; of an action whose announcement nobody says, its ex-date. Midnight of the exchange.
Outcome known_from(const std::string_view* texts, const Column&, Days& days, std::int64_t& out) {
  Date ex, announced;
  if (!days.parse(texts[0], "", ex)) return Outcome::nothing();
  Date from = ex;
  if (!texts[1].empty()) {
    if (!days.parse(texts[1], "", announced)) return Outcome::refuse("is no date");
    from = announced + 1;
    if (announced <= ex) from = std::min(from, ex);
  }
  return out = days.midnight(from).us, Outcome::ok();
}

/// One action, under the names of kCells.
using Cells = std::map<std::string_view, std::string>;
/// "28-Oct-2024" or ISO -> ISO; "-" and nothing -> nothing; what is no date stays, for its refusal.
std::string iso_date(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty() || text == "-") return {};
  for (const char* format : {"%d-%b-%Y", "%d/%m/%Y"})
    if (auto date = Date::parse(text, format); date.ok()) return date->str();
  return std::string(text);
}

/// Kinds that stand several times on one ex-date (interim and special dividends) are numbered.
class Numbers {
 public:
  std::string next(const std::string& kind) { return std::to_string(++count_[kind]); }

 private:
  std::map<std::string, int> count_;
};

// --- NSE ---
struct NseNames {
  const char *symbol, *series, *name, *face, *subject, *ex, *record, *isin, *announced;
};
constexpr NseNames kNseJson{"symbol", "series",  "comp", "faceVal",        "subject",
                            "exDate", "recDate", "isin", "caBroadcastDate"};
constexpr NseNames kNseCsv{"SYMBOL", "SERIES", "COMPANY NAME", "FACE VALUE", "PURPOSE", "EX-DATE", "RECORD DATE",
                           "",       ""};

void read_nse_row(const JsonValue& row, const NseNames& names, Records& out) {
  if (!row.is_map()) return out.refuse(row.raw, "parse", "is no map of an action");
  const std::string subject(row.text_of(names.subject)), face(row.text_of(names.face));
  std::string isin(row.text_of(names.isin));
  if (isin.size() != 12) isin.clear();  // old rows have a number there
  Numbers numbers;
  for (const SubjectAction& action : parse_subject(subject, face)) {
    if (!action.refusal.empty()) {
      out.refuse(row.raw, "subject", action.refusal);
      continue;
    }
    Cells cells{{"symbol", std::string(row.text_of(names.symbol))},
                {"isin", isin},
                {"series", std::string(row.text_of(names.series))},
                {"name", std::string(row.text_of(names.name))},
                {"kind", action.kind},
                {"number", numbers.next(action.kind)},
                {"ex_date", iso_date(row.text_of(names.ex))},
                {"record_date", iso_date(row.text_of(names.record))},
                {"announced", iso_date(row.text_of(names.announced))},
                {"amount", action.amount},
                {"currency", action.amount.empty() ? "" : "INR"},
                {"face_value", face == "-" ? "" : face},
                {"subject", subject}};
    if (action.shares_before > 0)
      cells["shares_before"] = std::to_string(action.shares_before),
      cells["shares_after"] = std::to_string(action.shares_after);
    out.add(row.raw, kCells, cells);
  }
}

bool is_nse(const JsonValue& document) {
  const JsonValue* rows = document.is_map() ? document.find("data") : &document;
  if (rows != nullptr && rows->is_map()) return rows->find("subject") != nullptr && rows->find("exDate") != nullptr;
  return rows != nullptr && rows->is_list() && !rows->items.empty() && rows->items[0].find("subject") != nullptr &&
         rows->items[0].find("exDate") != nullptr;
}
void read_nse(const JsonValue& document, const Dataset&, const FeedWords&, const Form&, Records& out) {
  const JsonValue* rows = document.find("data") != nullptr ? document.find("data") : &document;
  if (!rows->is_list()) return read_nse_row(*rows, kNseJson, out);
  for (const JsonValue& row : rows->items) read_nse_row(row, kNseJson, out);
}
void read_nse_csv(const JsonValue& row, const Dataset&, const FeedWords&, const Form&, Records& out) {
  read_nse_row(row, kNseCsv, out);
}

// --- Polygon: /v3/reference/splits and /v3/reference/dividends ---
const JsonValue* results(const JsonValue& document, const char* key) {
  const JsonValue* rows = document.find("results");
  if (rows == nullptr || !rows->is_list() || rows->items.empty()) return nullptr;
  return rows->items[0].find(key) != nullptr ? rows : nullptr;
}
bool is_polygon(const JsonValue& document) {
  return results(document, "execution_date") != nullptr || results(document, "ex_dividend_date") != nullptr;
}
void read_polygon(const JsonValue& document, const Dataset&, const FeedWords&, const Form&, Records& out) {
  const JsonValue* rows = document.find("results");
  if (rows == nullptr) return out.refuse(document.raw, "parse", "has no results");
  std::map<std::string, Numbers> numbers;  // by ticker and date
  for (const JsonValue& row : rows->items) {
    auto text = [&](const char* key) { return std::string(row.text_of(key)); };
    Cells cells{{"symbol", text("ticker")}};
    if (row.find("execution_date") != nullptr) {
      std::int64_t from = 0, to = 0;
      if (!whole_ratio(text("split_from"), text("split_to"), from, to)) {
        out.refuse(row.raw, "subject", "a split says positive split_from and split_to");
        continue;
      }
      cells["kind"] = to > from ? "split" : "consolidation";
      cells["ex_date"] = text("execution_date");
      cells["shares_before"] = std::to_string(from), cells["shares_after"] = std::to_string(to);
      cells["subject"] = fmt::format("{} for {}", text("split_to"), text("split_from"));
    } else {
      cells["kind"] = "dividend";
      cells["ex_date"] = text("ex_dividend_date"), cells["announced"] = text("declaration_date");
      cells["record_date"] = text("record_date"), cells["payment_date"] = text("pay_date");
      cells["amount"] = text("cash_amount"), cells["currency"] = text("currency");
      cells["subject"] = "dividend " + text("dividend_type");
    }
    cells["number"] = numbers[cells["symbol"] + " " + cells["ex_date"]].next(cells["kind"]);
    out.add(row.raw, kCells, cells);
  }
}

// --- Yahoo: chart v8, events ---
bool is_yahoo(const JsonValue& document) { return document.at("chart.result.0.meta.symbol") != nullptr; }

struct YahooEvent {
  Date ex;
  const JsonValue* value;
  std::int64_t before = 0, after = 0;
};
std::vector<YahooEvent> yahoo_events(const JsonValue& result, const char* kind, const Zone& zone, Records& out) {
  std::vector<YahooEvent> all;
  const JsonValue* events = result.at(std::string("events.") + kind);
  if (events == nullptr) return all;
  for (const auto& [key, value] : events->members) {
    std::int64_t seconds = 0;
    if (parse_decimal(value.text_of("date"), 0, seconds) != DecimalParse::ok || std::abs(seconds) > 10'000'000'000) {
      out.refuse(value.raw, "subject", "an event says its date in seconds");
      continue;
    }
    all.push_back({zone.local_date(Instant{seconds * kSecond}), &value});
  }
  return all;
}
void read_yahoo(const JsonValue& document, const Dataset&, const FeedWords& words, const Form&, Records& out) {
  const JsonValue* result = document.at("chart.result.0");
  if (result == nullptr) return out.refuse(document.raw, "parse", "has no chart");
  const JsonValue& meta = *result->find("meta");
  std::string symbol(meta.text_of("symbol"));
  if (symbol.ends_with(".NS") || symbol.ends_with(".BO")) symbol.resize(symbol.size() - 3);
  auto zone = Zone::named(meta.text_of("exchangeTimezoneName"));
  if (!zone.ok()) return out.refuse(document.raw, "subject", "its meta names no time zone");
  auto splits = yahoo_events(*result, "splits", *zone, out);
  for (YahooEvent& one : splits) {
    if (!whole_ratio(one.value->text_of("denominator"), one.value->text_of("numerator"), one.before, one.after)) {
      out.refuse(one.value->raw, "subject", "a split says positive numerator and denominator");
      continue;
    }
    out.add(one.value->raw, kCells,
            {{"symbol", symbol},
             {"kind", one.after > one.before ? "split" : "consolidation"},
             {"number", "1"},
             {"ex_date", one.ex.str()},
             {"shares_before", std::to_string(one.before)},
             {"shares_after", std::to_string(one.after)},
             {"subject", std::string(one.value->text_of("splitRatio"))}});
  }
  for (const YahooEvent& one : yahoo_events(*result, "dividends", *zone, out)) {
    // Yahoo restates a dividend for every later split; what was paid on a share of its day is more by those.
    std::int64_t amount = 0;
    std::string text(one.value->text_of("amount"));
    if (words.floats_rounded) round_decimal(text, 6);
    if (parse_decimal(text, 6, amount) == DecimalParse::ok) {
      Wide paid = amount, divisor = 1;
      for (const YahooEvent& split : splits)
        if (split.ex > one.ex && split.before > 0) paid *= split.after, divisor *= split.before;
      paid = (2 * paid + divisor) / (2 * divisor);
      if (paid <= 999'999'999'999'999'999) text = format_decimal(static_cast<std::int64_t>(paid), 6);
    }
    out.add(one.value->raw, kCells,
            {{"symbol", symbol},
             {"kind", "dividend"},
             {"number", "1"},
             {"ex_date", one.ex.str()},
             {"amount", text},
             {"currency", std::string(meta.text_of("currency"))},
             {"subject", "dividend"}});
  }
}

Form form_of(const Dataset& dataset, std::string name) {
  Form form;
  form.name = std::move(name);
  form.header = kCells;
  form.multiline = true;
  for (const std::string& cell : kCells) form.takes.push_back(take(cell == "ex_date" ? "session" : cell, cell));
  form.takes.push_back(take_constant("exchange", dataset.exchange));
  form.takes.push_back(take_constant("feed", form.name));
  form.takes.push_back(take_constant("delivery", ""));  // the file's name
  form.takes.push_back(take_rule("available_at", {"ex_date", "announced"}, known_from));
  return form;
}

}  // namespace

std::vector<Feed> action_feeds(const Dataset& dataset) {
  std::vector<Feed> feeds;
  feeds.push_back({form_of(dataset, "nse_actions"), {}, is_nse, read_nse});
  feeds.push_back(
      {form_of(dataset, "nse_actions_csv"), {"SYMBOL", "SERIES", "PURPOSE", "EX-DATE"}, nullptr, read_nse_csv});
  feeds.push_back({form_of(dataset, "polygon_reference"), {}, is_polygon, read_polygon});
  feeds.push_back({form_of(dataset, "yahoo_events"), {}, is_yahoo, read_yahoo});
  return feeds;
}

}  // namespace tapemill::sources
