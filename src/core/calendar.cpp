#include "core/calendar.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "core/document.h"
#include "core/paths.h"

namespace tapemill {
namespace {

struct Hours {
  Date from;
  std::int64_t open = 0, close = 0;
};

Result<Date> read_date(const Node& node) {
  ARROW_ASSIGN_OR_RAISE(std::string text, node.as_string());
  auto date = Date::parse(text);
  return date.ok() ? date : Result<Date>(node.error(date.status().message()));
}
Result<Date> date_of(const Node& map, const char* key) {
  ARROW_ASSIGN_OR_RAISE(const Node* node, map.need(key));
  return read_date(*node);
}
Result<std::int64_t> time_of(const Node& node, std::string_view text) {
  auto time = parse_time_of_day(text);
  return time.ok() ? time : Result<std::int64_t>(node.error(time.status().message()));
}
Result<std::string> text_of(const Node& map, const char* key) {
  ARROW_ASSIGN_OR_RAISE(const Node* node, map.need(key));
  return node->as_string();
}

}  // namespace

struct CalendarReader {
  Calendar calendar;
  std::vector<Hours> hours;
  std::vector<bool> weekdays = std::vector<bool>(7, false);
  std::map<Date, Session> special;
  std::optional<std::pair<Date, Date>> only;  // sessions that are asked for

  Status read_hours(const Node& list) {
    for (const Node& row : list.items) {
      ARROW_RETURN_NOT_OK(row.only({"from", "open", "close", "source"}));
      ARROW_RETURN_NOT_OK(text_of(row, "source").status());
      Hours one;
      ARROW_ASSIGN_OR_RAISE(one.from, date_of(row, "from"));
      ARROW_ASSIGN_OR_RAISE(std::string open, text_of(row, "open"));
      ARROW_ASSIGN_OR_RAISE(std::string close, text_of(row, "close"));
      ARROW_ASSIGN_OR_RAISE(one.open, time_of(row, open));
      ARROW_ASSIGN_OR_RAISE(one.close, time_of(row, close));
      if (one.open >= one.close) return row.error("opens at or after its close");
      if (!hours.empty() && hours.back().from >= one.from) return row.error("rows of hours must ascend by from");
      hours.push_back(one);
    }
    return hours.empty() ? list.error("no hours") : Status::OK();
  }

  Status read_extended(const Node& node) {
    ARROW_RETURN_NOT_OK(node.only({"open", "close", "after_early_close", "source"}));
    ARROW_RETURN_NOT_OK(text_of(node, "source").status());
    Calendar::Extended one;
    ARROW_ASSIGN_OR_RAISE(std::string open, text_of(node, "open"));
    ARROW_ASSIGN_OR_RAISE(std::string close, text_of(node, "close"));
    ARROW_ASSIGN_OR_RAISE(one.open, time_of(node, open));
    ARROW_ASSIGN_OR_RAISE(one.close, time_of(node, close));
    one.after_early_close = one.close;
    if (node.find("after_early_close") != nullptr) {
      ARROW_ASSIGN_OR_RAISE(std::string early, text_of(node, "after_early_close"));
      ARROW_ASSIGN_OR_RAISE(one.after_early_close, time_of(node, early));
    }
    if (one.open >= one.close || one.open >= one.after_early_close || one.after_early_close > one.close)
      return node.error("extended hours open before they close, and close no later after an early close");
    calendar.extended_ = one;
    return Status::OK();
  }

  Status read_special(const Node& row) {
    ARROW_RETURN_NOT_OK(row.only({"date", "segments", "name", "source"}));
    ARROW_RETURN_NOT_OK(text_of(row, "source").status());
    Session session;
    ARROW_ASSIGN_OR_RAISE(session.date, date_of(row, "date"));
    ARROW_ASSIGN_OR_RAISE(session.name, text_of(row, "name"));
    ARROW_ASSIGN_OR_RAISE(const Node* segments, row.need("segments"));
    for (const Node& item : segments->items) {
      ARROW_ASSIGN_OR_RAISE(std::string text, item.as_string());
      auto dash = text.find('-');
      if (dash == std::string::npos) return item.error("a segment is written \"09:15-15:30\"");
      ARROW_ASSIGN_OR_RAISE(std::int64_t open, time_of(item, std::string_view(text).substr(0, dash)));
      ARROW_ASSIGN_OR_RAISE(std::int64_t close, time_of(item, std::string_view(text).substr(dash + 1)));
      Interval interval{calendar.zone_.at(session.date, open), calendar.zone_.at(session.date, close)};
      if (interval.open >= interval.close ||
          (!session.intervals.empty() && interval.open < session.intervals.back().close))
        return item.error("segments must ascend and not overlap");
      session.intervals.push_back(interval);
    }
    if (session.intervals.empty()) return row.error("a special session needs segments");
    if (!special.emplace(session.date, session).second) return row.error("two sessions on " + session.date.str());
    return Status::OK();
  }

  void expand() {
    auto holiday = calendar.holidays_.begin();
    std::size_t era = 0;
    if (only) {
      calendar.first_ = std::max(calendar.first_, only->first);
      calendar.last_ = std::min(calendar.last_, only->second);
    }
    for (Date date = calendar.first_; date <= calendar.last_; date.days++) {
      while (era + 1 < hours.size() && hours[era + 1].from <= date) ++era;
      while (holiday != calendar.holidays_.end() && holiday->first < date) ++holiday;
      bool closed = holiday != calendar.holidays_.end() && holiday->first == date;
      if (auto found = special.find(date); found != special.end()) {
        calendar.sessions_.push_back(found->second);
      } else if (!closed && weekdays[static_cast<std::size_t>(date.weekday())] && hours[era].from <= date) {
        Session session{
            date, {{calendar.zone_.at(date, hours[era].open), calendar.zone_.at(date, hours[era].close)}}, {}};
        calendar.sessions_.push_back(std::move(session));
      }
    }
  }

  Status read(const Node& root) {
    ARROW_RETURN_NOT_OK(root.only({"calendar", "title", "zone", "currency", "weekdays", "valid", "hours", "extended",
                                   "holidays", "sessions", "notes"}));
    ARROW_ASSIGN_OR_RAISE(calendar.name_, text_of(root, "calendar"));
    ARROW_ASSIGN_OR_RAISE(calendar.title_, text_of(root, "title"));
    ARROW_ASSIGN_OR_RAISE(calendar.currency_, text_of(root, "currency"));
    ARROW_ASSIGN_OR_RAISE(std::string zone, text_of(root, "zone"));
    ARROW_ASSIGN_OR_RAISE(calendar.zone_, Zone::named(zone));
    ARROW_ASSIGN_OR_RAISE(const Node* valid, root.need("valid"));
    if (valid->items.size() != 2) return valid->error("valid is [first date, last date]");
    ARROW_ASSIGN_OR_RAISE(calendar.first_, read_date(valid->items[0]));
    ARROW_ASSIGN_OR_RAISE(calendar.last_, read_date(valid->items[1]));
    if (calendar.last_ < calendar.first_ || calendar.last_.days - calendar.first_.days > 366 * 200)
      return valid->error("dates must ascend, 200 years at most");
    ARROW_ASSIGN_OR_RAISE(const Node* days, root.need("weekdays"));
    const std::vector<std::string> names{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    for (const Node& day : days->items) {
      auto found = std::find(names.begin(), names.end(), day.text);
      if (found == names.end()) return day.error("weekdays are Mon, Tue, Wed, Thu, Fri, Sat, Sun");
      weekdays[static_cast<std::size_t>(found - names.begin())] = true;
    }
    ARROW_ASSIGN_OR_RAISE(const Node* rows, root.need("hours"));
    ARROW_RETURN_NOT_OK(read_hours(*rows));
    for (const Hours& era : hours) calendar.closes_.emplace_back(era.from, era.close);
    if (const Node* extended = root.find("extended")) ARROW_RETURN_NOT_OK(read_extended(*extended));
    if (const Node* holidays = root.find("holidays")) {
      for (const Node& row : holidays->items) {
        ARROW_RETURN_NOT_OK(row.only({"date", "name", "source"}));
        ARROW_RETURN_NOT_OK(text_of(row, "source").status());
        ARROW_ASSIGN_OR_RAISE(Date date, date_of(row, "date"));
        ARROW_ASSIGN_OR_RAISE(std::string name, text_of(row, "name"));
        calendar.holidays_.emplace_back(date, std::move(name));
      }
      std::sort(calendar.holidays_.begin(), calendar.holidays_.end());
    }
    if (const Node* sessions = root.find("sessions"))
      for (const Node& row : sessions->items) ARROW_RETURN_NOT_OK(read_special(row));
    expand();
    return Status::OK();
  }
};

Result<std::shared_ptr<const Calendar>> Calendar::read(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Document document, Document::read(path));
  CalendarReader reader;
  ARROW_RETURN_NOT_OK(reader.read(document.root()));
  return std::make_shared<const Calendar>(std::move(reader.calendar));
}

namespace {
std::mutex cache_mutex;
std::map<std::string, std::shared_ptr<const Calendar>> cache;

std::string path_of(const std::string& name) { return share_folder() + "/calendars/" + name + ".yaml"; }

// Most of what reading a calendar takes is its rows, one a line in the files that are shipped: those of other dates become
// empty lines (errors keep their places). Rows in another form stay, and cost their time.
std::string without_rows_outside(std::string_view text, Date from, Date to) {
  constexpr std::string_view head = "  - {date: ";
  const std::string first = from.str(), last = to.str();
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end), date = line.size() > 21 ? line.substr(head.size(), 10) : "";
    const bool dated = line.starts_with(head) && line.size() > 21 && line[21] == ',' && line.ends_with("}\n");
    out += dated && (date < first || date > last) ? std::string_view("\n") : line;
    text.remove_prefix(end);
  }
  return out;
}
}  // namespace

Result<std::shared_ptr<const Calendar>> Calendar::load(const std::string& name) {
  std::lock_guard lock(cache_mutex);
  if (auto found = cache.find(name); found != cache.end()) return found->second;
  ARROW_ASSIGN_OR_RAISE(auto calendar, read(path_of(name)));
  cache[name] = calendar;
  return calendar;
}

Result<std::shared_ptr<const Calendar>> Calendar::load(const std::string& name, Date from, Date to) {
  {
    std::lock_guard lock(cache_mutex);
    if (auto found = cache.find(name); found != cache.end()) return found->second;
  }
  return read(path_of(name), from, to);
}

Result<std::shared_ptr<const Calendar>> Calendar::read(const std::string& path, Date from, Date to) {
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(path));
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_yaml(without_rows_outside(text, from, to), path));
  CalendarReader reader;
  reader.only = {from, to};
  ARROW_RETURN_NOT_OK(reader.read(document.root()));
  return std::make_shared<const Calendar>(std::move(reader.calendar));
}

namespace {
auto lower(const std::vector<Session>& sessions, Date date) {
  return std::lower_bound(sessions.begin(), sessions.end(), date, [](const Session& s, Date d) { return s.date < d; });
}
}  // namespace

bool Calendar::is_session(Date date) const {
  auto at = lower(sessions_, date);
  return at != sessions_.end() && at->date == date;
}
Result<Session> Calendar::session(Date date) const {
  auto at = lower(sessions_, date);
  if (at != sessions_.end() && at->date == date) return *at;
  std::string why = date < first_ || date > last_
                        ? fmt::format("the calendar holds from {} to {}", first_.str(), last_.str())
                        : "the exchange was closed";
  for (const auto& [day, name] : holidays_)
    if (day == date) why = name;
  return data_error(fmt::format("{} is no session of {}: {}", date.str(), name_, why));
}
std::vector<Date> Calendar::sessions(Date from, Date to) const {
  std::vector<Date> dates;
  for (auto at = lower(sessions_, from); at != sessions_.end() && at->date <= to; ++at) dates.push_back(at->date);
  return dates;
}
Result<Date> Calendar::next(Date date) const {
  auto at = lower(sessions_, date + 1);
  if (at == sessions_.end())
    return data_error(
        fmt::format("no session of {} after {}: the calendar ends at {}", name_, date.str(), last_.str()));
  return at->date;
}
Result<Date> Calendar::previous(Date date) const {
  auto at = lower(sessions_, date);
  if (at == sessions_.begin())
    return data_error(
        fmt::format("no session of {} before {}: the calendar begins at {}", name_, date.str(), first_.str()));
  return (--at)->date;
}
bool Calendar::in_session(Instant t) const {
  auto at = lower(sessions_, zone_.local_date(t));
  if (at == sessions_.end()) return false;
  for (const Interval& interval : at->intervals)
    if (t >= interval.open && t < interval.close) return true;
  return false;
}

Interval Calendar::extended(const Session& session) const {
  Interval out{session.open(), session.close()};
  if (!extended_) return out;
  std::int64_t ordinary = 0;
  for (const auto& [from, close] : closes_)
    if (from <= session.date) ordinary = close;
  const bool early = session.close() < zone_.at(session.date, ordinary);
  out.open = std::min(out.open, zone_.at(session.date, extended_->open));
  out.close = std::max(out.close, zone_.at(session.date, early ? extended_->after_early_close : extended_->close));
  return out;
}

}  // namespace tapemill
