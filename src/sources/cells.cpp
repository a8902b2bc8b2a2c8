#include "sources/cells.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sources/numbers.h"

namespace tapemill::sources {
namespace {

MarkFacts marks(const char* text, std::size_t from, std::size_t to, char delimiter, std::uint32_t* out) {
  MarkFacts facts;
  for (std::size_t i = from; i < to; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    facts.high |= c >= 0x80;
    if (text[i] == delimiter || c == '\n' || c == '"') {
      out[facts.marks++] = static_cast<std::uint32_t>(i);
      facts.line_ends += c == '\n';
      facts.quotes |= c == '"';
    } else if (c == '\r') {
      ++facts.returns;
    } else {
      facts.odd |= c < 0x20 && c != '\t';
    }
  }
  return facts;
}

template <class Read>
std::size_t each(const CellColumn& cells, std::uint8_t* ok, Read&& read) {
  std::size_t others = 0;
  for (std::size_t row = 0; row < cells.rows; ++row) {
    const std::uint32_t* end = cells.ends + row * cells.stride;
    const std::uint32_t start = end[-1] + 1;
    ok[row] = read(row, std::string_view(cells.text + start, *end - cells.trailing - start));
    others += ok[row] == 0;
  }
  return others;
}

std::size_t decimals(const CellColumn& cells, int scale, std::int64_t* out, std::uint8_t* ok) {
  return each(cells, ok, [&](std::size_t row, std::string_view text) {
    return !text.empty() && read_decimal(text, scale, 0, out[row]) == nullptr;
  });
}
std::size_t doubles(const CellColumn& cells, double* out, std::uint8_t* ok) {
  return each(cells, ok,
              [&](std::size_t row, std::string_view text) { return read_double(text, out[row]) == nullptr; });
}
std::size_t integers(const CellColumn& cells, std::int64_t* out, std::uint8_t* ok) {
  return each(cells, ok, [&](std::size_t row, std::string_view text) {
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out[row]);
    return failed == std::errc{} && end == text.data() + text.size();
  });
}

}  // namespace

const CellKernels& base_cell_kernels() {
  static constexpr CellKernels table{marks, decimals, doubles, integers};
  return table;
}

const CellKernels& cell_kernels() {
  static const CellKernels& best = []() -> const CellKernels& {
    const char* wanted = std::getenv("TAPEMILL_ISA");
    const bool plain = wanted != nullptr && std::strcmp(wanted, "base") == 0;
#if defined(__x86_64__)
    if (!plain && __builtin_cpu_supports("avx2"))
      if (const CellKernels* wide = avx2_cell_kernels()) return *wide;
#endif
    return base_cell_kernels();
  }();
  return best;
}

}  // namespace tapemill::sources
