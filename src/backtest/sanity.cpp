#include "backtest/sanity.h"
#include "core/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace tapemill::backtest {

Json Sanity::json() const {
  return {
      {"rows", rows},
      {"contracts", contracts},
      {"spot_rows", spot_rows},
      {"seconds", seconds},
      {"seconds_covered", seconds_covered},
      {"out_of_order", out_of_order},
      {"no_quote", no_quote},
      {"crossed", crossed},
      {"gaps", {{"to_1s", gaps[0]}, {"to_ttl", gaps[1]}, {"to_10s", gaps[2]}, {"longer", gaps[3]}}},
      {"spread_ticks",
       {{"to_1", spreads[0]}, {"to_2", spreads[1]}, {"to_5", spreads[2]}, {"to_20", spreads[3]}, {"more", spreads[4]}}},
      {"failures", failures}};
}

Sanity sanity_of(const OptionStrategy& plan, const ChainDay& day, std::int64_t out_of_order) {
  Sanity s;
  s.out_of_order = out_of_order;
  s.contracts = static_cast<std::int64_t>(day.contracts.size());
  s.spot_rows = static_cast<std::int64_t>(day.spot.size());
  std::int64_t open = day.session.open().us;
  std::vector<char> covered(static_cast<std::size_t>((day.session.close().us - open) / kSecond), 0);
  for (const Interval& interval : day.session.intervals) s.seconds += (interval.close.us - interval.open.us) / kSecond;
  std::map<Date, std::pair<int, int>> sides;
  for (const Contract& contract : day.contracts) {
    auto& count = sides[contract.expiry];
    ++(contract.call ? count.first : count.second);
    std::optional<Instant> before;
    for (std::size_t i = 0; i < contract.quotes.size(); ++i) {
      const Quote& quote = contract.quotes[i];
      ++s.rows;
      std::int64_t second = (quote.time.us - open) / kSecond;
      if (quote.time.us >= open && second < static_cast<std::int64_t>(covered.size()))
        covered[static_cast<std::size_t>(second)] = 1;
      if (before) {
        std::int64_t gap = quote.time.us - before->us;
        ++s.gaps[gap <= kSecond ? 0 : gap <= plan.ttl ? 1 : gap <= 10 * kSecond ? 2 : 3];
      }
      before = quote.time;
      if (quote.bid[0] <= 0 || quote.ask[0] <= 0) {
        ++s.no_quote;
        continue;
      }
      std::int64_t spread = (quote.ask[0] - quote.bid[0]) / day.tick;
      if (spread < 0) ++s.crossed;
      ++s.spreads[spread <= 1 ? 0 : spread <= 2 ? 1 : spread <= 5 ? 2 : spread <= 20 ? 3 : 4];
    }
  }
  s.seconds_covered = std::count(covered.begin(), covered.end(), char{1});
  auto fail = [&](bool failed, std::string text) {
    if (failed) s.failures.push_back(std::move(text));
  };
  fail(s.contracts == 0, "no option contracts");
  fail(s.contracts > 0 && s.seconds_covered * 10 < s.seconds,
       fmt::format("quotes in {} of {} seconds", s.seconds_covered, s.seconds));
  fail(s.no_quote * 2 > s.rows, fmt::format("{} of {} rows lack a bid or an ask", s.no_quote, s.rows));
  fail(s.crossed * 100 > s.rows, fmt::format("{} of {} rows have a bid above the ask", s.crossed, s.rows));
  fail(s.out_of_order * 100 > s.rows, fmt::format("{} rows went back in time", s.out_of_order));
  bool priced = std::any_of(day.spot.begin(), day.spot.end(), [](const SpotPrice& p) { return p.price > 0; });
  fail(!day.spot.empty() && !priced, "the underlying has no price above 0");
  for (const auto& [expiry, count] : sides) {
    fail(count.first == 0 || count.second == 0,
         fmt::format("expiry {} has {} calls and {} puts", expiry.str(), count.first, count.second));
  }
  return s;
}

}  // namespace tapemill::backtest
