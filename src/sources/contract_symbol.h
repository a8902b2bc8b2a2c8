#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace tapemill::sources {

/// What an option's name says. `strike` is exact, at 10^-3.
struct OptionContract {
  std::string_view root;     // part of the text parsed
  Date expiry;
  bool call = false;
  std::int64_t strike = 0;
  /// The strike as DECIMAL(18, scale); false where it has more digits.
  bool strike_at(int scale, std::int64_t& out) const;
};

/// OCC as Polygon writes it: O: + root + YYMMDD + C|P + strike x 1000 in 8 digits. O:SPY251219C00650000 is the 650 call of
/// 2025-12-19. Source: OCC Options Symbology Initiative; conventions.md 7.
bool parse_occ(std::string_view ticker, OptionContract& out);

/// How an NSE contract's name gives its expiry.
enum class NseRule {
  monthly,   // UND YY MMM STRIKE CE|PE: the month's last expiry; the day is not in the name
  weekly,    // UND YY M DD STRIKE CE|PE, M = 1..9, O, N, D
  dated      // UND DD MMM YY STRIKE CE|PE
};
struct NseContract {
  std::string underlying;    // upper case
  NseRule rule = NseRule::weekly;
  Date expiry;               // monthly: see parse_nse_option
  bool call = false;
  std::int64_t strike = 0;   // at 10^-3
  std::string symbol;        // the name in upper case, without a file's suffix
};

/// NSE option symbols in any case (conventions.md 4), as BANKNIFTY25AUG48000CE, BANKNIFTY1941128500CE (2019-04-11, 28500),
/// NIFTY28MAR2420800CE. Strikes may have decimals. A monthly name says no day; `expiry` is then monthly_expiry(), which a
/// contract master knows better. A name that two rules fit (25JAN24500: January 2025 at 24500, or 25 January 2024 at 500) is
/// the monthly one, as the exchange writes it, unless its strike would pass a million or, with `around` (a day on which the
/// contract traded), it would have been over by then and the other not. False where no rule fits.
bool parse_nse_option(std::string_view name, std::optional<Date> around, NseContract& out);

/// The scheduled last expiry of a month, before any shift for a holiday. Weekday by conventions.md 5: Thursday; BANKNIFTY
/// Wednesday from March to December 2024; Tuesday from September 2025.
Date monthly_expiry(std::string_view underlying, int year, int month);

}  // namespace tapemill::sources
