#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sources/cells.h"
#include "sources/gzip.h"

namespace tapemill::sources {

inline constexpr std::int64_t kLongestLine = 1 << 20;   // a longer line is refused, whatever it holds
inline constexpr std::size_t kKeptOfLongLine = 4096;    // bytes of such a line that its refusal keeps

/// What a file's first bytes say. Errors (data): empty, UTF-16, other compressions, binary, a first line beyond 1 MB.
struct Header {
  std::vector<std::string> names;  // trimmed, unquoted; a trailing comma leaves a last empty name
  std::string line;                // as it stands
  std::size_t bom = 0;             // bytes of a UTF-8 byte order mark
};
Result<Header> parse_header(std::string_view head, const std::string& path, char delimiter = ',');
/// Of a file without one: column_1, column_2, ... as many as its first line has fields.
void name_by_number(Header& header);

/// A record of the file: one line, or more where a quoted field holds line ends.
struct Record {
  std::int64_t line = 0;
  std::uint32_t start = 0, length = 0;  // in the block's text, without the line end
  std::uint32_t marks = 0, fields = 0;  // its first delimiter in Block::marks, and how many fields it has
  bool quoted = false;
};

/// Why a record cannot be read by fields at all.
struct Unreadable {
  std::int64_t line = 0, byte = 0;
  std::string raw, reason;
};

/// Whole records of a file, cut into fields. Blank lines are no records.
class Block {
 public:
  std::shared_ptr<std::string> text;      // its first `size` bytes count
  std::size_t size = 0;
  std::int64_t at = 0;                    // offset of text[0] in the inflated file
  std::vector<Record> records;
  std::vector<std::uint32_t> marks;       // ends of fields, in order
  std::vector<Unreadable> unreadable;
  /// Not 0: no record has a quote or another number of fields, no line is blank, and no byte is a control byte besides tabs.
  /// `records` is empty then until list_records(); cell c of the block ends at marks[1 + c], marks[0] is UINT32_MAX.
  std::uint32_t width = 0;
  std::int64_t first_line = 0;            // of a block with a width
  std::size_t lines = 0;
  bool returns = false;                   // lines end with CR LF
  bool high = false;                      // it has bytes above 0x7f

  void clear();
  void list_records();                    // of a block with a width, as if it had been cut the long way

  std::string_view raw(const Record& record) const {
    return std::string_view(*text).substr(record.start, record.length);
  }
  /// A field without the blanks, quotes and carriage return around it. Valid while the block lives. Quoted fields with
  /// doubled quotes are unescaped into `spare`.
  std::string_view field(const Record& record, std::uint32_t index, std::deque<std::string>& spare) const {
    const char* base = text->data();
    const char* begin = base + (index == 0 ? record.start : marks[record.marks + index - 1] + 1);
    const char* end = base + marks[record.marks + index];
    while (begin < end && (*begin == ' ' || *begin == '\t')) ++begin;
    while (begin < end && (end[-1] == ' ' || end[-1] == '\r' || end[-1] == '\t')) --end;
    std::string_view field(begin, static_cast<std::size_t>(end - begin));
    return record.quoted && !field.empty() && field.front() == '"' ? unquote(field, spare) : field;
  }

 private:
  static std::string_view unquote(std::string_view field, std::deque<std::string>& spare);
};

/// Reads a file block by block. Each record lies whole in one block; line and byte numbers are those of the inflated file.
class TextReader {
 public:
  /// `multiline`: quoted fields may hold line ends (RFC 4180); an unclosed quote then costs its own line alone.
  TextReader(std::unique_ptr<Bytes> bytes, std::size_t block_size, bool multiline);
  void without_header() { header_ = false; }
  void take_regular() { regular_ = true; }  // blocks may have a width; otherwise all have records
  void cut_at(char delimiter) { delimiter_ = delimiter; }  // instead of ','
  /// False at the end. The first line of the file, its header, is skipped. A text that nobody else holds is used again.
  Result<bool> next(Block& out);
  std::int64_t bytes_read() const { return bytes_->bytes_read(); }

 private:
  Status fill(std::size_t wanted);
  Status skip_line(Block& out);
  void drop(std::size_t bytes);
  MarkFacts find_marks(std::string_view text);
  std::size_t cut(Block& out, std::string_view text);
  bool cut_regular(Block& out, std::string_view text, const MarkFacts& facts, std::size_t& used);
  std::string_view carried() const { return std::string_view(*text_).substr(0, have_); }

  std::unique_ptr<Bytes> bytes_;
  std::size_t block_size_;
  bool multiline_, regular_ = false;
  char delimiter_ = ',';
  std::shared_ptr<std::string> text_ =
      std::make_shared<std::string>();  // its first have_ bytes: read and not yet given
  std::shared_ptr<std::string> given_;  // the text of the block before
  std::size_t have_ = 0;
  std::int64_t at_ = 0, line_ = 1;  // of text_[0]
  bool ended_ = false, header_ = true;
  std::vector<std::uint32_t> found_;  // UINT32_MAX, then delimiters, quotes and line ends of the block at hand
};

}  // namespace tapemill::sources
