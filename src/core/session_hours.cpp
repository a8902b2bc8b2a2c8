#include "core/session_hours.h"

#include <algorithm>

namespace tapemill {
namespace {
auto first_after(const std::vector<Interval>& intervals, std::int64_t us) {
  return std::upper_bound(intervals.begin(), intervals.end(), us,
                          [](std::int64_t t, const Interval& one) { return t < one.open.us; });
}
}  // namespace

SessionHours session_hours(std::string_view text) {
  return text == "all" ? SessionHours::all : text == "extended" ? SessionHours::extended : SessionHours::regular;
}

const char* name(SessionHours hours) {
  return hours == SessionHours::all ? "all" : hours == SessionHours::extended ? "extended" : "regular";
}

OpenTimes OpenTimes::of(const Calendar& calendar, SessionHours hours, Date from, Date to) {
  OpenTimes out;
  for (Date date : calendar.sessions(from, to)) {
    const Session session = calendar.session(date).ValueOrDie();  // it is one: the calendar has just said so
    if (hours == SessionHours::extended && calendar.has_extended())
      out.intervals_.push_back(calendar.extended(session));
    else out.intervals_.insert(out.intervals_.end(), session.intervals.begin(), session.intervals.end());
  }
  return out;
}

bool OpenTimes::find(std::int64_t us, std::size_t& near) const {
  const auto after = first_after(intervals_, us);
  if (after == intervals_.begin()) return false;
  near = static_cast<std::size_t>(after - intervals_.begin()) - 1;
  return us < intervals_[near].close.us;
}

std::optional<bool> OpenTimes::holds_all(std::int64_t least, std::int64_t most) const {
  const auto after = first_after(intervals_, least);
  const bool within = after != intervals_.begin() && least < std::prev(after)->close.us;
  if (within && most < std::prev(after)->close.us) return true;
  if (!within && (after == intervals_.end() || most < after->open.us)) return false;
  return std::nullopt;
}

}  // namespace tapemill
