#include "backtest/chain.h"

#include <algorithm>
#include <map>
#include <set>

namespace tapemill::backtest {
namespace {

template <class Row>
std::int64_t arrange_rows(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.known_at, a.time) < std::tie(b.known_at, b.time);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (kept > 0 && rows[i].time < rows[kept - 1].time) continue;  // news overtaken by what is known already
    if (kept != i) rows[kept] = rows[i];
    ++kept;
  }
  std::int64_t dropped = static_cast<std::int64_t>(rows.size() - kept);
  rows.resize(kept);
  return dropped;
}

template <class Row>
const Row* last_known(const std::vector<Row>& rows, Instant t) {
  auto after =
      std::upper_bound(rows.begin(), rows.end(), t, [](Instant at, const Row& row) { return at < row.known_at; });
  return after == rows.begin() ? nullptr : &*(after - 1);
}

std::int64_t twice_mid(const Quote& quote) { return static_cast<std::int64_t>(quote.bid[0]) + quote.ask[0]; }

std::int64_t by_put_call_parity(const OptionStrategy& plan, const ChainDay& day, Instant t) {
  if (day.contracts.empty()) return kNullPrice;
  // strike -> twice the mid of call and put of the nearest expiry
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> pairs;
  for (const Contract& contract : day.contracts) {
    if (contract.expiry != day.contracts.front().expiry) break;
    const Quote* quote = as_of(contract, t);
    if (unfit(plan, quote, t) != 0) continue;
    auto& pair = pairs.try_emplace(contract.strike, kNullPrice, kNullPrice).first->second;
    (contract.call ? pair.first : pair.second) = twice_mid(*quote);
  }
  std::int64_t best = kNullPrice, least = INT64_MAX;
  for (const auto& [strike, pair] : pairs) {
    if (pair.first == kNullPrice || pair.second == kNullPrice) continue;
    std::int64_t gap = pair.first - pair.second;
    if (std::abs(gap) >= least) continue;
    least = std::abs(gap);
    best = strike + gap / 2;
  }
  return best;
}

bool month_end(const ChainDay& day, Date expiry) {
  for (const Contract& contract : day.contracts) {
    if (contract.expiry > expiry && contract.expiry.month() == expiry.month() &&
        contract.expiry.year() == expiry.year())
      return false;
  }
  Date next = expiry + 1;
  bool shifted =
      next.weekday() < 5 && day.calendar != nullptr && next <= day.calendar->last() && !day.calendar->is_session(next);
  return (expiry + (shifted ? 8 : 7)).month() != expiry.month();
}

}  // namespace

std::int64_t arrange(std::vector<Quote>& quotes) { return arrange_rows(quotes); }
std::int64_t arrange(std::vector<SpotPrice>& spot) { return arrange_rows(spot); }

const Quote* as_of(const Contract& contract, Instant t) {
  const std::size_t known = contract.quotes.known_at(t);
  return known == 0 ? nullptr : &contract.quotes[known - 1];
}
const SpotPrice* spot_as_of(const ChainDay& day, Instant t) { return last_known(day.spot, t); }

unsigned unfit(const OptionStrategy& plan, const Quote* quote, Instant t) {
  if (quote == nullptr) return kNoQuote;
  unsigned bits = 0;
  std::int32_t bid = quote->bid[0], ask = quote->ask[0];
  if (t.us - quote->time.us > plan.ttl) bits |= kStale;
  if (bid == kNoPrice || ask == kNoPrice || bid <= 0 || ask <= 0) return bits | kZeroPrice;
  if (bid > ask) bits |= kCrossed;
  if (quote->bid_size[0] <= 0 || quote->ask_size[0] <= 0) bits |= kNoDepth;
  // (ask - bid) / ((ask + bid) / 2) > max_spread / 10000
  if (plan.max_spread > 0 && static_cast<std::int64_t>(ask - bid) * 20'000 > plan.max_spread * twice_mid(*quote))
    bits |= kWide;
  return bits;
}

unsigned intolerant(const OptionStrategy& plan, const ChainDay& day, const Quote& quote, Instant t) {
  if (day.spot.empty()) return 0;
  auto after = std::upper_bound(day.spot.begin(), day.spot.end(), quote.time,
                                [](Instant at, const SpotPrice& row) { return at < row.time; });
  while (after != day.spot.begin() && (after - 1)->known_at > t) --after;
  if (after == day.spot.begin()) return kIntolerant;
  return quote.time.us - (after - 1)->time.us > plan.tolerance ? kIntolerant : 0u;
}

std::string unfit_names(unsigned bits) {
  static constexpr const char* kNames[] = {"no_quote",   "ttl",         "tolerance", "crossed",
                                           "zero_price", "wide_spread", "no_depth"};
  std::string text;
  for (unsigned i = 0; i < 7; ++i) {
    if ((bits >> i & 1u) != 0) text += (text.empty() ? "" : "|") + std::string(kNames[i]);
  }
  return text;
}

std::int64_t underlying(const OptionStrategy& plan, const ChainDay& day, Instant t, bool* by_parity) {
  const SpotPrice* spot = spot_as_of(day, t);
  bool fit = spot != nullptr && spot->price != kNullPrice && spot->price > 0 && t.us - spot->time.us <= plan.ttl;
  if (by_parity != nullptr) *by_parity = !fit;
  return fit ? spot->price : by_put_call_parity(plan, day, t);
}

std::vector<Date> choose_expiries(const OptionStrategy& plan, const ChainDay& day) {
  std::set<Date> listed, chosen;
  for (const Contract& contract : day.contracts) {
    if (contract.expiry >= day.session.date) listed.insert(contract.expiry);
  }
  for (const std::string& text : plan.expiries) {
    if (text == "all") {
      chosen = listed;
    } else if (text == "nearest" || text == "weekly") {
      if (!listed.empty()) chosen.insert(*listed.begin());
    } else if (text == "monthly") {
      auto first = std::find_if(listed.begin(), listed.end(), [&](Date expiry) { return month_end(day, expiry); });
      if (first != listed.end()) chosen.insert(*first);
    } else if (Date date = Date::parse(text).ValueOr(Date{}); listed.contains(date)) {
      chosen.insert(date);
    }
  }
  return {chosen.begin(), chosen.end()};
}

std::int64_t wanted_strike(const OptionStrategy& plan, const ChainDay& day, const OptionLeg& leg, std::int64_t price) {
  if (price == kNullPrice || day.step <= 0) return kNullPrice;
  std::int64_t below = price / day.step * day.step;
  std::int64_t money = price - below <= day.step - (price - below) ? below : below + day.step;
  bool upwards = plan.selector == "CUSTOM" || (plan.selector == "ITM") != leg.call;
  return money + (upwards ? leg.distance : -leg.distance) * day.step;
}

int choose_contract(const OptionStrategy& plan, const ChainDay& day, const OptionLeg& leg, Date expiry,
                    std::int64_t price, Instant t) {
  std::int64_t wanted = wanted_strike(plan, day, leg, price);
  if (wanted == kNullPrice) return -1;
  auto find = [&](std::int64_t strike) {
    for (std::size_t i = 0; i < day.contracts.size(); ++i) {
      const Contract& contract = day.contracts[i];
      if (contract.expiry != expiry || contract.call != leg.call || contract.strike != strike) continue;
      const Quote* quote = as_of(contract, t);
      if (unfit(plan, quote, t) == 0 && intolerant(plan, day, *quote, t) == 0) return static_cast<int>(i);
    }
    return -1;
  };
  if (int exact = find(wanted); exact >= 0) return exact;
  bool up_is_nearer = price > wanted;  // of two strikes as many steps away; at the same distance: the lower
  for (std::int64_t steps : {1, 2}) {
    for (bool up : {up_is_nearer, !up_is_nearer}) {
      if (int found = find(wanted + (up ? steps : -steps) * day.step); found >= 0) return found;
    }
  }
  return -1;
}

std::int64_t strike_step(const ChainDay& day) {
  std::set<std::int64_t> strikes;
  for (const Contract& contract : day.contracts) {
    if (contract.expiry == day.contracts.front().expiry) strikes.insert(contract.strike);
  }
  std::map<std::int64_t, int> gaps;
  std::int64_t before = -1;
  for (std::int64_t strike : strikes) {
    if (before >= 0) ++gaps[strike - before];
    before = strike;
  }
  std::int64_t step = 0;
  int most = 0;
  for (const auto& [gap, count] : gaps) {
    if (count > most) most = count, step = gap;
  }
  return step;
}

}  // namespace tapemill::backtest
