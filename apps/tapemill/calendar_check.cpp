#include <set>

#include "command.h"
#include "core/calendar.h"
#include "core/json.h"
#include "core/paths.h"
#include "print.h"
#include "sources/json_value.h"

namespace tapemill::app {
struct CalendarCheckOptions {
  std::string file, calendar, segment;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::CalendarCheckOptions> = std::tuple{
    field("file", &app::CalendarCheckOptions::file, "NSE's holidays as JSON (api/holiday-master?type=trading)"),
    field("calendar", &app::CalendarCheckOptions::calendar, "calendars/NAME.yaml (else nse for CM, nse_fo for FO)"),
    field("segment", &app::CalendarCheckOptions::segment, "the list of the file to take (else CM and FO)")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

struct Finding {
  std::string calendar, segment, verdict, text;
  Date date;
};

/// One list of the file against one calendar: every listed day must be without a session or a special one (Muhurat); where the
/// file lists several days of a year, every weekday without a session must be listed.
Status compare(const sources::JsonValue& list, const std::string& segment, const std::string& name,
               std::vector<Finding>& out) {
  ARROW_ASSIGN_OR_RAISE(auto calendar, Calendar::load(name));
  std::map<int, std::set<Date>> years;
  for (const auto& item : list.items) {
    const std::string text(item.text_of("tradingDate")), why(item.text_of("description"));
    auto date = Date::parse(text, "%d-%b-%Y");
    if (!date.ok())
      return data_error(fmt::format("{}: \"{}\" is no date", segment, text), "tradingDate is written 26-Jan-2023");
    years[date->year()].insert(*date);
    Finding finding{name, segment, "agrees", why, *date};
    if (*date < calendar->first() || *date > calendar->last()) finding.verdict = "outside the calendar";
    else if (calendar->is_session(*date)) {
      ARROW_ASSIGN_OR_RAISE(Session session, calendar->session(*date));
      if (session.name.empty()) finding.verdict = "DISAGREES", finding.text += ": the calendar trades";
      else finding.verdict = "agrees", finding.text += ": special session, " + session.name;
    }
    out.push_back(std::move(finding));
  }
  for (const auto& [year, days] : years) {
    if (days.size() < 2) continue;  // an excerpt
    for (Date date = Date::of(year, 1, 1); date.year() == year; date = date + 1) {
      if (date < calendar->first() || date > calendar->last() || date.weekday() > 4 || days.contains(date) ||
          calendar->is_session(date))
        continue;
      out.push_back({name, segment, "DISAGREES", "no session in the calendar, and no holiday in the file", date});
    }
  }
  return Status::OK();
}

Status run(const CalendarCheckOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(options.file));
  auto document = sources::parse_json(text);
  if (!document.ok())
    return data_error(options.file + ": " + document.status().message(), "fetch it again: a map of lists by segment");
  std::vector<std::pair<std::string, std::string>> wanted{{"CM", "nse"}, {"FO", "nse_fo"}};
  if (!options.segment.empty()) wanted = {{options.segment, options.calendar.empty() ? "nse" : options.calendar}};
  else if (!options.calendar.empty())
    for (auto& one : wanted) one.second = options.calendar;
  std::vector<Finding> findings;
  for (const auto& [segment, calendar] : wanted) {
    const auto* list = document->find(segment);
    if (list == nullptr || !list->is_list())
      return data_error(fmt::format("{}: has no list {}", options.file, segment), "--segment names another");
    ARROW_RETURN_NOT_OK(compare(*list, segment, calendar, findings));
  }
  std::int64_t wrong = 0;
  Json days = Json::array();
  TextTable table({"calendar", "segment", "date", "verdict", "what"});
  for (const Finding& one : findings) {
    wrong += one.verdict == "DISAGREES";
    days.push_back({{"calendar", one.calendar},
                    {"segment", one.segment},
                    {"date", one.date.str()},
                    {"verdict", one.verdict},
                    {"what", one.text}});
    table.add({one.calendar, one.segment, one.date.str(), one.verdict, one.text});
  }
  if (context.json) print(Json{{"file", options.file}, {"disagree", wrong}, {"days", days}});
  else
    print(table.str(terminal_width()) +
          fmt::format("{}, {} of them disagree\n", counted(static_cast<std::int64_t>(findings.size()), "day"), wrong));
  if (wrong == 0) return Status::OK();
  return data_error(fmt::format("{} of {} and the calendars disagree", counted(wrong, "day"), options.file),
                    "calendars/*.yaml have a source per row: mend the one that is wrong");
}
}  // namespace

Command calendar_check_command() {
  return command<CalendarCheckOptions>("calendar check", "An exchange's list of holidays against our calendars",
                                       {"file"},
                                       "  tapemill calendar check holidays.json\n"
                                       "  tapemill calendar check holidays.json --segment CD --calendar nse --json",
                                       run);
}

}  // namespace tapemill::app
