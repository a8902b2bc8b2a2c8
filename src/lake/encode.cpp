#include "lake/encode.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

namespace tapemill::lake {
namespace {

constexpr std::size_t kBlock = 128, kMini = 32, kMinis = kBlock / kMini;

std::uint8_t* put_varint(std::uint64_t value, std::uint8_t* out) {
  for (; value >= 128; value >>= 7) *out++ = static_cast<std::uint8_t>(value | 128);
  *out++ = static_cast<std::uint8_t>(value);
  return out;
}
std::uint8_t* put_signed(std::int64_t value, std::uint8_t* out) {
  return put_varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63), out);
}

// 32 values of W bits, the shifts known to the compiler. Writes up to 8 bytes beyond.
template <int W, class U>
void pack_32(const U* values, std::uint8_t* out) {
  if constexpr (W > 0) {
    std::uint64_t word = 0;
    int filled = 0;
    for (std::size_t i = 0; i < kMini; ++i) {
      const auto value = static_cast<std::uint64_t>(values[i]);
      word |= value << filled;
      filled += W;
      if (filled < 64) continue;
      std::memcpy(out, &word, sizeof word);
      out += sizeof word;
      filled -= 64;
      word = filled == 0 ? 0 : value >> (W - filled);
    }
    if (filled > 0) std::memcpy(out, &word, sizeof word);
  }
}
template <class U, int... W>
constexpr auto packers(std::integer_sequence<int, W...>) {
  return std::array{&pack_32<W, U>...};
}

template <class To, class U>
void narrow(const U* values, std::uint8_t* out) {
  To small[kMini];
  for (std::size_t i = 0; i < kMini; ++i) small[i] = static_cast<To>(values[i]);
  std::memcpy(out, small, sizeof small);
}

// Differences of a page, block by block; what a short last block lacks repeats its last difference.
template <class U>
struct Blocks {
  using S = std::make_signed_t<U>;
  static constexpr std::size_t kMost = 64;  // blocks whose bounds are kept for the choice of a base
  S least[kMost], most[kMost];
  std::size_t count = 0;
};

template <class T, class U = std::make_unsigned_t<T>>
std::size_t differences(const T* values, std::size_t first, std::size_t count, U* out) {
  const std::size_t here = std::min(kBlock, count - first);
  for (std::size_t i = 0; i < here; ++i)
    out[i] = static_cast<U>(static_cast<U>(values[first + i]) - static_cast<U>(values[first + i - 1]));
  for (std::size_t i = here; i < kBlock; ++i) out[i] = out[here - 1];
  return here;
}

template <class U>
std::size_t bytes_of(U range) {
  return static_cast<std::size_t>(std::bit_width(range) + 7) / 8;
}

// The base that makes the blocks shortest, blocks with lower differences having their own; the lowest of equally good ones.
template <class U>
std::make_signed_t<U> base_of(const Blocks<U>& blocks) {
  using S = std::make_signed_t<U>;
  S sorted[Blocks<U>::kMost];
  std::copy_n(blocks.least, blocks.count, sorted);
  std::sort(sorted, sorted + blocks.count);
  S best = sorted[0];
  std::size_t best_cost = SIZE_MAX;
  for (const std::size_t part : {0u, 1u, 2u, 4u, 8u}) {
    const S base = sorted[blocks.count * part / 16];
    std::size_t cost = 0;
    for (std::size_t i = 0; i < blocks.count; ++i) {
      const S from = std::min(base, blocks.least[i]);
      const S own = blocks.least[i] < base ? blocks.least[i] : from;
      cost += bytes_of<U>(static_cast<U>(static_cast<U>(blocks.most[i]) - static_cast<U>(own)));
    }
    if (cost < best_cost) best_cost = cost, best = base;
  }
  return best;
}

template <class T>
std::make_signed_t<T> base_of_page(const T* values, std::size_t count) {
  using U = std::make_unsigned_t<T>;
  Blocks<U> blocks;
  U deltas[kBlock];
  const std::size_t all = (count - 1 + kBlock - 1) / kBlock;
  const std::size_t step = (all + Blocks<U>::kMost - 1) / Blocks<U>::kMost;
  for (std::size_t block = 0; block < all; block += step) {
    differences(values, 1 + block * kBlock, count, deltas);
    T least = static_cast<T>(deltas[0]), most = least;
    for (const U delta : deltas) {
      least = std::min(least, static_cast<T>(delta));
      most = std::max(most, static_cast<T>(delta));
    }
    blocks.least[blocks.count] = least, blocks.most[blocks.count++] = most;
  }
  return blocks.count == 0 ? 0 : base_of(blocks);
}

}  // namespace

std::size_t delta_room(std::size_t count, std::size_t width) {
  const std::size_t blocks = count / kBlock + 1;
  return 40 + blocks * (10 + kMinis + kBlock * width);
}

template <class T>
std::size_t encode_delta(const T* values, std::size_t count, Packing packing, std::uint8_t* const out) {
  using U = std::make_unsigned_t<T>;
  static constexpr auto kPackers = packers<U>(std::make_integer_sequence<int, sizeof(T) * 8 + 1>());
  std::uint8_t* at = put_varint(kBlock, out);
  at = put_varint(kMinis, at);
  at = put_varint(count, at);
  at = put_signed(count == 0 ? 0 : values[0], at);
  if (count < 2) return static_cast<std::size_t>(at - out);
  const T base = packing == Packing::bytes ? base_of_page(values, count) : 0;
  U deltas[kBlock];
  for (std::size_t first = 1; first < count; first += kBlock) {
    const std::size_t here = differences(values, first, count, deltas);
    T least = static_cast<T>(deltas[0]);
    for (const U delta : deltas) least = std::min(least, static_cast<T>(delta));
    if (packing == Packing::bytes) least = std::min(least, base);
    at = put_signed(least, at);
    std::uint8_t* widths = at;
    at += kMinis;
    for (U& delta : deltas) delta = static_cast<U>(delta - static_cast<U>(least));
    for (std::size_t mini = 0; mini < kMinis; ++mini) {
      if (mini * kMini >= here) {
        widths[mini] = 0;
        continue;
      }
      const U* steps = deltas + mini * kMini;
      U all = 0;
      for (std::size_t i = 0; i < kMini; ++i) all |= steps[i];
      auto width = static_cast<std::size_t>(std::bit_width(all));
      if (packing == Packing::bytes) width = (width + 7) / 8 * 8;
      widths[mini] = static_cast<std::uint8_t>(width);
      if (width == 8) narrow<std::uint8_t>(steps, at);
      else if (width == 16) narrow<std::uint16_t>(steps, at);
      else kPackers[width](steps, at);
      at += width * kMini / 8;
    }
  }
  return static_cast<std::size_t>(at - out);
}
template std::size_t encode_delta(const std::int32_t*, std::size_t, Packing, std::uint8_t*);
template std::size_t encode_delta(const std::int64_t*, std::size_t, Packing, std::uint8_t*);

namespace {

// Sixteen bytes; the compiler makes one instruction of each of these.
typedef std::uint8_t Sixteen __attribute__((vector_size(16)));
Sixteen lower(Sixteen a, Sixteen b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
Sixteen upper(Sixteen a, Sixteen b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

template <std::size_t kWidth>
void split(const std::uint8_t* from, std::size_t count, std::uint8_t* out) {
  std::size_t i = 0;
  for (; kWidth == 8 && i + 16 <= count; i += 16) {
    Sixteen rows[8], mixed[8];
    std::memcpy(rows, from + i * kWidth, sizeof rows);
    for (int round = 0; round < 4; ++round) {  // each turns the seven bits of a byte's place by one
      for (std::size_t k = 0; k < 4; ++k)
        mixed[2 * k] = lower(rows[k], rows[k + 4]), mixed[2 * k + 1] = upper(rows[k], rows[k + 4]);
      std::memcpy(rows, mixed, sizeof rows);
    }
    for (std::size_t byte = 0; byte < 8; ++byte) std::memcpy(out + byte * count + i, &rows[byte], sizeof rows[byte]);
  }
  for (; i < count; ++i)
    for (std::size_t byte = 0; byte < kWidth; ++byte) out[byte * count + i] = from[i * kWidth + byte];
}

}  // namespace

std::size_t encode_split(const void* values, std::size_t count, std::size_t width, std::uint8_t* out) {
  const auto* from = static_cast<const std::uint8_t*>(values);
  if (width == 4) split<4>(from, count, out);
  else split<8>(from, count, out);
  return count * width;
}

std::size_t hybrid_room(std::size_t count, int width) {
  return (count / 8 + 1) * static_cast<std::size_t>(width) + (count / 8 + 1) * 10 + 16;
}

// Runs of eight and more are repeated ones; what stands between them is packed in groups of eight.
std::size_t encode_hybrid(const std::uint32_t* indices, std::size_t count, int width, std::uint8_t* const out) {
  std::uint8_t* at = out;
  const auto value_bytes = static_cast<std::size_t>(width + 7) / 8;
  auto pack = [&](std::size_t from, std::size_t to) {
    if (from == to) return;
    const std::size_t groups = (to - from + 7) / 8;
    at = put_varint(groups << 1 | 1, at);
    std::uint64_t word = 0;
    int filled = 0;
    for (std::size_t i = from; i < from + groups * 8; ++i) {
      word |= static_cast<std::uint64_t>(i < to ? indices[i] : 0) << filled;
      for (filled += width; filled >= 8; filled -= 8, word >>= 8) *at++ = static_cast<std::uint8_t>(word);
    }
  };
  std::size_t packed = 0, i = 0;  // what begins at `packed` is not written yet
  while (i < count) {
    std::size_t end = i + 1;
    while (end < count && indices[end] == indices[i]) ++end;
    const std::size_t lacking = (8 - (i - packed) % 8) % 8;  // to whole groups before a run
    if (end - i >= 8 + lacking) {
      pack(packed, i + lacking);
      at = put_varint((end - i - lacking) << 1, at);
      std::memcpy(at, &indices[i], value_bytes);
      at += value_bytes;
      packed = end;
    }
    i = end;
  }
  pack(packed, count);
  return static_cast<std::size_t>(at - out);
}

}  // namespace tapemill::lake
