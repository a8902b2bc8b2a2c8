#include "backtest_test.h"

namespace tapemill::backtest {
namespace {

OptionStrategy plan_of(const std::string& selector = "ATM") {
  OptionStrategy plan = straddle();
  plan.selector = selector;
  return plan;
}

bool near_ten(Instant t) { return std::abs(t.us - at_time("10:00:00").us) < kMinute; }  // when these tests ask

ChainDay flat_day(std::int64_t spot, Date expiry = Date::of(2024, 1, 4)) {
  return ChainMaker().make(
      expiry, [](auto, auto, Instant t) { return near_ten(t) ? std::pair{1000, 1010} : std::pair{0, 0}; },
      [=](Instant) { return spot; });
}

TEST(Chain, AsOfUsesWhatWasKnownNotWhatWasStamped) {
  Contract c;
  Instant t = at_time("09:20:00");
  c.quotes = {quote_of(t, 100, 110), quote_of({t.us + kSecond}, 200, 210)};
  EXPECT_EQ(as_of(c, t), nullptr);  // stamped at t, known a second later
  EXPECT_EQ(as_of(c, {t.us + kSecond})->bid[0], 100);
  EXPECT_EQ(as_of(c, {t.us + 2 * kSecond - 1})->bid[0], 100);
  EXPECT_EQ(as_of(c, {t.us + 2 * kSecond})->bid[0], 200);
}

TEST(Chain, ALateRowNeverReplacesFresherNews) {
  Instant t = at_time("09:20:00");
  Quote late = quote_of(t, 1, 2), fresh = quote_of({t.us + 5 * kSecond}, 100, 110);
  late.known_at = {t.us + kMinute};
  std::vector<Quote> quotes{late, fresh};
  EXPECT_EQ(arrange(quotes), 1);
  ASSERT_EQ(quotes.size(), 1u);
  EXPECT_EQ(quotes[0].bid[0], 100);
}

TEST(Chain, QualityBits) {
  OptionStrategy plan = plan_of();
  plan.max_spread = 500;
  Instant t = at_time("09:20:02");
  auto bits = [&](Quote q) { return unfit(plan, &q, t); };
  Instant fresh = at_time("09:20:00");
  EXPECT_EQ(bits(quote_of(fresh, 1000, 1010)), 0u);
  EXPECT_EQ(bits(quote_of({fresh.us - 1}, 1000, 1010)), unsigned{kStale});
  EXPECT_EQ(bits(quote_of(fresh, 1020, 1010)), unsigned{kCrossed});
  EXPECT_EQ(bits(quote_of(fresh, 0, 1010)), unsigned{kZeroPrice});
  EXPECT_EQ(bits(quote_of(fresh, kNoPrice, 1010)), unsigned{kZeroPrice});
  EXPECT_EQ(bits(quote_of(fresh, 1000, 1010, 0)), unsigned{kNoDepth});
  EXPECT_EQ(bits(quote_of(fresh, 1000, 1100)), unsigned{kWide});
  EXPECT_EQ(unfit(plan, nullptr, t), unsigned{kNoQuote});
  EXPECT_EQ(unfit_names(kStale | kCrossed), "ttl|crossed");
}

// A spot price stamped after the quote never counts for it, however near (spec D2's trap).
TEST(Chain, ToleranceLooksBackwardOnExactTimes) {
  OptionStrategy plan = plan_of();
  ChainDay day;
  Instant t = at_time("09:20:01");
  Quote quote = quote_of({t.us - 900'000}, 1000, 1010);
  day.spot = {{Instant{t.us - 100'000}, Instant{t.us - 100'000}, 100000}};
  EXPECT_EQ(intolerant(plan, day, quote, t), unsigned{kIntolerant});
  day.spot.insert(day.spot.begin(), SpotPrice{Instant{t.us - 1'300'000}, Instant{t.us - 1'300'000}, 100000});
  EXPECT_EQ(intolerant(plan, day, quote, t), 0u);
  day.spot[0].time.us -= 200'000;
  EXPECT_EQ(intolerant(plan, day, quote, t), unsigned{kIntolerant});
}

std::int64_t strike_for(const ChainDay& day, const OptionStrategy& plan, OptionLeg leg, std::int64_t price) {
  int found = choose_contract(plan, day, leg, day.contracts[0].expiry, price, at_time("10:00:00"));
  return found < 0 ? -1 : day.contracts[static_cast<std::size_t>(found)].strike;
}

TEST(AtmMap, RoundsToTheStepAndMovesByTheSelector) {
  ChainDay day = flat_day(100000);
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 102499), 100000);
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 102500), 100000);  // halves down
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 102501), 105000);
  EXPECT_EQ(strike_for(day, plan_of("OTM"), {true, -1, 1}, 100000), 105000);
  EXPECT_EQ(strike_for(day, plan_of("OTM"), {false, -1, 1}, 100000), 95000);
  EXPECT_EQ(strike_for(day, plan_of("ITM"), {true, -1, 1}, 100000), 95000);
  EXPECT_EQ(strike_for(day, plan_of("ITM"), {false, -1, 1}, 100000), 105000);
  EXPECT_EQ(strike_for(day, plan_of("CUSTOM"), {false, -1, -1}, 100000), 95000);
}

TEST(AtmMap, AbsentStrikesGiveWayToTheNearerThenTheLower) {
  ChainDay day = flat_day(100000);
  for (Contract& c : day.contracts) {
    if (c.strike == 100000) c.quotes.clear();
  }
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 101000), 105000);  // up is nearer to 1010
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 99000), 95000);
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 100000), 95000);   // equally far: the lower
  for (Contract& c : day.contracts) {
    if (c.strike == 95000 || c.strike == 105000) c.quotes.clear();
  }
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 101000), 110000);  // two steps
  for (Contract& c : day.contracts) c.quotes.clear();
  EXPECT_EQ(strike_for(day, plan_of(), {true, -1, 0}, 101000), -1);
}

TEST(AtmMap, WithoutASpotFeedPutCallParitySpeaks) {
  // At 1000 the call is 3 rupees dearer than the put: the underlying is 1003.
  ChainDay day = ChainMaker().make(
      Date::of(2024, 1, 4),
      [](std::int64_t strike, bool call, Instant) {
        int fair = static_cast<int>(5000 + (call ? 100300 - strike : 0));
        return std::pair{std::max(5, fair - 5), std::max(15, fair + 5)};
      },
      [](Instant) { return 100300; });
  bool parity = true;
  EXPECT_EQ(underlying(plan_of(), day, at_time("10:00:00"), &parity), 100300);
  EXPECT_FALSE(parity);
  day.spot.clear();
  EXPECT_EQ(underlying(plan_of(), day, at_time("10:00:00"), &parity), 100300);
  EXPECT_TRUE(parity);
}

TEST(Expiries, NearestMonthlyAllAndDates) {
  ChainDay day;
  day.session = session(Date::of(2024, 1, 15));
  for (Date expiry : {Date::of(2024, 1, 11), Date::of(2024, 1, 18), Date::of(2024, 1, 25), Date::of(2024, 2, 1),
                      Date::of(2024, 2, 29)}) {
    Contract c;
    c.expiry = expiry;
    day.contracts.push_back(c);
  }
  OptionStrategy plan = plan_of();
  auto chosen = [&](std::vector<std::string> wanted) {
    plan.expiries = std::move(wanted);
    return choose_expiries(plan, day);
  };
  EXPECT_EQ(chosen({"nearest"}), std::vector<Date>{Date::of(2024, 1, 18)});
  EXPECT_EQ(chosen({"monthly"}), std::vector<Date>{Date::of(2024, 1, 25)});
  EXPECT_EQ(chosen({"all"}).size(), 4u);
  EXPECT_EQ(chosen({"2024-02-29", "weekly"}), (std::vector<Date>{Date::of(2024, 1, 18), Date::of(2024, 2, 29)}));
  EXPECT_TRUE(chosen({"2024-03-28"}).empty());
}

TEST(Chain, TheStepComesFromTheChain) { EXPECT_EQ(strike_step(flat_day(100000)), 5000); }

}  // namespace
}  // namespace tapemill::backtest
