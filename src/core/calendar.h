#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace tapemill {

struct Interval {
  Instant open, close;  // half-open [open, close)
};

/// One trading session: its date in the exchange's calendar and when it trades. Split sessions have two intervals.
struct Session {
  Date date;
  std::vector<Interval> intervals;
  std::string name;  // of a special session, else empty
  Instant open() const { return intervals.front().open; }
  Instant close() const { return intervals.back().close; }
};

/// An exchange's sessions, read from calendars/NAME.yaml (docs/formats/calendars.md). Immutable, thread-safe.
class Calendar {
 public:
  static Result<std::shared_ptr<const Calendar>> load(const std::string& name);  // from the share folder, cached
  static Result<std::shared_ptr<const Calendar>> read(const std::string& path);
  /// The sessions from..to alone, which is quick where they are few; outside of them it knows of none. load() gives the whole
  /// where that is in its cache.
  static Result<std::shared_ptr<const Calendar>> load(const std::string& name, Date from, Date to);
  static Result<std::shared_ptr<const Calendar>> read(const std::string& path, Date from, Date to);

  const std::string& name() const { return name_; }
  const std::string& currency() const { return currency_; }
  const Zone& zone() const { return zone_; }
  Date first() const { return first_; }
  Date last() const { return last_; }

  bool is_session(Date date) const;  // false outside [first, last]
  Result<Session> session(Date date) const;  // data error where there is none, naming the holiday or the range
  std::vector<Date> sessions(Date from, Date to) const;  // inclusive
  Result<Date> next(Date date) const;  // first session after
  Result<Date> previous(Date date) const;  // last session before
  bool in_session(Instant t) const;  // the regular hours of the session of its local date
  /// Whether bars outside the regular session exist at all here: the calendar declares `extended` hours.
  bool has_extended() const { return extended_.has_value(); }
  /// The session with the hours before and after it, as one interval; without extended hours it is [open, close).
  Interval extended(const Session& session) const;

 private:
  friend struct CalendarReader;
  std::string name_, title_, currency_;
  Zone zone_;
  Date first_, last_;
  std::vector<Session> sessions_;  // ascending, expanded on load
  std::vector<std::pair<Date, std::string>> holidays_;
  struct Extended {
    std::int64_t open = 0, close = 0, after_early_close = 0;  // microseconds since local midnight
  };
  std::optional<Extended> extended_;
  std::vector<std::pair<Date, std::int64_t>>
      closes_;  // of regular hours, from a date on: an earlier one is an early close
};

}  // namespace tapemill
