#include "lake/index_views.h"

#include <algorithm>

#include "lake/sql_tokens.h"

namespace tapemill::lake {
namespace {

bool has(const Dataset& dataset, std::initializer_list<const char*> columns) {
  return std::all_of(columns.begin(), columns.end(), [&](const char* one) { return dataset.column(one) != nullptr; });
}

/// A row a symbol.
std::string symbols(const Dataset& dataset, const std::string& from) {
  const std::string session = quote_name(dataset.session_column);
  return fmt::format(
      "SELECT symbol, min({0}) AS first_date, max({0}) AS last_date, count(*) AS \"rows\", {1} AS exchange, "
      "max({0}) = (SELECT max({0}) FROM {2}) AS active FROM {2} WHERE symbol IS NOT NULL GROUP BY symbol ORDER BY "
      "symbol",
      session, dataset.exchange.empty() ? "CAST(NULL AS VARCHAR)" : quote_text(dataset.exchange), from);
}

/// A row a session: instruments count as advances and declines by their last close of it and of their session before.
std::string daily_stats(const Dataset& dataset, const std::string& from) {
  const std::string session = quote_name(dataset.session_column);
  const bool timed = dataset.column("time") != nullptr;
  const std::string last = timed ? "arg_max(close, time)" : "any_value(close)";
  const bool whole = dataset.column("volume")->kind != Kind::float64;
  return fmt::format(
      "SELECT day AS date, count(DISTINCT symbol) AS symbols, CAST(sum(n) AS BIGINT) AS \"rows\", "
      "CAST(sum(traded) AS {3}) AS volume, count(*) FILTER (WHERE price > earlier) AS advances, "
      "count(*) FILTER (WHERE price < earlier) AS declines FROM (SELECT *, lag(price) OVER (PARTITION BY instrument_id "
      "ORDER BY day) AS earlier FROM (SELECT instrument_id, {0} AS day, any_value(symbol) AS symbol, count(*) AS n, "
      "sum(volume) AS traded, {1} AS price FROM {2} GROUP BY instrument_id, {0})) GROUP BY day ORDER BY day",
      session, last, from, whole ? "BIGINT" : "DOUBLE");
}

/// A row an underlying, session and expiry.
std::string chains(const Dataset& dataset, const std::string& from) {
  const std::string underlying = dataset.column("underlying") != nullptr ? "underlying" : "symbol";
  return fmt::format(
      "SELECT {0} AS underlying, {1} AS date, expiry AS expiration_date, count(DISTINCT instrument_id) AS contracts, "
      "list(DISTINCT strike ORDER BY strike) FILTER (WHERE strike IS NOT NULL) AS strikes FROM {2} "
      "WHERE expiry IS NOT NULL GROUP BY ALL ORDER BY ALL",
      underlying, quote_name(dataset.session_column), from);
}

}  // namespace

std::optional<std::string> index_select(const std::string& index, const Dataset& dataset, const std::string& from) {
  if (dataset.column(dataset.session_column) == nullptr) return std::nullopt;
  if (index == "symbols") return has(dataset, {"symbol"}) ? std::optional(symbols(dataset, from)) : std::nullopt;
  if (index == "chains")
    return has(dataset, {"instrument_id", "symbol", "expiry", "strike"}) ? std::optional(chains(dataset, from))
                                                                         : std::nullopt;
  // A snapshot's close is the session's before, and its volume that of the session so far.
  const bool bars = has(dataset, {"instrument_id", "symbol", "close", "volume"}) && dataset.source != "snapshots_52";
  return index == "daily_stats" && bars ? std::optional(daily_stats(dataset, from)) : std::nullopt;
}

}  // namespace tapemill::lake
