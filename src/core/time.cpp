#include "core/time.h"

#include <date/date.h>
#include <date/tz.h>

#include <array>

namespace tapemill {
namespace {

using Microseconds = std::chrono::microseconds;
using SysMicros = date::sys_time<Microseconds>;
using LocalMicros = date::local_time<Microseconds>;

date::year_month_day civil(Date d) { return date::year_month_day{date::sys_days{date::days{d.days}}}; }

/// Takes up to `most` digits off the front; false when there are fewer than `least`.
bool take_digits(std::string_view& text, int least, int most, int& out) {
  int n = 0;
  out = 0;
  while (n < most && !text.empty() && text.front() >= '0' && text.front() <= '9') {
    out = out * 10 + (text.front() - '0');
    text.remove_prefix(1);
    ++n;
  }
  return n >= least;
}
bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

Result<Date> make_date(int year, int month, int day, std::string_view text) {
  date::year_month_day ymd{date::year{year}, date::month{static_cast<unsigned>(month)},
                           date::day{static_cast<unsigned>(day)}};
  if (!ymd.ok()) return data_error(fmt::format("\"{}\" is not a date", text), "dates are written 2024-10-28");
  return Date{static_cast<std::int32_t>(date::sys_days{ymd}.time_since_epoch().count())};
}

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};

bool take_month_name(std::string_view& text, int& month) {
  if (text.size() < 3) return false;
  for (std::size_t m = 0; m < 12; ++m) {
    bool same = true;
    for (std::size_t i = 0; i < 3; ++i) same &= (text[i] | 0x20) == kMonths[m][i];
    if (same) {
      month = static_cast<int>(m) + 1;
      text.remove_prefix(3);
      return true;
    }
  }
  return false;
}

}  // namespace

Date Date::of(int year, int month, int day) {
  return {static_cast<std::int32_t>(date::sys_days{date::year{year} / month / day}.time_since_epoch().count())};
}
Result<Date> Date::parse(std::string_view iso) {
  std::string_view rest = iso;
  int y, m, d;
  if (take_digits(rest, 4, 4, y) && take(rest, '-') && take_digits(rest, 2, 2, m) && take(rest, '-') &&
      take_digits(rest, 2, 2, d) && rest.empty())
    return make_date(y, m, d, iso);
  return data_error(fmt::format("\"{}\" is not a date", iso), "dates are written 2024-10-28");
}
Result<Date> Date::parse(std::string_view text, std::string_view format) {
  std::string_view rest = text;
  int y = 1970, m = 1, d = 1;
  for (std::size_t i = 0; i < format.size(); ++i) {
    bool ok = true;
    if (format[i] != '%' || i + 1 == format.size()) {
      ok = take(rest, format[i]);
    } else {
      switch (format[++i]) {
        case 'Y': ok = take_digits(rest, 4, 4, y); break;
        case 'y':
          ok = take_digits(rest, 2, 2, y);
          y += y < 69 ? 2000 : 1900;
          break;
        case 'm': ok = take_digits(rest, 1, 2, m); break;
        case 'd': ok = take_digits(rest, 1, 2, d); break;
        case 'b': ok = take_month_name(rest, m); break;
        default:
          return usage_error(fmt::format("date format \"{}\": unknown %{}", format, format[i]),
                             "known: %Y %y %m %d %b");
      }
    }
    if (!ok) return data_error(fmt::format("\"{}\" is not a date of the form {}", text, format));
  }
  if (!rest.empty()) return data_error(fmt::format("\"{}\" is not a date of the form {}", text, format));
  return make_date(y, m, d, text);
}
int Date::year() const { return static_cast<int>(civil(*this).year()); }
int Date::month() const { return static_cast<int>(static_cast<unsigned>(civil(*this).month())); }
int Date::day() const { return static_cast<int>(static_cast<unsigned>(civil(*this).day())); }
int Date::weekday() const { return ((days % 7) + 7 + 3) % 7; }  // 1970-01-01 was a Thursday
std::string Date::str() const {
  auto ymd = civil(*this);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()));
}

Result<std::int64_t> parse_time_of_day(std::string_view text) {
  std::string_view rest = text;
  int h = 0, m = 0, s = 0;
  bool ok = take_digits(rest, 2, 2, h) && take(rest, ':') && take_digits(rest, 2, 2, m);
  std::int64_t fraction = 0;
  if (ok && take(rest, ':')) {
    ok = take_digits(rest, 2, 2, s);
    if (ok && take(rest, '.')) {
      std::int64_t unit = kSecond;
      int digit = 0;
      ok = !rest.empty();
      while (ok && !rest.empty()) {
        ok = unit > 1 ? take_digits(rest, 1, 1, digit) : take_digits(rest, 1, 1, digit) && digit == 0;
        if (unit > 1) fraction += digit * (unit /= 10);
      }
    }
  }
  if (!ok || !rest.empty() || h > 24 || m > 59 || s > 59 || (h == 24 && (m > 0 || s > 0)))
    return data_error(fmt::format("\"{}\" is not a time of day", text), "times are written 09:15 or 09:15:30");
  return h * kHour + m * kMinute + s * kSecond + fraction;
}

Result<std::int64_t> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total = 0;
  bool any = false;
  while (!rest.empty()) {
    std::int64_t n = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && digits < 12)
      n = n * 10 + (rest[digits++] - '0');
    rest.remove_prefix(digits);
    std::size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    std::string_view unit = rest.substr(0, letters);
    rest.remove_prefix(letters);
    std::int64_t scale = unit == "us"   ? 1
                         : unit == "ms" ? 1000
                         : unit == "s"  ? kSecond
                         : unit == "m"  ? kMinute
                         : unit == "h"  ? kHour
                         : unit == "d"  ? kDay
                                        : 0;
    if (digits == 0 || scale == 0 || n > INT64_MAX / scale) {
      any = false;
      break;
    }
    total += n * scale;
    any = true;
  }
  if (!any)
    return usage_error(fmt::format("\"{}\" is not a duration", text),
                       "durations are written 500ms, 30s, 5m, 6h30m, 2d");
  return total;
}

Result<Instant> Instant::parse(std::string_view iso) {
  auto bad = [&] {
    return data_error(fmt::format("\"{}\" is not a time", iso),
                      "times are written 2024-10-28T09:15:00+05:30, or with Z for UTC");
  };
  if (iso.size() < 10) return bad();
  auto date = Date::parse(iso.substr(0, 10));
  if (!date.ok()) return bad();
  std::string_view rest = iso.substr(10);
  std::int64_t us = date->days * kDay;
  if (rest.empty()) return Instant{us};
  if (rest.front() != 'T' && rest.front() != ' ') return bad();
  rest.remove_prefix(1);
  auto zone = rest.find_first_of("Z+-");
  auto time = parse_time_of_day(rest.substr(0, zone));
  if (!time.ok()) return bad();
  us += *time;
  if (zone == std::string_view::npos) return Instant{us};
  std::string_view offset = rest.substr(zone);
  if (offset == "Z") return Instant{us};
  bool east = offset.front() == '+';
  offset.remove_prefix(1);
  int h = 0, m = 0;
  if (!take_digits(offset, 2, 2, h)) return bad();
  take(offset, ':');
  if (!take_digits(offset, 2, 2, m) || !offset.empty() || h > 18 || m > 59) return bad();
  std::int64_t shift = h * kHour + m * kMinute;
  return Instant{east ? us - shift : us + shift};
}

namespace {
std::string clock_text(std::int64_t us_of_day) {
  std::int64_t seconds = us_of_day / kSecond, fraction = us_of_day % kSecond;
  std::string text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (fraction != 0) {
    text += fmt::format(".{:06}", fraction);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}
std::int64_t floor_days(std::int64_t us) { return us >= 0 ? us / kDay : -((-us + kDay - 1) / kDay); }
}  // namespace

std::string Instant::str() const {
  std::int64_t days = floor_days(us);
  return Date{static_cast<std::int32_t>(days)}.str() + "T" + clock_text(us - days * kDay) + "Z";
}

Result<Zone> Zone::named(std::string_view name) {
  Zone zone;
  try {
    zone.zone_ = date::locate_zone(name);
  } catch (const std::exception& e) {
    return environment_error(
        fmt::format("time zone \"{}\": {}", name, e.what()),
        "zones are named as in the tz database: Asia/Kolkata, America/New_York (Debian: apt-get install tzdata)");
  }
  return zone;
}
Zone Zone::utc() {
  auto zone = named("Etc/UTC");
  return zone.ok() ? *zone : Zone{};
}
namespace {
const date::time_zone* tz(const void* zone) { return static_cast<const date::time_zone*>(zone); }
}  // namespace
Instant Zone::at(Date date, std::int64_t us) const {
  if (zone_ == nullptr) return {date.days * kDay + us};
  LocalMicros local{Microseconds{date.days * kDay + us}};
  auto info = tz(zone_)->get_info(local);
  // In a gap or overlap `first` is the earlier offset.
  return {local.time_since_epoch().count() - std::chrono::duration_cast<Microseconds>(info.first.offset).count()};
}
std::int64_t Zone::offset(Instant t) const {
  if (zone_ == nullptr) return 0;
  auto info = tz(zone_)->get_info(SysMicros{Microseconds{t.us}});
  return std::chrono::duration_cast<Microseconds>(info.offset).count();
}
Date Zone::local_date(Instant t) const { return {static_cast<std::int32_t>(floor_days(t.us + offset(t)))}; }
std::int64_t Zone::local_time(Instant t) const {
  std::int64_t local = t.us + offset(t);
  return local - floor_days(local) * kDay;
}
std::string Zone::abbreviation(Instant t) const {
  return zone_ == nullptr ? "UTC" : tz(zone_)->get_info(SysMicros{Microseconds{t.us}}).abbrev;
}
std::string Zone::str(Instant t) const { return local_date(t).str() + " " + clock_text(local_time(t)); }
const std::string& Zone::name() const {
  static const std::string utc_name = "UTC";
  return zone_ == nullptr ? utc_name : tz(zone_)->name();
}

}  // namespace tapemill
