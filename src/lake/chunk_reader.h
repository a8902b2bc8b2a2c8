#pragma once
#include <arrow/buffer.h>
#include <arrow/util/compression.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lake/decode.h"
#include "lake/open_part.h"

namespace tapemill::lake {

/// Buffers that one thread uses again and again: out of the budget's pool, padded for the decoders.
class Scratch {
 public:
  explicit Scratch(arrow::MemoryPool* pool) : pool_(pool) {}
  enum Use { raw, head, page, dictionary, levels, values, kUses };
  /// What it held before is lost.
  Result<std::uint8_t*> of(Use use, std::int64_t bytes);
  /// `from` unpacked into exactly out.size() bytes. Data error where it is anything else.
  Status decompress(arrow::Compression::type type, Bytes from, std::span<std::uint8_t> out);
  arrow::MemoryPool* pool() const { return pool_; }

 private:
  arrow::MemoryPool* pool_;
  std::unique_ptr<arrow::Buffer> buffers_[kUses];
  std::unique_ptr<arrow::util::Codec> codec_;  // of compressions other than zstd
};

/// An open file.
class PartFile {
 public:
  static Result<PartFile> open(const std::string& path);
  PartFile(PartFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  ~PartFile();
  Status read(std::int64_t offset, std::int64_t size, std::uint8_t* out) const;

 private:
  explicit PartFile(int fd) : fd_(fd) {}
  int fd_;
};

/// Rows [first, last) of a part's row group, and where the first of them goes.
struct Segment {
  std::uint32_t first = 0, last = 0;
  std::int64_t out = 0;
};

/// The pages of one column chunk that hold rows of some segments, one after the other. Errors: data error (without a
/// place) for a damaged chunk; NotImplemented for one that our decoder does not know.
class ChunkReader {
 public:
  /// `segments`: ascending and disjoint, one at least. All referenced things outlive the reader.
  ChunkReader(const PartFile& file, const ColumnChunk& chunk, std::int64_t rows, const std::vector<Segment>& segments,
              Scratch& scratch)
      : file_(file), chunk_(chunk), rows_(rows), segments_(segments), scratch_(scratch) {}

  struct Page {
    std::int64_t first = 0, last = 0;  // rows
    std::size_t segment = 0;           // the first segment that reaches into it
    int encoding = 0;
    const std::uint8_t* levels = nullptr;  // one a row, 1: there is a value; null: no row is null
    std::int64_t values = 0;               // that are not null
    Bytes bytes;                           // of the values
  };
  /// False at the end.
  Result<bool> next(Page& page);
  Bytes dictionary() const { return dictionary_; }  // PLAIN
  std::int64_t dictionary_values() const { return dictionary_values_; }
  std::int64_t bytes_read() const { return bytes_read_; }

 private:
  Status start();
  Status read_head(PageHeader& header, Bytes& body);
  Result<Bytes> decompress(Bytes body, std::int64_t size, Scratch::Use use);
  Status take_dictionary(const PageHeader& header, Bytes body);
  Status take_levels(Bytes levels, Page& page);
  const PartFile& file_;
  const ColumnChunk& chunk_;
  std::int64_t rows_;
  const std::vector<Segment>& segments_;
  Scratch& scratch_;
  bool started_ = false;
  Bytes left_;  // of what was read
  std::int64_t row_ = 0, bytes_read_ = 0;
  std::size_t segment_ = 0, page_ = 0;
  Bytes dictionary_;
  std::int64_t dictionary_values_ = -1;
};

}  // namespace tapemill::lake
