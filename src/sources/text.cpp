#include "sources/text.h"

#include "core/text.h"
#include "sources/no_rows.h"

#include <cstring>

namespace tapemill::sources {
namespace {

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

Result<Header> parse_header(std::string_view head, const std::string& path, char delimiter) {
  if (head.empty()) return unreadable_file(path, "the file is empty", kFetchAgain);
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
    // A delimiter inside quotes is none.
    std::size_t comma = 0;
    for (bool inside = false; comma < rest.size() && (inside || rest[comma] != delimiter); ++comma)
      if (rest[comma] == '"') inside = !inside;
    if (comma == rest.size()) comma = rest.find(delimiter);
    std::string_view name = trimmed(rest.substr(0, comma));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = trimmed(name.substr(1, name.size() - 2));
    header.names.emplace_back(name);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return header;
}

void name_by_number(Header& header) {
  for (std::size_t i = 0; i < header.names.size(); ++i) header.names[i] = fmt::format("column_{}", i + 1);
  header.line = fmt::format("{}", fmt::join(header.names, ","));
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

void Block::clear() {
  text.reset();
  size = 0, at = 0, width = 0, lines = 0;
  records.clear(), marks.clear(), unreadable.clear();
}

void Block::list_records() {
  const std::uint32_t fields = std::exchange(width, 0);
  if (fields == 0) return;
  records.reserve(lines);
  for (std::size_t row = 0; row < lines; ++row) {
    const auto first = static_cast<std::uint32_t>(1 + row * fields);
    const std::uint32_t start = marks[first - 1] + 1;
    records.push_back(
        {first_line + static_cast<std::int64_t>(row), start, marks[first + fields - 1] - start, first, fields, false});
  }
}

Status TextReader::fill(std::size_t wanted) {
  // In steps: a string's resize writes what it adds, and most files are small.
  constexpr std::size_t step = 256 << 10;
  while (!ended_ && have_ < wanted) {
    if (have_ >= text_->size() || text_->size() < std::min(wanted, have_ + step))
      text_->resize(std::min(wanted, have_ + step));
    const std::size_t most = std::min(wanted, text_->size());
    while (!ended_ && have_ < most) {
      ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes_->read(text_->data() + have_, most - have_));
      have_ += got;
      ended_ = got == 0;
    }
  }
  return Status::OK();
}

void TextReader::drop(std::size_t bytes) {
  std::memmove(text_->data(), text_->data() + bytes, have_ - bytes);
  have_ -= bytes;
}

/// The line at text_[0] has no end within 1 MB: keeps its beginning as unreadable and drops the rest of it.
Status TextReader::skip_line(Block& out) {
  Unreadable refusal{line_, at_, std::string(carried().substr(0, kKeptOfLongLine)), {}};
  auto length = static_cast<std::int64_t>(have_);
  std::string chunk(64 << 10, '\0');
  have_ = 0;
  while (!ended_) {
    ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes_->read(chunk.data(), chunk.size()));
    if (got == 0) ended_ = true;
    std::string_view read(chunk.data(), got);
    if (std::size_t end = read.find('\n'); end != std::string_view::npos) {
      length += static_cast<std::int64_t>(end) + 1;
      have_ = read.size() - end - 1;
      if (text_->size() < have_) text_->resize(have_);
      std::memcpy(text_->data(), read.data() + end + 1, have_);
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

/// Fills found_; the text's size stands behind the last mark.
MarkFacts TextReader::find_marks(std::string_view text) {
  constexpr std::size_t chunk = 64 << 10;
  const CellKernels& kernels = cell_kernels();
  MarkFacts all;
  if (found_.empty()) found_.push_back(UINT32_MAX);
  for (std::size_t from = 0; from < text.size(); from += chunk) {
    const std::size_t to = std::min(text.size(), from + chunk), wanted = 1 + all.marks + (to - from) + 65;
    if (found_.size() < wanted) found_.resize(std::max(wanted, found_.size() * 2));
    const MarkFacts some = kernels.marks(text.data(), from, to, delimiter_, found_.data() + 1 + all.marks);
    all.marks += some.marks, all.line_ends += some.line_ends, all.returns += some.returns;
    all.quotes |= some.quotes, all.odd |= some.odd, all.high |= some.high;
  }
  if (found_.size() < all.marks + 2) found_.resize(all.marks + 2);
  found_[0] = UINT32_MAX;
  found_[1 + all.marks] = static_cast<std::uint32_t>(text.size());
  return all;
}

/// A block whose lines all have as many fields as its first: its marks are its cells. False: cut it the long way.
bool TextReader::cut_regular(Block& out, std::string_view text, const MarkFacts& facts, std::size_t& used) {
  if (facts.quotes || facts.odd || text.empty()) return false;
  const bool open = text.back() != '\n';  // the last line of the file has no end; of a block it waits for its rest
  std::size_t marks = facts.marks, lines = facts.line_ends;
  if (open && ended_) ++marks, ++lines;  // with the text's size as its end
  if (open && !ended_)
    while (marks > 0 && text[found_[marks]] != '\n') --marks;
  if (lines == 0) return false;
  std::size_t width = 1;
  while (width < marks && text[found_[width]] == delimiter_) ++width;
  if (width < 2 || lines * width != marks) return false;
  if (facts.returns != 0 && facts.returns != lines) return false;
  // As many line ends as lines, each at its place: between them are delimiters only.
  std::uint32_t before = UINT32_MAX;
  bool even = true;
  for (std::size_t at = width; at <= marks; at += width) {
    const std::uint32_t end = found_[at];
    even &= end == text.size() || text[end] == '\n';
    even &= end - before <= static_cast<std::uint32_t>(kLongestLine);
    if (facts.returns != 0) even &= text[end - 1] == '\r';
    before = end;
  }
  if (!even) return false;
  if (delimiter_ == '\t') {  // a line of tabs alone is a blank one
    before = UINT32_MAX;
    for (std::size_t at = width; at <= marks; before = found_[at], at += width)
      if (blank(text.substr(before + 1, found_[at] - before - 1))) return false;
  }
  used = std::min<std::size_t>(text.size(), std::size_t{found_[marks]} + 1);
  std::swap(out.marks, found_);
  out.width = static_cast<std::uint32_t>(width);
  out.lines = lines, out.first_line = line_;
  out.returns = facts.returns != 0, out.high = facts.high;
  line_ += static_cast<std::int64_t>(lines);
  return true;
}

/// Cuts text into records and returns how many bytes it used. What is left begins a record that the text does not end.
std::size_t TextReader::cut(Block& out, std::string_view text) {
  const MarkFacts facts = find_marks(text);
  std::size_t used = 0;
  if (regular_ && cut_regular(out, text, facts, used)) return used;
  const std::size_t found = facts.marks + 2, size = text.size();
  std::size_t start = 0, i = 1;              // of the record at hand
  std::size_t line_end = 0, line_mark = 0;   // its first line end inside quotes, and that one's index in found_
  std::int64_t lines = 1;
  std::uint32_t first = 0;
  bool inside = false, opened = false,
       quoted = false;  // in a quoted field; in a field that had one; in a record that had one
  auto refuse = [&](std::size_t end, std::string reason) {
    out.unreadable.push_back({line_, at_ + static_cast<std::int64_t>(start),
                              std::string(text.substr(start, std::min(end - start, kKeptOfLongLine))),
                              std::move(reason)});
  };
  auto begin_next = [&](std::size_t at) {
    start = at, inside = opened = quoted = false, line_end = 0, lines = 1;
    first = static_cast<std::uint32_t>(out.marks.size());
  };
  for (; i < found; ++i) {
    const std::uint32_t mark = found_[i];
    const bool last = mark == size;
    const char c = last ? '\n' : text[mark];
    if (!last && c == delimiter_) {
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
      if (doubled || blank(text.substr(field, mark - field))) inside = opened = quoted = true;
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
      std::string_view raw = text.substr(start, mark - start);
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
  out.clear();
  if (given_ != nullptr && given_.use_count() > 1) given_.reset();
  for (std::size_t wanted = block_size_;; wanted *= 2) {
    ARROW_RETURN_NOT_OK(fill(std::max(wanted, have_ + 1)));
    if (header_) {
      std::size_t end = carried().find('\n');
      if (end == std::string_view::npos && !ended_) continue;
      std::size_t used = end == std::string_view::npos ? have_ : end + 1;
      drop(used);
      at_ += static_cast<std::int64_t>(used);
      ++line_;
      header_ = false;
      continue;
    }
    if (have_ == 0 && ended_) return false;
    std::size_t used = cut(out, carried());
    if (used == 0 && !ended_) {
      if (static_cast<std::int64_t>(have_) <= kLongestLine || carried().find('\n') != std::string_view::npos) continue;
      ARROW_RETURN_NOT_OK(skip_line(out));
      out.text = std::make_shared<std::string>();
      out.at = at_;
      return true;
    }
    std::shared_ptr<std::string> rest = given_ != nullptr ? std::move(given_) : std::make_shared<std::string>();
    const std::size_t left = have_ - used;
    if (rest->size() < left) rest->resize(std::max(left, text_->size()));
    std::memcpy(rest->data(), text_->data() + used, left);
    out.text = given_ = std::move(text_);
    out.size = used;
    out.at = at_;
    at_ += static_cast<std::int64_t>(used);
    text_ = std::move(rest);
    have_ = left;
    return true;
  }
}

}  // namespace tapemill::sources
