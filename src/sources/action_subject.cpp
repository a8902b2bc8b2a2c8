#include "sources/action_subject.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>

#include "core/decimal.h"

namespace tapemill::sources {
namespace {

constexpr int kScale = 6;
__extension__ using Wide = __int128;

/// Upper case, the Indian "/-" after an amount and doubled blanks gone.
std::string normal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/' && i + 1 < text.size() && text[i + 1] == '-') {
      ++i;
      out += ' ';
      continue;
    }
    const char c = static_cast<char>(std::toupper(static_cast<unsigned char>(text[i])));
    if (!(c == ' ' && !out.empty() && out.back() == ' ')) out += c;
  }
  return out;
}

std::vector<std::string> pieces_of(const std::string& text) {
  std::vector<std::string> pieces(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool word = text.compare(i, 5, " AND ") == 0;
    if (word || text[i] == '/' || text[i] == '&' || text[i] == '+' || text[i] == ';') {
      pieces.emplace_back();
      if (word) i += 4;
    } else {
      pieces.back() += text[i];
    }
  }
  std::erase_if(pieces, [](const std::string& piece) {
    return piece.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == std::string::npos;
  });
  return pieces;
}

template <std::size_t N>
bool says(const std::string& piece, const std::array<const char*, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return piece.find(word) != std::string::npos; });
}

/// The numbers of a piece, each with where it begins and ends.
struct Number {
  std::string text;
  std::size_t begin, end;
};
std::vector<Number> numbers_of(const std::string& piece) {
  std::vector<Number> out;
  for (std::size_t i = 0; i < piece.size();) {
    if (std::isdigit(static_cast<unsigned char>(piece[i])) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i;
    bool point = false;
    while (end < piece.size() && (std::isdigit(static_cast<unsigned char>(piece[end])) != 0 ||
                                  (!point && piece[end] == '.' && end + 1 < piece.size() &&
                                   std::isdigit(static_cast<unsigned char>(piece[end + 1])) != 0)))
      point |= piece[end++] == '.';
    out.push_back({piece.substr(i, end - i), i, end});
    i = end;
  }
  return out;
}

/// a:b of a piece. False where there is none, or two.
bool ratio_of(const std::string& piece, std::int64_t& a, std::int64_t& b) {
  const auto numbers = numbers_of(piece);
  int found = 0;
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    const std::string between = piece.substr(numbers[i].end, numbers[i + 1].begin - numbers[i].end);
    if (between.find_first_not_of(" :") != std::string::npos || between.find(':') == std::string::npos) continue;
    if (!whole_ratio(numbers[i].text, numbers[i + 1].text, a, b)) return false;
    ++found;
  }
  return found == 1;
}

/// "FROM RS 10 PER SHARE TO RE 1": the numbers before and after TO; the only two of the piece.
bool from_to(const std::string& piece, std::string& from, std::string& to) {
  const auto numbers = numbers_of(piece);
  const std::size_t word = piece.find(" TO ");
  if (numbers.size() != 2 || word == std::string::npos || numbers[0].end > word || numbers[1].begin < word)
    return false;
  from = numbers[0].text, to = numbers[1].text;
  return true;
}

/// The product or sum of decimals at six digits, as text.
std::string decimal_text(std::int64_t value) {
  std::string text = format_decimal(value, kScale);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

SubjectAction refused(std::string why) {
  SubjectAction out;
  out.refusal = std::move(why);
  return out;
}

SubjectAction bonus(const std::string& piece) {
  SubjectAction out{"bonus", 0, 0, {}, {}};
  std::int64_t fresh = 0, held = 0;
  if (says(piece, std::array{"DEBENTURE", "PREFERENCE", "NCRPS", "WARRANT", "NCD"}))
    return refused("a bonus of other papers than shares has no factor");
  if (!ratio_of(piece, fresh, held)) return refused("a bonus says its ratio as a:b");
  out.shares_before = held, out.shares_after = held + fresh;
  return out;
}

SubjectAction split(const std::string& piece, bool consolidation) {
  SubjectAction out{consolidation ? "consolidation" : "split", 0, 0, {}, {}};
  std::string from, to;
  if (!from_to(piece, from, to) || !whole_ratio(to, from, out.shares_before, out.shares_after))
    return refused("a split says FROM one face value TO another");
  if (out.shares_before == out.shares_after) return refused("a split between equal face values changes nothing");
  if (consolidation != (out.shares_after < out.shares_before))
    return refused(consolidation ? "a consolidation raises the face value" : "a split lowers the face value");
  return out;
}

SubjectAction rights(const std::string& piece, std::string_view face_value) {
  SubjectAction out{"rights", 0, 0, {}, {}};
  std::int64_t fresh = 0, held = 0, amount = 0, face = 0;
  const std::size_t at = piece.find_first_of('@');
  const std::size_t priced = at != std::string::npos ? at : piece.find("PREMIUM");
  if (!ratio_of(piece.substr(0, priced), fresh, held) || priced == std::string::npos)
    return refused("rights say their ratio as a:b, and @ their price or premium");
  const auto numbers = numbers_of(piece.substr(priced));
  if (numbers.size() != 1 || parse_decimal(numbers[0].text, kScale, amount) != DecimalParse::ok)
    return refused("rights say one price or premium");
  if (piece.find("PREMIUM", 0) != std::string::npos) {
    if (parse_decimal(face_value, kScale, face) != DecimalParse::ok)
      return refused("a premium stands on the face value, which the row does not say");
    amount += face;
  }
  out.shares_before = held, out.shares_after = held + fresh, out.amount = decimal_text(amount);
  return out;
}

SubjectAction dividend(const std::string& piece, std::string_view face_value) {
  SubjectAction out{"dividend", 0, 0, {}, {}};
  const auto numbers = numbers_of(piece);
  if (numbers.size() != 1) return refused("a dividend says one amount");
  std::int64_t amount = 0, face = 0;
  if (parse_decimal(numbers[0].text, kScale, amount) != DecimalParse::ok || amount <= 0)
    return refused("a dividend's amount has at most six decimals");
  const std::size_t after = piece.find_first_not_of(' ', numbers[0].end);
  if (after != std::string::npos && piece[after] == '%') {
    if (parse_decimal(face_value, kScale, face) != DecimalParse::ok || face <= 0)
      return refused("a percentage stands on the face value, which the row does not say");
    const Wide scaled = static_cast<Wide>(amount) * face;
    constexpr std::int64_t whole = 100 * 1'000'000;
    if (scaled % whole != 0) return refused("a percentage that is no amount of six decimals");
    amount = static_cast<std::int64_t>(scaled / whole);
  } else if (!says(piece.substr(0, numbers[0].begin), std::array{"RS", "RE", "INR", "RUPEE", "₹"})) {
    return refused("a dividend's amount is in rupees (Rs, Re) or % of the face value");
  }
  out.amount = decimal_text(amount);
  return out;
}

SubjectAction read_piece(const std::string& piece, std::string_view face_value) {
  if (says(piece, std::array{"DEMERGER", "DE-MERGER", "SPIN OFF", "SPIN-OFF", "ARRANGEMENT", "AMALGAMATION",
                             "CAPITAL REDUCTION", "RETURN OF CAPITAL"}))
    return refused("its factor is not in its text");
  if (says(piece, std::array{"BONUS"})) return bonus(piece);
  if (says(piece, std::array{"CONSOLIDATION"})) return split(piece, true);
  if (says(piece, std::array{"SPLIT", "SUB-DIVISION", "SUBDIVISION", "SUB DIVISION", "SPLT"}))
    return split(piece, false);
  if (says(piece, std::array{"RIGHTS", "RIGHT ISSUE"})) return rights(piece, face_value);
  if (says(piece, std::array{"DIVIDEND", "DIV ", "DIV.", "DIV-", "INTDIV", "INTERIM", "FINAL", "SPECIAL"}))
    return dividend(piece, face_value);
  if (says(piece, std::array{"MEETING", "AGM", "EGM", "BUYBACK", "BUY BACK", "BUY-BACK", "INTEREST", "REDEMPTION",
                             "BOOK CLOSURE", "POSTAL BALLOT", "E-VOTING", "INCOME DISTRIBUTION"}))
    return {"other", 0, 0, {}, {}};
  return refused("no rule reads it");
}

}  // namespace

bool whole_ratio(std::string_view one, std::string_view other, std::int64_t& first, std::int64_t& second) {
  if (parse_decimal(one, kScale, first) != DecimalParse::ok || parse_decimal(other, kScale, second) != DecimalParse::ok)
    return false;
  if (first <= 0 || second <= 0) return false;
  const std::int64_t common = std::gcd(first, second);
  first /= common, second /= common;
  return true;
}

std::vector<SubjectAction> parse_subject(std::string_view subject, std::string_view face_value) {
  std::vector<SubjectAction> out;
  std::string face(face_value);
  face.erase(0, face.find_first_not_of(' '));
  for (const std::string& piece : pieces_of(normal(subject))) {
    SubjectAction action = read_piece(piece, face);
    if (!action.refusal.empty()) {
      const std::size_t first = piece.find_first_not_of(" -"), last = piece.find_last_not_of(" -");
      action.refusal = "\"" + piece.substr(first, last - first + 1) + "\": " + action.refusal;
    }
    out.push_back(std::move(action));
  }
  if (out.empty()) out.push_back(refused("the subject is empty"));
  return out;
}

}  // namespace tapemill::sources
