#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backtest/quotes.h"
#include "backtest/strategy.h"
#include "core/calendar.h"

namespace tapemill::backtest {

struct Contract {
  std::string instrument;
  Date expiry;
  std::int64_t strike = 0;   // paise
  bool call = true;
  std::int64_t lot = 1;
  Quotes quotes;
  std::int64_t previous_close = kNullPrice;
};

struct SpotPrice {
  Instant time, known_at;
  std::int64_t price = kNullPrice;  // paise
};

/// One day of one underlying: the shard of an option backtest.
struct ChainDay {
  Session session;
  std::shared_ptr<const Calendar> calendar;  // tells a holiday-shifted expiry; may be null
  Zone zone = Zone::utc();                   // of the strategy's times of day
  std::vector<Contract> contracts;  // by expiry, strike, puts before calls
  std::vector<SpotPrice> spot;      // as Contract::quotes; may be empty
  std::shared_ptr<QuoteFile> file;  // of quotes that are not in memory; null: all are
  std::int64_t previous_spot = kNullPrice;
  std::int64_t step = 0, tick = 5;  // paise
  std::int64_t stt_sale = 0, stt_exercise = 0;       // bps at kRateScale, of the rules on this day
  std::int64_t settlement_window = 30 * kMinute;
};

/// Sorts what was read into the order in which it became known and leaves out what was overtaken. Returns how many
/// quotes were left out.
std::int64_t arrange(std::vector<Quote>& quotes);
std::int64_t arrange(std::vector<SpotPrice>& spot);

/// The latest quote known at t, null before the first. Never one whose known_at is later than t. Not to be kept: see Quotes.
const Quote* as_of(const Contract& contract, Instant t);
/// The underlying's latest price known at t, null before the first.
const SpotPrice* spot_as_of(const ChainDay& day, Instant t);

/// Why a quote may not trade (spec D2); 0: it may.
enum Unfit : unsigned {
  kNoQuote = 1,
  kStale = 2,
  kIntolerant = 4,
  kCrossed = 8,
  kZeroPrice = 16,
  kWide = 32,
  kNoDepth = 64
};
unsigned unfit(const OptionStrategy& plan, const Quote* quote, Instant t);
/// kIntolerant when the latest underlying price at or before the quote's own time (exact times, known at t) is older than
/// that quote by more than the tolerance; 0 too where there is no spot feed.
unsigned intolerant(const OptionStrategy& plan, const ChainDay& day, const Quote& quote, Instant t);
/// "ttl|crossed", empty for 0.
std::string unfit_names(unsigned bits);

/// The underlying's price as the strategy knows it at t, paise: the spot feed's, or where there is none (or it is stale)
/// the put-call parity of the strike where call and put are nearest, K + C - P on mids; kNullPrice where neither is fit.
std::int64_t underlying(const OptionStrategy& plan, const ChainDay& day, Instant t, bool* by_parity = nullptr);

/// Expiries the strategy trades on this day, ascending. Monthly is the last expiry of its month: no later one is listed in
/// that month, and a week later (counted from the next weekday where that is a holiday, which shifts expiries) it is over.
std::vector<Date> choose_expiries(const OptionStrategy& plan, const ChainDay& day);

/// The contract of a leg at t (spec D3): the price rounded to the step (halves down), moved by the leg's distance, then
/// the listed contract with a quote fit to trade; where there is none, one step to either side, then two, the one nearer
/// to the price first, then the lower. -1: none.
int choose_contract(const OptionStrategy& plan, const ChainDay& day, const OptionLeg& leg, Date expiry,
                    std::int64_t price, Instant t);

/// The strike a leg asks for before what is listed is looked at: stage 1 of the map. kNullPrice where the price is unknown.
std::int64_t wanted_strike(const OptionStrategy& plan, const ChainDay& day, const OptionLeg& leg, std::int64_t price);

/// The commonest distance between neighbouring strikes of the nearest expiry; 0 with fewer than two strikes.
std::int64_t strike_step(const ChainDay& day);

}  // namespace tapemill::backtest
