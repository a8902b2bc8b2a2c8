#include "core/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace tapemill {
namespace {

constexpr int kDeepest = 100, kTerms = 1000;

/// How tightly an operator binds: a higher number first.
enum Binding { kOr = 1, kAnd, kNot, kCompare, kSum, kProduct, kMinus, kAtom };

Binding binding(const Expression& e) {
  if (e.type == Expression::Type::unary) return e.text == "not" ? kNot : kMinus;
  if (e.type != Expression::Type::binary) return kAtom;
  if (e.text == "or") return kOr;
  if (e.text == "and") return kAnd;
  if (e.text == "+" || e.text == "-") return kSum;
  if (e.text == "*" || e.text == "/" || e.text == "%") return kProduct;
  return kCompare;
}

/// The line of `text` that `at` lies in, with a caret under it. Columns are characters, not bytes.
std::string excerpt_of(const std::string& text, std::size_t at) {
  at = std::min(at, text.size());
  std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 == 0
  std::size_t end = std::min(text.find('\n', at), text.size());
  std::size_t column = 0;
  for (std::size_t i = begin; i < at; ++i) column += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
  return fmt::format("  {}\n  {}^", text.substr(begin, end - begin), std::string(column, ' '));
}

struct Token {
  enum class Type { end, number, string, word, symbol } type = Type::end;
  std::string text;
  double number = 0;
  std::size_t at = 0;
};

class Parser {
 public:
  Parser(const std::string& text, const std::string& where) : text_(text), where_(where) {}

  Result<Expression> whole() {
    ARROW_RETURN_NOT_OK(advance());
    ARROW_ASSIGN_OR_RAISE(Expression e, operators(kOr));
    if (token_.type != Token::Type::end) return unexpected("an operator or the end");
    return e;
  }

 private:
  Status fail(std::size_t at, std::string what, std::string hint = {}) const {
    return error(Blame::usage, fmt::format("{}: {}", where_, what), std::move(hint), excerpt_of(text_, at));
  }
  Status unexpected(std::string_view wanted) const {
    if (token_.type == Token::Type::end)
      return fail(token_.at, fmt::format("expected {}, but the expression ends", wanted));
    return fail(token_.at, fmt::format("expected {}, found {}", wanted, token_.text));
  }

  static bool digit(char c) { return c >= '0' && c <= '9'; }
  static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  char peek(std::size_t ahead = 0) const { return next_ + ahead < text_.size() ? text_[next_ + ahead] : '\0'; }

  Status advance() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++next_;
    token_ = Token{};
    token_.at = next_;
    if (next_ >= text_.size()) return Status::OK();
    char c = peek();
    if (digit(c) || (c == '.' && digit(peek(1)))) return number();
    if (letter(c)) {
      while (letter(peek()) || digit(peek())) ++next_;
      token_.type = Token::Type::word;
      token_.text = text_.substr(token_.at, next_ - token_.at);
      return Status::OK();
    }
    if (c == '"' || c == '\'') return string(c);
    return symbol();
  }

  Status number() {
    const char* begin = text_.data() + next_;
    auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), token_.number);
    token_.type = Token::Type::number;
    token_.text.assign(begin, end);
    next_ += static_cast<std::size_t>(end - begin);
    if (code == std::errc::result_out_of_range || !std::isfinite(token_.number))
      return fail(token_.at, "the number does not fit a double");
    if (letter(peek()) || digit(peek()) || peek() == '.')
      return fail(next_, fmt::format("{} is no number", token_.text + peek()),
                  "names begin with a letter; * is written out");
    return Status::OK();
  }

  Status string(char quote) {
    token_.type = Token::Type::string;
    for (++next_; next_ < text_.size(); ++next_) {
      char c = text_[next_];
      if (c == quote) return ++next_, Status::OK();
      if (c == '\\' && (peek(1) == '\\' || peek(1) == '"' || peek(1) == '\'')) c = text_[++next_];
      token_.text += c;
    }
    return fail(token_.at, "the string is not closed", fmt::format("end it with {}", quote));
  }

  Status symbol() {
    token_.type = Token::Type::symbol;
    for (const char* two : {"<=", ">=", "==", "!="}) {
      if (text_.compare(next_, 2, two) == 0) return token_.text = two, next_ += 2, Status::OK();
    }
    for (auto [wrong, right] : {std::pair{"&&", "and"}, {"||", "or"}, {"<>", "!="}, {"**", "exp and log for powers"}}) {
      if (text_.compare(next_, 2, wrong) == 0)
        return fail(next_, fmt::format("{} is not an operator", wrong), fmt::format("write {}", right));
    }
    char c = peek();
    if (std::string_view("<>+-*/%(),=").find(c) != std::string_view::npos)
      return token_.text = c, ++next_, Status::OK();
    if (c == '!') return fail(next_, "! is not an operator", "write not");
    return fail(next_, static_cast<unsigned char>(c) < 0x80 ? fmt::format("unexpected character {}", c)
                                                            : "unexpected character");
  }

  bool at_symbol(std::string_view s) const { return token_.type == Token::Type::symbol && token_.text == s; }

  /// The level of the operator that stands here, if a binary one does.
  std::optional<Binding> operator_here() const {
    if (token_.type != Token::Type::symbol && token_.type != Token::Type::word) return {};
    const std::string& t = token_.text;
    if (token_.type == Token::Type::word) {
      if (t == "or") return kOr;
      if (t == "and") return kAnd;
      return {};
    }
    if (t == "+" || t == "-") return kSum;
    if (t == "*" || t == "/" || t == "%") return kProduct;
    if (t == "<" || t == "<=" || t == ">" || t == ">=" || t == "==" || t == "!=") return kCompare;
    return {};
  }

  Status term(std::size_t at) {
    if (++terms_ > kTerms) return fail(at, fmt::format("more than {} terms", kTerms), "split the expression");
    return Status::OK();
  }
  struct Level {
    explicit Level(int& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }
    int& depth_;
  };

  /// Everything that binds at least as tightly as `least`; operators of one level group to the left.
  Result<Expression> operators(Binding least) {
    Level level(depth_);
    if (depth_ > kDeepest)
      return fail(token_.at, fmt::format("nested more than {} deep", kDeepest), "split the expression");
    ARROW_ASSIGN_OR_RAISE(Expression left, prefix(least));
    while (auto here = operator_here()) {
      if (*here < least) break;
      if (*here == kCompare && binding(left) == kCompare && !bracketed_)
        return fail(token_.at, "comparisons do not chain", "write a < b and b < c, or use brackets");
      Expression both;
      both.type = Expression::Type::binary;
      both.text = token_.text;
      both.at = token_.at;
      ARROW_RETURN_NOT_OK(term(token_.at));
      ARROW_RETURN_NOT_OK(advance());
      ARROW_ASSIGN_OR_RAISE(Expression right, operators(static_cast<Binding>(*here + 1)));
      both.args.push_back(std::move(left));
      both.args.push_back(std::move(right));
      left = std::move(both);
      bracketed_ = false;
    }
    if (at_symbol("=")) return fail(token_.at, "= compares nothing", "write == to compare");
    return left;
  }

  Result<Expression> prefix(Binding least) {
    ARROW_RETURN_NOT_OK(term(token_.at));
    bool no = token_.type == Token::Type::word && token_.text == "not";
    if (!no && !at_symbol("-")) return atom();
    if (no && least > kNot)
      return fail(token_.at, "not binds less tightly than what stands before it", "put (not ...) in brackets");
    Expression e;
    e.type = Expression::Type::unary;
    e.text = token_.text;
    e.at = token_.at;
    ARROW_RETURN_NOT_OK(advance());
    ARROW_ASSIGN_OR_RAISE(Expression inner, operators(no ? kNot : kMinus));
    e.args.push_back(std::move(inner));
    bracketed_ = false;
    return e;
  }

  Result<Expression> atom() {
    Expression e;
    e.at = token_.at;
    bracketed_ = false;
    switch (token_.type) {
      case Token::Type::number:
        e.number = token_.number;
        ARROW_RETURN_NOT_OK(advance());
        return e;
      case Token::Type::string:
        e.type = Expression::Type::string;
        e.text = std::move(token_.text);
        ARROW_RETURN_NOT_OK(advance());
        return e;
      case Token::Type::word:
        if (token_.text == "and" || token_.text == "or") return unexpected("a value");
        e.type = Expression::Type::name;
        e.text = std::move(token_.text);
        ARROW_RETURN_NOT_OK(advance());
        if (at_symbol("(")) ARROW_RETURN_NOT_OK(arguments(e));
        bracketed_ = false;
        return e;
      case Token::Type::symbol:
        if (token_.text == "(") {
          std::size_t open = token_.at;
          ARROW_RETURN_NOT_OK(advance());
          ARROW_ASSIGN_OR_RAISE(e, operators(kOr));
          if (!at_symbol(")")) return unclosed(open);
          ARROW_RETURN_NOT_OK(advance());
          bracketed_ = true;
          return e;
        }
        [[fallthrough]];
      default: return unexpected("a value");
    }
  }

  Status unclosed(std::size_t open) const {
    if (token_.type == Token::Type::end) return fail(open, "expected ) for this bracket, but the expression ends");
    return unexpected(")");
  }

  Status arguments(Expression& call) {
    call.type = Expression::Type::call;
    std::size_t open = token_.at;
    ARROW_RETURN_NOT_OK(advance());
    if (at_symbol(")")) return advance();
    for (;;) {
      Token before = token_;
      std::size_t rest = next_;
      if (before.type == Token::Type::word) {
        ARROW_RETURN_NOT_OK(advance());
        if (at_symbol("=")) {
          ARROW_RETURN_NOT_OK(named_value(call, before));
        } else {
          token_ = before, next_ = rest;
        }
      }
      if (token_.at == before.at) {  // not a name=value
        if (!call.named.empty())
          return fail(token_.at, fmt::format("{}: a value without a name after named ones", call.text));
        ARROW_ASSIGN_OR_RAISE(Expression value, operators(kOr));
        call.args.push_back(std::move(value));
      }
      if (at_symbol(")")) return advance();
      if (!at_symbol(",")) return token_.type == Token::Type::end ? unclosed(open) : unexpected(", or )");
      ARROW_RETURN_NOT_OK(advance());
    }
  }

  Status named_value(Expression& call, const Token& name) {
    for (const auto& [other, value] : call.named) {
      if (other == name.text) return fail(name.at, fmt::format("{} is given twice", name.text));
    }
    ARROW_RETURN_NOT_OK(advance());
    ARROW_ASSIGN_OR_RAISE(Expression value, prefix(kOr));
    bool constant = value.type == Expression::Type::number || value.type == Expression::Type::string ||
                    value.type == Expression::Type::name ||
                    (value.type == Expression::Type::unary && value.args[0].type == Expression::Type::number);
    if (!constant) return fail(value.at, fmt::format("{} takes a number, a string or a word", name.text));
    call.named.emplace_back(name.text, std::move(value));
    return Status::OK();
  }

  const std::string& text_;
  const std::string& where_;
  std::size_t next_ = 0;
  Token token_;
  int depth_ = 0, terms_ = 0;
  bool bracketed_ = false;  // what operators() or atom() returned last stood in brackets
};

/// Writes the canonical form; `found` becomes the offset of `mark`.
class Printer {
 public:
  Printer(const Expression* mark, std::size_t& found) : mark_(mark), found_(found) {}

  void print(const Expression& e) {
    if (&e == mark_ && e.type != Expression::Type::binary) found_ = out.size();
    switch (e.type) {
      case Expression::Type::number: out += fmt::format("{}", e.number); break;
      case Expression::Type::string: quote(e.text); break;
      case Expression::Type::name: out += e.text; break;
      case Expression::Type::call: call(e); break;
      case Expression::Type::unary:
        out += e.text == "not" ? "not " : "-";
        operand(e.args[0], binding(e));
        break;
      case Expression::Type::binary: {
        // Operators of one level group to the left; comparisons do not group.
        Binding own = binding(e);
        operand(e.args[0], own == kCompare ? kSum : own);
        out += ' ';
        if (&e == mark_) found_ = out.size();
        out += e.text + ' ';
        operand(e.args[1], static_cast<Binding>(own + 1));
        break;
      }
    }
  }
  std::string out;

 private:
  void operand(const Expression& e, Binding least) {
    bool brackets = binding(e) < least;
    if (brackets) out += '(';
    print(e);
    if (brackets) out += ')';
  }
  void quote(const std::string& text) {
    out += '"';
    for (char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  void call(const Expression& e) {
    out += e.text + '(';
    const char* comma = "";
    for (const Expression& arg : e.args) out += std::exchange(comma, ", "), print(arg);
    for (const auto& [name, value] : e.named) out += std::exchange(comma, ", ") + name + "=", print(value);
    out += ')';
  }

  const Expression* mark_;
  std::size_t& found_;
};

}  // namespace

Result<Expression> Expression::parse(const std::string& text, const std::string& where) {
  return Parser(text, where).whole();
}

std::string Expression::str() const {
  std::size_t ignored = 0;
  Printer printer(nullptr, ignored);
  printer.print(*this);
  return std::move(printer.out);
}

void Expression::names(std::vector<std::string>& out) const {
  if (type == Type::name && std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
  for (const Expression& arg : args) arg.names(out);
}

Status expression_error(const Expression& whole, const Expression& part, const std::string& where, std::string what,
                        std::string hint) {
  std::size_t at = 0;
  Printer printer(&part, at);
  printer.print(whole);
  return error(Blame::usage, fmt::format("{}: {}", where, what), std::move(hint), excerpt_of(printer.out, at));
}

}  // namespace tapemill
