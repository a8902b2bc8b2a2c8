#include "lake/sql_tokens.h"

#include <algorithm>
#include <cctype>

namespace tapemill::lake {
namespace {

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool in_name(char c) { return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) || c == '$'; }

class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  std::vector<SqlToken> run() {
    while (at_ < sql_.size()) {
      if (std::isspace(static_cast<unsigned char>(sql_[at_]))) ++at_;
      else if (here("--")) at_ = std::min(sql_.find('\n', at_), sql_.size());
      else if (here("/*")) comment();
      else token();
    }
    return std::move(out_);
  }

 private:
  bool here(std::string_view text) const { return sql_.substr(at_, text.size()) == text; }

  void comment() {  // they nest
    int depth = 0;
    do {
      if (here("/*")) ++depth, at_ += 2;
      else if (here("*/")) --depth, at_ += 2;
      else ++at_;
    } while (depth > 0 && at_ < sql_.size());
  }

  void token() {
    const std::size_t begin = at_;
    const char c = sql_[at_];
    if (c == '\'') return quoted(SqlToken::Kind::text, begin, false);
    if (c == '"') return quoted(SqlToken::Kind::quoted_name, begin, false);
    if ((c == 'e' || c == 'E') && at_ + 1 < sql_.size() && sql_[at_ + 1] == '\'') {
      ++at_;
      return quoted(SqlToken::Kind::text, begin, true);
    }
    if (c == '$' && dollar(begin)) return;
    if (starts_name(c)) {
      while (at_ < sql_.size() && in_name(sql_[at_])) ++at_;
      return add(SqlToken::Kind::name, begin, std::string(sql_.substr(begin, at_ - begin)));
    }
    if (std::isdigit(static_cast<unsigned char>(c))) {
      while (at_ < sql_.size() && (in_name(sql_[at_]) || sql_[at_] == '.')) ++at_;
      return add(SqlToken::Kind::number, begin, std::string(sql_.substr(begin, at_ - begin)));
    }
    at_ += here("=>") ? 2 : 1;
    add(SqlToken::Kind::sign, begin, std::string(sql_.substr(begin, at_ - begin)));
  }

  void quoted(SqlToken::Kind kind, std::size_t begin, bool backslashes) {
    const char quote = sql_[at_++];
    std::string value;
    while (at_ < sql_.size()) {
      if (backslashes && sql_[at_] == '\\' && at_ + 1 < sql_.size()) ++at_;
      else if (sql_[at_] == quote) {
        if (at_ + 1 >= sql_.size() || sql_[at_ + 1] != quote) break;
        ++at_;
      }
      value += sql_[at_++];
    }
    if (at_ < sql_.size()) ++at_;
    add(kind, begin, std::move(value));
  }

  bool dollar(std::size_t begin) {  // $tag$ ... $tag$
    std::size_t end = at_ + 1;
    while (end < sql_.size() && in_name(sql_[end]) && sql_[end] != '$') ++end;
    if (end >= sql_.size() || sql_[end] != '$') return false;
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const std::size_t close = sql_.find(tag, end + 1);
    const std::size_t stop = std::min(close, sql_.size());
    at_ = std::min(stop + tag.size(), sql_.size());
    add(SqlToken::Kind::text, begin, std::string(sql_.substr(end + 1, stop - end - 1)));
    return true;
  }

  void add(SqlToken::Kind kind, std::size_t begin, std::string value) {
    out_.push_back({kind, std::move(value), begin, at_});
  }

  std::string_view sql_;
  std::size_t at_ = 0;
  std::vector<SqlToken> out_;
};

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

}  // namespace

bool SqlToken::is(std::string_view word) const {
  if (kind != Kind::name && kind != Kind::sign) return false;
  return std::equal(value.begin(), value.end(), word.begin(), word.end(), [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == std::toupper(static_cast<unsigned char>(b));
  });
}

std::vector<SqlToken> sql_tokens(std::string_view sql) { return Lexer(sql).run(); }
std::string quote_name(std::string_view name) { return doubled(name, '"'); }
std::string quote_text(std::string_view text) { return doubled(text, '\''); }

}  // namespace tapemill::lake
