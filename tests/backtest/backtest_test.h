#pragma once
#include <gtest/gtest.h>

#include "backtest/daily.h"
#include "backtest/option.h"
#include "backtest/strategy.h"
#include "support/folder.h"

namespace tapemill::backtest {

using tapemill::test::Folder;
using tapemill::test::must;

inline Date day(int n) { return Date::of(2024, 1, 1) + n; }

/// Consecutive days as sessions, 09:15 to 15:30 UTC, so that tests count in plain numbers.
inline Session session(Date date) {
  Instant midnight{date.days * kDay};
  return {
      date, {{Instant{midnight.us + 9 * kHour + 15 * kMinute}, Instant{midnight.us + 15 * kHour + 30 * kMinute}}}, ""};
}

struct Bar {
  std::int64_t open, high, low, close;
  bool enter = false, leave = false;
};
/// One instrument at scale 2, a bar a day from 2024-01-01, available at its session's close.
inline DailyMarket market_of(const std::vector<Bar>& rows) {
  DailyMarket market;
  Bars bars;
  bars.instrument = "US:X", bars.symbol = "X";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Session s = session(day(static_cast<int>(i)));
    market.sessions.push_back(s);
    bars.session.push_back(s.date);
    bars.open.push_back(rows[i].open), bars.high.push_back(rows[i].high);
    bars.low.push_back(rows[i].low), bars.close.push_back(rows[i].close);
    bars.available_at.push_back(s.close());
    bars.enter.push_back(rows[i].enter), bars.leave.push_back(rows[i].leave);
  }
  market.sessions.push_back(session(day(static_cast<int>(rows.size()))));
  market.instruments.push_back(std::move(bars));
  return market;
}
inline DailyStrategy daily_plan(const std::string& capital = "10000 USD") {
  DailyStrategy plan;
  plan.capital = must(parse_amount(capital));
  return plan;
}

/// An instant of the test day 2024-01-04 (a Thursday), "09:20:00".
inline Instant at_time(const std::string& text) {
  return {Date::of(2024, 1, 4).days * kDay + must(parse_time_of_day(text))};
}

/// A quote with one level of 500 units a side, known a second after its time.
inline Quote quote_of(Instant time, std::int32_t bid, std::int32_t ask, std::int32_t size = 500) {
  Quote q{};
  for (int level = 0; level < kDepth; ++level) q.bid[level] = q.ask[level] = kNoPrice;
  q.time = time, q.known_at = {time.us + kSecond};
  q.bid[0] = bid, q.ask[0] = ask, q.bid_size[0] = q.ask_size[0] = size;
  q.last = (bid + ask) / 2, q.volume = 0, q.interest = 0;
  return q;
}

/// A chain at strikes 900, 950, ... 1100 rupees, expiry the same day or `expiry`; quotes every second from `price`.
struct ChainMaker {
  ChainDay day;
  ChainMaker() {
    day.session = session(Date::of(2024, 1, 4));
    day.step = 5000, day.tick = 5;
  }
  /// price(contract, time) -> {bid, ask} in paise; bid 0: no quote in that second.
  ChainDay make(
      Date expiry,
      const std::function<std::pair<std::int32_t, std::int32_t>(std::int64_t strike, bool call, Instant t)>& price,
      const std::function<std::int64_t(Instant)>& spot, std::int64_t lot = 50) {
    for (std::int64_t strike = 90000; strike <= 110000; strike += 5000) {
      for (bool call : {false, true}) {
        Contract c;
        c.expiry = expiry, c.strike = strike, c.call = call, c.lot = lot;
        c.instrument = std::to_string(strike / 100) + (call ? "CE" : "PE");
        for (Instant t = day.session.open(); t < day.session.close(); t.us += kSecond) {
          auto [bid, ask] = price(strike, call, t);
          if (bid > 0) c.quotes.push_back(quote_of(t, bid, ask));
        }
        day.contracts.push_back(std::move(c));
      }
    }
    for (Instant t = day.session.open(); t < day.session.close(); t.us += kSecond)
      day.spot.push_back({t, Instant{t.us + kSecond}, spot(t)});
    return day;
  }
};

inline OptionStrategy straddle(const std::string& start = "09:20", const std::string& end = "15:25") {
  OptionStrategy plan;
  plan.symbol = "TAPE";
  plan.expiries = {"nearest"};
  plan.windows = {{must(parse_time_of_day(start)), must(parse_time_of_day(end))}};
  plan.legs = {{true, -1, 0}, {false, -1, 0}};
  plan.capital = must(parse_amount("1000000 INR"));
  return plan;
}

}  // namespace tapemill::backtest
