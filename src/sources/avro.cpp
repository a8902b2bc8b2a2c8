#include "sources/avro.h"

#include <arrow/util/compression.h>
#include <isa-l/crc.h>

#include <algorithm>
#include <map>

#include "core/document.h"
#include "core/feed_words.h"
#include "core/held.h"
#include "core/memory.h"
#include "sources/avro_record.h"
#include "sources/csv.h"
#include "sources/gzip.h"

namespace tapemill::sources {
namespace {

constexpr std::int64_t kMostOfBlock = 64 << 20;   // bytes, packed or not
constexpr std::int64_t kMostOfHeader = 16 << 20;
constexpr std::int64_t kMostRefused = 100'000;    // records of one block
constexpr std::size_t kMostRaw = 64 << 10;        // kept of a block's rest
constexpr std::size_t kSync = 16, kChunk = 256 << 10;
constexpr std::size_t kMostAtOnce = 32 << 10;     // records of a slice
constexpr std::size_t kSlice = 512 << 10;         // of a block, given at once

/// A block's bytes, unpacked by Arrow's codecs. Errors name no place.
class Unpacker {
 public:
  static Result<Unpacker> make(const std::string& codec) {
    Unpacker out;
    out.name_ = codec;
    if (codec == "null" || codec.empty()) return out;
    if (codec == "deflate") {
      arrow::util::GZipCodecOptions raw;
      raw.gzip_format = arrow::util::GZipFormat::DEFLATE;
      ARROW_ASSIGN_OR_RAISE(out.codec_, arrow::util::Codec::Create(arrow::Compression::GZIP, raw));
      return out;
    }
    static const std::map<std::string, arrow::Compression::type> known{{"snappy", arrow::Compression::SNAPPY},
                                                                       {"zstandard", arrow::Compression::ZSTD},
                                                                       {"bzip2", arrow::Compression::BZ2}};
    auto found = known.find(codec);
    if (found == known.end())
      return data_error(fmt::format("its codec is \"{}\"", codec),
                        "null, deflate, snappy, zstandard and bzip2 are read: write it again with one of them");
    ARROW_ASSIGN_OR_RAISE(out.codec_, arrow::util::Codec::Create(found->second));
    return out;
  }
  bool packed() const { return codec_ != nullptr; }

  Result<std::string> unpack(std::string bytes) const {
    if (codec_ == nullptr) return bytes;
    return name_ == "snappy" ? snappy(bytes) : stream(bytes);
  }

 private:
  static Status too_large() { return data_error(fmt::format("unpacks to over {} MB", kMostOfBlock >> 20)); }
  static const std::uint8_t* raw(std::string_view bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

  /// The length comes first; the checksum of what is unpacked stands in the last four bytes.
  Result<std::string> snappy(std::string_view bytes) const {
    if (bytes.size() < 5) return data_error("is no snappy data");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 5 && i + 4 < bytes.size(); ++i) {
      length |= static_cast<std::uint64_t>(raw(bytes)[i] & 0x7f) << (7 * i);
      if (raw(bytes)[i] < 0x80) break;
    }
    if (length > static_cast<std::uint64_t>(kMostOfBlock)) return too_large();
    std::string out(length, '\0');
    ARROW_ASSIGN_OR_RAISE(const auto got, codec_->Decompress(static_cast<std::int64_t>(bytes.size()) - 4, raw(bytes),
                                                             static_cast<std::int64_t>(length),
                                                             reinterpret_cast<std::uint8_t*>(out.data())));
    out.resize(static_cast<std::size_t>(got));
    std::uint32_t wanted = 0;
    for (std::size_t i = bytes.size() - 4; i < bytes.size(); ++i) wanted = wanted << 8 | raw(bytes)[i];
    if (crc32_gzip_refl(0, raw(out), out.size()) != wanted) return data_error("fails its checksum");
    return out;
  }

  Result<std::string> stream(std::string_view bytes) const {
    ARROW_ASSIGN_OR_RAISE(auto decoder, codec_->MakeDecompressor());
    std::string out;
    std::size_t taken = 0, made = 0;
    while (!decoder->IsFinished()) {
      if (out.size() - made < kChunk) out.resize(made + kChunk);
      ARROW_ASSIGN_OR_RAISE(const auto done,
                            decoder->Decompress(static_cast<std::int64_t>(bytes.size() - taken),
                                                raw(bytes.substr(taken)), static_cast<std::int64_t>(out.size() - made),
                                                reinterpret_cast<std::uint8_t*>(out.data()) + made));
      taken += static_cast<std::size_t>(done.bytes_read), made += static_cast<std::size_t>(done.bytes_written);
      if (made > static_cast<std::size_t>(kMostOfBlock)) return too_large();
      if (done.bytes_read == 0 && done.bytes_written == 0 && !decoder->IsFinished()) {
        if (taken == bytes.size()) return data_error("ends early");
        out.resize(out.size() + kChunk);
      }
    }
    out.resize(made);
    return out;
  }

  std::string name_;
  std::shared_ptr<arrow::util::Codec> codec_;
};

class AvroReader final : public RecordReader {
 public:
  static Result<std::unique_ptr<RecordReader>> open(const Dataset& dataset, const std::string& path,
                                                    arrow::MemoryPool* pool) {
    auto reader = std::unique_ptr<AvroReader>(new AvroReader(path, pool));
    ARROW_ASSIGN_OR_RAISE(reader->bytes_, open_bytes(path));
    ARROW_RETURN_NOT_OK(reader->begin(dataset));
    return std::unique_ptr<RecordReader>(std::move(reader));
  }
  const Form& form() const override { return records_->form(); }
  std::int64_t bytes_read() const override { return bytes_->bytes_read(); }

  Result<bool> next(Records& out) override {
    if (left_ == 0) {
      ARROW_ASSIGN_OR_RAISE(const bool more, begin_block());
      if (!more) return false;
    }
    out.begin_numbered(text_, unpacked_ + head_, number_ + 1, form());
    if (!scales_.empty()) out.round_to(scales_);
    ARROW_RETURN_NOT_OK(read(*text_, out));
    if (left_ > 0) return true;
    unpacked_ += head_ + static_cast<std::int64_t>(text_->size() + kSync);
    text_.reset(), held_.give_back();
    return true;
  }

 private:
  AvroReader(std::string path, arrow::MemoryPool* pool) : path_(std::move(path)), pool_(pool) {}

  Status broken(std::int64_t block, const std::string& why) const {
    return data_error(fmt::format("{}: the block at byte {} {}", path_, block, why),
                      "get the file again; nothing of it was kept");
  }
  /// Counts what a block is about to take.
  Status hold(std::int64_t bytes, std::int64_t block) {
    auto held = Held::take(bytes, pool_);
    if (!held.ok())
      return Status::OutOfMemory(fmt::format("{}: the block at byte {} takes {}, and there is no room for it", path_,
                                             block, format_bytes(bytes)));
    held_ = *std::move(held);
    return Status::OK();
  }
  Result<bool> begin_block() {
    ARROW_ASSIGN_OR_RAISE(const bool more, fill(1));
    if (!more) return false;
    block_ = position();
    ARROW_ASSIGN_OR_RAISE(const std::int64_t count, integer());
    ARROW_ASSIGN_OR_RAISE(const std::int64_t size, integer());
    if (count < 0 || size < 0 || size > kMostOfBlock)
      return broken(block_, fmt::format("says it has {} records in {} bytes; {} MB are the most", count, size,
                                        kMostOfBlock >> 20));
    head_ = position() - block_;
    if (size > static_cast<std::int64_t>(kChunk)) ARROW_RETURN_NOT_OK(hold(2 * size, block_));  // read, and as a text
    ARROW_ASSIGN_OR_RAISE(std::string packed, take(static_cast<std::size_t>(size)));
    ARROW_ASSIGN_OR_RAISE(const std::string mark, take(kSync));
    if (mark != sync_) return broken(block_, "is not followed by the file's sync marker");
    buffer_.erase(0, taken_), at_ += static_cast<std::int64_t>(taken_), taken_ = 0;
    buffer_.shrink_to_fit();
    auto data = unpacker_->unpack(std::move(packed));
    if (!data.ok()) return broken(block_, data.status().message());
    text_ = std::make_shared<const std::string>(*std::move(data));
    if (count > static_cast<std::int64_t>(text_->size()))
      return broken(block_, fmt::format("says it has {} records in {} bytes", count, text_->size()));
    held_.give_back();
    ARROW_RETURN_NOT_OK(hold(static_cast<std::int64_t>(text_->size()), block_));
    left_ = count, from_ = 0;
    return true;
  }
  std::int64_t position() const { return at_ + static_cast<std::int64_t>(taken_); }

  /// Whether `size` bytes are there.
  Result<bool> fill(std::size_t size) {
    if (buffer_.size() - taken_ >= size) return true;
    buffer_.erase(0, taken_);
    at_ += static_cast<std::int64_t>(taken_), taken_ = 0;
    while (buffer_.size() < size) {
      const std::size_t have = buffer_.size();
      buffer_.resize(have + std::max(kChunk, std::min(size - have, 4 * kChunk)));
      auto got = bytes_->read(buffer_.data() + have, buffer_.size() - have);
      buffer_.resize(have + (got.ok() ? *got : 0));
      ARROW_RETURN_NOT_OK(got.status());
      if (*got == 0) return false;
    }
    return true;
  }
  Result<std::string> take(std::size_t size) {
    ARROW_ASSIGN_OR_RAISE(const bool there, fill(size));
    if (!there)
      return data_error(fmt::format("{}: the file ends at byte {}, in the middle of a block", path_,
                                    at_ + static_cast<std::int64_t>(buffer_.size())),
                        "the file is cut short: get it again; nothing of it was kept");
    std::string out = buffer_.substr(taken_, size);
    taken_ += size;
    return out;
  }
  Result<std::int64_t> integer() {
    std::string text;
    do {
      ARROW_ASSIGN_OR_RAISE(const std::string byte, take(1));
      text += byte;
    } while (static_cast<unsigned char>(text.back()) >= 0x80 && text.size() < 10);
    AvroBytes in(text);
    const std::int64_t value = in.integer();
    if (in.why() != nullptr) return broken(position(), std::string("begins with ") + in.why());
    return value;
  }
  Result<std::string> header_text() {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t size, integer());
    if (size < 0 || size > kMostOfHeader - position())
      return data_error(fmt::format("{}: a header of over {} MB", path_, kMostOfHeader >> 20));
    return take(static_cast<std::size_t>(size));
  }

  Status begin(const Dataset& dataset) {
    ARROW_ASSIGN_OR_RAISE(const bool some, fill(kAvroMagic.size()));
    if (!some || !buffer_.starts_with(kAvroMagic))
      return data_error(path_ + ": is no Avro container file: its first bytes are not \"Obj\" and 1",
                        "messages without their schema are none; source: json, csv or protobuf read other files");
    taken_ += kAvroMagic.size();
    std::map<std::string, std::string> meta;
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(std::int64_t count, integer());
      if (count == 0) break;
      if (count < 0) {
        if (count == INT64_MIN) return broken(position(), "is no header");
        ARROW_RETURN_NOT_OK(integer().status());
        count = -count;
      }
      for (; count > 0; --count) {
        ARROW_ASSIGN_OR_RAISE(const std::string key, header_text());
        ARROW_ASSIGN_OR_RAISE(meta[key], header_text());
      }
    }
    ARROW_ASSIGN_OR_RAISE(sync_, take(kSync));
    auto unpacker = Unpacker::make(meta["avro.codec"]);
    if (!unpacker.ok()) return prefixed(unpacker.status(), path_);
    unpacker_ = std::make_unique<Unpacker>(*std::move(unpacker));
    std::string schema = meta["avro.schema"];
    if (schema.empty()) return data_error(path_ + ": the header has no schema");
    if (schema.front() == '"') schema = "[" + schema + "]";  // a bare name: no record, and told so below
    auto document = Document::parse_json(std::move(schema), path_ + " (its schema)");
    if (!document.ok()) return data_error(document.status().message(), "get the file again");
    auto type = read_avro(document->root());
    if (!type.ok()) return data_error(type.status().message(), "get the file again");
    ARROW_ASSIGN_OR_RAISE(auto records, AvroRecords::make(*type, dataset, mapped_form(dataset, "avro", false), path_));
    records_ = std::make_unique<AvroRecords>(std::move(records));
    if (feed_words(dataset).floats_rounded) scales_ = scales_of(dataset, form());
    unpacked_ = position();
    return Status::OK();
  }

  /// The records of a slice.
  Status read(const std::string& text, Records& out) {
    AvroBytes in(std::string_view(text).substr(from_));
    std::vector<std::string> cells;
    std::string bad;
    while (left_ > 0 && in.at() < kSlice && out.count() < kMostAtOnce) {
      const std::size_t from = from_ + in.at();
      bad.clear();
      records_->read(in, cells, bad);
      ++number_, --left_;
      if (in.why() == nullptr) {
        const std::string_view raw = std::string_view(text).substr(from, from_ + in.at() - from);
        if (bad.empty()) out.add(raw, cells);
        else out.refuse(raw, "parse", bad);
        continue;
      }
      const std::int64_t place = number_;
      if (left_ >= kMostRefused)
        return broken(block_, fmt::format("cannot be read from its record {} on: {}", place, in.why()));
      out.refuse(std::string_view(text).substr(from, kMostRaw), "avro",
                 fmt::format("record {}, at byte {} of its block: {}", place, from_ + in.at(), in.why()));
      for (; left_ > 0; --left_, ++number_)
        out.refuse(std::string_view(text).substr(text.size()), "avro",
                   fmt::format("stands in its block behind record {}, which cannot be read", place));
      return Status::OK();
    }
    from_ += in.at();
    if (left_ == 0 && from_ < text.size())
      return broken(block_, fmt::format("has {} bytes behind its last record", text.size() - from_));
    return Status::OK();
  }

  std::string path_, buffer_, sync_;
  std::unique_ptr<Bytes> bytes_;
  std::unique_ptr<Unpacker> unpacker_;
  std::unique_ptr<AvroRecords> records_;
  std::vector<int> scales_;
  arrow::MemoryPool* pool_;
  Held held_;  // for the block
  std::shared_ptr<const std::string>
      text_;  // of the block that is being given, unpacked; its records behind from_ are left
  std::size_t from_ = 0;
  std::int64_t left_ = 0, block_ = 0, head_ = 0;  // records; where the block begins, what stands before its records
  std::size_t taken_ = 0;  // of buffer_
  std::int64_t at_ = 0;  // where buffer_ begins in the file
  std::int64_t unpacked_ = 0;  // where the next block begins, were they all unpacked
  std::int64_t number_ = 0;  // records that are given
};

}  // namespace

Result<std::unique_ptr<RecordReader>> open_avro(const Dataset& dataset, const std::string& path,
                                                arrow::MemoryPool* pool) {
  return AvroReader::open(dataset, path, pool);
}

}  // namespace tapemill::sources
