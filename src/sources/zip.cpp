// A zip archive that holds one file, as exchanges send them: found by its directory at the end (APPNOTE.TXT 4.3), inflated by
// ISA-L. An archive without that directory was cut short, whatever stands before.
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "sources/file.h"

namespace tapemill::sources {
namespace {

constexpr std::uint32_t kNone32 = 0xffffffff;

template <class T>
T number(const char* at) {  // little-endian, as the machines that this runs on
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

struct Entry {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0;
  std::int64_t packed = 0, size = 0, header = 0;
};

class Archive {
 public:
  explicit Archive(const File& file) : file_(file) {}

  Result<Entry> only_entry() {
    struct stat facts{};
    if (::fstat(file_.descriptor(), &facts) != 0) return errno_error(file_.path(), errno);
    size_ = facts.st_size;
    ARROW_RETURN_NOT_OK(find_directory());
    ARROW_ASSIGN_OR_RAISE(std::string directory, at(directory_, directory_size_));
    std::vector<Entry> files;
    std::size_t from = 0;
    for (std::int64_t i = 0; i < entries_; ++i) {
      if (from + 46 > directory.size() || directory.compare(from, 4, "PK\x01\x02") != 0)
        return corrupt("its directory is");
      Entry entry;
      const char* head = directory.data() + from;
      const auto name = number<std::uint16_t>(head + 28), extra = number<std::uint16_t>(head + 30);
      const std::size_t whole = std::size_t{46} + name + extra + number<std::uint16_t>(head + 32);
      if (from + whole > directory.size()) return corrupt("its directory is");
      entry.flags = number<std::uint16_t>(head + 8), entry.method = number<std::uint16_t>(head + 10);
      entry.crc = number<std::uint32_t>(head + 16);
      entry.packed = number<std::uint32_t>(head + 20), entry.size = number<std::uint32_t>(head + 24);
      entry.header = number<std::uint32_t>(head + 42);
      entry.name.assign(head + 46, name);
      if (!long_form(std::string_view(head + 46 + name, extra), entry)) return corrupt("its directory is");
      from += whole;
      if (!entry.name.ends_with("/") && !entry.name.starts_with("__MACOSX/")) files.push_back(std::move(entry));
    }
    if (files.size() != 1)
      return data_error(
          fmt::format("{}: the zip archive holds {} files, and one is wanted", file_.path(), files.size()),
          "unpack it and ingest the files: unzip FILE -d FOLDER");
    const Entry& entry = files[0];
    if (entry.flags & 1)
      return data_error(fmt::format("{}: {} in it is encrypted", file_.path(), entry.name),
                        "unpack it with its password");
    if (entry.method != 0 && entry.method != 8)
      return data_error(
          fmt::format("{}: {} in it is packed by method {}, not deflate", file_.path(), entry.name, entry.method),
          "unpack it first: unzip FILE");
    return entry;
  }

  /// Where the entry's data begins.
  Result<std::int64_t> data_of(const Entry& entry) const {
    ARROW_ASSIGN_OR_RAISE(std::string head, at(entry.header, 30));
    if (head.compare(0, 4, "PK\x03\x04") != 0) return corrupt("the header of its file is");
    const std::int64_t begin =
        entry.header + 30 + number<std::uint16_t>(head.data() + 26) + number<std::uint16_t>(head.data() + 28);
    if (begin + entry.packed > directory_) return corrupt("the header of its file is");
    return begin;
  }

 private:
  Status corrupt(const char* what) const {
    return data_error(fmt::format("{}: the zip archive is corrupt: {} not valid", file_.path(), what),
                      "get the file again and ingest it anew; nothing of it was kept");
  }
  Result<std::string> at(std::int64_t offset, std::int64_t count) const {
    if (offset < 0 || count < 0 || count > (64 << 20) || offset > size_ - count) return corrupt("its directory is");
    std::string out(static_cast<std::size_t>(count), '\0');
    for (std::size_t done = 0; done < out.size();) {
      const ssize_t got =
          ::pread(file_.descriptor(), out.data() + done, out.size() - done, offset + static_cast<std::int64_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error(file_.path(), errno);
      if (got == 0) return corrupt("its directory is");
      done += static_cast<std::size_t>(got);
    }
    return out;
  }

  Status find_directory() {
    const std::int64_t tail_size = std::min<std::int64_t>(size_, 22 + 0xffff);
    ARROW_ASSIGN_OR_RAISE(std::string tail, at(size_ - tail_size, tail_size));
    for (std::size_t i = tail.size() < 22 ? 0 : tail.size() - 21; i-- > 0;) {
      const char* end = tail.data() + i;
      if (std::memcmp(end, "PK\x05\x06", 4) != 0 || i + 22 + number<std::uint16_t>(end + 20) != tail.size()) continue;
      entries_ = number<std::uint16_t>(end + 10);
      directory_size_ = number<std::uint32_t>(end + 12);
      directory_ = number<std::uint32_t>(end + 16);
      if (entries_ != 0xffff && directory_size_ != kNone32 && directory_ != kNone32) return Status::OK();
      const std::int64_t locator_at = size_ - tail_size + static_cast<std::int64_t>(i) - 20;
      ARROW_ASSIGN_OR_RAISE(std::string locator, at(locator_at, 20));
      if (locator.compare(0, 4, "PK\x06\x07") != 0) return Status::OK();
      ARROW_ASSIGN_OR_RAISE(std::string large, at(number<std::int64_t>(locator.data() + 8), 56));
      if (large.compare(0, 4, "PK\x06\x06") != 0) return corrupt("its directory is");
      entries_ = number<std::int64_t>(large.data() + 32);
      directory_size_ = number<std::int64_t>(large.data() + 40);
      directory_ = number<std::int64_t>(large.data() + 48);
      return Status::OK();
    }
    return data_error(
        fmt::format("{}: the zip archive ends early, at byte {}: its directory is missing", file_.path(), size_),
        "the file is cut short: get it again and ingest it anew; nothing of it was kept");
  }

  /// Sizes beyond 4 GB stand in the extra field 1, those alone that do not fit.
  static bool long_form(std::string_view extra, Entry& entry) {
    std::string_view values;
    while (extra.size() >= 4) {
      const auto id = number<std::uint16_t>(extra.data()), count = number<std::uint16_t>(extra.data() + 2);
      if (count > extra.size() - 4) return false;
      if (id == 1) values = extra.substr(4, count);
      extra.remove_prefix(std::size_t{4} + count);
    }
    for (std::int64_t* value : {&entry.size, &entry.packed, &entry.header}) {
      if (*value != kNone32) continue;
      if (values.size() < 8) return false;
      *value = number<std::int64_t>(values.data());
      values.remove_prefix(8);
      if (*value < 0) return false;
    }
    return true;
  }

  const File& file_;
  std::int64_t size_ = 0, directory_ = 0, directory_size_ = 0, entries_ = 0;
};

class Unzipped final : public Bytes {
 public:
  Unzipped(std::unique_ptr<File> file, Entry entry, std::int64_t begin)
      : file_(std::move(file)), entry_(std::move(entry)), at_(begin), left_(entry_.packed), input_(kInput) {
    state_ = std::make_unique<inflate_state>();
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_DEFLATE;
    state_->avail_in = 0;
  }
  std::int64_t bytes_read() const override { return at_; }

  Result<std::size_t> read(char* out, std::size_t size) override {
    if (ended_ || size == 0) return 0;
    ARROW_ASSIGN_OR_RAISE(std::size_t got, entry_.method == 0 ? stored(out, size) : inflated(out, size));
    crc_ = crc32_gzip_refl(crc_, reinterpret_cast<const unsigned char*>(out), got);
    made_ += static_cast<std::int64_t>(got);
    if (got == 0) {
      ended_ = true;
      if (made_ != entry_.size || crc_ != entry_.crc) return corrupt("its checksum does not hold");
    }
    return got;
  }

 private:
  Result<std::size_t> stored(char* out, std::size_t size) {
    return next(out, std::min<std::size_t>(size, static_cast<std::size_t>(left_)));
  }

  Result<std::size_t> inflated(char* out, std::size_t size) {
    const auto most = static_cast<std::uint32_t>(std::min<std::size_t>(size, 1u << 30));
    state_->next_out = reinterpret_cast<std::uint8_t*>(out);
    state_->avail_out = most;
    while (state_->avail_out == most) {
      const bool finished = state_->block_state == ISAL_BLOCK_FINISH;
      if (finished) {
        if (left_ > 0 || state_->avail_in > 0) return corrupt("other bytes stand behind the data");
        return 0;
      }
      if (state_->avail_in == 0 && left_ > 0) {
        ARROW_ASSIGN_OR_RAISE(
            std::size_t got,
            next(input_.data(), std::min<std::size_t>(input_.size(), static_cast<std::size_t>(left_))));
        state_->next_in = reinterpret_cast<std::uint8_t*>(input_.data());
        state_->avail_in = static_cast<std::uint32_t>(got);
      }
      const bool dry = state_->avail_in == 0;
      if (int result = isal_inflate(state_.get()); result != ISAL_DECOMP_OK && result != ISAL_END_INPUT)
        return corrupt("it is no valid deflate data");
      if (dry && state_->avail_out == most && state_->block_state != ISAL_BLOCK_FINISH)
        return corrupt("its data ends early");
    }
    return most - state_->avail_out;
  }

  /// Of the entry's data as it lies in the file.
  Result<std::size_t> next(char* out, std::size_t size) {
    for (;;) {
      const ssize_t got = ::pread(file_->descriptor(), out, size, at_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error(file_->path(), errno);
      at_ += got, left_ -= got;
      if (got == 0 && size > 0) return corrupt("its data ends early");
      return static_cast<std::size_t>(got);
    }
  }
  Status corrupt(const char* why) const {
    return data_error(fmt::format("{}: {} in the zip archive is corrupt near byte {} (after {} inflated bytes): {}",
                                  file_->path(), entry_.name, at_ - state_->avail_in, made_, why),
                      "get the file again and ingest it anew; nothing of it was kept");
  }

  std::unique_ptr<File> file_;
  Entry entry_;
  std::int64_t at_, left_, made_ = 0;
  std::vector<char> input_;
  std::unique_ptr<inflate_state> state_;
  std::uint32_t crc_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Bytes>> open_zip(std::unique_ptr<File> file) {
  Archive archive(*file);
  ARROW_ASSIGN_OR_RAISE(Entry entry, archive.only_entry());
  ARROW_ASSIGN_OR_RAISE(std::int64_t begin, archive.data_of(entry));
  return std::make_unique<Unzipped>(std::move(file), std::move(entry), begin);
}

}  // namespace tapemill::sources
