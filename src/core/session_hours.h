#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/calendar.h"

namespace tapemill {

/// Which rows of a table of times a reader takes: those of the regular session, those of the calendar's extended hours too,
/// or all there are (docs/formats/calendars.md).
enum class SessionHours { regular, extended, all };
inline constexpr const char* kSessionHours = "regular|extended|all";  // as documents and options write it
SessionHours session_hours(std::string_view text);                    // REQUIRES one of them
const char* name(SessionHours hours);

/// The times that are open over a range of sessions. A bar is in a session when one of its half-open intervals holds the
/// bar's start. Immutable, thread-safe.
class OpenTimes {
 public:
  /// REQUIRES regular or extended. Sessions outside from..to have no open times.
  static OpenTimes of(const Calendar& calendar, SessionHours hours, Date from, Date to);

  /// `near` remembers where the row before was found (0 at the start): rows mostly follow each other in time.
  bool holds(std::int64_t us, std::size_t& near) const {
    if (near < intervals_.size() && us >= intervals_[near].open.us && us < intervals_[near].close.us) return true;
    return find(us, near);
  }
  /// Whether it holds all of [least, most], or none of it; nothing where it may hold some.
  std::optional<bool> holds_all(std::int64_t least, std::int64_t most) const;

 private:
  bool find(std::int64_t us, std::size_t& near) const;
  std::vector<Interval> intervals_;  // ascending, disjoint
};

}  // namespace tapemill
