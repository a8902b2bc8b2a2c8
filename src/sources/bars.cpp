// Bars and ticks as JSON: Polygon's aggregates, Alpaca's REST and stream, Yahoo's charts, and any other by a field_mapping.
#include <algorithm>
#include <map>

#include "sources/csv.h"
#include "sources/feed.h"

namespace tapemill::sources {
namespace {

const std::vector<std::string> kCells{"symbol",       "time",     "open",      "high",  "low",    "close", "volume",
                                      "transactions", "vwap",     "adj_close", "price", "size",   "bid",   "bid_size",
                                      "ask",          "ask_size", "venue",     "id",    "rounded"};

using Cells = std::map<std::string_view, std::string>;
/// What the data set takes: bars (open), trades (price), quotes (bid).
bool takes(const Dataset& dataset, char type) {
  const char* column = type == 'b' ? "open" : type == 't' ? "price" : "bid";
  return dataset.column(column) != nullptr;
}
constexpr const char* kTypes[] = {"bars", "trades", "quotes"};

/// A feed's time of nanoseconds at microseconds, cut: never later than it was.
std::string micros(std::string_view time) {
  std::string out(time);
  const std::size_t point = out.find('.');
  if (point == std::string::npos) return out;
  std::size_t end = point + 1;
  while (end < out.size() && out[end] >= '0' && out[end] <= '9') ++end;
  if (end - point > 7) out.erase(point + 7, end - point - 7);
  return out;
}

/// One bar, trade or quote under one-letter names, as Polygon and Alpaca write them.
void add_short(const JsonValue& row, char type, std::string symbol, const Dataset& dataset, Records& out) {
  if (!row.is_map()) return out.refuse(row.raw, "parse", "is no map of a bar or tick");
  if (!takes(dataset, type))
    return out.refuse(row.raw, "type",
                      fmt::format("one of {}, which {} does not take",
                                  kTypes[type == 'b'   ? 0
                                         : type == 't' ? 1
                                                       : 2],
                                  dataset.table));
  auto text = [&](const char* key) { return std::string(row.text_of(key)); };
  Cells cells{{"symbol", std::move(symbol)}, {"time", micros(row.text_of("t"))}};
  auto put = [&](std::initializer_list<std::pair<const char*, const char*>> names) {
    for (auto [cell, key] : names) cells[cell] = text(key);
  };
  if (type == 'b')
    put({{"open", "o"},
         {"high", "h"},
         {"low", "l"},
         {"close", "c"},
         {"volume", "v"},
         {"transactions", "n"},
         {"vwap", "vw"}});
  else if (type == 't') put({{"price", "p"}, {"size", "s"}, {"venue", "x"}, {"id", "i"}});
  else put({{"bid", "bp"}, {"bid_size", "bs"}, {"ask", "ap"}, {"ask_size", "as"}, {"venue", "bx"}});
  if (type == 'b') cells["adj_close"] = cells["close"];
  out.add(row.raw, kCells, cells);
}

// --- Polygon: aggregates, one ticker or grouped ---
bool is_polygon(const JsonValue& document) {
  const JsonValue* first = document.at("results.0");
  return first != nullptr && first->find("o") != nullptr && first->find("t") != nullptr;
}
void read_polygon(const JsonValue& document, const Dataset& dataset, const FeedWords& words, const Form&,
                  Records& out) {
  const JsonValue* rows = document.find("results");
  if (rows == nullptr) return out.refuse(document.raw, "parse", "has no results");
  const bool adjusted = document.text_of("adjusted") == "true";
  for (const JsonValue& row : rows->items) {
    if (adjusted != words.split_adjusted && document.find("adjusted") != nullptr) {
      out.refuse(row.raw, "adjusted",
                 adjusted ? "prices are adjusted for splits: ask with adjusted=false, or say prices: split_adjusted"
                          : "prices are as traded, and the data set says prices: split_adjusted");
      continue;
    }
    std::string symbol(row.text_of("T"));
    add_short(row, 'b', symbol.empty() ? std::string(document.text_of("ticker")) : symbol, dataset, out);
  }
}

// --- Alpaca: REST by symbol, and the stream's lists of messages ---
bool is_alpaca(const JsonValue& document) {
  return document.find("bars") != nullptr || document.find("trades") != nullptr || document.find("quotes") != nullptr;
}
void read_alpaca(const JsonValue& document, const Dataset& dataset, const FeedWords&, const Form&, Records& out) {
  bool any = false;
  for (const char* kind : kTypes) {
    const JsonValue* rows = document.find(kind);
    if (rows == nullptr) continue;
    any = true;
    for (const JsonValue& row : rows->items)
      add_short(row, kind[0], std::string(document.text_of("symbol")), dataset, out);
    for (const auto& [symbol, list] : rows->members)
      for (const JsonValue& row : list.items) add_short(row, kind[0], symbol, dataset, out);
  }
  if (!any) out.refuse(document.raw, "parse", "has no bars, trades or quotes");
}
bool is_alpaca_stream(const JsonValue& document) {
  return document.is_list() && !document.items.empty() && document.items[0].find("T") != nullptr;
}
void read_alpaca_stream(const JsonValue& document, const Dataset& dataset, const FeedWords&, const Form&,
                        Records& out) {
  if (!document.is_list()) return out.refuse(document.raw, "parse", "is no list of messages");
  for (const JsonValue& row : document.items) {
    const std::string_view type = row.text_of("T");
    if (type == "b" || type == "t" || type == "q") add_short(row, type[0], std::string(row.text_of("S")), dataset, out);
    else out.refuse(row.raw, "type", fmt::format("a message of type \"{}\", no bar, trade or quote", type));
  }
}

// --- Yahoo: chart v8, a list a column ---
bool is_yahoo(const JsonValue& document) { return document.at("chart.result.0.indicators.quote.0") != nullptr; }
void read_yahoo(const JsonValue& document, const Dataset& dataset, const FeedWords&, const Form&, Records& out) {
  const JsonValue* result = document.at("chart.result.0");
  const JsonValue* times = result == nullptr ? nullptr : result->find("timestamp");
  const JsonValue* quote = result == nullptr ? nullptr : result->at("indicators.quote.0");
  if (times == nullptr || quote == nullptr) return out.refuse(document.raw, "parse", "has no chart with timestamps");
  const JsonValue* adjusted = result->at("indicators.adjclose.0.adjclose");
  const std::string symbol(result->at("meta.symbol") != nullptr ? result->at("meta.symbol")->text : "");
  for (std::size_t i = 0; i < times->items.size(); ++i) {
    const JsonValue& time = times->items[i];
    auto value = [&](const JsonValue* list) {
      return list != nullptr && i < list->items.size() ? list->items[i].text : std::string();
    };
    if (!takes(dataset, 'b')) {
      out.refuse(time.raw, "type", fmt::format("one of bars, which {} does not take", dataset.table));
      continue;
    }
    Cells cells{{"symbol", symbol}, {"time", time.text}};
    for (const char* name : {"open", "high", "low", "close", "volume"}) cells[name] = value(quote->find(name));
    cells["adj_close"] = value(adjusted);
    if (cells["adj_close"].empty()) cells["adj_close"] = cells["close"];
    out.add(time.raw, kCells, cells);  // a row of lists has no text of its own: its timestamp stands for it
  }
}

Form form_of(const Dataset& dataset, std::string name, const std::string& time) {
  Form form;
  form.name = std::move(name);
  form.header = kCells;
  form.multiline = true;
  for (const std::string& cell : kCells) form.takes.push_back(take_date(cell, cell, cell == "time" ? time : ""));
  form.takes.push_back(take_pattern("instrument_id", dataset.exchange + ":{symbol}"));
  form.takes.push_back(take_constant("exchange", dataset.exchange));
  form.takes.push_back(take_constant("source", form.name));
  form.takes.push_back(take_constant("received_at", ""));
  return form;
}

// --- any other, by the spec ---
/// What a cell gets where a document has nothing at its path: the names its column had before are looked for, then it is the
/// column's default.
struct Absent {
  std::vector<std::string> aliases;
  std::string text;
};
std::vector<Absent> absent_cells(const Dataset& dataset, const Form& form) {
  std::vector<Absent> cells(form.header.size());
  for (const Take& take : form.takes) {
    const Column* column = dataset.column(take.column);
    if (column == nullptr || take.from.size() != 1) continue;
    auto at = std::find(form.header.begin(), form.header.end(), take.from[0]);
    if (at == form.header.end()) continue;
    Absent& cell = cells[static_cast<std::size_t>(at - form.header.begin())];
    cell.text = column->fallback.value_or("");
    if (column->name == *at) cell.aliases = column->aliases;
  }
  return cells;
}

void read_mapped(const JsonValue& document, const Dataset& dataset, const FeedWords& words, const Form& form,
                 Records& out) {
  const JsonValue* rows = document.at(words.records);
  if (rows == nullptr) return out.refuse(document.raw, "parse", fmt::format("has no {}", words.records));
  const std::vector<Absent> absent = absent_cells(dataset, form);
  auto one = [&](const JsonValue& row) {
    if (!row.is_map() && !row.is_list()) return out.refuse(row.raw, "parse", "is no map or list of a row");
    std::vector<std::string> cells;
    for (const std::string& path : form.header) {
      const Absent& otherwise = absent[cells.size()];
      const JsonValue* value = row.at(path);
      for (std::size_t i = 0; i < otherwise.aliases.size() && value == nullptr; ++i)
        value = row.at(otherwise.aliases[i]);
      cells.push_back(value == nullptr                      ? otherwise.text
                      : value->is_map() || value->is_list() ? std::string(value->raw)
                                                            : value->text);
    }
    out.add(row.raw, cells);
  };
  if (!rows->is_list()) return one(*rows);
  for (const JsonValue& row : rows->items) one(row);
}

}  // namespace

std::vector<Feed> json_feeds(const Dataset& dataset) {
  if (!dataset.csv.empty())
    return {{mapped_form(dataset, "json", true),
             {},
             [](const JsonValue& document) { return document.is_map() || document.is_list(); },
             read_mapped}};
  std::vector<Feed> feeds;
  feeds.push_back({form_of(dataset, "polygon_json", "epoch_ms"), {}, is_polygon, read_polygon});
  feeds.push_back({form_of(dataset, "alpaca_json", ""), {}, is_alpaca, read_alpaca});
  feeds.push_back({form_of(dataset, "alpaca_stream", ""), {}, is_alpaca_stream, read_alpaca_stream});
  feeds.push_back({form_of(dataset, "yahoo_chart", "epoch_s"), {}, is_yahoo, read_yahoo});
  return feeds;
}

}  // namespace tapemill::sources
