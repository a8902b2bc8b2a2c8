#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tapemill {

/// Whether two texts are equal, without a call: for loops over short ones, most of which are.
inline bool same_text(const char* a, const char* b, std::size_t size) {
  std::uint64_t x = 0, y = 0;
  if (size >= 8) {
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8) {
      std::memcpy(&x, a + at, 8), std::memcpy(&y, b + at, 8);
      if (x != y) return false;
    }
    std::memcpy(&x, a + size - 8, 8), std::memcpy(&y, b + size - 8, 8);
    return x == y;
  }
  if (size >= 4) {
    std::uint32_t p[2], q[2];
    std::memcpy(p, a, 4), std::memcpy(p + 1, a + size - 4, 4);
    std::memcpy(q, b, 4), std::memcpy(q + 1, b + size - 4, 4);
    return p[0] == q[0] && p[1] == q[1];
  }
  if (size == 0) return true;
  return a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1];
}
inline bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_text(a.data(), b.data(), a.size());
}

}  // namespace tapemill
