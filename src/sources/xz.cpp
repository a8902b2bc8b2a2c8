#include <lzma.h>

#include "sources/file.h"

namespace tapemill::sources {
namespace {

class Unpacked final : public Bytes {
 public:
  Unpacked(std::unique_ptr<File> file, std::vector<char> head) : file_(std::move(file)), input_(std::move(head)) {
    ready_ = lzma_stream_decoder(&stream_, std::uint64_t{256} << 20, LZMA_CONCATENATED);
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(input_.data());
    stream_.avail_in = input_.size();
  }
  Unpacked(const Unpacked&) = delete;
  Unpacked& operator=(const Unpacked&) = delete;
  ~Unpacked() override { lzma_end(&stream_); }
  std::int64_t bytes_read() const override { return file_->position(); }

  Result<std::size_t> read(char* out, std::size_t size) override {
    if (ended_ || size == 0) return 0;
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out);
    stream_.avail_out = size;
    while (stream_.avail_out == size) {
      if (stream_.avail_in == 0 && !dry_) {
        input_.resize(kInput);
        ARROW_ASSIGN_OR_RAISE(std::size_t got, file_->read(input_.data(), input_.size()));
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(input_.data());
        stream_.avail_in = got;
        dry_ = got == 0;
      }
      const lzma_ret result = ready_ != LZMA_OK ? ready_ : lzma_code(&stream_, dry_ ? LZMA_FINISH : LZMA_RUN);
      if (result == LZMA_STREAM_END) {
        ended_ = true;
        break;
      }
      if (result == LZMA_BUF_ERROR)
        return data_error(fmt::format("{}: the xz data ends early, at byte {} (after {} inflated bytes)", file_->path(),
                                      file_->position(), stream_.total_out),
                          "the file is cut short: get it again and ingest it anew; nothing of it was kept");
      if (result != LZMA_OK)
        return data_error(
            fmt::format(
                "{}: the xz data is corrupt near byte {} (after {} inflated bytes): {}", file_->path(),
                file_->position() - static_cast<std::int64_t>(stream_.avail_in), stream_.total_out,
                result == LZMA_MEMLIMIT_ERROR ? "it asks for more than 256 MB of memory" : "it is no valid xz data"),
            "get the file again and ingest it anew; nothing of it was kept");
    }
    return size - stream_.avail_out;
  }

 private:
  std::unique_ptr<File> file_;
  std::vector<char> input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret ready_ = LZMA_OK;
  bool ended_ = false, dry_ = false;
};

}  // namespace

Result<std::unique_ptr<Bytes>> open_xz(std::unique_ptr<File> file, std::vector<char> head) {
  return std::make_unique<Unpacked>(std::move(file), std::move(head));
}

}  // namespace tapemill::sources
