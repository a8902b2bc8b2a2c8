#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace tapemill {

/// A civil date as days since 1970-01-01: Arrow's date32.
struct Date {
  std::int32_t days = 0;
  auto operator<=>(const Date&) const = default;

  static Date of(int year, int month, int day);                 // REQUIRES a valid civil date
  static Result<Date> parse(std::string_view iso);              // YYYY-MM-DD, nothing else
  static Result<Date> parse(std::string_view text, std::string_view format);  // %Y %m %d %b %y and literals
  int year() const;
  int month() const;  // 1..12
  int day() const;    // 1..31
  int weekday() const;  // 0 Monday .. 6 Sunday
  std::string str() const;
  Date operator+(int n) const { return {days + n}; }
  Date operator-(int n) const { return {days - n}; }
};

/// Microseconds since the epoch, UTC: Arrow's timestamp[us, UTC].
struct Instant {
  std::int64_t us = 0;
  auto operator<=>(const Instant&) const = default;

  /// 2024-10-28, 2024-10-28T09:15:00[.123456][Z|+05:30], a blank for the T; without a zone it is UTC.
  static Result<Instant> parse(std::string_view iso);
  std::string str() const;  // 2024-10-28T03:45:00Z, fraction only where there is one
};

inline constexpr std::int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

/// A zone of the tz database. Cheap to copy; conversions are thread-safe.
class Zone {
 public:
  static Result<Zone> named(std::string_view name);  // "America/New_York"; unknown: environment error with the nearest
  static Zone utc();
  /// The instant at `us` microseconds after local midnight of `date`. In a gap or overlap: the earlier offset.
  Instant at(Date date, std::int64_t us) const;
  Date local_date(Instant t) const;
  std::int64_t local_time(Instant t) const;  // microseconds since local midnight
  std::int64_t offset(Instant t) const;  // microseconds east of UTC
  std::string abbreviation(Instant t) const;  // EST, IST
  std::string str(Instant t) const;  // 2024-10-28 09:15:00
  const std::string& name() const;

 private:
  const void* zone_ = nullptr;
};

/// "09:15", "09:15:30" -> microseconds since midnight.
Result<std::int64_t> parse_time_of_day(std::string_view text);
/// "500ms", "30s", "5m", "6h30m", "2d" -> microseconds.
Result<std::int64_t> parse_duration(std::string_view text);

}  // namespace tapemill
