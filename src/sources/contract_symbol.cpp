#include "sources/contract_symbol.h"

#include <algorithm>
#include <array>

#include "core/decimal.h"

namespace tapemill::sources {
namespace {

bool digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
int number(std::string_view text) {
  int value = 0;
  for (char c : text) value = value * 10 + (c - '0');
  return value;
}
bool is_date(int year, int month, int day) {
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  constexpr std::array<int, 12> lengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= lengths[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}
int month_of(std::string_view name) {
  constexpr std::string_view months = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
  for (std::size_t m = 0; m < 12; ++m)
    if (months.substr(3 * m, 3) == name) return static_cast<int>(m) + 1;
  return 0;
}
bool strike_of(std::string_view text, std::int64_t& out) {
  if (text.empty() || text.front() < '0' || text.front() > '9' ||
      text.find_first_not_of("0123456789.") != std::string_view::npos)
    return false;
  return parse_decimal(text, 3, out) == DecimalParse::ok && out > 0;
}

}  // namespace

bool OptionContract::strike_at(int scale, std::int64_t& out) const {
  if (scale >= 3) return out = strike * kPowersOfTen[scale - 3], true;
  out = strike / kPowersOfTen[3 - scale];
  return strike % kPowersOfTen[3 - scale] == 0;
}

bool parse_occ(std::string_view ticker, OptionContract& out) {
  if (!ticker.starts_with("O:") || ticker.size() < 2 + 1 + 15) return false;
  std::string_view tail = ticker.substr(ticker.size() - 15);
  if (!digits(tail.substr(0, 6)) || !digits(tail.substr(7)) || (tail[6] != 'C' && tail[6] != 'P')) return false;
  int year = 2000 + number(tail.substr(0, 2)), month = number(tail.substr(2, 2)), day = number(tail.substr(4, 2));
  if (!is_date(year, month, day)) return false;
  out.root = ticker.substr(2, ticker.size() - 17);
  out.expiry = Date::of(year, month, day);
  out.call = tail[6] == 'C';
  out.strike = number(tail.substr(7));
  return true;
}

Date monthly_expiry(std::string_view underlying, int year, int month) {
  int weekday = 3;
  if (year > 2025 || (year == 2025 && month >= 9)) weekday = 1;
  else if (underlying == "BANKNIFTY" && year == 2024 && month >= 3) weekday = 2;
  Date last = (month == 12 ? Date::of(year + 1, 1, 1) : Date::of(year, month + 1, 1)) - 1;
  return last - (last.weekday() - weekday + 7) % 7;
}

bool parse_nse_option(std::string_view name, std::optional<Date> around, NseContract& out) {
  std::string symbol(name);
  for (char& c : symbol) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (symbol.size() < 8 || !(symbol.ends_with("CE") || symbol.ends_with("PE"))) return false;
  std::string_view body = std::string_view(symbol).substr(0, symbol.size() - 2);
  for (std::size_t i = 1; i + 5 < body.size(); ++i) {  // the shortest root that leaves a contract
    std::string_view root = body.substr(0, i), rest = body.substr(i);
    if (std::none_of(root.begin(), root.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) ||
        !digits(rest.substr(0, 2)) || number(rest.substr(0, 2)) > 35)
      continue;
    const int lead = number(rest.substr(0, 2));  // a year or a day: either way no more than 35
    NseContract monthly, dated, weekly;
    bool is_monthly = false, is_dated = false, is_weekly = false;
    if (int month = month_of(rest.substr(2, 3)); month > 0) {
      is_monthly = strike_of(rest.substr(5), monthly.strike);
      monthly.rule = NseRule::monthly;
      monthly.expiry = monthly_expiry(root, 2000 + lead, month);
      if (rest.size() > 7 && digits(rest.substr(5, 2)) && is_date(2000 + number(rest.substr(5, 2)), month, lead)) {
        is_dated = strike_of(rest.substr(7), dated.strike);
        dated.rule = NseRule::dated;
        dated.expiry = Date::of(2000 + number(rest.substr(5, 2)), month, lead);
      }
    } else {
      constexpr std::string_view months = "123456789OND";
      std::size_t m = months.find(rest[2]);
      if (m != std::string_view::npos && digits(rest.substr(3, 2)) &&
          is_date(2000 + lead, static_cast<int>(m) + 1, number(rest.substr(3, 2)))) {
        is_weekly = strike_of(rest.substr(5), weekly.strike);
        weekly.rule = NseRule::weekly;
        weekly.expiry = Date::of(2000 + lead, static_cast<int>(m) + 1, number(rest.substr(3, 2)));
      }
    }
    if (is_monthly && is_dated)
      is_monthly = monthly.strike < 1'000'000'000 && !(around && monthly.expiry < *around && *around <= dated.expiry);
    if (!is_monthly && !is_dated && !is_weekly) continue;
    out = is_monthly ? monthly : is_dated ? dated : weekly;
    out.underlying = std::string(root);
    out.call = symbol[symbol.size() - 2] == 'C';
    out.symbol = symbol;
    return true;
  }
  return false;
}

}  // namespace tapemill::sources
