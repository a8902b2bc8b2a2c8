#pragma once
#include <arrow/record_batch.h>

#include <memory>
#include <string>
#include <vector>

#include "core/status.h"

namespace tapemill {

/// The one expression language of checks, features, strategies, screens and alerts (docs/formats/expressions.md):
/// or, and, not; < <= > >= == !=; + - * / %; unary -; numbers, "strings", names, calls f(x, y, name=value).
struct Expression {
  enum class Type { number, string, name, call, unary, binary };
  Type type = Type::number;
  double number = 0;
  std::string text;                                   // name, function, operator or the string
  std::vector<Expression> args;
  struct Named;
  std::vector<Named> named;  // of a call; values are numbers, strings or bare words
  std::size_t at = 0;                                 // offset in the text

  /// Usage error "where: expected ) ..." with the text and a caret. `where` is the place the text stands in its document.
  /// At most 100 levels of nesting and 1,000 terms.
  static Result<Expression> parse(const std::string& text, const std::string& where = "expression");
  std::string str() const;  // canonical form: parse(str()) equals this
  void names(std::vector<std::string>& out) const;  // columns used, once each, in order; words after name= are none
};

struct Expression::Named {
  std::string name;
  Expression value;
};

/// A usage error about `part` of `whole`: "where: what", the expression in canonical form with a caret under the part.
Status expression_error(const Expression& whole, const Expression& part, const std::string& where, std::string what,
                        std::string hint = {});

/// An expression without series functions, evaluated row by row over a batch: arithmetic in double (decimals by their
/// one division; dates in days, instants in microseconds since 1970), comparisons 1 or 0, null (NaN) where an operand is
/// null; `and`/`or` by three-valued logic (core/arithmetic.h). Functions: abs, log, exp, sqrt, least, greatest, is_null,
/// coalesce. Strings compare with == and != to literals and string columns; dates and instants to literals such as
/// "2024-10-28" too. min and max are those of series (over n bars) and refused here.
class RowExpression {
 public:
  static Result<RowExpression> compile(const Expression& expression, const arrow::Schema& schema,
                                       const std::string& where);
  /// One value per row. REQUIRES a batch of the schema it was compiled for. Thread-safe.
  Result<std::vector<double>> evaluate(const arrow::RecordBatch& rows) const;

 private:
  struct Program;
  std::shared_ptr<const Program> program_;
};

}  // namespace tapemill
