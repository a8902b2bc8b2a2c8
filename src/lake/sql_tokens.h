#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tapemill::lake {

/// Just enough of SQL's lexical structure to know what is a name and what is inside a text or a comment. Comments and blanks
/// make no token.
struct SqlToken {
  enum class Kind { name, quoted_name, text, number, sign } kind;
  std::string value;             // names and texts without their quotes
  std::size_t begin = 0, end = 0;  // bytes of the statement
  bool is(std::string_view word) const;  // an unquoted word, any case; or a sign
};
std::vector<SqlToken> sql_tokens(std::string_view sql);

std::string quote_name(std::string_view name);  // "a""b"
std::string quote_text(std::string_view text);  // 'a''b'

}  // namespace tapemill::lake
