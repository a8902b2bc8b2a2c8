#pragma once
#include <cstdint>
#include <string>

#include "core/status.h"

namespace tapemill::backtest {

/// Money and prices are integers at a scale (design.md 7): paise for options, the table's own scale for bars.
__extension__ typedef __int128 Wide;

inline constexpr std::int64_t kNullPrice = INT64_MIN;

/// value * numerator / denominator to the nearest whole, halves away from zero. REQUIRES denominator > 0.
/// Data error when the result leaves int64.
Result<std::int64_t> scaled(std::int64_t value, std::int64_t numerator, std::int64_t denominator);
/// price * units, refused when it leaves int64.
Result<std::int64_t> times(std::int64_t price, std::int64_t units);

/// Rates in basis points are kept to 1/10,000 of one, so that 3.6 or 0.0345 is exact.
inline constexpr std::int64_t kRateScale = 10'000;
/// amount * rate / 1 bp, to the nearest unit of `amount`'s scale.
inline Result<std::int64_t> of_basis_points(std::int64_t amount, std::int64_t rate) {
  return scaled(amount, rate, 10'000 * kRateScale);
}

/// "1000000 USD", "1000000" -> units at `scale` and the currency (empty where none is said).
struct Amount {
  std::string number, currency;
  Result<std::int64_t> at(int scale) const;
};
Result<Amount> parse_amount(const std::string& text);
/// "100 %", "12.5%" -> hundredths of a percent (10000, 1250); 0 < x <= 100 %.
Result<std::int64_t> parse_percent(const std::string& text);

}  // namespace tapemill::backtest
