// Which times of a calendar are open: split sessions, early closes, extended hours, summer time.
#include "core/session_hours.h"

#include <gtest/gtest.h>

#include "core/paths.h"
#include "support/folder.h"

namespace tapemill {
namespace {
using test::must;

std::int64_t us(const Zone& zone, const char* day, const char* time) {
  return zone.at(must(Date::parse(day)), must(parse_time_of_day(time))).us;
}
struct Open {
  std::shared_ptr<const Calendar> calendar;
  OpenTimes times;
  Open(std::shared_ptr<const Calendar> of, SessionHours hours)
      : calendar(std::move(of)), times(OpenTimes::of(*calendar, hours, calendar->first(), calendar->last())) {}
  bool at(const char* day, const char* time) const {
    std::size_t near = 0;
    return times.holds(us(calendar->zone(), day, time), near);
  }
};

const char* const kTwoParts =
    "calendar: c\ntitle: c\nzone: Asia/Kolkata\ncurrency: INR\nweekdays: [Mon, Tue, Wed, Thu, Fri]\n"
    "valid: [2024-02-26, 2024-03-08]\nhours:\n  - {from: 2024-01-01, open: \"09:15\", close: \"15:30\", source: s}\n"
    "extended: {open: \"09:00\", close: \"16:00\", source: s}\nholidays:\n  - {date: 2024-03-01, name: h, source: s}\n"
    "sessions:\n  - {date: 2024-03-02, segments: [\"09:15-10:00\", \"11:30-12:30\"], name: split, source: s}\n"
    "  - {date: 2024-03-06, segments: [\"18:00-19:00\"], name: evening, source: s}\n";

std::shared_ptr<const Calendar> written(const std::string& text) {
  test::Folder folder;
  return must(Calendar::read(folder.write("c.yaml", text)));
}

TEST(OpenTimes, HalfOpenSplitAndSpecialSessions) {
  const Open regular(written(kTwoParts), SessionHours::regular);
  EXPECT_FALSE(regular.at("2024-02-29", "09:14"));
  EXPECT_TRUE(regular.at("2024-02-29", "09:15"));
  EXPECT_TRUE(regular.at("2024-02-29", "15:29"));
  EXPECT_FALSE(regular.at("2024-02-29", "15:30"));
  EXPECT_FALSE(regular.at("2024-03-01", "10:00"));  // a holiday
  EXPECT_TRUE(regular.at("2024-03-02", "09:59"));   // a Saturday in two parts
  EXPECT_FALSE(regular.at("2024-03-02", "10:00"));
  EXPECT_FALSE(regular.at("2024-03-02", "11:29"));
  EXPECT_TRUE(regular.at("2024-03-02", "11:30"));
  EXPECT_FALSE(regular.at("2024-03-06", "12:00"));  // an evening session instead of the day's
  EXPECT_TRUE(regular.at("2024-03-06", "18:30"));
  const Open extended(written(kTwoParts), SessionHours::extended);
  EXPECT_TRUE(extended.at("2024-02-29", "09:00"));
  EXPECT_FALSE(extended.at("2024-02-29", "08:59"));
  EXPECT_TRUE(extended.at("2024-02-29", "15:59"));
  EXPECT_TRUE(extended.at("2024-03-02", "10:30"));
  EXPECT_TRUE(extended.at("2024-03-06", "18:59"));  // later than the extended hours: the session itself is in
  EXPECT_FALSE(extended.at("2024-03-06", "19:00"));
  EXPECT_FALSE(extended.at("2024-03-01", "10:00"));
}

TEST(OpenTimes, OfNewYork) {
  const auto nyse = must(Calendar::load("nyse"));
  const Open regular(nyse, SessionHours::regular), extended(nyse, SessionHours::extended);
  for (const char* day : {"2024-03-08", "2024-03-11"}) {  // the clock changes between them
    EXPECT_FALSE(regular.at(day, "09:29")) << day;
    EXPECT_TRUE(regular.at(day, "09:30")) << day;
    EXPECT_TRUE(extended.at(day, "04:00")) << day;
    EXPECT_FALSE(extended.at(day, "03:59")) << day;
    EXPECT_TRUE(extended.at(day, "19:59")) << day;
    EXPECT_FALSE(extended.at(day, "20:00")) << day;
  }
  EXPECT_TRUE(regular.at("2024-07-03", "12:59"));  // an early close: what comes later is after hours, until 17:00
  EXPECT_FALSE(regular.at("2024-07-03", "13:00"));
  EXPECT_TRUE(extended.at("2024-07-03", "16:59"));
  EXPECT_FALSE(extended.at("2024-07-03", "17:00"));
  EXPECT_FALSE(extended.at("2024-07-04", "12:00"));
  EXPECT_TRUE(nyse->has_extended());
  EXPECT_FALSE(must(Calendar::load("nse"))->has_extended());
  EXPECT_FALSE(must(Calendar::load("nse_fo"))->has_extended());
}

TEST(OpenTimes, OfManyAtOnce) {
  const Open regular(written(kTwoParts), SessionHours::regular);
  const Zone& zone = regular.calendar->zone();
  auto all = [&](const char* day, const char* from, const char* to) {
    return regular.times.holds_all(us(zone, day, from), us(zone, day, to));
  };
  EXPECT_EQ(all("2024-02-29", "09:15", "15:29"), true);
  EXPECT_EQ(all("2024-02-29", "09:15", "15:30"), std::nullopt);
  EXPECT_EQ(all("2024-02-29", "09:00", "09:14"), false);
  EXPECT_EQ(all("2024-02-29", "09:00", "09:15"), std::nullopt);
  EXPECT_EQ(all("2024-03-02", "10:00", "11:29"), false);
  EXPECT_EQ(all("2024-03-02", "09:30", "12:00"), std::nullopt);
  EXPECT_EQ(all("2024-03-08", "16:00", "23:00"), false);
}

// What is read of a few sessions is what is read of all.
TEST(CalendarOfSomeSessions, IsThatOfAll) {
  for (const char* name : {"nyse", "nse", "nse_fo"}) {
    const Date from = Date::of(2024, 1, 13), to = Date::of(2024, 12, 30);
    const auto some = must(Calendar::read(share_folder() + "/calendars/" + name + ".yaml", from, to));
    EXPECT_TRUE(some->sessions(Date::of(2010, 1, 1), from - 1).empty()) << name;
    const auto all = must(Calendar::load(name));
    ASSERT_EQ(some->sessions(from, to), all->sessions(from, to)) << name;
    ASSERT_GT(some->sessions(from, to).size(), 230u) << name;
    for (Date date : some->sessions(from, to)) {
      const Session a = must(some->session(date)), b = must(all->session(date));
      ASSERT_EQ(a.intervals.size(), b.intervals.size()) << date.str();
      for (std::size_t i = 0; i < a.intervals.size(); ++i) {
        EXPECT_EQ(a.intervals[i].open, b.intervals[i].open) << date.str();
        EXPECT_EQ(a.intervals[i].close, b.intervals[i].close) << date.str();
      }
      EXPECT_EQ(some->extended(a).close, all->extended(b).close) << date.str();
    }
  }
}

TEST(ExtendedHours, AreCheckedAsTheyAreRead) {
  test::Folder folder;
  for (const char* bad :
       {"extended: {open: \"16:00\", close: \"09:00\", source: s}", "extended: {open: \"09:00\", close: \"16:00\"}",
        "extended: {open: \"09:00\", close: \"16:00\", after_early_close: \"17:00\", source: s}",
        "extended: {open: \"09:00\", clos: \"16:00\", source: s}"}) {
    std::string text = kTwoParts;
    const auto at = text.find("extended:");
    text.replace(at, text.find('\n', at) - at, bad);
    const Status read = Calendar::read(folder.write("c.yaml", text)).status();
    EXPECT_EQ(exit_code(read), 2) << bad;
    EXPECT_NE(render(read, false).find("c.yaml:9"), std::string::npos) << render(read, false);
  }
}

}  // namespace
}  // namespace tapemill
