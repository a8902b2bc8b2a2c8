#include "lake/column_pages.h"

#include <arrow/array.h>
#include <arrow/util/bitmap_ops.h>
#include <parquet/column_page.h>
#include <parquet/column_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <zstd.h>

#include <cstring>

#include "lake/encode.h"

namespace tapemill::lake {
namespace {

constexpr std::size_t kLongestBound = 4096;

// One a thread: making one costs as much as packing a small page.
ZSTD_CCtx* zstd_context() {
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  thread_local std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  return context.get();
}

}  // namespace

ColumnPages::ColumnPages(const parquet::ColumnDescriptor* column, const Options& options, arrow::MemoryPool* pool)
    : column_(column),
      options_(options),
      pool_(pool),
      optional_(column->max_definition_level() > 0),
      packed_(pool),
      level_(options.level) {}

Result<std::uint8_t*> ColumnPages::room(std::size_t bytes) {
  const auto wanted = static_cast<std::int64_t>(bytes + kEncodeSlack);
  if (page_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(page_, arrow::AllocateResizableBuffer(wanted, pool_));
  } else if (page_->size() < wanted) {
    ARROW_RETURN_NOT_OK(page_->Resize(wanted, false));
  }
  return page_->mutable_data();
}

std::size_t ColumnPages::levels_room(const arrow::Array& rows) const {
  return optional_ ? static_cast<std::size_t>(rows.length()) / 8 + 32 : 0;
}

// A length, then one run: repeated where all rows are alike, else the validity bits, which are packed as Parquet wants them.
std::size_t ColumnPages::put_levels(const arrow::Array& rows, std::uint8_t* out) const {
  if (!optional_) return 0;
  std::uint8_t* at = out + 4;
  const auto varint = [&](std::uint64_t value) {
    for (; value >= 128; value >>= 7) *at++ = static_cast<std::uint8_t>(value | 128);
    *at++ = static_cast<std::uint8_t>(value);
  };
  const std::int64_t count = rows.length(), nulls = rows.null_count();
  if (nulls == 0 || nulls == count) {
    varint(static_cast<std::uint64_t>(count) << 1);
    *at++ = nulls == 0;
  } else {
    const std::int64_t groups = (count + 7) / 8;
    varint(static_cast<std::uint64_t>(groups) << 1 | 1);
    at[groups - 1] = 0;
    arrow::internal::CopyBitmap(rows.null_bitmap_data(), rows.offset(), count, at, 0);
    at += groups;
  }
  const auto size = static_cast<std::uint32_t>(at - out - 4);
  std::memcpy(out, &size, sizeof size);
  return static_cast<std::size_t>(at - out);
}

Result<std::int64_t> ColumnPages::pack(const std::uint8_t* bytes, std::size_t size, int level) {
  const std::size_t most = ZSTD_compressBound(size);
  ARROW_RETURN_NOT_OK(packed_.Reserve(static_cast<std::int64_t>(most)));
  ZSTD_CCtx* context = zstd_context();
  if (context == nullptr) return Status::OutOfMemory("zstd");
  const std::size_t done =
      ZSTD_compressCCtx(context, packed_.mutable_data() + packed_.length(), most, bytes, size, level);
  if (ZSTD_isError(done) != 0) return Status::OutOfMemory("zstd: ", ZSTD_getErrorName(done));
  packed_.UnsafeAdvance(static_cast<std::int64_t>(done));
  return static_cast<std::int64_t>(done);
}

void ColumnPages::drop_first(std::int64_t first, std::int64_t second) {
  std::uint8_t* behind = packed_.mutable_data() + packed_.length() - second;
  std::memmove(behind - first, behind, static_cast<std::size_t>(second));
  packed_.Rewind(packed_.length() - first);
}

Result<std::int64_t> ColumnPages::pack_page(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t worth_a_trial = 2048;
  if (!trial()) return pack(bytes, size);
  level_ = options_.level;
  ARROW_ASSIGN_OR_RAISE(const std::int64_t packed, pack(bytes, size));
  if (level_ <= 1 || size < worth_a_trial) return packed;
  ARROW_ASSIGN_OR_RAISE(const std::int64_t fast, pack(bytes, size, 1));
  if (fast * 50 > packed * 51) return drop_second(fast), packed;
  drop_first(packed, fast);
  level_ = 1;
  return fast;
}

Status ColumnPages::end_page(std::int64_t packed, std::size_t unpacked, std::int64_t rows,
                             parquet::Encoding::type encoding, parquet::Statistics& bounds) {
  if (unpacked > INT32_MAX) return Status::CapacityError("a page of more than 2 GB");
  Page page{packed_.length() - packed,
            packed,
            static_cast<std::int64_t>(unpacked),
            rows_,
            static_cast<std::int32_t>(rows),
            encoding,
            bounds.Encode()};
  page.bounds.ApplyStatSizeLimits(kLongestBound);
  pages_.push_back(std::move(page));
  rows_ += rows;
  return Status::OK();
}

Status ColumnPages::adopt(Bytes chunk, std::vector<parquet::EncodedStatistics> bounds,
                          parquet::EncodedStatistics group_bounds) {
  Adopted adopted;
  adopted.bounds = std::move(group_bounds);
  while (!chunk.empty()) {
    ARROW_ASSIGN_OR_RAISE(const PageHeader head, parse_page_header(chunk));
    if (head.size + static_cast<std::size_t>(head.compressed) > chunk.size()) return data_error("a page is cut");
    const Bytes body = chunk.subspan(head.size, static_cast<std::size_t>(head.compressed));
    chunk = chunk.subspan(head.size + body.size());
    if (head.kind == PageHeader::Kind::dictionary && pages_.empty()) {
      ARROW_ASSIGN_OR_RAISE(adopted.dictionary, arrow::AllocateBuffer(head.uncompressed, pool_));
      const std::size_t done = ZSTD_decompress(adopted.dictionary->mutable_data(),
                                               static_cast<std::size_t>(head.uncompressed), body.data(), body.size());
      if (done != static_cast<std::size_t>(head.uncompressed)) return data_error("a page cannot be decompressed");
      adopted.count = static_cast<std::int32_t>(head.values);
      continue;
    }
    if (head.kind != PageHeader::Kind::data || pages_.size() == bounds.size())
      return data_error("a column chunk has other pages than its index says");
    ARROW_RETURN_NOT_OK(packed_.Append(body.data(), static_cast<std::int64_t>(body.size())));
    pages_.push_back({packed_.length() - head.compressed, head.compressed, head.uncompressed, rows_,
                      static_cast<std::int32_t>(head.values), static_cast<parquet::Encoding::type>(head.encoding),
                      std::move(bounds[pages_.size()])});
    rows_ += head.values;
  }
  if (pages_.size() != bounds.size()) return data_error("a column chunk has other pages than its index says");
  adopted_ = std::move(adopted);
  return Status::OK();
}

Status ColumnPages::write(parquet::PageWriter& writer, parquet::ColumnIndexBuilder& index,
                          parquet::ColumnChunkMetaDataBuilder& chunk) {
  std::int32_t count = 0;
  std::shared_ptr<arrow::Buffer> values;
  if (adopted_) values = adopted_->dictionary, count = adopted_->count;
  else ARROW_RETURN_NOT_OK(dictionary(count).Value(&values));
  if (values != nullptr) writer.WriteDictionaryPage(parquet::DictionaryPage(values, count, parquet::Encoding::PLAIN));
  bool fallback = false;
  for (const Page& page : pages_) {
    const auto bytes = std::make_shared<arrow::Buffer>(packed_.data() + page.at, page.packed);
    writer.WriteDataPage(parquet::DataPageV1(bytes, page.rows, page.encoding, parquet::Encoding::RLE,
                                             parquet::Encoding::RLE, page.unpacked, {}, page.first_row));
    index.AddPage(page.bounds, {});  // there alone: a bound in the page's head as well would be read by nobody
    fallback |= values != nullptr && page.encoding != parquet::Encoding::RLE_DICTIONARY;
  }
  index.Finish();
  parquet::EncodedStatistics bounds = adopted_ ? std::move(adopted_->bounds) : group_bounds().Encode();
  bounds.ApplyStatSizeLimits(kLongestBound);
  bounds.set_is_signed(column_->sort_order() == parquet::SortOrder::SIGNED);
  chunk.SetStatistics(bounds);
  writer.Close(values != nullptr, fallback);
  pages_.clear();
  packed_.Rewind(0);
  rows_ = 0;
  adopted_.reset();
  end_group();
  return Status::OK();
}

}  // namespace tapemill::lake
