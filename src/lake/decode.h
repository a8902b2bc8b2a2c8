#pragma once
#include <cstdint>
#include <cstring>

#include "lake/pages.h"

namespace tapemill::lake {

/// Parquet's encodings (https://parquet.apache.org/docs/file-format/data-pages/encodings/). Whatever the bytes are, nothing
/// outside of them and of the output is touched, but for reading: kPadding bytes after `bytes` must be readable.
/// Data errors come without a place.
inline constexpr std::size_t kPadding = 64;

/// DELTA_BINARY_PACKED: the first `count` values. T: int32_t, int64_t.
template <class T>
Status decode_delta(Bytes bytes, std::int64_t count, T* out);

/// BYTE_STREAM_SPLIT: values [first, first + count). T by its size alone: 4 or 8 bytes.
template <class T>
Status decode_split(Bytes bytes, std::int64_t first, std::int64_t count, T* out);

/// The RLE / bit-packing hybrid of levels and dictionary indices, run by run.
class HybridReader {
 public:
  /// Width 0..32 bits, else next() fails.
  HybridReader(Bytes bytes, int width) : at_(bytes.data()), end_(bytes.data() + bytes.size()), width_(width) {}
  struct Run {
    std::int64_t count = 0;
    std::uint32_t value = 0;               // of a repeated one
    const std::uint8_t* packed = nullptr;  // of a packed one: count is a multiple of 8
  };
  Status next(Run& run);
  /// Value i of a packed run.
  std::uint32_t unpack(const Run& run, std::int64_t i) const {
    const std::uint64_t bit = static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(width_);
    std::uint64_t word;
    std::memcpy(&word, run.packed + (bit >> 3), sizeof word);
    return static_cast<std::uint32_t>((word >> (bit & 7)) & ((1ULL << width_) - 1));
  }

 private:
  const std::uint8_t *at_, *end_;
  int width_;
};

}  // namespace tapemill::lake
