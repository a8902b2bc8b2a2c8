#pragma once
#include <arrow/buffer_builder.h>
#include <parquet/statistics.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "lake/pages.h"

namespace arrow {
class Array;
}
namespace parquet {
class ColumnDescriptor;
class ColumnIndexBuilder;
class PageWriter;
class ColumnChunkMetaDataBuilder;
}  // namespace parquet

namespace tapemill::lake {

enum class PageEncoding { plain, dictionary, delta, split };

/// The pages of one column of an open row group: encoded, packed by zstd and kept until the group ends, for a dictionary has
/// to stand before them. One per column of a part, used for group after group. Parquet's exceptions may pass.
class ColumnPages {
 public:
  struct Options {
    PageEncoding encoding = PageEncoding::plain;
    int level = 3;  // of zstd
  };
  static std::unique_ptr<ColumnPages> make(const parquet::ColumnDescriptor* column, const Options& options,
                                           arrow::MemoryPool* pool);
  virtual ~ColumnPages() = default;
  /// One page. What comes out depends on the group's rows so far alone. NotImplemented: a type that has no form in Parquet.
  virtual Status add(const arrow::Array& rows) = 0;
  /// Instead of all of a group's pages: those of a column chunk that a part of the same layout and writer has, which stay as
  /// they are. `bounds`: of each page. Data errors without a place.
  Status adopt(Bytes chunk, std::vector<parquet::EncodedStatistics> bounds, parquet::EncodedStatistics group_bounds);
  /// Ends the group: its pages go to `writer`, its bounds to `index` and `chunk`.
  Status write(parquet::PageWriter& writer, parquet::ColumnIndexBuilder& index,
               parquet::ColumnChunkMetaDataBuilder& chunk);

 protected:
  struct Page {
    std::int64_t at = 0, packed = 0, unpacked = 0, first_row = 0;
    std::int32_t rows = 0;
    parquet::Encoding::type encoding = parquet::Encoding::PLAIN;
    parquet::EncodedStatistics bounds;
  };
  ColumnPages(const parquet::ColumnDescriptor* column, const Options& options, arrow::MemoryPool* pool);
  /// Room for the page at hand: levels first (of an optional column), then values. What it held is lost.
  Result<std::uint8_t*> room(std::size_t bytes);
  std::size_t put_levels(const arrow::Array& rows, std::uint8_t* out) const;
  std::size_t levels_room(const arrow::Array& rows) const;
  /// Packs `bytes` behind the pages so far; how long it is then.
  Result<std::int64_t> pack(const std::uint8_t* bytes, std::size_t size) { return pack(bytes, size, level_); }
  Result<std::int64_t> pack(const std::uint8_t* bytes, std::size_t size, int level);
  /// Of the two that were packed last the first goes, or the second.
  void drop_first(std::int64_t first, std::int64_t second);
  void drop_second(std::int64_t second) { packed_.Rewind(packed_.length() - second); }
  /// Whether the page at hand is one on which ways are tried, for itself and those after it.
  bool trial() const { return pages_.size() % 16 == 0; }
  /// Packs a page; where it is a trial, by zstd's fastest level too, which stays where it costs a fiftieth at most.
  Result<std::int64_t> pack_page(const std::uint8_t* bytes, std::size_t size);
  Status end_page(std::int64_t packed, std::size_t unpacked, std::int64_t rows, parquet::Encoding::type encoding,
                  parquet::Statistics& bounds);
  virtual void end_group() = 0;
  virtual parquet::Statistics& group_bounds() = 0;
  /// PLAIN values of the dictionary, and how many; none: the group has no dictionary.
  virtual Result<std::shared_ptr<arrow::Buffer>> dictionary(std::int32_t& count) = 0;

  const parquet::ColumnDescriptor* column_;
  Options options_;
  arrow::MemoryPool* pool_;
  bool optional_;
  std::vector<Page> pages_;
  arrow::BufferBuilder packed_;
  std::shared_ptr<arrow::ResizableBuffer> page_;
  std::int64_t rows_ = 0;
  int level_;  // that the last trial chose

 private:
  struct Adopted {
    parquet::EncodedStatistics bounds;
    std::shared_ptr<arrow::Buffer> dictionary;
    std::int32_t count = 0;
  };
  std::optional<Adopted> adopted_;
};

}  // namespace tapemill::lake
