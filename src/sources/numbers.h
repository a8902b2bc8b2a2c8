#pragma once
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include "core/decimal.h"

namespace tapemill::sources {

/// Why a text is no value of its column; null pointer: it is one.
using Complaint = const char*;

/// `text` as an integer at 10^-scale, after moving its decimal point `shift` places right (lakhs to rupees: 5). Exact.
inline Complaint read_decimal(std::string_view text, int scale, int shift, std::int64_t& out) {
  // The common shape, [-]digits[.digits] of at most 18 digits; everything else goes the long way.
  const char* p = text.data();
  const char* end = p + text.size();
  const bool negative = p < end && *p == '-';
  p += negative;
  std::int64_t value = 0;
  int decimals = -1;
  if (end - p <= 18 && p < end) {
    for (; p < end; ++p) {
      auto digit = static_cast<unsigned>(*p) - '0';
      if (digit < 10) {
        value = value * 10 + digit;
        decimals += decimals >= 0;
      } else if (*p == '.' && decimals < 0 && end - p > 1) {
        decimals = 0;
      } else {
        break;
      }
    }
    const int missing = scale + shift - (decimals < 0 ? 0 : decimals);
    const bool point_first = text[negative] == '.';
    if (p == end && !point_first && missing >= 0 && missing <= 18 && value < kPowersOfTen[18 - missing]) {
      value *= kPowersOfTen[missing];
      out = negative ? -value : value;
      return nullptr;
    }
  }
  switch (parse_decimal(text, scale + shift, out)) {
    case DecimalParse::ok: return nullptr;
    case DecimalParse::not_a_number: return "is not a number";
    case DecimalParse::too_many_digits: return "has more digits than the column keeps";
    case DecimalParse::out_of_range: return "is beyond 18 digits";
  }
  return "is not a number";
}

inline Complaint read_integer(std::string_view text, std::int64_t& out) {
  Complaint complaint = read_decimal(text, 0, 0, out);
  return complaint != nullptr && complaint[0] == 'h' ? "is not a whole number" : complaint;
}

inline Complaint read_double(std::string_view text, double& out) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed == std::errc::result_out_of_range) return "is out of range";
  if (failed != std::errc{} || end != text.data() + text.size()) return "is not a number";
  if (!(out >= std::numeric_limits<double>::lowest() && out <= std::numeric_limits<double>::max()))
    return "is not a number";  // nan, inf
  return nullptr;
}

}  // namespace tapemill::sources
