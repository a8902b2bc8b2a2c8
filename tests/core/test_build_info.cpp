#include <gtest/gtest.h>

#include <string>

#include "core/build_info.h"

namespace tapemill {

TEST(BuildInfo, NamesAVersionAndAHash) {
  EXPECT_EQ(std::string(version()).find_first_not_of("0123456789."), std::string::npos);
  const std::string hash = source_hash();
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos);
}

}  // namespace tapemill
