#include "sources/text.h"

#include "core/text.h"

#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tapemill::sources {
namespace {

/// Positions of commas, quotes and line ends, ascending, and the text's size as the last. Returns how many; `out` only grows.
std::size_t find_marks(std::string_view text, std::vector<std::uint32_t>& out) {
  std::size_t count = 0, i = 0;
  if (out.size() < 1024) out.resize(1024);
#ifdef __SSE2__
  const __m128i comma = _mm_set1_epi8(','), end = _mm_set1_epi8('\n'), quote = _mm_set1_epi8('"');
  for (; i + 16 <= text.size(); i += 16) {
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, comma), _mm_cmpeq_epi8(x, end)), _mm_cmpeq_epi8(x, quote));
    auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(hit));
    if (count + 17 > out.size()) out.resize(out.size() * 2);
    for (; mask != 0; mask &= mask - 1)
      out[count++] = static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(std::countr_zero(mask));
  }
#endif
  for (; i < text.size(); ++i) {
    char c = text[i];
    if (c != ',' && c != '\n' && c != '"') continue;
    if (count + 2 > out.size()) out.resize(out.size() * 2);
    out[count++] = static_cast<std::uint32_t>(i);
  }
  if (count + 1 > out.size()) out.resize(count + 1);
  out[count++] = static_cast<std::uint32_t>(text.size());
  return count;
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

Status unreadable_file(const std::string& path, const char* what, const char* hint) {
  return data_error(path + ": " + what, hint);
}

Status refuse_foreign(std::string_view head, const std::string& path) {
  auto starts = [&](std::string_view magic) { return head.starts_with(magic); };
  if (starts("\xff\xfe") || starts("\xfe\xff"))
    return unreadable_file(path, "the text is UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW.csv");
  if (starts("PK\x03\x04"))
    return unreadable_file(path, "this is a zip archive", "unpack it first: unzip FILE, then ingest the CSV in it");
  if (starts("\x28\xb5\x2f\xfd")) return unreadable_file(path, "this is zstd data", "unpack it first: zstd -d FILE");
  if (starts("BZh")) return unreadable_file(path, "this is bzip2 data", "unpack it first: bunzip2 FILE");
  if (starts("\xfd"
             "7zXZ"))
    return unreadable_file(path, "this is xz data", "unpack it first: unxz FILE");
  if (starts("PAR1"))
    return unreadable_file(path, "this is a Parquet file", "sources read text; query a Parquet file with tapemill sql");
  std::size_t nuls = 0, odd = 0, controls = 0;
  bool first_line = true;
  for (std::size_t i = 0; i < head.size(); ++i) {
    auto c = static_cast<unsigned char>(head[i]);
    if (c == 0) ++nuls, odd += i & 1;
    if (c == '\n') first_line = false;
    if (first_line && c < 32 && c != '\r' && c != '\t') ++controls;
  }
  if (nuls * 5 > head.size() * 2 && (odd == nuls || odd == 0))
    return unreadable_file(path, "the text is UTF-16 without a mark",
                           "convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW.csv");
  std::string_view line = head.substr(0, head.find('\n'));
  bool text = line.size() == head.size() || valid_utf8(line);
  if (controls > 0 || !text)
    return unreadable_file(path, "this is binary data, no text",
                           "text files in UTF-8, plain or .gz, are read; look at it with: file FILE");
  return Status::OK();
}

}  // namespace

Result<Header> parse_header(std::string_view head, const std::string& path) {
  if (head.empty())
    return unreadable_file(path, "the file is empty", "get it again; a day without trades has a header at least");
  Header header;
  if (head.starts_with("\xef\xbb\xbf")) header.bom = 3;
  std::string_view line = head.substr(header.bom);
  std::size_t end = line.find('\n');
  ARROW_RETURN_NOT_OK(refuse_foreign(head.substr(0, 4096), path));  // a stray byte in a row costs that row alone
  if (end == std::string_view::npos && static_cast<std::int64_t>(head.size()) > kLongestLine)
    return unreadable_file(path, "its first line has over 1 MB", "a header of column names is wanted there");
  line = line.substr(0, end);
  if (std::size_t cr = trimmed(line).find('\r'); cr != std::string_view::npos)
    return unreadable_file(path, "its lines end with CR alone", "convert it: tr '\\r' '\\n' < FILE > NEW.csv");
  header.line = std::string(trimmed(line));
  if (header.line.empty())
    return unreadable_file(path, "its first line is blank", "a header of column names is wanted there");
  for (std::string_view rest = header.line;;) {
    std::size_t comma = rest.find(',');
    std::string_view name = trimmed(rest.substr(0, comma));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = trimmed(name.substr(1, name.size() - 2));
    header.names.emplace_back(name);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return header;
}

std::string_view Block::unquote(std::string_view field, std::deque<std::string>& spare) {
  if (field.size() < 2 || field.back() != '"') return field;
  field = field.substr(1, field.size() - 2);
  if (field.find('"') == std::string_view::npos) return field;
  std::string& text = spare.emplace_back();
  for (std::size_t i = 0; i < field.size(); ++i) {
    text += field[i];
    if (field[i] == '"' && i + 1 < field.size() && field[i + 1] == '"') ++i;
  }
  return text;
}

TextReader::TextReader(std::unique_ptr<Bytes> bytes, std::size_t block_size, bool multiline)
    : bytes_(std::move(bytes)), block_size_(block_size), multiline_(multiline) {}

Status TextReader::fill(std::size_t wanted) {
  // In steps: a string's resize writes what it adds, and most files are small.
  constexpr std::size_t step = 256 << 10;
  std::size_t have = carry_.size();
  while (!ended_ && have < wanted) {
    carry_.resize(std::min(wanted, have + step));
    while (!ended_ && have < carry_.size()) {
      auto got = bytes_->read(carry_.data() + have, carry_.size() - have);
      if (!got.ok()) return carry_.resize(have), got.status();
      have += *got;
      ended_ = *got == 0;
    }
  }
  carry_.resize(have);
  return Status::OK();
}

/// The line at carry_[0] has no end within 1 MB: keeps its beginning as unreadable and drops the rest of it.
Status TextReader::skip_line(Block& out) {
  Unreadable refusal{line_, at_, carry_.substr(0, kKeptOfLongLine), {}};
  auto length = static_cast<std::int64_t>(carry_.size());
  std::string chunk(64 << 10, '\0');
  carry_.clear();
  while (!ended_) {
    ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes_->read(chunk.data(), chunk.size()));
    if (got == 0) ended_ = true;
    std::string_view read(chunk.data(), got);
    if (std::size_t end = read.find('\n'); end != std::string_view::npos) {
      length += static_cast<std::int64_t>(end) + 1;
      carry_ = read.substr(end + 1);
      break;
    }
    length += static_cast<std::int64_t>(got);
  }
  refusal.reason =
      fmt::format("the line has {} bytes, more than {}; its first {} are kept", length, kLongestLine, kKeptOfLongLine);
  out.unreadable.push_back(std::move(refusal));
  at_ += length;
  ++line_;
  return Status::OK();
}

/// Cuts text into records and returns how many bytes it used. What is left begins a record that the text does not end.
std::size_t TextReader::cut(Block& out, const std::string& text) {
  const std::size_t found = find_marks(text, found_), size = text.size();
  std::size_t start = 0, i = 0;              // of the record at hand
  std::size_t line_end = 0, line_mark = 0;   // its first line end inside quotes, and that one's index in found_
  std::int64_t lines = 1;
  std::uint32_t first = 0;
  bool inside = false, opened = false,
       quoted = false;  // in a quoted field; in a field that had one; in a record that had one
  auto refuse = [&](std::size_t end, std::string reason) {
    out.unreadable.push_back({line_, at_ + static_cast<std::int64_t>(start),
                              text.substr(start, std::min(end - start, kKeptOfLongLine)), std::move(reason)});
  };
  auto begin_next = [&](std::size_t at) {
    start = at, inside = opened = quoted = false, line_end = 0, lines = 1;
    first = static_cast<std::uint32_t>(out.marks.size());
  };
  for (; i < found; ++i) {
    const std::uint32_t mark = found_[i];
    const bool last = mark == size;
    const char c = last ? '\n' : text[mark];
    if (c == ',') {
      if (inside) continue;
      out.marks.push_back(mark);
      opened = false;
    } else if (c == '"') {
      if (inside) {
        inside = false;
        continue;
      }
      std::size_t field = out.marks.size() == first ? start : out.marks.back() + 1;
      bool doubled = opened && text[mark - 1] == '"';
      if (doubled || blank(std::string_view(text).substr(field, mark - field))) inside = opened = quoted = true;
    } else {
      bool hopeless = inside && line_end != 0 && static_cast<std::int64_t>(size - start) > kLongestLine;
      if (last && !ended_ && !hopeless) break;
      if (last && start == size) break;
      if (inside && multiline_ && !last && static_cast<std::int64_t>(mark - start) <= kLongestLine) {
        if (line_end == 0) line_end = mark, line_mark = i;
        ++lines;
        continue;
      }
      if (inside) {  // unclosed: its own first line is lost, and reading goes on behind that
        if (line_end == 0) line_end = mark, line_mark = i;
        refuse(line_end, "a quote that opens in this line is not closed");
        out.marks.resize(first);
        i = line_mark;
        ++line_;
        begin_next(line_end + 1);
        if (line_end >= size) break;
        continue;
      }
      std::string_view raw = std::string_view(text).substr(start, mark - start);
      if (static_cast<std::int64_t>(raw.size()) > kLongestLine) {
        refuse(mark, fmt::format("the line has {} bytes, more than {}; its first {} are kept", raw.size(), kLongestLine,
                                 kKeptOfLongLine));
        out.marks.resize(first);
      } else if (blank(raw)) {
        out.marks.resize(first);
      } else {
        out.marks.push_back(mark);
        out.records.push_back({line_, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(raw.size()), first,
                               static_cast<std::uint32_t>(out.marks.size()) - first, quoted});
      }
      line_ += lines;
      begin_next(mark + 1);
    }
  }
  out.marks.resize(first);
  return std::min(start, size);
}

Result<bool> TextReader::next(Block& out) {
  out = Block{};
  carry_.reserve(block_size_ + (64 << 10));
  for (std::size_t wanted = block_size_;; wanted *= 2) {
    ARROW_RETURN_NOT_OK(fill(std::max(wanted, carry_.size() + 1)));
    if (header_) {
      std::size_t end = carry_.find('\n');
      if (end == std::string::npos && !ended_) continue;
      std::size_t used = end == std::string::npos ? carry_.size() : end + 1;
      carry_.erase(0, used);
      at_ += static_cast<std::int64_t>(used);
      ++line_;
      header_ = false;
      continue;
    }
    if (carry_.empty() && ended_) return false;
    std::size_t used = cut(out, carry_);
    if (used == 0 && !ended_) {
      if (static_cast<std::int64_t>(carry_.size()) <= kLongestLine || carry_.find('\n') != std::string::npos) continue;
      ARROW_RETURN_NOT_OK(skip_line(out));
      out.text = std::make_shared<std::string>();
      out.at = at_;
      return true;
    }
    std::string rest = carry_.substr(used);
    carry_.resize(used);
    out.text = std::make_shared<std::string>(std::move(carry_));
    out.at = at_;
    at_ += static_cast<std::int64_t>(used);
    carry_ = std::move(rest);
    return true;
  }
}

}  // namespace tapemill::sources
