#include <gtest/gtest.h>

#include <random>

#include "core/decimal.h"

namespace tapemill {
namespace {

struct Case {
  const char* text;
  int scale;
  DecimalParse result;
  std::int64_t value;
};

TEST(Decimal, ParsesExactly) {
  const Case cases[] = {{"123.45", 2, DecimalParse::ok, 12345},
                        {"123.4500", 2, DecimalParse::ok, 12345},
                        {"-0.01", 2, DecimalParse::ok, -1},
                        {"+7", 2, DecimalParse::ok, 700},
                        {".5", 2, DecimalParse::ok, 50},
                        {"5.", 2, DecimalParse::ok, 500},
                        {"0", 4, DecimalParse::ok, 0},
                        {"-0.000", 2, DecimalParse::ok, 0},
                        {"1e3", 2, DecimalParse::ok, 100000},
                        {"1.5E+2", 0, DecimalParse::ok, 150},
                        {"12300e-2", 2, DecimalParse::ok, 12300},
                        {"000123.10", 1, DecimalParse::ok, 1231},
                        {"0e999999", 2, DecimalParse::ok, 0},
                        {"999999999999999999", 0, DecimalParse::ok, 999999999999999999},
                        {"123.456", 2, DecimalParse::too_many_digits, 0},
                        {"1e-9", 2, DecimalParse::too_many_digits, 0},
                        {"1e400", 2, DecimalParse::out_of_range, 0},
                        {"1000000000000000000", 0, DecimalParse::out_of_range, 0},
                        {"nan", 2, DecimalParse::not_a_number, 0},
                        {"inf", 2, DecimalParse::not_a_number, 0},
                        {"", 2, DecimalParse::not_a_number, 0},
                        {"-", 2, DecimalParse::not_a_number, 0},
                        {".", 2, DecimalParse::not_a_number, 0},
                        {"1.2.3", 2, DecimalParse::not_a_number, 0},
                        {"12a", 2, DecimalParse::not_a_number, 0},
                        {"1e", 2, DecimalParse::not_a_number, 0},
                        {" 1", 2, DecimalParse::not_a_number, 0}};
  for (const Case& one : cases) {
    std::int64_t value = 0;
    EXPECT_EQ(static_cast<int>(parse_decimal(one.text, one.scale, value)), static_cast<int>(one.result)) << one.text;
    if (one.result == DecimalParse::ok) { EXPECT_EQ(value, one.value) << one.text; }
  }
}

TEST(Decimal, RoundTripsAnyValueAndScale) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    int scale = static_cast<int>(random() % 10);
    auto value = static_cast<std::int64_t>(random() % 1'000'000'000'000'000'000ULL) * (random() % 2 ? 1 : -1);
    value /= kPowersOfTen[random() % 18];
    std::int64_t back = 0;
    std::string text = format_decimal(value, scale);
    ASSERT_EQ(static_cast<int>(parse_decimal(text, scale, back)), 0) << text;
    ASSERT_EQ(back, value) << text;
  }
}

TEST(Decimal, FloatingPointBeginsByOneDivision) {
  EXPECT_EQ(to_double(12345, 2), 123.45);
  EXPECT_EQ(to_double(-1, 4), -0.0001);
}

}  // namespace
}  // namespace tapemill
