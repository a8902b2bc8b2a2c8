// The order of rows by packed keys, by wide keys and by comparing is the stable order of the values.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "lake/sort.h"
#include "lake_test.h"

namespace tapemill::lake {
namespace {
using namespace test;

class SortProperty : public testing::TestWithParam<int> {};

TEST_P(SortProperty, IsTheStableOrderOfTheValues) {
  std::mt19937_64 random(static_cast<unsigned>(GetParam()));
  const int rows = 500, columns = 1 + GetParam() % 5;
  const std::int64_t edges[] = {INT64_MIN, INT64_MAX, 0, -1, 1};
  arrow::ArrayVector arrays;
  for (int column = 0; column < columns; ++column) {
    const bool nulls = random() % 2 == 0;
    auto null = [&] { return nulls && random() % 10 == 0; };
    arrow::Int64Builder whole;
    arrow::DoubleBuilder real;
    arrow::StringBuilder text;
    const auto kind = random() % 4;
    for (int row = 0; row < rows; ++row) {
      if (kind == 0) must(null() ? whole.AppendNull() : whole.Append(static_cast<std::int64_t>(random() % 5)));
      else if (kind == 1)
        must(null() ? whole.AppendNull()
                    : whole.Append(random() % 3 == 0 ? static_cast<std::int64_t>(random()) : edges[random() % 5]));
      else if (kind == 2)
        must(null() ? real.AppendNull()
                    : real.Append(random() % 9 == 0   ? NAN
                                  : random() % 9 == 0 ? -INFINITY
                                                      : static_cast<double>(random() % 7) - 3));
      else
        must(null() ? text.AppendNull()
                    : text.Append(std::string(random() % 4, static_cast<char>('a' + random() % 3))));
    }
    auto array = kind < 2 ? must(whole.Finish()) : kind == 2 ? must(real.Finish()) : must(text.Finish());
    arrays.push_back(array->Slice(7));  // slices have offsets of their own
  }
  RowKeys keys = must(RowKeys::make(arrays));
  std::vector<std::uint32_t> expected(static_cast<std::size_t>(keys.rows()));
  std::iota(expected.begin(), expected.end(), 0u);
  std::stable_sort(expected.begin(), expected.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return keys.compare(a, keys, b) < 0; });
  auto order = must(keys.order(arrow::default_memory_pool()));
  ASSERT_NE(order, nullptr);
  const auto& found = static_cast<const arrow::UInt32Array&>(*order);
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(found.Value(static_cast<std::int64_t>(i)), expected[i]) << i;
}
INSTANTIATE_TEST_SUITE_P(Seeds, SortProperty, testing::Range(0, 60));

}  // namespace
}  // namespace tapemill::lake
