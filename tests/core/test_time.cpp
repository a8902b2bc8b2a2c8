#include <gtest/gtest.h>

#include "core/dataset.h"
#include "core/time.h"

namespace tapemill {
namespace {

TEST(Date, ParsesIsoAndNothingElse) {
  EXPECT_EQ(Date::parse("2024-10-28")->str(), "2024-10-28");
  EXPECT_EQ(Date::parse("1970-01-01")->days, 0);
  EXPECT_EQ(Date::parse("2024-02-29")->day(), 29);
  for (const char* bad : {"", "2024-10-2", "2024-1-28", "2024-13-01", "2023-02-29", "2024-10-28 ", "24-10-28",
                          "2024/10/28", "2024-10-281"})
    EXPECT_FALSE(Date::parse(bad).ok()) << bad;
}
TEST(Date, ParsesFormats) {
  EXPECT_EQ(Date::parse("01-Jan-2024", "%d-%b-%Y")->str(), "2024-01-01");
  EXPECT_EQ(Date::parse("16-OCT-23", "%d-%b-%y")->str(), "2023-10-16");
  EXPECT_EQ(Date::parse("1/2/2003", "%m/%d/%Y")->str(), "2003-01-02");
  EXPECT_FALSE(Date::parse("01-Foo-2024", "%d-%b-%Y").ok());
  EXPECT_FALSE(Date::parse("01-Jan-2024x", "%d-%b-%Y").ok());
}
TEST(Date, WeekdayOfKnownDates) {
  EXPECT_EQ(Date::of(2024, 10, 28).weekday(), 0);  // a Monday
  EXPECT_EQ(Date::of(1969, 12, 28).weekday(), 6);  // a Sunday before the epoch
}
TEST(Instant, ParsesZonesAndFractions) {
  EXPECT_EQ(Instant::parse("2024-10-28T09:15:00+05:30")->str(), "2024-10-28T03:45:00Z");
  EXPECT_EQ(Instant::parse("2024-10-28 03:45:00.25Z")->str(), "2024-10-28T03:45:00.25Z");
  EXPECT_EQ(Instant::parse("1969-12-31T23:59:59Z")->us, -1'000'000);
  for (const char* bad : {"2024-10-28T", "2024-10-28T25:00:00Z", "2024-10-28T09:15:00+5", "2024-10-28X09:15"})
    EXPECT_FALSE(Instant::parse(bad).ok()) << bad;
}
TEST(Zone, NewYorkChangesItsClock) {
  Zone ny = *Zone::named("America/New_York");
  EXPECT_EQ(ny.at(Date::of(2024, 3, 8), 9 * kHour + 30 * kMinute).str(), "2024-03-08T14:30:00Z");
  EXPECT_EQ(ny.at(Date::of(2024, 3, 11), 9 * kHour + 30 * kMinute).str(), "2024-03-11T13:30:00Z");
  EXPECT_EQ(ny.str(*Instant::parse("2024-07-04T01:00:00Z")), "2024-07-03 21:00:00");
  EXPECT_EQ(ny.abbreviation(*Instant::parse("2024-01-04T01:00:00Z")), "EST");
}
TEST(Zone, OverlapTakesTheEarlierOffsetAndGapsDoNotThrow) {
  Zone ny = *Zone::named("America/New_York");
  EXPECT_EQ(ny.at(Date::of(2024, 11, 3), kHour + 30 * kMinute).str(), "2024-11-03T05:30:00Z");
  EXPECT_EQ(ny.at(Date::of(2024, 3, 10), 2 * kHour + 30 * kMinute).str(), "2024-03-10T07:30:00Z");
}
TEST(Zone, UnknownSaysHow) {
  auto zone = Zone::named("Asia/Mumbai");
  ASSERT_FALSE(zone.ok());
  EXPECT_EQ(exit_code(zone.status()), 3);
}
TEST(Zone, NamesOutsideTheDatabaseAreNoFiles) {
  for (const char* name : {"../../../etc/passwd", "/etc/passwd", "", "America", "zone.tab", "America/New_York\n"})
    EXPECT_FALSE(Zone::named(name).ok()) << name;
  EXPECT_EQ(Zone::named("Asia/Kolkata")->offset(Instant{0}), 19'800'000'000);
  EXPECT_EQ(Zone::named("US/Eastern")->name(), "US/Eastern");
}

TEST(Zone, OfADatasetIsThatOfItsCalendar) {
  EXPECT_EQ(load_dataset("nse_cash").ValueOrDie().calendar->zone().name(), "Asia/Kolkata");
  EXPECT_EQ(load_dataset("stocks_minute").ValueOrDie().calendar->zone().name(), "America/New_York");
}

TEST(Duration, Parses) {
  EXPECT_EQ(*parse_duration("6h30m"), 6 * kHour + 30 * kMinute);
  EXPECT_EQ(*parse_duration("500ms"), 500'000);
  for (const char* bad : {"", "5", "h", "5x", "5m3", "99999999999999d"}) EXPECT_FALSE(parse_duration(bad).ok()) << bad;
}
TEST(TimeOfDay, Parses) {
  EXPECT_EQ(*parse_time_of_day("09:15"), 9 * kHour + 15 * kMinute);
  EXPECT_EQ(*parse_time_of_day("24:00"), kDay);
  for (const char* bad : {"9:15", "09:60", "24:01", "09:15:61", "09", "09:15 "})
    EXPECT_FALSE(parse_time_of_day(bad).ok()) << bad;
}

}  // namespace
}  // namespace tapemill
