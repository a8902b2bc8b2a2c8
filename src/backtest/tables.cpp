#include "backtest/tables.h"

#include <arrow/builder.h>
#include <arrow/util/decimal.h>

#include <cmath>

#include "core/decimal.h"

namespace tapemill::backtest {

Status TableMaker::add(const char* name, arrow::ArrayBuilder& builder) {
  ARROW_ASSIGN_OR_RAISE(auto column, builder.Finish());
  fields_.push_back(arrow::field(name, column->type()));
  columns_.push_back(std::move(column));
  return Status::OK();
}
Status TableMaker::text(const char* name, const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(values));
  return add(name, builder);
}
Status TableMaker::decimal(const char* name, int scale, const std::vector<std::int64_t>& values) {
  arrow::Decimal64Builder builder(arrow::decimal64(18, scale));
  for (std::int64_t value : values) {
    ARROW_RETURN_NOT_OK(value == kNullPrice ? builder.AppendNull() : builder.Append(arrow::Decimal64(value)));
  }
  return add(name, builder);
}
Status TableMaker::whole(const char* name, const std::vector<std::int64_t>& values) {
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(values));
  return add(name, builder);
}
Status TableMaker::real(const char* name, const std::vector<double>& values) {
  arrow::DoubleBuilder builder;
  for (double value : values) ARROW_RETURN_NOT_OK(std::isnan(value) ? builder.AppendNull() : builder.Append(value));
  return add(name, builder);
}
Status TableMaker::flag(const char* name, const std::vector<bool>& values) {
  arrow::BooleanBuilder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(values));
  return add(name, builder);
}
Status TableMaker::date(const char* name, const std::vector<Date>& values) {
  arrow::Date32Builder builder;
  for (Date value : values) ARROW_RETURN_NOT_OK(builder.Append(value.days));
  return add(name, builder);
}
Status TableMaker::instant(const char* name, const std::vector<Instant>& values) {
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool());
  for (Instant value : values) ARROW_RETURN_NOT_OK(builder.Append(value.us));
  return add(name, builder);
}

namespace {

/// A column's values out of rows by a member or a function.
template <class Rows, class F>
auto each(const Rows& rows, F value) {
  std::vector<std::decay_t<decltype(value(rows[0]))>> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(value(row));
  return out;
}
#define TAPEMILL_EACH(rows, expression) each(rows, [&]([[maybe_unused]] const auto& r) { return expression; })

double seconds(Instant from, Instant to) { return static_cast<double>(to.us - from.us) / 1e6; }

}  // namespace

Result<Outcome> outcome_of(const DailyResult& result, const DailyMarket& market, const std::string& currency) {
  Outcome out;
  const auto& trades = result.trades;
  int scale = market.scale;
  auto return_of = [&](const DailyTrade& t) {
    return static_cast<double>(t.pnl) / (static_cast<double>(t.entry_price) * static_cast<double>(t.size));
  };
  TableMaker t;
  ARROW_RETURN_NOT_OK(t.text("Symbol", TAPEMILL_EACH(trades, market.instruments[r.instrument].symbol)));
  ARROW_RETURN_NOT_OK(t.text("InstrumentId", TAPEMILL_EACH(trades, market.instruments[r.instrument].instrument)));
  ARROW_RETURN_NOT_OK(t.whole("Size", TAPEMILL_EACH(trades, r.size)));
  ARROW_RETURN_NOT_OK(t.whole("EntryBar", TAPEMILL_EACH(trades, r.entry_bar)));
  ARROW_RETURN_NOT_OK(t.whole("ExitBar", TAPEMILL_EACH(trades, r.exit_bar)));
  ARROW_RETURN_NOT_OK(t.decimal("EntryPrice", scale, TAPEMILL_EACH(trades, r.entry_price)));
  ARROW_RETURN_NOT_OK(t.decimal("ExitPrice", scale, TAPEMILL_EACH(trades, r.exit_price)));
  ARROW_RETURN_NOT_OK(t.decimal("SL", scale, TAPEMILL_EACH(trades, r.stop > 0 ? r.stop : kNullPrice)));
  ARROW_RETURN_NOT_OK(t.decimal("TP", scale, TAPEMILL_EACH(trades, r.target > 0 ? r.target : kNullPrice)));
  ARROW_RETURN_NOT_OK(t.decimal("PnL", scale, TAPEMILL_EACH(trades, r.pnl)));
  ARROW_RETURN_NOT_OK(t.decimal("Commission", scale, TAPEMILL_EACH(trades, r.commission)));
  ARROW_RETURN_NOT_OK(t.real("ReturnPct", TAPEMILL_EACH(trades, return_of(r))));
  ARROW_RETURN_NOT_OK(t.instant("EntryTime", TAPEMILL_EACH(trades, r.entry_time)));
  ARROW_RETURN_NOT_OK(t.instant("ExitTime", TAPEMILL_EACH(trades, r.exit_time)));
  ARROW_RETURN_NOT_OK(t.whole("Duration", TAPEMILL_EACH(trades, r.exit_bar - r.entry_bar)));
  ARROW_RETURN_NOT_OK(t.text("Tag", TAPEMILL_EACH(trades, r.tag)));
  out.trades = t.table();

  const auto& equity = result.equity;
  Performance& p = out.performance;
  p.capital = to_double(result.capital, scale);
  p.currency = currency;
  p.buy_and_hold = result.buy_and_hold;
  p.sessions = TAPEMILL_EACH(equity, r.session);
  p.equity = TAPEMILL_EACH(equity, to_double(r.equity, scale));
  p.exposed.assign(equity.size(), 0);
  for (const DailyTrade& trade : trades) {
    for (auto i = trade.entry_bar; i <= trade.exit_bar; ++i) p.exposed[static_cast<std::size_t>(i)] = 1;
  }
  p.trade_pnl = TAPEMILL_EACH(trades, to_double(r.pnl, scale));
  p.trade_return = TAPEMILL_EACH(trades, return_of(r));
  p.trade_seconds = TAPEMILL_EACH(trades, seconds(r.entry_time, r.exit_time));

  TableMaker e;
  ARROW_RETURN_NOT_OK(e.date("session", p.sessions));
  ARROW_RETURN_NOT_OK(e.instant("time", TAPEMILL_EACH(equity, r.time)));
  ARROW_RETURN_NOT_OK(e.decimal("cash", scale, TAPEMILL_EACH(equity, r.cash)));
  ARROW_RETURN_NOT_OK(e.decimal("holdings", scale, TAPEMILL_EACH(equity, r.holdings)));
  ARROW_RETURN_NOT_OK(e.decimal("equity", scale, TAPEMILL_EACH(equity, r.equity)));
  ARROW_RETURN_NOT_OK(e.whole("positions", TAPEMILL_EACH(equity, std::int64_t{r.positions})));
  ARROW_RETURN_NOT_OK(e.real("buy_and_hold", TAPEMILL_EACH(equity, r.held)));
  out.equity = e.table();
  return out;
}

std::string option_name(const std::string& symbol, const OptionTrade& trade) {
  return fmt::format("{} {} {} {}", symbol, trade.expiry.str(),
                     trade.strike % 100 == 0 ? std::to_string(trade.strike / 100) : format_decimal(trade.strike, 2),
                     trade.call ? "CE" : "PE");
}

Result<Outcome> outcome_of(const std::vector<OptionDay>& days, const OptionStrategy& plan) {
  Outcome out;
  std::vector<OptionTrade> trades;
  for (const OptionDay& day : days) trades.insert(trades.end(), day.trades.begin(), day.trades.end());
  // the average price of a trade filled at several levels: to 1/10000, halves up; the values are exact
  auto average = [](std::int64_t value, std::int64_t units) {
    return units == 0 ? std::int64_t{0} : (value * 100 + units / 2) / units;
  };
  TableMaker t;
  ARROW_RETURN_NOT_OK(t.date("date", TAPEMILL_EACH(trades, r.date)));
  ARROW_RETURN_NOT_OK(t.instant("ts_entry", TAPEMILL_EACH(trades, r.entry_time)));
  ARROW_RETURN_NOT_OK(t.instant("ts_exit", TAPEMILL_EACH(trades, r.exit_time)));
  ARROW_RETURN_NOT_OK(t.whole("leg_id", TAPEMILL_EACH(trades, std::int64_t{r.leg})));
  ARROW_RETURN_NOT_OK(t.text("symbol", TAPEMILL_EACH(trades, plan.symbol)));
  ARROW_RETURN_NOT_OK(t.text("instrument_id", TAPEMILL_EACH(trades, r.instrument)));
  ARROW_RETURN_NOT_OK(t.date("expiry", TAPEMILL_EACH(trades, r.expiry)));
  ARROW_RETURN_NOT_OK(t.decimal("strike", 2, TAPEMILL_EACH(trades, r.strike)));
  ARROW_RETURN_NOT_OK(t.text("cp", TAPEMILL_EACH(trades, std::string(r.call ? "CE" : "PE"))));
  ARROW_RETURN_NOT_OK(t.whole("qty", TAPEMILL_EACH(trades, (r.buy ? 1 : -1) * (r.units / r.lot))));
  ARROW_RETURN_NOT_OK(t.whole("lot", TAPEMILL_EACH(trades, r.lot)));
  ARROW_RETURN_NOT_OK(t.text("side", TAPEMILL_EACH(trades, std::string(r.buy ? "buy" : "sell"))));
  ARROW_RETURN_NOT_OK(t.decimal("entry_px", 4, TAPEMILL_EACH(trades, average(r.entry_value, r.units))));
  ARROW_RETURN_NOT_OK(t.decimal("exit_px", 4, TAPEMILL_EACH(trades, average(r.exit_value, r.units))));
  ARROW_RETURN_NOT_OK(t.decimal("entry_value", 2, TAPEMILL_EACH(trades, r.entry_value)));
  ARROW_RETURN_NOT_OK(t.decimal("exit_value", 2, TAPEMILL_EACH(trades, r.exit_value)));
  ARROW_RETURN_NOT_OK(t.decimal("slippage", 2, TAPEMILL_EACH(trades, r.slippage)));
  ARROW_RETURN_NOT_OK(t.decimal("fees", 2, TAPEMILL_EACH(trades, r.fees)));
  ARROW_RETURN_NOT_OK(t.decimal("pnl", 2, TAPEMILL_EACH(trades, r.pnl)));
  ARROW_RETURN_NOT_OK(t.decimal("pnl_after_costs", 2, TAPEMILL_EACH(trades, r.pnl_after_costs())));
  ARROW_RETURN_NOT_OK(t.text("reason", TAPEMILL_EACH(trades, r.reason)));
  ARROW_RETURN_NOT_OK(t.flag("stale_exit", TAPEMILL_EACH(trades, r.stale_exit)));
  ARROW_RETURN_NOT_OK(t.flag("partial", TAPEMILL_EACH(trades, r.units < r.wanted)));
  ARROW_RETURN_NOT_OK(t.whole("window_id", TAPEMILL_EACH(trades, std::int64_t{r.window})));
  out.trades = t.table();

  ARROW_ASSIGN_OR_RAISE(std::int64_t equity, plan.capital.at(2));
  Performance& p = out.performance;
  p.capital = to_double(equity, 2);
  p.currency = plan.capital.currency;
  p.buy_and_hold = std::nan("");
  std::vector<std::int64_t> levels;
  for (const OptionDay& day : days) {
    equity += day.pnl - day.fees;
    levels.push_back(equity);
    p.equity.push_back(to_double(equity, 2));
    p.sessions.push_back(day.date);
    p.exposed.push_back(day.trades.empty() ? 0 : 1);
  }
  p.trade_pnl = TAPEMILL_EACH(trades, to_double(r.pnl_after_costs(), 2));
  p.trade_return = TAPEMILL_EACH(
      trades, r.entry_value == 0 ? 0.0 : static_cast<double>(r.pnl_after_costs()) / static_cast<double>(r.entry_value));
  p.trade_seconds = TAPEMILL_EACH(trades, seconds(r.entry_time, r.exit_time));

  TableMaker e;
  ARROW_RETURN_NOT_OK(e.date("session", p.sessions));
  ARROW_RETURN_NOT_OK(e.whole("trades", TAPEMILL_EACH(days, static_cast<std::int64_t>(r.trades.size()))));
  ARROW_RETURN_NOT_OK(e.whole("missed", TAPEMILL_EACH(days, r.missed)));
  ARROW_RETURN_NOT_OK(e.decimal("pnl", 2, TAPEMILL_EACH(days, r.pnl)));
  ARROW_RETURN_NOT_OK(e.decimal("fees", 2, TAPEMILL_EACH(days, r.fees)));
  ARROW_RETURN_NOT_OK(e.decimal("equity", 2, levels));
  out.equity = e.table();
  return out;
}

}  // namespace tapemill::backtest
