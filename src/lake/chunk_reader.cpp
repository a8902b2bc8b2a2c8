#include "lake/chunk_reader.h"

#include <arrow/result.h>
#include <fcntl.h>
#include <parquet/types.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>

namespace tapemill::lake {

Result<std::uint8_t*> Scratch::of(Use use, std::int64_t bytes) {
  auto& buffer = buffers_[use];
  const std::int64_t wanted = bytes + static_cast<std::int64_t>(kPadding);
  if (buffer == nullptr || buffer->size() < wanted) {
    buffer.reset();
    ARROW_ASSIGN_OR_RAISE(buffer, arrow::AllocateBuffer(std::max<std::int64_t>(wanted, 1 << 16), pool_));
  }
  return buffer->mutable_data();
}

namespace {
// One a thread: Arrow's codec makes one a page, which costs as much as a small page.
ZSTD_DCtx* zstd_context() {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  thread_local std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  return context.get();
}
}  // namespace

Status Scratch::decompress(arrow::Compression::type type, Bytes from, std::span<std::uint8_t> out) {
  if (type == arrow::Compression::ZSTD) {
    ZSTD_DCtx* context = zstd_context();
    if (context == nullptr) return Status::OutOfMemory("zstd");
    const std::size_t done = ZSTD_decompressDCtx(context, out.data(), out.size(), from.data(), from.size());
    return done == out.size() ? Status::OK() : data_error("a page cannot be decompressed");
  }
  if (codec_ == nullptr || codec_->compression_type() != type) {
    ARROW_ASSIGN_OR_RAISE(codec_, arrow::util::Codec::Create(type));
  }
  auto done = codec_->Decompress(static_cast<std::int64_t>(from.size()), from.data(),
                                 static_cast<std::int64_t>(out.size()), out.data());
  return done.ok() && *done == static_cast<std::int64_t>(out.size()) ? Status::OK()
                                                                     : data_error("a page cannot be decompressed");
}

Result<PartFile> PartFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_error("cannot read " + path, errno);
  return PartFile(fd);
}

PartFile::~PartFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status PartFile::read(std::int64_t offset, std::int64_t size, std::uint8_t* out) const {
  while (size > 0) {
    const ssize_t n = ::pread(fd_, out, static_cast<std::size_t>(size), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot read", errno);
    if (n == 0) return data_error("the file ends before its pages do");
    offset += n, size -= n, out += n;
  }
  return Status::OK();
}

// One read for all pages from the first to the last that are needed; the dictionary's page apart where it is not beside
// them. Without a page index that is the whole chunk.
Status ChunkReader::start() {
  started_ = true;
  const auto first = static_cast<std::int64_t>(segments_.front().first),
             last = static_cast<std::int64_t>(segments_.back().last);
  std::int64_t from = chunk_.offset, to = chunk_.offset + chunk_.size;
  const auto& pages = chunk_.pages;
  if (!pages.empty()) {
    auto after = [](std::int64_t row, const PageLocation& page) { return row < page.first_row; };
    const auto begin = std::upper_bound(pages.begin(), pages.end(), first, after) - 1;
    const auto end = std::upper_bound(pages.begin(), pages.end(), last - 1, after) - 1;
    if (begin != pages.begin()) {
      row_ = begin->first_row;
      page_ = static_cast<std::size_t>(begin - pages.begin());
      from = begin->offset;
      if (chunk_.offset < pages.front().offset) {
        const std::int64_t size = pages.front().offset - chunk_.offset;
        ARROW_ASSIGN_OR_RAISE(std::uint8_t* into, scratch_.of(Scratch::head, size));
        ARROW_RETURN_NOT_OK(file_.read(chunk_.offset, size, into));
        bytes_read_ += size;
        left_ = {into, static_cast<std::size_t>(size)};
        PageHeader header;
        Bytes body;
        ARROW_RETURN_NOT_OK(read_head(header, body));
        if (header.kind != PageHeader::Kind::dictionary) return data_error("a dictionary is missing");
        ARROW_RETURN_NOT_OK(take_dictionary(header, body));
      }
    }
    to = end->offset + end->size;
  }
  ARROW_ASSIGN_OR_RAISE(std::uint8_t* into, scratch_.of(Scratch::raw, to - from));
  ARROW_RETURN_NOT_OK(file_.read(from, to - from, into));
  bytes_read_ += to - from;
  left_ = {into, static_cast<std::size_t>(to - from)};
  return Status::OK();
}

Status ChunkReader::read_head(PageHeader& header, Bytes& body) {
  ARROW_ASSIGN_OR_RAISE(header, parse_page_header(left_));
  left_ = left_.subspan(header.size);
  if (static_cast<std::uint64_t>(header.compressed) > left_.size()) return data_error("a page reaches past its column");
  if (header.uncompressed > chunk_.uncompressed) return data_error("a page is larger than its column");
  body = left_.first(static_cast<std::size_t>(header.compressed));
  left_ = left_.subspan(body.size());
  return Status::OK();
}

Result<Bytes> ChunkReader::decompress(Bytes body, std::int64_t size, Scratch::Use use) {
  if (chunk_.codec == arrow::Compression::UNCOMPRESSED) {
    if (static_cast<std::int64_t>(body.size()) != size) return data_error("a page is not of the size that it says");
    return body;
  }
  ARROW_ASSIGN_OR_RAISE(std::uint8_t* into, scratch_.of(use, size));
  const std::span<std::uint8_t> out(into, static_cast<std::size_t>(size));
  ARROW_RETURN_NOT_OK(scratch_.decompress(chunk_.codec, body, out));
  return Bytes(out);
}

Status ChunkReader::take_dictionary(const PageHeader& header, Bytes body) {
  if (dictionary_values_ >= 0) return data_error("a column has two dictionaries");
  if (header.encoding != parquet::Encoding::PLAIN && header.encoding != parquet::Encoding::PLAIN_DICTIONARY)
    return Status::NotImplemented("a dictionary in another encoding");
  ARROW_ASSIGN_OR_RAISE(dictionary_, decompress(body, header.uncompressed, Scratch::dictionary));
  if (dictionary_.data() == body.data()) {  // the buffer of raw bytes may change before it is used
    ARROW_ASSIGN_OR_RAISE(std::uint8_t* into, scratch_.of(Scratch::dictionary, static_cast<std::int64_t>(body.size())));
    std::copy(body.begin(), body.end(), into);
    dictionary_ = {into, body.size()};
  }
  dictionary_values_ = header.values;
  return Status::OK();
}

// One byte a row; nothing at all where no row is null, which one run mostly says.
Status ChunkReader::take_levels(Bytes levels, Page& page) {
  HybridReader runs(levels, 1);
  const std::int64_t rows = page.last - page.first;
  std::uint8_t* out = nullptr;
  std::int64_t ones = 0;
  for (std::int64_t at = 0; at < rows;) {
    HybridReader::Run run;
    ARROW_RETURN_NOT_OK(runs.next(run));
    const std::int64_t count = std::min(run.count, rows - at);
    if (run.packed == nullptr && run.value > 1) return data_error("a definition level is neither 0 nor 1");
    if (count == rows && run.packed == nullptr && run.value == 1) {
      page.values = rows;
      return Status::OK();
    }
    if (out == nullptr) { ARROW_ASSIGN_OR_RAISE(out, scratch_.of(Scratch::levels, rows)); }
    for (std::int64_t i = 0; i < count; ++i) {
      out[at + i] = static_cast<std::uint8_t>(run.packed == nullptr ? run.value : runs.unpack(run, i));
      ones += out[at + i];
    }
    at += count;
  }
  page.values = ones;
  page.levels = ones == rows ? nullptr : out;
  return Status::OK();
}

Result<bool> ChunkReader::next(Page& page) {
  if (!started_) ARROW_RETURN_NOT_OK(start());
  for (;;) {
    while (segment_ < segments_.size() && segments_[segment_].last <= row_) ++segment_;
    if (segment_ == segments_.size()) return false;
    if (left_.empty()) return data_error("a column has fewer rows than its row group");
    PageHeader header;
    Bytes body;
    ARROW_RETURN_NOT_OK(read_head(header, body));
    if (header.kind == PageHeader::Kind::dictionary) {
      ARROW_RETURN_NOT_OK(take_dictionary(header, body));
      continue;
    }
    if (header.kind == PageHeader::Kind::other) continue;
    if (!chunk_.pages.empty()) {
      if (page_ >= chunk_.pages.size() || chunk_.pages[page_].first_row != row_)
        return data_error("a page does not begin where the page index says");
      ++page_;
    }
    page = {};
    page.first = row_;
    page.last = row_ + header.values;  // flat columns have a value, or a null, a row
    if (page.last > rows_) return data_error("a column has more rows than its row group");
    row_ = page.last;
    if (static_cast<std::int64_t>(segments_[segment_].first) >= page.last) continue;
    page.segment = segment_;
    page.encoding = header.encoding;
    page.values = header.values;
    if (header.kind == PageHeader::Kind::data_v2) {
      const auto levels = static_cast<std::size_t>(header.definition_bytes);
      if (header.repetition_bytes != 0 || levels > body.size())
        return data_error("a page has levels that it cannot have");
      const std::int64_t size = header.uncompressed - header.definition_bytes;
      if (chunk_.optional) ARROW_RETURN_NOT_OK(take_levels(body.first(levels), page));
      page.bytes = body.subspan(levels);
      if (header.is_compressed && size > 0) {
        ARROW_ASSIGN_OR_RAISE(page.bytes, decompress(page.bytes, size, Scratch::page));
      }
      return true;
    }
    ARROW_ASSIGN_OR_RAISE(page.bytes, decompress(body, header.uncompressed, Scratch::page));
    if (chunk_.optional) {
      if (header.level_encoding != parquet::Encoding::RLE) return Status::NotImplemented("levels in another encoding");
      std::uint32_t size = 0;
      if (page.bytes.size() < sizeof size) return data_error("a page ends before its levels do");
      std::memcpy(&size, page.bytes.data(), sizeof size);
      if (size > page.bytes.size() - sizeof size) return data_error("a page ends before its levels do");
      ARROW_RETURN_NOT_OK(take_levels(page.bytes.subspan(sizeof size, size), page));
      page.bytes = page.bytes.subspan(sizeof size + size);
    }
    return true;
  }
}

}  // namespace tapemill::lake
