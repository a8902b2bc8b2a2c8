#pragma once
#include <cstddef>
#include <cstdint>

namespace tapemill::sources {

/// What a stretch of text holds besides the marks that were found in it.
struct MarkFacts {
  std::size_t marks = 0, line_ends = 0, returns = 0;
  bool quotes = false;
  bool odd = false;   // control bytes other than tab, CR and LF
  bool high = false;  // bytes above 0x7f
};

/// The cells of one column of a regular block: cell r ends at ends[r * stride] and begins behind ends[r * stride - 1].
/// REQUIRES ends[-1] to be there; UINT32_MAX before the first cell of a text.
struct CellColumn {
  const char* text;
  const std::uint32_t* ends;
  std::size_t stride, rows;
  std::uint32_t
      trailing;  // bytes before the end that are no content: 1 in the last column of lines that end with CR LF
};

/// Loops over cells, in the widest form that the machine has. A reader says ok[r] = 1 where it is sure; every other cell has
/// to be read by the long way (numbers.h), which also knows why one is no number. Returns how many are not ok. What is ok
/// has the value that the long way gives.
struct CellKernels {
  /// Positions of `delimiter`, '"' and '\n' in text[from, to), ascending. REQUIRES room for to - from + 64 at `out`.
  MarkFacts (*marks)(const char* text, std::size_t from, std::size_t to, char delimiter, std::uint32_t* out);
  /// [-]digits[.digits] at 10^-scale: scale in 0..18.
  std::size_t (*decimals)(const CellColumn& cells, int scale, std::int64_t* out, std::uint8_t* ok);
  std::size_t (*doubles)(const CellColumn& cells, double* out, std::uint8_t* ok);
  /// Up to 19 digits, as times since the epoch have.
  std::size_t (*integers)(const CellColumn& cells, std::int64_t* out, std::uint8_t* ok);
};
const CellKernels& cell_kernels();  // of this machine; TAPEMILL_ISA=base in the environment: the portable ones

const CellKernels& base_cell_kernels();
const CellKernels* avx2_cell_kernels();  // null where the compiler's target has none

}  // namespace tapemill::sources
