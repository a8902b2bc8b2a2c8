#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tapemill::pipeline::generated {

/// SplitMix64 (Steele, Lea, Flood 2014): equal numbers on every machine, and a stream of its own for every purpose.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0)
      : state_(seed * 0x9e3779b97f4a7c15u + index) {
    for (char c : purpose) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    next();
  }
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// 0 .. n-1
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>((next() >> 33) * static_cast<std::uint64_t>(n) >> 31);
  }
  std::int64_t between(std::int64_t least, std::int64_t most) { return least + below(most - least + 1); }
  bool chance(std::int64_t in, std::int64_t of) { return below(of) < in; }
  /// About normal, mean 0, one standard deviation = 65,536: the sum of twelve uniforms (Irwin-Hall), in integers alone.
  std::int64_t normal() {
    std::int64_t sum = -12 * 65535 / 2;
    for (int i = 0; i < 3; ++i)
      for (std::uint64_t x = next(), k = 0; k < 4; ++k, x >>= 16) sum += static_cast<std::int64_t>(x & 0xffff);
    return sum;
  }
  /// normal() with standard deviation `sd`.
  std::int64_t normal(std::int64_t sd) { return normal() * sd / 65536; }

 private:
  std::uint64_t state_;
};

inline void put(std::string& out, std::int64_t value) {
  char digits[20];
  int n = 0;
  auto left = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  do digits[n++] = static_cast<char>('0' + left % 10);
  while ((left /= 10) != 0);
  if (value < 0) out += '-';
  while (n > 0) out += digits[--n];
}
/// value / 10^scale; `trim` drops zeros behind, as Polygon does.
inline void put_decimal(std::string& out, std::int64_t value, int scale, bool trim) {
  if (value < 0) out += '-', value = -value;
  std::int64_t power = 1;
  for (int i = 0; i < scale; ++i) power *= 10;
  put(out, value / power);
  std::int64_t rest = value % power;
  if (trim) {
    while (scale > 0 && rest % 10 == 0) rest /= 10, --scale;
    if (scale == 0) return;
  }
  out += '.';
  std::size_t end = out.size() + static_cast<std::size_t>(scale);
  out.resize(end);
  for (; scale > 0; --scale, rest /= 10) out[--end] = static_cast<char>('0' + rest % 10);
}

}  // namespace tapemill::pipeline::generated
