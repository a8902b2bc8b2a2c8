#pragma once
#include <cstddef>
#include <cstdint>

namespace tapemill::lake {

/// Parquet's encodings as we write them (https://parquet.apache.org/docs/file-format/data-pages/encodings/); decode.h reads
/// them. Every function appends at `out`, which has the room that is said plus kEncodeSlack, and returns the bytes written.
inline constexpr std::size_t kEncodeSlack = 64;

/// How differences are packed. tight: as few bits as each 32 of them need. bytes: whole bytes, over one base for as many
/// blocks as possible, so that equal differences are equal bytes and zstd finds them; the file's readers see no difference.
enum class Packing { tight, bytes };

/// DELTA_BINARY_PACKED. T: int32_t, int64_t.
std::size_t delta_room(std::size_t count, std::size_t width);
template <class T>
std::size_t encode_delta(const T* values, std::size_t count, Packing packing, std::uint8_t* out);

/// BYTE_STREAM_SPLIT of values of 4 or 8 bytes. Room: count * width.
std::size_t encode_split(const void* values, std::size_t count, std::size_t width, std::uint8_t* out);

/// The RLE / bit-packing hybrid, `width` bits (1..32) an index. Room: hybrid_room().
std::size_t hybrid_room(std::size_t count, int width);
std::size_t encode_hybrid(const std::uint32_t* indices, std::size_t count, int width, std::uint8_t* out);

}  // namespace tapemill::lake
