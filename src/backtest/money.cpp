#include "backtest/money.h"

#include <fmt/format.h>

#include "core/decimal.h"

namespace tapemill::backtest {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<std::int64_t> narrowed(Wide value) {
  if (value > INT64_MAX || value < -static_cast<Wide>(INT64_MAX)) {
    return data_error("an amount of money leaves 64 bits at this table's scale",
                      "lower the capital, or use a table with fewer decimals");
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

Result<std::int64_t> scaled(std::int64_t value, std::int64_t numerator, std::int64_t denominator) {
  Wide product = static_cast<Wide>(value) * numerator;
  Wide half = denominator / 2;
  return narrowed(product >= 0 ? (product + half) / denominator : -((-product + half) / denominator));
}

Result<std::int64_t> times(std::int64_t price, std::int64_t units) {
  return narrowed(static_cast<Wide>(price) * units);
}

Result<std::int64_t> Amount::at(int scale) const {
  std::int64_t out = 0;
  DecimalParse parsed = parse_decimal(number, scale, out);
  if (parsed != DecimalParse::ok) return usage_error(fmt::format("capital {}: {}", number, reason(parsed)));
  return out;
}

Result<Amount> parse_amount(const std::string& text) {
  std::string_view rest = trimmed(text);
  std::size_t end = rest.find_first_not_of("0123456789._");
  Amount amount;
  for (char c : rest.substr(0, end)) {
    if (c != '_') amount.number += c;
  }
  if (end != std::string_view::npos) amount.currency = std::string(trimmed(rest.substr(end)));
  std::int64_t value = 0;
  bool letters = amount.currency.empty() || amount.currency.size() == 3;
  for (char c : amount.currency) letters = letters && c >= 'A' && c <= 'Z';
  if (amount.number.empty() || !letters || parse_decimal(amount.number, 6, value) != DecimalParse::ok || value <= 0) {
    return usage_error(fmt::format("\"{}\" is no amount of money", text),
                       "write a number and a currency, such as 1000000 USD");
  }
  return amount;
}

Result<std::int64_t> parse_percent(const std::string& text) {
  std::string_view rest = trimmed(text);
  std::int64_t value = 0;
  bool percent = !rest.empty() && rest.back() == '%';
  if (percent) rest = trimmed(rest.substr(0, rest.size() - 1));
  if (!percent || parse_decimal(rest, 2, value) != DecimalParse::ok || value <= 0 || value > 10'000) {
    return usage_error(fmt::format("\"{}\" is no share", text),
                       "write a percentage above 0 and up to 100, such as 25 %");
  }
  return value;
}

}  // namespace tapemill::backtest
