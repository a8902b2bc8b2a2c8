#include "sources/gzip.h"

#include <arrow/util/compression.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

#include <cerrno>
#include <vector>

#include "sources/file.h"

namespace tapemill::sources {
namespace {

class Plain final : public Bytes {
 public:
  Plain(std::unique_ptr<File> file, std::vector<char> head) : file_(std::move(file)), head_(std::move(head)) {}
  Result<std::size_t> read(char* out, std::size_t size) override {
    if (taken_ == head_.size()) return file_->read(out, size);
    std::size_t n = std::min(size, head_.size() - taken_);
    std::copy_n(head_.data() + taken_, n, out);
    taken_ += n;
    return n;
  }
  std::int64_t bytes_read() const override { return file_->position(); }

 private:
  std::unique_ptr<File> file_;
  std::vector<char> head_;
  std::size_t taken_ = 0;
};

class Inflated final : public Bytes {
 public:
  Inflated(std::unique_ptr<File> file, std::vector<char> head) : file_(std::move(file)), input_(std::move(head)) {
    state_ = std::make_unique<inflate_state>();
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
    state_->next_in = reinterpret_cast<std::uint8_t*>(input_.data());
    state_->avail_in = static_cast<std::uint32_t>(input_.size());
  }
  std::int64_t bytes_read() const override { return file_->position(); }

  Result<std::size_t> read(char* out, std::size_t size) override {
    const std::size_t most = std::min<std::size_t>(size, 1u << 30);
    state_->next_out = reinterpret_cast<std::uint8_t*>(out);
    state_->avail_out = static_cast<std::uint32_t>(most);
    while (!ended_ && state_->avail_out == most) {
      if (between_) {
        ARROW_RETURN_NOT_OK(next_member());
        continue;
      }
      if (state_->avail_in == 0) ARROW_RETURN_NOT_OK(fill());
      bool dry = state_->avail_in == 0;
      if (int result = isal_inflate(state_.get()); result < 0 || result == ISAL_NEED_DICT) return corrupt(result);
      inflated_ += static_cast<std::int64_t>(most - state_->avail_out);
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        between_ = true;
      } else if (dry && state_->avail_out == most) {
        return data_error(fmt::format("{}: the gzip data ends early, at byte {} (after {} inflated bytes)",
                                      file_->path(), file_->position(), inflated_),
                          "the file is cut short: get it again and ingest it anew; nothing of it was kept");
      }
    }
    return most - state_->avail_out;
  }

 private:
  Status fill() {
    input_.resize(kInput);
    ARROW_ASSIGN_OR_RAISE(std::size_t got, file_->read(input_.data(), input_.size()));
    state_->next_in = reinterpret_cast<std::uint8_t*>(input_.data());
    state_->avail_in = static_cast<std::uint32_t>(got);
    return Status::OK();
  }

  /// gzip allows members one after the other, and zeros as padding at the end.
  Status next_member() {
    while (true) {
      if (state_->avail_in == 0) ARROW_RETURN_NOT_OK(fill());
      if (state_->avail_in == 0) return ended_ = true, Status::OK();
      if (*state_->next_in != 0) break;
      padded_ = true;
      ++state_->next_in, --state_->avail_in;
    }
    if (padded_ || *state_->next_in != 0x1f) return corrupt(ISAL_INVALID_WRAPPER);
    between_ = false;
    auto* in = state_->next_in;
    auto available = state_->avail_in;
    auto* out = state_->next_out;
    auto space = state_->avail_out;
    isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
    state_->next_in = in, state_->avail_in = available;
    state_->next_out = out, state_->avail_out = space;
    return Status::OK();
  }

  Status corrupt(int result) const {
    const char* why = result == ISAL_INCORRECT_CHECKSUM ? "its checksum does not hold"
                      : result == ISAL_INVALID_WRAPPER  ? "other bytes stand where a gzip header belongs"
                                                        : "it is no valid deflate data";
    return data_error(fmt::format("{}: the gzip data is corrupt near byte {} (after {} inflated bytes): {}",
                                  file_->path(), file_->position() - state_->avail_in, inflated_, why),
                      "get the file again and ingest it anew; nothing of it was kept");
  }

  std::unique_ptr<File> file_;
  std::vector<char> input_;
  std::unique_ptr<inflate_state> state_;
  std::int64_t inflated_ = 0;
  bool between_ = false, padded_ = false, ended_ = false;
};

}  // namespace

Status readable_file(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return usage_error(path + ": no such file", "check the path; folders and globs may be given too");
    return errno_error(path, errno, errno == EACCES ? "the file may not be read by this user: chmod or chown it" : "");
  }
  if (S_ISREG(facts.st_mode)) return Status::OK();
  if (S_ISDIR(facts.st_mode))
    return usage_error(path + ": a folder where a file is wanted",
                       "name the files in it, or pass the folder to tapemill ingest, which looks inside");
  const char* kind = S_ISFIFO(facts.st_mode)   ? "a pipe"
                     : S_ISSOCK(facts.st_mode) ? "a socket"
                     : S_ISCHR(facts.st_mode)  ? "a character device"
                                               : "a block device";
  return usage_error(fmt::format("{}: {} where a file is wanted", path, kind),
                     "write what it yields to a file first: a file is read more than once, and kept by its hash");
}

Result<std::unique_ptr<Bytes>> open_bytes(const std::string& path) {
  ARROW_RETURN_NOT_OK(readable_file(path));
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return errno_error(path, errno, errno == EACCES ? "the file may not be read by this user: chmod or chown it" : "");
  auto file = std::make_unique<File>(path, descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<char> head(kInput);
  ARROW_ASSIGN_OR_RAISE(std::size_t got, file->read(head.data(), head.size()));
  head.resize(got);
  if (got >= 2 && head[0] == '\x1f' && head[1] == '\x8b')
    return std::make_unique<Inflated>(std::move(file), std::move(head));
  const std::string_view start(head.data(), std::min<std::size_t>(head.size(), 6));
  if (start.starts_with("PK\x03\x04") || start.starts_with("PK\x05\x06")) return open_zip(std::move(file));
  if (start.starts_with("\x28\xb5\x2f\xfd") || start.starts_with("BZh"))
    return open_codec(std::move(file), std::move(head));
  if (start.starts_with("\xfd"
                        "7zXZ"))
    return open_xz(std::move(file), std::move(head));
  return std::make_unique<Plain>(std::move(file), std::move(head));
}

std::unique_ptr<Bytes> bytes_of(std::string text) {
  class Memory final : public Bytes {
   public:
    explicit Memory(std::string text) : text_(std::move(text)) {}
    Result<std::size_t> read(char* out, std::size_t size) override {
      std::size_t n = text_.copy(out, size, at_);
      return at_ += n, n;
    }
    std::int64_t bytes_read() const override { return static_cast<std::int64_t>(at_); }

   private:
    std::string text_;
    std::size_t at_ = 0;
  };
  return std::make_unique<Memory>(std::move(text));
}

Result<std::string> gzip_compress(std::string_view bytes, int level) {
  // Arrow's codec is zlib without a time stamp; ISA-L's output may differ from processor to processor.
  ARROW_ASSIGN_OR_RAISE(auto codec, arrow::util::Codec::Create(arrow::Compression::GZIP, level));
  auto* input = reinterpret_cast<const std::uint8_t*>(bytes.data());
  auto size = static_cast<std::int64_t>(bytes.size());
  std::string out(static_cast<std::size_t>(codec->MaxCompressedLen(size, input)), '\0');
  ARROW_ASSIGN_OR_RAISE(auto used, codec->Compress(size, input, static_cast<std::int64_t>(out.size()),
                                                   reinterpret_cast<std::uint8_t*>(out.data())));
  out.resize(static_cast<std::size_t>(used));
  return out;
}

}  // namespace tapemill::sources
