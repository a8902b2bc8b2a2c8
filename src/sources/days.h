#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/calendar.h"

namespace tapemill::sources {

/// Dates and times of one file in its exchange's calendar, remembered: neighbouring rows mostly share them.
/// Without a calendar everything is UTC and the range is 1900..2199.
class Days {
 public:
  explicit Days(std::shared_ptr<const Calendar> calendar);
  bool known(Date date) const { return date >= first_ && date <= last_; }
  bool known(Instant t) const { return t >= from_ && t < to_; }
  /// What a date or time that is no session's may be (expiries lie beyond the calendar): 1900..2199.
  static bool plausible(Date date) { return date.days >= -25567 && date.days < 84006; }
  static bool plausible(Instant t) { return t.us >= -25567 * kDay && t.us < 84006 * kDay; }
  Date local_date(Instant t);
  Instant midnight(Date date) { return at(date, 0); }
  Instant at(Date date, std::int64_t us);        // wall clock of the exchange
  /// An ISO time as the exchange's wall clock, even where it is marked Z; only a numeric offset is believed. False: no time.
  bool wall_clock(std::string_view text, Instant& out);
  /// When the session is over; of a day that is none, its end, so that nothing is known too early.
  Instant close(Date date);
  /// As Date::parse, but it remembers the last text and reads the common forms at once.
  bool parse(std::string_view text, std::string_view format, Date& out);
  std::string range() const { return first_.str() + " .. " + last_.str(); }

 private:
  std::shared_ptr<const Calendar> calendar_;
  Zone zone_ = Zone::utc();
  Date first_, last_;
  Instant from_, to_;
  // The day at hand: [start, end), and whether the clock runs through it without a jump.
  Date day_{INT32_MIN};
  Instant start_{1}, end_{0};
  bool even_ = false;
  std::vector<Instant> closes_;  // by day since first_; 0: not asked yet
  std::string text_;
  Date parsed_;
  void turn(Date date);
};

}  // namespace tapemill::sources
