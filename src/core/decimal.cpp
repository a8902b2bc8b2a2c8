#include "core/decimal.h"

#include <fmt/format.h>

namespace tapemill {

DecimalParse parse_decimal(std::string_view text, int scale, std::int64_t& out) {
  std::size_t i = 0, n = text.size();
  bool negative = i < n && text[i] == '-';
  if (i < n && (text[i] == '-' || text[i] == '+')) ++i;
  // Significant digits without their zeros in front and behind; the number is digits * 10^exponent.
  char digits[40];
  int count = 0, exponent = 0, zeros = 0;
  bool any = false, point = false;
  for (; i < n; ++i) {
    char c = text[i];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    any = true;
    if (point) --exponent;
    if (c == '0') {
      if (count > 0) ++zeros;
      continue;
    }
    if (count + zeros >= 39) return DecimalParse::too_many_digits;
    for (; zeros > 0; --zeros) digits[count++] = '0';
    digits[count++] = c;
  }
  if (!any) return DecimalParse::not_a_number;
  exponent += zeros;
  if (i < n) {  // an exponent, exactly
    if (text[i] != 'e' && text[i] != 'E') return DecimalParse::not_a_number;
    if (++i == n) return DecimalParse::not_a_number;
    bool minus = text[i] == '-';
    if (text[i] == '-' || text[i] == '+') ++i;
    if (i == n) return DecimalParse::not_a_number;
    int power = 0;
    for (; i < n; ++i) {
      if (text[i] < '0' || text[i] > '9') return DecimalParse::not_a_number;
      if (power < 100000) power = power * 10 + (text[i] - '0');
    }
    exponent += minus ? -power : power;
  }
  if (count == 0) {
    out = 0;
    return DecimalParse::ok;
  }
  int shift = exponent + scale;
  if (shift < 0) return DecimalParse::too_many_digits;
  if (count + shift > 18) return DecimalParse::out_of_range;
  std::int64_t value = 0;
  for (int d = 0; d < count; ++d) value = value * 10 + (digits[d] - '0');
  value *= kPowersOfTen[shift];
  out = negative ? -value : value;
  return DecimalParse::ok;
}

std::string format_decimal(std::int64_t value, int scale) {
  auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const char* sign = value < 0 ? "-" : "";
  if (scale == 0) return fmt::format("{}{}", sign, magnitude);
  auto power = static_cast<std::uint64_t>(kPowersOfTen[scale]);
  return fmt::format("{}{}.{:0{}}", sign, magnitude / power, magnitude % power, scale);
}

double to_double(std::int64_t value, int scale) {
  return static_cast<double>(value) / static_cast<double>(kPowersOfTen[scale]);
}

const char* reason(DecimalParse result) {
  switch (result) {
    case DecimalParse::ok: return "ok";
    case DecimalParse::not_a_number: return "not a number";
    case DecimalParse::too_many_digits: return "more digits than the column keeps";
    case DecimalParse::out_of_range: return "beyond 18 digits";
  }
  return "";
}

}  // namespace tapemill
