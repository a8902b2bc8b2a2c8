// zstd and bzip2 by Arrow's codecs.
#include <arrow/util/compression.h>

#include "sources/file.h"

namespace tapemill::sources {
namespace {

class Decoded final : public Bytes {
 public:
  Decoded(std::unique_ptr<File> file, std::vector<char> head, std::string name,
          std::shared_ptr<arrow::util::Decompressor> decoder)
      : file_(std::move(file)), input_(std::move(head)), name_(std::move(name)), decoder_(std::move(decoder)) {}
  std::int64_t bytes_read() const override { return file_->position(); }

  Result<std::size_t> read(char* out, std::size_t size) override {
    while (size > 0) {
      if (taken_ == input_.size() && !dry_) ARROW_RETURN_NOT_OK(fill());
      if (between_) {
        if (dry_) return 0;
        ARROW_RETURN_NOT_OK(decoder_->Reset());
        between_ = false;
      }
      const auto left = static_cast<std::int64_t>(input_.size() - taken_);
      auto done = decoder_->Decompress(left, reinterpret_cast<const std::uint8_t*>(input_.data() + taken_),
                                       static_cast<std::int64_t>(size), reinterpret_cast<std::uint8_t*>(out));
      if (!done.ok()) return corrupt(done.status().message());
      taken_ += static_cast<std::size_t>(done->bytes_read);
      inflated_ += done->bytes_written;
      if (decoder_->IsFinished()) between_ = true;
      if (done->bytes_written > 0) return static_cast<std::size_t>(done->bytes_written);
      if (done->bytes_read == 0 && !between_ && dry_)
        return data_error(fmt::format("{}: the {} data ends early, at byte {} (after {} inflated bytes)", file_->path(),
                                      name_, file_->position(), inflated_),
                          "the file is cut short: get it again and ingest it anew; nothing of it was kept");
    }
    return 0;
  }

 private:
  Status fill() {
    input_.resize(kInput);
    ARROW_ASSIGN_OR_RAISE(std::size_t got, file_->read(input_.data(), input_.size()));
    input_.resize(got);
    taken_ = 0;
    dry_ = got == 0;
    return Status::OK();
  }
  Status corrupt(const std::string& why) const {
    return data_error(
        fmt::format("{}: the {} data is corrupt near byte {} (after {} inflated bytes): {}", file_->path(), name_,
                    file_->position() - static_cast<std::int64_t>(input_.size() - taken_), inflated_, why),
        "get the file again and ingest it anew; nothing of it was kept");
  }

  std::unique_ptr<File> file_;
  std::vector<char> input_;
  std::string name_;
  std::shared_ptr<arrow::util::Decompressor> decoder_;
  std::size_t taken_ = 0;
  std::int64_t inflated_ = 0;
  bool between_ = false, dry_ = false;
};

}  // namespace

Result<std::unique_ptr<Bytes>> open_codec(std::unique_ptr<File> file, std::vector<char> head) {
  const bool bzip2 = head[0] == 'B';
  ARROW_ASSIGN_OR_RAISE(auto codec,
                        arrow::util::Codec::Create(bzip2 ? arrow::Compression::BZ2 : arrow::Compression::ZSTD));
  ARROW_ASSIGN_OR_RAISE(auto decoder, codec->MakeDecompressor());
  return std::make_unique<Decoded>(std::move(file), std::move(head), bzip2 ? "bzip2" : "zstd", std::move(decoder));
}

}  // namespace tapemill::sources
