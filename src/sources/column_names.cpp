#include "sources/column_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

namespace tapemill::sources {
namespace {

/// Latin letters U+00C0 .. U+00FF; an empty one is a mark, not a letter.
const char* const kLatin[64] = {"A", "A", "A", "A", "Ae", "A", "Ae", "C", "E", "E", "E", "E", "I",  "I", "I",  "I",
                                "D", "N", "O", "O", "O",  "O", "Oe", "",  "O", "U", "U", "U", "Ue", "Y", "Th", "ss",
                                "a", "a", "a", "a", "ae", "a", "ae", "c", "e", "e", "e", "e", "i",  "i", "i",  "i",
                                "d", "n", "o", "o", "o",  "o", "oe", "",  "o", "u", "u", "u", "ue", "y", "th", "y"};

std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c == 0xc3 && next >= 0x80 && next < 0xc0) out += kLatin[next - 0x80], ++i;
    else out += text[i];
  }
  return out;
}

bool one_of(std::initializer_list<std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string column_name(const std::string& header, std::set<std::string>& taken) {
  const std::string text = plain(header);
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isalnum(c) && c < 0x80) {
      const bool begins = std::isupper(c) && i > 0 && std::islower(static_cast<unsigned char>(text[i - 1]));
      if (begins) name += '_';
      name += static_cast<char>(std::tolower(c));
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) name = "column_" + name;
  std::string unique = name;
  for (int n = 2; !taken.insert(unique).second; ++n) unique = fmt::format("{}_{}", name, n);
  return unique;
}

bool names_an_instrument(const std::string& name) {
  return names_a_symbol(name) || one_of({"name", "code", "id"}, name);
}

bool names_a_symbol(const std::string& name) {
  return one_of({"symbol", "sym", "ticker", "instrument", "instrument_id", "isin", "tradingsymbol", "kuerzel"}, name);
}

}  // namespace tapemill::sources
