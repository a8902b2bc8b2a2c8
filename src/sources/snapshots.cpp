#include "sources/snapshots.h"

#include <filesystem>

#include "sources/contract_symbol.h"
#include "sources/days.h"

namespace tapemill::sources {
namespace {

/// A fraction of a second is cut off; 1970 says that the provider had no time.
bool usable(std::string_view text, Days& days, Instant& out) {
  if (text.empty() || text == "-" || !days.wall_clock(text, out)) return false;
  out.us -= ((out.us % kSecond) + kSecond) % kSecond;
  return out.us > 366 * kDay;
}

Outcome snapshot_time(const std::string_view* texts, const Column&, Days& days, std::int64_t& out) {
  for (int i = 0; i < 3; ++i) {
    Instant t;
    if (!usable(texts[i], days, t)) continue;
    out = t.us;
    return Outcome::ok();
  }
  return Outcome::refuse("is no usable time, and neither is ts or lastTradeTime");
}

Outcome call_or_put(const std::string_view* texts, std::string_view& out) {
  std::string_view t = texts[0];
  if (t.empty() || t == "-") return Outcome::nothing();
  if (t == "CE" || t == "ce" || t == "C" || t == "c") return out = "CE", Outcome::ok();
  if (t == "PE" || t == "pe" || t == "P" || t == "p") return out = "PE", Outcome::ok();
  return Outcome::refuse("is none of CE, PE, C, P");
}

/// The file's name up to its first dot, as an instrument.
std::string stem(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  return name.substr(0, name.find(".csv"));
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

/// BANKNIFTY of BANKNIFTY, BANKNIFTY25AUGFUT, BANKNIFTY_SPOT.
std::string underlying_of(const std::string& symbol) {
  std::size_t end = symbol.find_first_of("0123456789_-. ");
  return end == std::string::npos || end == 0 ? symbol : symbol.substr(0, end);
}

}  // namespace

Form snapshots_form(const Dataset& dataset, const FileInfo& info) {
  Form form;
  form.name = "snapshots_52";
  form.header = {"timestamp", "price", "qty",   "avgPrice",  "volume",        "bQty", "sQty",   "open",
                 "high",      "low",   "close", "changeper", "lastTradeTime", "oi",   "oiHigh", "oiLow"};
  form.takes = {take("price", "price"),
                take("qty", "qty"),
                take("average_price", "avgPrice"),
                take("volume", "volume"),
                take("bid_total", "bQty"),
                take("ask_total", "sQty"),
                take("open", "open"),
                take("high", "high"),
                take("low", "low"),
                take("close", "close"),
                take("change_percent", "changeper"),
                take("oi", "oi"),
                take("oi_high", "oiHigh"),
                take("oi_low", "oiLow")};
  for (int level = 0; level < 5; ++level)
    for (const char* name : {"bq", "bp", "bo", "sq", "sp", "so"}) {
      std::string column = name + std::to_string(level);
      form.header.push_back(column);
      form.takes.push_back(take(column, column));
    }
  for (const char* name : {"ts", "symbol", "opt_type", "strike", "year", "month"}) form.header.emplace_back(name);
  form.optional = {"volactual"};
  form.dash_is_null = true;
  form.takes.push_back(take("volume_actual", "volactual"));
  form.takes.push_back(take_rule("time", {"timestamp", "ts", "lastTradeTime"}, snapshot_time));

  const std::string exchange = dataset.exchange.empty() ? "NSE" : dataset.exchange;
  NseContract contract;
  if (parse_nse_option(stem(info.path), info.begins, contract)) {
    form.takes.push_back(take_constant("instrument_id", exchange + ":" + contract.symbol));
    form.takes.push_back(take_constant("symbol", contract.symbol));
    form.takes.push_back(take_constant("underlying", contract.underlying));
    form.takes.push_back(take_constant("expiry", contract.expiry.str()));
    form.takes.push_back(take_constant("option_type", contract.call ? "CE" : "PE"));
    form.takes.push_back(take_constant("strike", format_decimal(contract.strike, 3)));
  } else {
    const std::string symbol = upper(stem(info.path));
    form.takes.push_back(take_constant("instrument_id", exchange + ":" + symbol));
    form.takes.push_back(take_constant("symbol", symbol));
    form.takes.push_back(take_constant("underlying", underlying_of(symbol)));
    form.takes.push_back(take_constant("expiry", ""));
    form.takes.push_back(take_text("option_type", {"opt_type"}, call_or_put));
    form.takes.push_back(take("strike", "strike"));
  }
  return form;
}

}  // namespace tapemill::sources
