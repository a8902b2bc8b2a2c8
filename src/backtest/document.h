#pragma once
#include <optional>
#include <string>
#include <vector>

#include "backtest/condition.h"
#include "core/config.h"
#include "core/session_hours.h"

namespace tapemill::backtest {

/// What a strategy file may say, key by key: parsing, JSON Schema and the reference page come from these declarations.
/// strategy_daily.cpp and strategy_option.cpp turn them into plans.
struct DailyUniverse {
  std::string table;
  std::vector<std::string> symbols;
  bool adjusted = false;
};
struct DailyPeriod {
  std::vector<std::string> date_range;
};
struct DailyEntry {
  std::string when, size = "100 %", at = "next_open";
};
struct DailyExit {
  std::string when, at = "next_open", stop, target;
};
struct DailyCosts {
  double commission_bps = 0;
};
struct DailyDocument {
  std::string name, description, capital = "1000000";
  DailyUniverse universe;
  DailyPeriod when;
  DailyEntry entry;
  DailyExit exit;
  DailyCosts costs;
};

struct OptionUniverse {
  std::string symbol, table = "snapshots", rules = "nse_fo", session = "regular";
  std::vector<std::string> expiries = {"nearest"};
};
struct WindowText {
  std::string start, end;
};
struct OptionWhen {  // the YAML dialect
  std::vector<std::string> date_range, days;
  std::vector<WindowText> time_window;
  std::string timezone;
};
struct OptionTime {  // the JSON dialect
  std::string start, end, timezone;
  std::vector<std::string> days, windows;
};
struct LegText {
  std::string cp;
  int qty = 0, distance = 0;
};
struct OptionEntry {
  std::string selector = "ATM", rebalance = "none";
  std::vector<LegText> legs;
  Condition when;
  bool repeat = false;
};
struct OptionExit {
  std::string at;
  Condition when;
};
struct OptionCosts {
  std::optional<double> per_lot, brokerage_per_lot;
  double taxes_bps = 0;
  bool stt = false;
};
struct OptionSlippage {
  std::optional<double> base, ticks;
  double alpha_spread = 0, beta_rv = 0;
};
struct OptionFill {
  std::string mode = "best";
  Duration latency{kSecond}, patience{10 * kSecond};
};
struct OptionQuality {
  Duration ttl{2 * kSecond}, tolerance{500'000};
  std::string max_spread;
};
struct OptionSampling {
  std::optional<int> first_trades, save_first_trades;
};
struct OptionDocument {
  std::string name, description, timezone, capital = "1000000 INR";
  OptionUniverse universe;
  std::optional<OptionWhen> when;
  std::optional<OptionTime> time;
  OptionEntry entry;
  OptionExit exit;
  OptionCosts costs;
  OptionSlippage slippage;
  OptionFill fill;
  OptionQuality quality;
  OptionSampling sampling;
};

}  // namespace tapemill::backtest

namespace tapemill {
namespace bt = backtest;

template <> inline constexpr auto fields<bt::DailyUniverse> =
    std::tuple{field("table", &bt::DailyUniverse::table, "daily bars: a table of the lake, such as sp500_index"),
               field("symbols", &bt::DailyUniverse::symbols, "instruments to trade; none: every one of the table"),
               field("adjusted", &bt::DailyUniverse::adjusted, "bars adjusted for splits, bonuses and the like")};
template <> inline constexpr auto fields<bt::DailyPeriod> = std::tuple{field(
    "date_range", &bt::DailyPeriod::date_range, "first and last session to trade in; earlier bars warm indicators up")};
template <> inline constexpr auto fields<bt::DailyEntry> =
    std::tuple{field("when", &bt::DailyEntry::when, "expression over a session's bar: buy where it is true"),
               field("size", &bt::DailyEntry::size, "share of equity put into one position, in whole units"),
               field("at", &bt::DailyEntry::at, "when the order fills", "next_open")};
template <> inline constexpr auto fields<bt::DailyExit> =
    std::tuple{field("when", &bt::DailyExit::when, "expression: sell where it is true"),
               field("at", &bt::DailyExit::at, "when the order fills", "next_open"),
               field("stop", &bt::DailyExit::stop,
                     "loss off the entry price at which the position is sold within the session, such as 5 %"),
               field("target", &bt::DailyExit::target,
                     "gain off the entry price at which the position is sold within the session")};
template <> inline constexpr auto fields<bt::DailyCosts> = std::tuple{field(
    "commission_bps", &bt::DailyCosts::commission_bps, "of the traded value, each side, in basis points", 0.0, 1000.0)};
template <> inline constexpr auto fields<bt::DailyDocument> =
    std::tuple{field("name", &bt::DailyDocument::name, "name of the strategy"),
               field("description", &bt::DailyDocument::description, "a line for people"),
               field("universe", &bt::DailyDocument::universe, "what it trades"),
               field("when", &bt::DailyDocument::when, "when it trades"),
               field("capital", &bt::DailyDocument::capital, "money at the start, such as 1000000 USD"),
               field("entry", &bt::DailyDocument::entry, "when and how much to buy"),
               field("exit", &bt::DailyDocument::exit, "when to sell"),
               field("costs", &bt::DailyDocument::costs, "what a trade costs")};

template <> inline constexpr auto fields<bt::OptionUniverse> =
    std::tuple{field("symbol", &bt::OptionUniverse::symbol, "the underlying, such as NIFTY"),
               field("expiries", &bt::OptionUniverse::expiries, "nearest, weekly, monthly, all, or dates"),
               field("table", &bt::OptionUniverse::table, "one-second quotes: a table of the lake"),
               field("rules", &bt::OptionUniverse::rules, "market rules: rules/NAME.yaml"),
               field("session", &bt::OptionUniverse::session,
                     "quotes of the regular session, of the calendar's extended hours too, or all", kSessionHours)};
template <> inline constexpr auto fields<bt::WindowText> =
    std::tuple{field("start", &bt::WindowText::start, "HH:MM or HH:MM:SS, local time"),
               field("end", &bt::WindowText::end, "the first instant outside")};
template <> inline constexpr auto fields<bt::OptionWhen> =
    std::tuple{field("date_range", &bt::OptionWhen::date_range, "first and last session"),
               field("days", &bt::OptionWhen::days, "Mon, Tue, ...; none: every session"),
               field("time_window", &bt::OptionWhen::time_window,
                     "when entries may happen; without exit.at also till when positions are held"),
               field("timezone", &bt::OptionWhen::timezone, "of the times in this document; default: the exchange's")};
template <> inline constexpr auto fields<bt::OptionTime> = std::tuple{
    field("start", &bt::OptionTime::start, "first session"), field("end", &bt::OptionTime::end, "last session"),
    field("days", &bt::OptionTime::days, "Mon, Tue, ...; none: every session"),
    field("windows", &bt::OptionTime::windows,
          "\"HH:MM-HH:MM\": when entries may happen; without exit.at also till when positions are held"),
    field("timezone", &bt::OptionTime::timezone, "of the times in this document; default: the exchange's")};
template <> inline constexpr auto fields<bt::LegText> =
    std::tuple{field("cp", &bt::LegText::cp, "call or put", "CE|PE|C|P"),
               field("qty", &bt::LegText::qty, "lots; negative sells", -100'000, 100'000),
               field("distance", &bt::LegText::distance, "strike steps from at the money, positive out of the money",
                     -1000, 1000)};
template <> inline constexpr auto fields<bt::OptionEntry> = std::tuple{
    field("selector", &bt::OptionEntry::selector,
          "what a positive distance means: out of (ATM, OTM) or in the money (ITM), or upwards for both (CUSTOM)",
          "ATM|OTM|ITM|CUSTOM"),
    field("rebalance", &bt::OptionEntry::rebalance,
          "how often strikes are chosen anew: none, 1m, 5m, 15m, 1h or any duration"),
    field("legs", &bt::OptionEntry::legs, "what is traded together"),
    field("when", &bt::OptionEntry::when, "condition; none: at the window's start"),
    field("repeat", &bt::OptionEntry::repeat, "whether it may enter again in the same window")};
template <> inline constexpr auto fields<bt::OptionExit> =
    std::tuple{field("at", &bt::OptionExit::at, "local time, or settlement; default: the window's end"),
               field("when", &bt::OptionExit::when, "condition")};
template <> inline constexpr auto fields<bt::OptionCosts> = std::tuple{
    field("brokerage_per_lot", &bt::OptionCosts::brokerage_per_lot, "per lot, leg and side, in the account's currency"),
    field("per_lot", &bt::OptionCosts::per_lot, "the JSON dialect's name of brokerage_per_lot"),
    field("taxes_bps", &bt::OptionCosts::taxes_bps, "of premium turnover, each side, in basis points", 0.0, 1000.0),
    field(
        "stt", &bt::OptionCosts::stt,
        "also charge the rules' transaction tax by date: on premium sold, and on what settles in the holder's favour")};
template <> inline constexpr auto fields<bt::OptionSlippage> =
    std::tuple{field("base", &bt::OptionSlippage::base, "ticks worse than the fill mode's price"),
               field("ticks", &bt::OptionSlippage::ticks, "the YAML dialect's name of base"),
               field("alpha_spread", &bt::OptionSlippage::alpha_spread,
                     "further ticks per tick of spread; bid and ask fills pay the spread already", 0.0, 100.0),
               field("beta_rv", &bt::OptionSlippage::beta_rv,
                     "further ticks per basis point of the underlying's realized volatility over 10 s", 0.0, 1000.0)};
template <> inline constexpr auto fields<bt::OptionFill> = std::tuple{
    field("mode", &bt::OptionFill::mode, "best: buy at the ask, sell at the bid", "best|mid|bid|ask"),
    field("latency", &bt::OptionFill::latency, "from the decision to the first second it can fill"),
    field("patience", &bt::OptionFill::patience, "how long an entry order may wait for a quote that is fit to trade")};
template <> inline constexpr auto fields<bt::OptionQuality> = std::tuple{
    field("ttl", &bt::OptionQuality::ttl, "a quote older than this never trades"),
    field("tolerance", &bt::OptionQuality::tolerance,
          "how much older than an option's quote the underlying's price may be when a strike is chosen"),
    field("max_spread", &bt::OptionQuality::max_spread, "widest spread that trades, as a share of mid; none: any")};
template <> inline constexpr auto fields<bt::OptionSampling> = std::tuple{
    field("first_trades", &bt::OptionSampling::first_trades, "trades kept with their full audit trail"),
    field("save_first_trades", &bt::OptionSampling::save_first_trades, "the YAML dialect's name of first_trades")};
template <> inline constexpr auto fields<bt::OptionDocument> = std::tuple{
    field("name", &bt::OptionDocument::name, "name of the strategy"),
    field("description", &bt::OptionDocument::description, "a line for people"),
    field("universe", &bt::OptionDocument::universe, "what it trades"),
    field("when", &bt::OptionDocument::when, "dates, days and window (YAML dialect)"),
    field("time", &bt::OptionDocument::time, "dates, days and windows (JSON dialect)"),
    field("timezone", &bt::OptionDocument::timezone, "of the times in this document"),
    field("capital", &bt::OptionDocument::capital, "money that returns are measured against, such as 1000000 INR"),
    field("entry", &bt::OptionDocument::entry, "legs, strikes and condition"),
    field("exit", &bt::OptionDocument::exit, "when positions are closed"),
    field("costs", &bt::OptionDocument::costs, "brokerage and taxes"),
    field("slippage", &bt::OptionDocument::slippage, "ticks worse than quoted"),
    field("fill", &bt::OptionDocument::fill, "which price fills, and when"),
    field("quality", &bt::OptionDocument::quality, "which quotes are fit to trade"),
    field("sampling", &bt::OptionDocument::sampling, "audit trail")};

}  // namespace tapemill
