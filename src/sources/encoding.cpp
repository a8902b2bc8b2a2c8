#include "sources/encoding.h"

#include <algorithm>

#include "core/text.h"

namespace tapemill::sources {
namespace {

/// What 0x80..0x9f are in Windows-1252; those that it leaves open are what latin-1 says. Source: encoding.spec.whatwg.org.
constexpr char16_t kWindows[32] = {0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                   0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
                                   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                   0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};

void put(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

class Recoded final : public Bytes {
 public:
  Recoded(std::unique_ptr<Bytes> bytes, const std::string& encoding)
      : bytes_(std::move(bytes)),
        wide_(encoding.starts_with("utf-16")),
        big_(encoding == "utf-16be"),
        windows_(encoding == "windows-1252") {}
  std::int64_t bytes_read() const override { return bytes_->bytes_read(); }

  Result<std::size_t> read(char* out, std::size_t size) override {
    while (taken_ == ready_.size()) {
      ready_.clear(), taken_ = 0;
      std::string chunk(64 << 10, '\0');
      ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes_->read(chunk.data(), chunk.size()));
      if (got == 0) {
        if (std::exchange(ended_, true)) return 0;
        if (high_ != 0 || half_ >= 0) put(ready_, 0xfffd);
        if (ready_.empty()) return 0;
        break;
      }
      for (std::size_t i = 0; i < got; ++i) take(static_cast<unsigned char>(chunk[i]));
    }
    const std::size_t count = ready_.copy(out, size, taken_);
    taken_ += count;
    return count;
  }

 private:
  void take(unsigned char byte) {
    if (!wide_) return put(ready_, windows_ && byte >= 0x80 && byte < 0xa0 ? kWindows[byte - 0x80] : byte);
    if (half_ < 0) {
      half_ = byte;
      return;
    }
    const auto unit = static_cast<char32_t>(big_ ? half_ << 8 | byte : byte << 8 | half_);
    half_ = -1;
    if (std::exchange(first_, false) && unit == 0xfeff) return;  // the mark
    if (high_ != 0) {
      const char32_t high = std::exchange(high_, 0);
      if (unit >= 0xdc00 && unit < 0xe000) return put(ready_, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
      put(ready_, 0xfffd);
    }
    if (unit >= 0xd800 && unit < 0xdc00) high_ = unit;
    else put(ready_, unit >= 0xdc00 && unit < 0xe000 ? 0xfffd : unit);
  }

  std::unique_ptr<Bytes> bytes_;
  bool wide_, big_, windows_, first_ = true, ended_ = false;
  int half_ = -1;        // the first byte of a unit
  char32_t high_ = 0;    // the first unit of a pair
  std::string ready_;
  std::size_t taken_ = 0;
};

}  // namespace

Result<std::unique_ptr<Bytes>> open_text(const std::string& path, const std::string& encoding) {
  ARROW_ASSIGN_OR_RAISE(auto bytes, open_bytes(path));
  if (encoding == "utf-8") return bytes;
  return std::make_unique<Recoded>(std::move(bytes), encoding);
}

std::string guess_encoding(std::string_view head, std::string& why) {
  if (head.starts_with("\xef\xbb\xbf")) return why = "it begins with the mark of UTF-8", "utf-8";
  if (head.starts_with("\xff\xfe")) return why = "it begins with the mark of UTF-16, little-endian", "utf-16le";
  if (head.starts_with("\xfe\xff")) return why = "it begins with the mark of UTF-16, big-endian", "utf-16be";
  std::size_t even = 0, odd = 0;
  for (std::size_t i = 0; i < head.size(); ++i)
    if (head[i] == 0) ++(i & 1 ? odd : even);
  if (odd * 5 > head.size() * 2 && even == 0) return why = "every second byte is zero", "utf-16le";
  if (even * 5 > head.size() * 2 && odd == 0) return why = "every second byte is zero", "utf-16be";
  const std::size_t end = head.rfind('\n');  // a character may be cut behind it
  const std::string_view lines = head.substr(0, end == std::string_view::npos ? head.size() : end);
  if (valid_utf8(lines)) {
    const bool plain = std::none_of(lines.begin(), lines.end(), [](char c) { return c & 0x80; });
    return why = plain ? "its bytes are ASCII" : "its bytes above 0x7f are valid UTF-8", "utf-8";
  }
  return why = "it has bytes above 0x7f that are no UTF-8", "windows-1252";
}

}  // namespace tapemill::sources
