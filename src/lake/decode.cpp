#include "lake/decode.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tapemill::lake {
namespace {

Status cut() { return data_error("a page ends before its values do"); }

class Varints {
 public:
  explicit Varints(Bytes bytes) : at(bytes.data()), end(bytes.data() + bytes.size()) {}
  bool read(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && at < end; shift += 7) {
      const std::uint8_t one = *at++;
      value |= static_cast<std::uint64_t>(one & 127) << shift;
      if (one < 128) return true;
    }
    return false;
  }
  bool read_signed(std::uint64_t& value) {
    if (!read(value)) return false;
    value = (value >> 1) ^ (~(value & 1) + 1);
    return true;
  }
  const std::uint8_t *at, *end;
};

// 32 values of W bits. Every shift is known to the compiler.
template <int W, std::size_t I>
inline std::uint64_t unpack_one(const std::uint8_t* from) {
  constexpr std::size_t bit = I * W;
  if constexpr (W == 0) return 0;
  std::uint64_t word;
  std::memcpy(&word, from + bit / 8, sizeof word);
  word >>= bit % 8;
  if constexpr (bit % 8 + W > 64) word |= static_cast<std::uint64_t>(from[bit / 8 + 8]) << (64 - bit % 8);
  if constexpr (W < 64) word &= (1ULL << W) - 1;
  return word;
}
template <int W, std::size_t... I>
inline void unpack_all(const std::uint8_t* from, std::uint64_t* out, std::index_sequence<I...>) {
  ((out[I] = unpack_one<W, I>(from)), ...);
}
// 32 differences summed up onto `value`.
template <class T, int W>
std::uint64_t sum_32(const std::uint8_t* from, std::uint64_t least, std::uint64_t value, T* out) {
  std::uint64_t steps[32];
  unpack_all<W>(from, steps, std::make_index_sequence<32>());
  for (int i = 0; i < 32; ++i) {
    value += steps[i] + least;
    out[i] = static_cast<T>(value);
  }
  return value;
}
template <class T, int... W>
constexpr auto sums(std::integer_sequence<int, W...>) {
  return std::array{&sum_32<T, W>...};
}

// Sixteen bytes; the compiler makes one instruction of each of these.
typedef std::uint8_t Sixteen __attribute__((vector_size(16)));
Sixteen lower(Sixteen a, Sixteen b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
Sixteen upper(Sixteen a, Sixteen b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

}  // namespace

template <class T>
Status decode_delta(Bytes bytes, std::int64_t count, T* out) {
  static constexpr auto kSums = sums<T>(std::make_integer_sequence<int, 65>());
  Varints in(bytes);
  std::uint64_t block = 0, minis = 0, total = 0, value = 0;
  if (!in.read(block) || !in.read(minis) || !in.read(total) || !in.read_signed(value)) return cut();
  if (minis == 0 || block % 128 != 0 || block > 1 << 20 || block % minis != 0 || block / minis % 32 != 0 || block == 0)
    return data_error("a page of differences has blocks of an impossible size");
  if (total < static_cast<std::uint64_t>(count)) return cut();
  if (count == 0) return Status::OK();
  *out++ = static_cast<T>(value);
  std::int64_t left = count - 1;
  const std::uint64_t per_mini = block / minis;
  while (left > 0) {
    std::uint64_t least = 0;
    if (!in.read_signed(least) || static_cast<std::uint64_t>(in.end - in.at) < minis) return cut();
    const std::uint8_t* widths = in.at;
    in.at += minis;
    for (std::uint64_t mini = 0; mini < minis && left > 0; ++mini) {
      const std::uint64_t width = widths[mini];
      if (width > 64) return data_error("a page of differences has an impossible width");
      if (static_cast<std::uint64_t>(in.end - in.at) < per_mini / 8 * width) return cut();
      for (std::uint64_t done = 0; done < per_mini && left > 0; done += 32) {
        const std::uint8_t* from = in.at + done / 8 * width;
        if (left < 32) {
          T last[32];
          kSums[width](from, least, value, last);
          std::copy_n(last, left, out);
          return Status::OK();
        }
        value = kSums[width](from, least, value, out);
        out += 32;
        left -= 32;
      }
      in.at += per_mini / 8 * width;
    }
  }
  return Status::OK();
}
template Status decode_delta(Bytes, std::int64_t, std::int32_t*);
template Status decode_delta(Bytes, std::int64_t, std::int64_t*);

template <class T>
Status decode_split(Bytes bytes, std::int64_t first, std::int64_t count, T* out) {
  constexpr std::size_t kWidth = sizeof(T);
  const std::size_t stride = bytes.size() / kWidth;
  if (bytes.size() % kWidth != 0 || stride < static_cast<std::size_t>(first + count)) return cut();
  const std::uint8_t* from = bytes.data() + first;
  std::size_t i = 0;
  const auto n = static_cast<std::size_t>(count);
  for (; kWidth == 8 && i + 16 <= n; i += 16) {
    Sixteen rows[8], mixed[8];
    for (std::size_t k = 0; k < 8; ++k) std::memcpy(&rows[k], from + k * stride + i, sizeof rows[k]);
    for (std::size_t k = 0; k < 4; ++k) {  // bytes k and k + 4 beside each other, then pairs, then fours
      mixed[2 * k] = lower(rows[k], rows[k + 4]);
      mixed[2 * k + 1] = upper(rows[k], rows[k + 4]);
    }
    for (std::size_t k = 0; k < 2; ++k) {
      for (std::size_t half = 0; half < 2; ++half) {
        const Sixteen a = mixed[2 * k + half], b = mixed[2 * (k + 2) + half];
        rows[4 * k + 2 * half] = lower(a, b);
        rows[4 * k + 2 * half + 1] = upper(a, b);
      }
    }
    for (std::size_t part = 0; part < 4; ++part) {
      const Sixteen fours[2] = {lower(rows[part], rows[part + 4]), upper(rows[part], rows[part + 4])};
      std::memcpy(out + i + part * 4, fours, sizeof fours);
    }
  }
  for (; i < n; ++i) {
    std::uint8_t value[kWidth];
    for (std::size_t k = 0; k < kWidth; ++k) value[k] = from[k * stride + i];
    std::memcpy(out + i, value, kWidth);
  }
  return Status::OK();
}
template Status decode_split(Bytes, std::int64_t, std::int64_t, float*);
template Status decode_split(Bytes, std::int64_t, std::int64_t, double*);
template Status decode_split(Bytes, std::int64_t, std::int64_t, std::int32_t*);
template Status decode_split(Bytes, std::int64_t, std::int64_t, std::int64_t*);

Status HybridReader::next(Run& run) {
  if (width_ < 0 || width_ > 32) return data_error("dictionary indices of an impossible width");
  Varints in({at_, end_});
  std::uint64_t head = 0;
  if (!in.read(head) || head >> 1 == 0 || head >> 1 > INT32_MAX) return cut();
  const auto left = static_cast<std::uint64_t>(end_ - in.at);
  if (head & 1) {
    std::uint64_t groups = head >> 1;
    const auto bytes = groups * static_cast<std::uint64_t>(width_);
    if (bytes > left) {  // the last run may be cut where its values end
      groups = width_ == 0 ? groups : left / static_cast<std::uint64_t>(width_);
      if (groups == 0) return cut();
    }
    run = {static_cast<std::int64_t>(groups) * 8, 0, in.at};
    at_ = in.at + groups * static_cast<std::uint64_t>(width_);
    return Status::OK();
  }
  const auto bytes = static_cast<std::size_t>(width_ + 7) / 8;
  if (bytes > left) return cut();
  run = {static_cast<std::int64_t>(head >> 1), 0, nullptr};
  std::memcpy(&run.value, in.at, bytes);
  at_ = in.at + bytes;
  return Status::OK();
}

}  // namespace tapemill::lake
