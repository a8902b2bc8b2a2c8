#include "backtest_test.h"

namespace tapemill::backtest {
namespace {

constexpr std::int64_t kLot = 50;

/// Calls and puts of every strike cost 50.00/50.10; at 15:00 their price falls to 30.00/30.10.
std::pair<std::int32_t, std::int32_t> falling(std::int64_t, bool, Instant t) {
  return t < at_time("15:00") ? std::pair{5000, 5010} : std::pair{3000, 3010};
}
std::int64_t still(Instant) { return 100000; }

const OptionTrade& leg(const OptionDay& day, int number) {
  for (const OptionTrade& t : day.trades) {
    if (t.leg == number) return t;
  }
  throw std::runtime_error("no such leg");
}

// By hand: sell a call and a put at the bid of 50.00, buy back at the ask of 30.10, one lot of 50.
TEST(Straddle, ByHand) {
  OptionStrategy plan = straddle();
  plan.per_lot = 2000;          // 20 rupees per lot, leg and side
  plan.taxes = 36'000;          // 3.6 bps of premium
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, still, kLot);
  OptionDay r = must(run_option_day(plan, day));
  ASSERT_EQ(r.trades.size(), 2u);
  for (int number : {0, 1}) {
    const OptionTrade& t = leg(r, number);
    EXPECT_EQ(t.call, number == 0);
    EXPECT_FALSE(t.buy);
    EXPECT_EQ(t.strike, 100000);
    EXPECT_EQ(t.units, 50);
    EXPECT_EQ(t.decided, at_time("09:20:00"));
    EXPECT_EQ(t.entry_time, at_time("09:20:01"));  // decided at S, filled from S + 1 s
    EXPECT_EQ(t.exit_time, at_time("15:25:01"));
    EXPECT_EQ(t.entry_value, 5000 * 50);
    EXPECT_EQ(t.exit_value, 3010 * 50);
    EXPECT_EQ(t.pnl, (5000 - 3010) * 50);
    // taxes: 2,500.00 * 3.6 bps = 0.90; 1,505.00 * 3.6 bps = 0.5418 -> 0.54
    EXPECT_EQ(t.fees, 2000 + 90 + 2000 + 54);
    EXPECT_EQ(t.slippage, 0);
    EXPECT_EQ(t.reason, "window_end");
    EXPECT_FALSE(t.stale_exit);
    EXPECT_EQ(t.entry.age, kSecond);
    EXPECT_EQ(t.entry.spot, 100000);
  }
  EXPECT_EQ(r.pnl, 2 * (5000 - 3010) * 50);
  EXPECT_EQ(r.fees, 2 * 4144);
}

TEST(Straddle, TransactionTaxFallsOnTheSale) {
  OptionStrategy plan = straddle();
  plan.stt = true;
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, still, kLot);
  day.stt_sale = 62'500;  // 6.25 bps of 2,500.00 = 1.5625
  OptionDay r = must(run_option_day(plan, day));
  EXPECT_EQ(leg(r, 0).fees, 156);
}

TEST(Straddle, ExitTimeBeforeTheWindowsEnd) {
  OptionStrategy plan = straddle("09:20", "15:30");
  plan.exit_at = must(parse_time_of_day("10:00"));
  OptionDay r = must(run_option_day(plan, ChainMaker().make(Date::of(2024, 1, 4), falling, still)));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_EQ(r.trades[0].reason, "time");
  EXPECT_EQ(r.trades[0].exit_time, at_time("10:00:01"));
}

TEST(Straddle, WithoutAnExitTheDayEndsFlat) {
  OptionStrategy plan = straddle("09:20", "15:30");
  OptionDay r = must(run_option_day(plan, ChainMaker().make(Date::of(2024, 1, 4), falling, still)));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_EQ(r.trades[0].reason, "eod");
  EXPECT_EQ(r.trades[0].exit_time, at_time("15:29:59"));
  EXPECT_FALSE(r.trades[0].stale_exit);
}

TEST(Straddle, FillModesAndSlippage) {
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, still, kLot);
  auto entry = [&](FillMode mode, double base, double alpha) {
    OptionStrategy plan = straddle();
    plan.fill = mode, plan.slip_base = base, plan.slip_spread = alpha;
    return leg(must(run_option_day(plan, day)), 0);
  };
  EXPECT_EQ(entry(FillMode::best, 0, 0).entry_value, 5000 * kLot);
  EXPECT_EQ(entry(FillMode::mid, 0, 0).entry_value, 5005 * kLot);
  EXPECT_EQ(entry(FillMode::ask, 0, 0).entry_value, 5010 * kLot);
  EXPECT_EQ(entry(FillMode::bid, 0, 0).entry_value, 5000 * kLot);
  EXPECT_EQ(entry(FillMode::best, 2, 0).entry_value, 4990 * kLot);
  EXPECT_EQ(entry(FillMode::best, 0.5, 0.5).entry_value,
            4990 * kLot);  // 0.5 + 0.5 * 2 ticks of spread, up to whole ticks
  EXPECT_EQ(entry(FillMode::best, 2, 0).slippage, 2 * 10 * kLot);       // entry and exit
}

TEST(StaleQuotes, NeverOpenAPosition) {
  ChainDay day = ChainMaker().make(
      Date::of(2024, 1, 4),
      [](std::int64_t strike, bool call, Instant t) {
        return t < at_time("09:19") ? falling(strike, call, t) : std::pair{0, 0};  // quiet from 09:19 on
      },
      still);
  OptionDay r = must(run_option_day(straddle(), day));
  EXPECT_TRUE(r.trades.empty());
}

// Quiet from the decision on: the order waits for its patience and is given up; nothing was sold at an old price.
TEST(StaleQuotes, OrdersWaitAndAreGivenUp) {
  ChainDay day = ChainMaker().make(
      Date::of(2024, 1, 4),
      [](std::int64_t strike, bool call, Instant t) {
        return t < at_time("09:19:59") || t > at_time("09:30") ? falling(strike, call, t) : std::pair{0, 0};
      },
      still);
  OptionStrategy plan = straddle();
  plan.latency = 3 * kSecond;
  OptionDay r = must(run_option_day(plan, day));
  EXPECT_TRUE(r.trades.empty());
  EXPECT_EQ(r.missed, 2);
}

TEST(StaleQuotes, TheEndOfDayExitTakesTheLastTradeableQuoteAndFlagsIt) {
  Date later = Date::of(2024, 1, 11);
  ChainDay day = ChainMaker().make(
      later,
      [](std::int64_t strike, bool call, Instant t) {
        return t < at_time("15:10") ? falling(strike, call, t) : std::pair{0, 0};
      },
      still, kLot);
  OptionDay r = must(run_option_day(straddle(), day));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_TRUE(r.trades[0].stale_exit);
  EXPECT_EQ(r.trades[0].reason, "eod");
  EXPECT_EQ(r.trades[0].exit_value, 3010 * kLot);
  EXPECT_EQ(r.trades[0].exit.quote_time, at_time("15:09:59"));
  EXPECT_NE(r.trades[0].exit.unfit & kStale, 0u);
}

TEST(Depth, FillsTakeWhatIsShownInWholeLotsAndOnceAQuote) {
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, still, kLot);
  for (Contract& c : day.contracts) {
    for (Quote& q : c.quotes) {
      q.bid_size[0] = 70, q.bid[1] = 4990, q.bid_size[1] = 60;  // 130 shown: two lots of 50
    }
  }
  OptionStrategy plan = straddle();
  plan.legs = {{true, -3, 0}};
  OptionDay r = must(run_option_day(plan, day));
  ASSERT_EQ(r.trades.size(), 1u);
  EXPECT_EQ(r.trades[0].units, 150);
  // first second 70 at 50.00 and 30 at 49.90, next second (another quote) 50 at 50.00
  EXPECT_EQ(r.trades[0].entry_value, 70 * 5000 + 30 * 4990 + 50 * 5000);
  plan.legs = {{true, -100, 0}};
  plan.patience = 3 * kSecond;
  OptionDay partial = must(run_option_day(plan, day));
  ASSERT_EQ(partial.trades.size(), 1u);
  EXPECT_EQ(partial.trades[0].units, 4 * 100);
  EXPECT_EQ(partial.trades[0].wanted, 5000);
}

TEST(Settlement, AllLegsOnOnePriceFromTheLastHalfHour) {
  // Spot 1000 until 15:00, then 1030: the settlement price is the mean of the last half hour, 1030.
  auto spot = [](Instant t) { return t < at_time("15:00") ? std::int64_t{100000} : std::int64_t{103000}; };
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, spot, kLot);
  OptionStrategy plan = straddle("09:20", "15:30");
  plan.settle = true;
  plan.per_lot = 2000;
  OptionDay r = must(run_option_day(plan, day));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_EQ(leg(r, 0).exit_value, 3000 * kLot);  // call 1000 is worth 30.00
  EXPECT_EQ(leg(r, 1).exit_value, 0);
  for (const OptionTrade& t : r.trades) {
    EXPECT_EQ(t.reason, "settlement");
    EXPECT_EQ(t.exit_time, day.session.close());
    EXPECT_EQ(t.exit.spot, 103000);
    EXPECT_EQ(t.fees, 2000);  // brokerage at the entry alone
  }
  ChainDay not_expiring = ChainMaker().make(Date::of(2024, 1, 11), falling, spot, kLot);
  EXPECT_EQ(must(run_option_day(plan, not_expiring)).trades[0].reason, "eod");
}

TEST(Settlement, AnExpiringPositionWithoutQuotesSettlesInsteadOfTradingStale) {
  ChainDay day = ChainMaker().make(
      Date::of(2024, 1, 4),
      [](std::int64_t strike, bool call, Instant t) {
        return t < at_time("15:10") ? falling(strike, call, t) : std::pair{0, 0};
      },
      still, kLot);
  OptionDay r = must(run_option_day(straddle(), day));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_EQ(r.trades[0].reason, "settlement");
  EXPECT_EQ(r.trades[0].exit_value, 0);
}

TEST(Rebalance, RollsToTheNewStrikeAtTheAnchorOnly) {
  // The underlying moves from 1000 to 1050 at 10:05; anchors at 09:15, 10:15, 11:15, ...
  auto spot = [](Instant t) { return t < at_time("10:05") ? std::int64_t{100000} : std::int64_t{105000}; };
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, spot, kLot);
  OptionStrategy plan = straddle("09:15", "15:25");
  plan.rebalance = kHour;
  OptionDay r = must(run_option_day(plan, day));
  ASSERT_EQ(r.trades.size(), 4u);
  EXPECT_EQ(r.trades[0].strike, 100000);
  EXPECT_EQ(r.trades[0].reason, "rebalance");
  EXPECT_EQ(r.trades[0].exit_time, at_time("10:15:01"));
  EXPECT_EQ(r.trades[2].strike, 105000);
  EXPECT_EQ(r.trades[2].entry_time, at_time("10:15:01"));
  EXPECT_EQ(r.trades[2].reason, "window_end");
}

TEST(Rebalance, AQuietMomentOfTheHeldStrikeIsNoReasonToRoll) {
  ChainDay day = ChainMaker().make(
      Date::of(2024, 1, 4),
      [](std::int64_t strike, bool call, Instant t) {
        bool quiet = strike == 100000 && t > at_time("10:14") && t < at_time("10:16");
        return quiet ? std::pair{0, 0} : falling(strike, call, t);
      },
      still, kLot);
  OptionStrategy plan = straddle("09:15", "15:25");
  plan.rebalance = kHour;
  EXPECT_EQ(must(run_option_day(plan, day)).trades.size(), 2u);
}

TEST(SplitSession, NothingFillsInTheBreak) {
  ChainMaker maker;
  maker.day.session.intervals = {{at_time("09:15"), at_time("10:00")}, {at_time("11:30"), at_time("12:30")}};
  ChainDay day = maker.make(Date::of(2024, 1, 11), falling, still);
  OptionStrategy plan = straddle("09:20", "10:30");
  OptionDay r = must(run_option_day(plan, day));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_EQ(r.trades[0].exit_time,
            at_time("11:30:01"));  // the window ended in the break: the first second after it decides
}

Condition condition(const std::string& text) {
  auto document = must(Document::parse_json(text, "c.json"));
  Condition c;
  Status status = read_value(document.root(), c);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return c;
}

TEST(Conditions, EntryWaitsAndExitFires) {
  auto spot = [](Instant t) { return t < at_time("11:00") ? std::int64_t{100000} : std::int64_t{101000}; };
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, spot, kLot);
  OptionStrategy plan = straddle("09:20", "15:25");
  plan.enter = condition(R"({"gt": ["SPOT", 1005]})");
  plan.leave = condition(R"({"gte": ["PnL", 1000]})");
  OptionDay r = must(run_option_day(plan, day));
  ASSERT_EQ(r.trades.size(), 2u);
  EXPECT_EQ(r.trades[0].decided, at_time("11:00:01"));  // the price of 11:00:00 is known a second later
  EXPECT_EQ(r.trades[0].reason, "condition");
  EXPECT_EQ(r.trades[0].exit_time, at_time("15:00:02"));
  plan.enter = condition(R"({"gt": ["SPOT", {"metric": "ORB_HIGH", "args": {"range": "09:15-09:30"}}]})");
  EXPECT_EQ(must(run_option_day(plan, day)).trades[0].decided, at_time("11:00:01"));
  plan.enter = condition(R"({"all": [{"gt": ["VIX", 0]}, {"gt": ["SPOT", 0]}]})");
  EXPECT_TRUE(must(run_option_day(plan, day)).trades.empty());  // unknown fires nothing
  plan.enter = condition(R"({"any": [{"gt": ["VIX", 0]}, {"gt": ["SPOT", 0]}]})");
  EXPECT_EQ(must(run_option_day(plan, day)).trades.size(), 2u);
  plan.enter = condition(R"({"not": {"gt": ["VIX", 0]}})");
  EXPECT_TRUE(must(run_option_day(plan, day)).trades.empty());
}

TEST(Conditions, AveragesSeeEndedBarsOnly) {
  // One-minute closes of the spot: 1000, 1001, 1002, ... SMA(3) of 1m at 09:20:00 is the mean of the bars ending 09:18..09:20.
  auto spot = [](Instant t) { return 100000 + (t.us - at_time("09:15").us) / kMinute * 100; };
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, spot, kLot);
  OptionStrategy plan = straddle("09:15", "15:25");
  auto enters = [&](const std::string& text) {
    plan.enter = condition(text);
    OptionDay r = must(run_option_day(plan, day));
    return r.trades.empty() ? Instant{} : r.trades[0].decided;
  };
  // bars end at 09:16 (1000), 09:17 (1001), 09:18 (1002): the mean reaches 1001 at 09:18:00 and 1002 at 09:19:00
  EXPECT_EQ(enters(R"({"gte": [{"metric": "SMA", "args": {"n": 3, "field": "spot", "bar": "1m"}}, 1001]})"),
            at_time("09:18"));
  EXPECT_EQ(enters(R"({"gte": [{"metric": "SMA", "args": {"n": 3, "field": "spot", "bar": "1m"}}, 1001.5]})"),
            at_time("09:19"));
}

TEST(Conditions, VolumesAreDifferencesOfTheCumulativeOne) {
  ChainDay day = ChainMaker().make(Date::of(2024, 1, 4), falling, still, kLot);
  for (Contract& c : day.contracts) {
    std::int64_t volume = 0;
    for (Quote& q : c.quotes) {
      volume += q.time < at_time("10:00") ? 1 : 5;
      if (q.time == at_time("09:30")) volume = 0;  // the feed resets it
      q.volume = volume;
    }
  }
  OptionStrategy plan = straddle("09:20", "15:25");
  plan.enter = condition(R"({"gt": [{"metric": "VOL_1M_RATE", "args": {"leg": 0}}, 60]})");
  EXPECT_EQ(must(run_option_day(plan, day)).trades[0].decided, at_time("10:00:01"));
  plan.enter = condition(R"({"gt": ["VOL_1M", 299]})");
  EXPECT_EQ(must(run_option_day(plan, day)).trades[0].decided, at_time("10:01:00"));  // 60 seconds of 5
}

TEST(OptionProperty, ShufflingTheFutureChangesNoPastTrade) {
  auto noisy = [](unsigned seed, Instant from) {
    return [=](std::int64_t strike, bool call, Instant t) {
      std::uint64_t h = static_cast<std::uint64_t>(t.us / kSecond) * 2654435761u +
                        static_cast<std::uint64_t>(strike) * 97u + call + (t >= from ? seed : 0u);
      h ^= h >> 29, h *= 0x9E3779B97F4A7C15ull, h ^= h >> 32;
      int bid = 3000 + static_cast<int>(h % 2000);
      return h % 11 == 0 ? std::pair{0, 0} : std::pair{bid, bid + 10};
    };
  };
  auto spot = [](Instant t) { return 95000 + (t.us / kSecond * 7919) % 10000; };
  Instant cut = at_time("12:00");
  OptionStrategy plan = straddle("09:15", "15:25");
  plan.rebalance = 5 * kMinute;
  OptionDay reference = must(run_option_day(plan, ChainMaker().make(Date::of(2024, 1, 4), noisy(0, cut), spot)));
  std::size_t compared = 0;
  for (unsigned seed : {1u, 2u, 3u}) {
    OptionDay other = must(run_option_day(plan, ChainMaker().make(Date::of(2024, 1, 4), noisy(seed, cut), spot)));
    for (std::size_t i = 0; i < reference.trades.size() && reference.trades[i].exit_time < cut; ++i) {
      ASSERT_LT(i, other.trades.size());
      ASSERT_EQ(reference.trades[i].entry_value, other.trades[i].entry_value);
      ASSERT_EQ(reference.trades[i].exit_value, other.trades[i].exit_value);
      ASSERT_EQ(reference.trades[i].exit_time, other.trades[i].exit_time);
      ++compared;
    }
  }
  EXPECT_GT(compared, 30u);
}

}  // namespace
}  // namespace tapemill::backtest
