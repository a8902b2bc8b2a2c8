#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"

namespace tapemill::lake {

using Bytes = std::span<const std::uint8_t>;

/// Head of a page of a column chunk (parquet.thrift, PageHeader), of any kind that holds values.
struct PageHeader {
  enum class Kind { data, dictionary, data_v2, other };
  Kind kind = Kind::other;
  std::int64_t compressed = 0, uncompressed = 0;  // bytes after the head
  std::int64_t values = 0;                        // nulls counted
  int encoding = -1;                              // parquet::Encoding::type
  int level_encoding = -1;
  std::int64_t definition_bytes = 0, repetition_bytes = 0;  // data_v2: levels, which are never compressed
  bool is_compressed = true;
  std::size_t size = 0;  // of the head itself
};
/// Data error (without a place: the caller knows it) where the bytes are no head, or say what cannot be.
Result<PageHeader> parse_page_header(Bytes bytes);

/// Where a data page lies (parquet.thrift, PageLocation); the dictionary's page is not among them.
struct PageLocation {
  std::int64_t offset = 0, size = 0, first_row = 0;
};
/// Ascending in offset and row, or a data error.
Result<std::vector<PageLocation>> parse_offset_index(Bytes bytes);

}  // namespace tapemill::lake
