#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tapemill {

/// Exact decimals as DECIMAL(18, scale) on int64 (design.md 7).
enum class DecimalParse { ok, not_a_number, too_many_digits, out_of_range };

/// "123.4500" at scale 2 -> 12345 (trailing zeros beyond the scale are no digits); "1e3" and "1.5E+2" are read exactly;
/// nan, inf and empty are not_a_number; more digits than the scale keeps: too_many_digits; beyond 18 digits: out_of_range.
DecimalParse parse_decimal(std::string_view text, int scale, std::int64_t& out);
std::string format_decimal(std::int64_t value, int scale);
/// The one division at which floating point begins: value / 10^scale.
double to_double(std::int64_t value, int scale);
inline constexpr std::int64_t kPowersOfTen[19] = {1,
                                                  10,
                                                  100,
                                                  1000,
                                                  10000,
                                                  100000,
                                                  1000000,
                                                  10000000,
                                                  100000000,
                                                  1000000000,
                                                  10000000000,
                                                  100000000000,
                                                  1000000000000,
                                                  10000000000000,
                                                  100000000000000,
                                                  1000000000000000,
                                                  10000000000000000,
                                                  100000000000000000,
                                                  1000000000000000000};
const char* reason(DecimalParse result);  // "not a number", "more digits than the column keeps", ...

}  // namespace tapemill
