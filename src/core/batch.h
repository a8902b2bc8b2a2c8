#pragma once
#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tapemill {

/// A row that could not become a row: its bytes as they stood in the (inflated) file, and why.
struct Refused {
  std::int64_t line = 0, byte = 0;  // 1-based line, 0-based offset of the first byte
  std::string raw;
  std::string check;                // parse, null, columns, ohlc_order, ...
  std::string reason;               // "open is null", "high 10.2 below close 10.3"
};

/// Rows of one file in the data set's schema, and where each came from.
/// INVARIANT rows->num_rows() == lines.size() == bytes.size() == lengths.size(); raw(i) lies inside `text`.
struct SourceBatch {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::vector<std::int64_t> lines, bytes;
  std::vector<std::int32_t> lengths;
  std::shared_ptr<const std::string> text;  // the block the rows were read from
  std::int64_t text_at = 0;                 // offset of text[0] in the (inflated) file
  std::vector<Refused> refused;             // refused by the parser
  std::int64_t rows_in = 0;                 // rows->num_rows() + refused.size()

  std::string_view raw(std::size_t row) const {
    return std::string_view(*text).substr(static_cast<std::size_t>(bytes[row] - text_at),
                                          static_cast<std::size_t>(lengths[row]));
  }
};

}  // namespace tapemill
