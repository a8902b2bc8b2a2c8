#pragma once
#include <string>
#include <vector>

#include "core/calendar.h"
#include "pipeline/generated/stocks.h"

namespace tapemill::pipeline::generated {

/// The option underlying TAPE: rules/demo_options.yaml has its lot, tick and strike step.
inline constexpr std::int64_t kLot = 50, kStrikeStep = 50;  // units; rupees
inline constexpr const char* kUnderlying = "TAPE";

struct Chain {
  std::uint64_t seed = 0;
  std::vector<Session> sessions;
  Zone zone = Zone::utc();                       // the exchange's
  Date expiry;
  std::vector<std::int64_t> strikes;             // rupees, ascending, centred on the first session's open
  std::vector<std::vector<std::int64_t>> spot;   // paise, by session and second
  std::int64_t previous_close = 0;               // of the session before the first
};

/// A walk second by second; the opening half hour is livelier. `strikes` is odd.
Chain make_chain(std::uint64_t seed, const Calendar& calendar, const std::vector<Session>& sessions, Date expiry,
                 int strikes);

/// A file in the 52-column form, for each session of the chain: seconds in which something changed, times as the exchange's
/// wall clock but marked Z, `ts` at 1970 in some rows, price 0 before the first trade, volume of the session so far.
struct ContractFile {
  std::string name, text;       // tape24aug24500ce
  std::int64_t rows = 0;
  std::vector<Defect> defects;
};
/// Quotes by a smile without a model's logarithms: C = (S - K + sqrt((S - K)^2 + 4 a^2)) / 2 with a the at-the-money value
/// (0.4 sigma S sqrt(T)), P = C - (S - K): convex, above intrinsic value, put-call parity exact.
std::vector<ContractFile> option_files(const Chain& chain, std::size_t strike, bool call);
std::vector<ContractFile> spot_files(const Chain& chain);

}  // namespace tapemill::pipeline::generated
