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
  std::vector<std::pair<std::string, Expression>> named;  // of a call
  std::size_t at = 0;                                 // offset in the text

  /// Usage error "where: expected ) ..." with the text and a caret. `where` is the place the text stands in its document.
  static Result<Expression> parse(const std::string& text, const std::string& where = "expression");
  std::string str() const;                            // canonical form: parse(str()) equals this
  void names(std::vector<std::string>& out) const;    // columns used, once each, in order
};

/// An expression without series functions, evaluated row by row over a batch: arithmetic in double (decimals by their
/// one division), comparisons 1 or 0, null (NaN) where an operand is null; `and`/`or` by three-valued logic. Functions:
/// abs, log, exp, sqrt, min, max, is_null, coalesce. Strings compare with == and != to literals and string columns.
class RowExpression {
 public:
  static Result<RowExpression> compile(const Expression& expression, const arrow::Schema& schema, const std::string& where);
  Result<std::vector<double>> evaluate(const arrow::RecordBatch& rows) const;

 private:
  Expression expression_;
};

}  // namespace tapemill
