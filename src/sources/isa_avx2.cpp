// Cells of a column by 16 bytes at a time. No standard containers here (design.md 4.4): only intrinsics and plain loops.
#include "sources/cells.h"

#ifdef __AVX2__
#include <immintrin.h>

namespace tapemill::sources {
namespace {

constexpr std::uint64_t kPowers[20] = {1ull,
                                       10ull,
                                       100ull,
                                       1000ull,
                                       10000ull,
                                       100000ull,
                                       1000000ull,
                                       10000000ull,
                                       100000000ull,
                                       1000000000ull,
                                       10000000000ull,
                                       100000000000ull,
                                       1000000000000ull,
                                       10000000000000ull,
                                       100000000000000ull,
                                       1000000000000000ull,
                                       10000000000000000ull,
                                       100000000000000000ull,
                                       1000000000000000000ull,
                                       10000000000000000000ull};
constexpr double kDoublePowers[17] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                      1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

/// Sixteen bytes from kTail + n: 16 - n of 0, then n of -1.
alignas(32) constexpr signed char kTail[48] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                               -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                               -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
/// Lane p of the sixteen is dropped and what stands before it moves up; row 16 drops none.
struct Drops {
  signed char lanes[17][16];
  constexpr Drops() : lanes() {
    for (int p = 0; p <= 16; ++p)
      for (int i = 0; i < 16; ++i) lanes[p][i] = static_cast<signed char>(p == 16 || i > p ? i : i == 0 ? -128 : i - 1);
  }
};
alignas(16) constexpr Drops kDrops;

/// Sixteen digits, first lane first, as a number.
inline std::uint64_t number_of(__m128i digits) {
  __m128i v = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010A));
  v = _mm_madd_epi16(v, _mm_set1_epi32(0x00010064));
  v = _mm_packus_epi32(v, v);
  v = _mm_madd_epi16(v, _mm_set1_epi32(0x00012710));
  const auto both = static_cast<std::uint64_t>(_mm_cvtsi128_si64(v));
  return (both & 0xffffffff) * 100000000ull + (both >> 32);
}

struct Number {
  std::uint64_t value;
  unsigned decimals;
  bool negative, ok;
};

/// [-]digits[.digits] with at most sixteen bytes behind the sign. REQUIRES end - text >= 16 for a true ok.
inline Number read(const char* text, std::uint32_t start, std::uint32_t end) {
  Number out{0, 0, false, false};
  if (end < 16 || end <= start) return out;
  out.negative = text[start] == '-';
  start += out.negative;
  const std::uint32_t n = end - start;
  if (n == 0 || n > 16) return out;
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + end - 16));
  const __m128i in = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kTail + n));
  const __m128i digits = _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), in);
  const auto dots =
      static_cast<unsigned>(_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')), in)));
  const auto no_digits = static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpgt_epi8(_mm_xor_si128(digits, _mm_set1_epi8(-128)), _mm_set1_epi8(-128 + 9))));
  // One dot at most, and digits on both sides of it.
  const unsigned lane = dots != 0 ? static_cast<unsigned>(__builtin_ctz(dots)) : 16;
  out.decimals = dots != 0 ? 15 - lane : 0;
  out.ok = no_digits == dots && (dots & (dots - 1)) == 0 && lane != 15 && lane != 16 - n;
  const __m128i whole =
      _mm_shuffle_epi8(_mm_and_si128(digits, in), _mm_load_si128(reinterpret_cast<const __m128i*>(kDrops.lanes[lane])));
  out.value = number_of(whole);
  return out;
}

std::size_t decimals(const CellColumn& cells, int scale, std::int64_t* out, std::uint8_t* ok) {
  std::size_t others = 0;
  const std::uint32_t* end = cells.ends;
  for (std::size_t row = 0; row < cells.rows; ++row, end += cells.stride) {
    const Number number = read(cells.text, end[-1] + 1, *end - cells.trailing);
    const int missing = scale - static_cast<int>(number.decimals);
    const bool fits = number.ok && missing >= 0;
    const bool good = fits && number.value < kPowers[fits ? 18 - missing : 0];
    const auto value = static_cast<std::int64_t>(number.value * kPowers[good ? missing : 0]);
    out[row] = number.negative ? -value : value;
    ok[row] = good;
    others += !good;
  }
  return others;
}

std::size_t doubles(const CellColumn& cells, double* out, std::uint8_t* ok) {
  std::size_t others = 0;
  const std::uint32_t* end = cells.ends;
  for (std::size_t row = 0; row < cells.rows; ++row, end += cells.stride) {
    const Number number = read(cells.text, end[-1] + 1, *end - cells.trailing);
    // Both exact, so that one division rounds correctly.
    const bool good = number.ok && number.value < (1ull << 53);
    double value = static_cast<double>(static_cast<std::int64_t>(number.value));
    if (number.decimals != 0) value /= kDoublePowers[number.decimals];
    out[row] = number.negative ? -value : value;
    ok[row] = good;
    others += !good;
  }
  return others;
}

std::size_t integers(const CellColumn& cells, std::int64_t* out, std::uint8_t* ok) {
  std::size_t others = 0;
  const std::uint32_t* at = cells.ends;
  for (std::size_t row = 0; row < cells.rows; ++row, at += cells.stride) {
    const std::uint32_t start = at[-1] + 1, end = *at - cells.trailing, n = end - start;
    const bool room = end >= 32 && end > start && n <= 19;
    const char* behind = room ? cells.text + end : cells.text + 32;
    const std::uint32_t low = n < 16 ? n : 16, high = room ? n - low : 0;
    const __m128i in0 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kTail + (room ? low : 0)));
    const __m128i in1 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kTail + high));
    bool good = room;
    std::uint64_t value = 0;
    if (room) {
      const __m128i zero = _mm_set1_epi8('0');
      const __m128i a =
          _mm_and_si128(_mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(behind - 16)), zero), in0);
      const __m128i b =
          _mm_and_si128(_mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(behind - 32)), zero), in1);
      const __m128i most = _mm_xor_si128(_mm_max_epu8(a, b), _mm_set1_epi8(-128));
      good = _mm_movemask_epi8(_mm_cmpgt_epi8(most, _mm_set1_epi8(-128 + 9))) == 0;
      const std::uint64_t upper = high != 0 ? number_of(b) : 0;
      value = number_of(a) + upper * kPowers[16];
      good &= upper < 922;  // below 2^63
    }
    out[row] = static_cast<std::int64_t>(value);
    ok[row] = good;
    others += !good;
  }
  return others;
}

inline std::uint64_t mask_of(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

MarkFacts marks(const char* text, std::size_t from, std::size_t to, char delimiter, std::uint32_t* out) {
  MarkFacts facts;
  const __m256i comma = _mm256_set1_epi8(delimiter), line = _mm256_set1_epi8('\n'), quote = _mm256_set1_epi8('"'),
                cr = _mm256_set1_epi8('\r'), tab = _mm256_set1_epi8('\t'), blank = _mm256_set1_epi8(0x20);
  __m256i high = _mm256_setzero_si256();
  std::uint64_t odd = 0, quotes = 0;
  std::size_t i = from;
  std::uint32_t* to_write = out;
  for (; i + 64 <= to; i += 64) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + i));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + i + 32));
    high = _mm256_or_si256(high, _mm256_or_si256(a, b));
    const std::uint64_t ends = mask_of(_mm256_cmpeq_epi8(a, line), _mm256_cmpeq_epi8(b, line));
    const std::uint64_t quoted = mask_of(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote));
    std::uint64_t mask = ends | quoted | mask_of(_mm256_cmpeq_epi8(a, comma), _mm256_cmpeq_epi8(b, comma));
    // Bytes below 0x20, as signed: those above 0x7f are below too, and are taken for odd only if they are not high.
    const std::uint64_t low = mask_of(_mm256_cmpgt_epi8(blank, a), _mm256_cmpgt_epi8(blank, b));
    if (low & ~ends) {
      const std::uint64_t returns = mask_of(_mm256_cmpeq_epi8(a, cr), _mm256_cmpeq_epi8(b, cr));
      const std::uint64_t above = mask_of(a, b);
      facts.returns += static_cast<std::size_t>(__builtin_popcountll(returns));
      odd |= low & ~ends & ~returns & ~above & ~mask & ~mask_of(_mm256_cmpeq_epi8(a, tab), _mm256_cmpeq_epi8(b, tab));
    }
    quotes |= quoted;
    facts.line_ends += static_cast<std::size_t>(__builtin_popcountll(ends));
    const auto count = static_cast<std::size_t>(__builtin_popcountll(mask));
    const auto base = static_cast<std::uint32_t>(i);
    for (std::size_t done = 0; done < count; done += 8) {  // beyond `count` what is written is written over later
      for (std::size_t k = 0; k < 8; ++k) {
        to_write[done + k] = base + static_cast<std::uint32_t>(__builtin_ctzll(mask | 1ull << 63));
        mask &= mask - 1;
      }
    }
    to_write += count;
  }
  facts.marks = static_cast<std::size_t>(to_write - out);
  facts.odd = odd != 0, facts.quotes = quotes != 0;
  facts.high = _mm256_movemask_epi8(high) != 0;
  if (i < to) {
    const MarkFacts rest = base_cell_kernels().marks(text, i, to, delimiter, to_write);
    facts.marks += rest.marks, facts.line_ends += rest.line_ends, facts.returns += rest.returns;
    facts.quotes |= rest.quotes, facts.odd |= rest.odd, facts.high |= rest.high;
  }
  return facts;
}

}  // namespace

const CellKernels* avx2_cell_kernels() {
  static constexpr CellKernels table{marks, decimals, doubles, integers};
  return &table;
}

}  // namespace tapemill::sources
#else
namespace tapemill::sources {
const CellKernels* avx2_cell_kernels() { return nullptr; }
}  // namespace tapemill::sources
#endif
