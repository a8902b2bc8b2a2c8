#include <arrow/api.h>

#include <algorithm>

#include "core/decimal.h"
#include "core/expression.h"
#include "core/operators.h"
#include "core/time.h"

namespace tapemill {
namespace {

/// One step of the postfix program; it works on blocks of kBlock values.
struct Step {
  enum class What { number, column, null_of, string_literal, string_column, unary, binary } what;
  double number = 0;           // of a literal; 1 where a comparison of strings is !=
  int column = 0, other = 0;   // of the schema
  std::string text = {};       // string literal
  const Operation* operation = nullptr;
};
constexpr std::int64_t kBlock = 1024;

template <class A>
void read(const arrow::Array& array, std::int64_t from, std::int64_t rows, double* out) {
  const auto& typed = static_cast<const A&>(array);
  for (std::int64_t i = 0; i < rows; ++i) out[i] = static_cast<double>(typed.Value(from + i));
  for (std::int64_t i = 0; typed.null_count() > 0 && i < rows; ++i)
    if (typed.IsNull(from + i)) out[i] = arithmetic::kNull;
}

void read_decimals(const arrow::Array& array, std::int64_t from, std::int64_t rows, double* out) {
  const auto& typed = static_cast<const arrow::Decimal64Array&>(array);
  const int scale = static_cast<const arrow::Decimal64Type&>(*array.type()).scale();
  const auto unit = static_cast<double>(kPowersOfTen[scale]);  // the division of to_double(), several at a time
  const auto* values = reinterpret_cast<const std::int64_t*>(typed.raw_values()) + from;
  for (std::int64_t i = 0; i < rows; ++i) out[i] = static_cast<double>(values[i]) / unit;
  for (std::int64_t i = 0; typed.null_count() > 0 && i < rows; ++i)
    if (typed.IsNull(from + i)) out[i] = arithmetic::kNull;
}

using Reader = void (*)(const arrow::Array&, std::int64_t, std::int64_t, double*);
Reader reader(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL: return read<arrow::BooleanArray>;
    case arrow::Type::INT8: return read<arrow::Int8Array>;
    case arrow::Type::INT16: return read<arrow::Int16Array>;
    case arrow::Type::INT32: return read<arrow::Int32Array>;
    case arrow::Type::INT64: return read<arrow::Int64Array>;
    case arrow::Type::UINT8: return read<arrow::UInt8Array>;
    case arrow::Type::UINT16: return read<arrow::UInt16Array>;
    case arrow::Type::UINT32: return read<arrow::UInt32Array>;
    case arrow::Type::UINT64: return read<arrow::UInt64Array>;
    case arrow::Type::FLOAT: return read<arrow::FloatArray>;
    case arrow::Type::DOUBLE: return read<arrow::DoubleArray>;
    case arrow::Type::DATE32: return read<arrow::Date32Array>;
    case arrow::Type::TIMESTAMP: return read<arrow::TimestampArray>;
    case arrow::Type::DECIMAL64: return read_decimals;
    default: return nullptr;
  }
}

std::string_view string_at(const arrow::Array& array, std::int64_t row) {
  return static_cast<const arrow::StringArray&>(array).GetView(row);
}

bool compares(const std::string& op) { return op == "==" || op == "!=" || op[0] == '<' || op[0] == '>'; }

}  // namespace

struct RowExpression::Program {
  std::vector<Step> steps;
  std::size_t depth = 0;  // of the stack
};

namespace {

class Compiler {
 public:
  Compiler(const Expression& whole, const arrow::Schema& schema, const std::string& where)
      : whole_(whole), schema_(schema), where_(where) {}

  Status emit(const Expression& e) {
    switch (e.type) {
      case Expression::Type::number: return push({.what = Step::What::number, .number = e.number});
      case Expression::Type::string:
        return fail(e, "a string stands where a number is needed",
                    "strings compare with == and != to a column of strings");
      case Expression::Type::name: {
        ARROW_ASSIGN_OR_RAISE(int column, find(e));
        const arrow::DataType& type = *schema_.field(column)->type();
        if (reader(type) == nullptr) return fail(e, fmt::format("{} is {}, not a number", e.text, type.ToString()));
        return push({.what = Step::What::column, .column = column});
      }
      case Expression::Type::unary: {
        ARROW_RETURN_NOT_OK(emit(e.args[0]));
        steps.push_back({.what = Step::What::unary, .operation = find_operation(kUnaryOperators, e.text)});
        return Status::OK();
      }
      case Expression::Type::binary: return binary(e);
      case Expression::Type::call: return call(e);
    }
    return Status::OK();
  }

  std::vector<Step> steps;
  std::size_t depth = 0;

 private:
  Status fail(const Expression& part, std::string what, std::string hint = {}) const {
    return expression_error(whole_, part, where_, std::move(what), std::move(hint));
  }
  Status push(Step step) {
    steps.push_back(std::move(step));
    depth = std::max(depth, ++height_);
    return Status::OK();
  }
  void fold(const Operation* operation) {
    steps.push_back({.what = Step::What::binary, .operation = operation});
    --height_;
  }

  Result<int> find(const Expression& name) const {
    int column = schema_.GetFieldIndex(name.text);
    if (column >= 0) return column;
    std::string near = nearest(name.text, schema_.field_names());
    return fail(name, fmt::format("unknown column {}", name.text),
                near.empty() ? fmt::format("columns: {}", fmt::join(schema_.field_names(), ", "))
                             : fmt::format("did you mean {}?", near));
  }
  /// The type of the column that `e` names, or null where it names none.
  const arrow::DataType* column_type(const Expression& e) const {
    if (e.type != Expression::Type::name) return nullptr;
    int column = schema_.GetFieldIndex(e.text);
    return column < 0 ? nullptr : schema_.field(column)->type().get();
  }

  /// A literal compared with a date or an instant: "2024-10-28".
  Result<double> moment(const Expression& literal, const arrow::DataType& type) const {
    if (type.id() == arrow::Type::DATE32) {
      if (auto date = Date::parse(literal.text); date.ok()) return date->days;
      return fail(literal, fmt::format("\"{}\" is no date", literal.text), "write \"2024-10-28\"");
    }
    if (type.id() == arrow::Type::TIMESTAMP) {
      if (auto instant = Instant::parse(literal.text); instant.ok()) return static_cast<double>(instant->us);
      return fail(literal, fmt::format("\"{}\" is no instant", literal.text), "write \"2024-10-28T03:45:00Z\"");
    }
    return fail(literal, fmt::format("a string is compared with {}", type.ToString()),
                "write the number without quotes");
  }

  Status binary(const Expression& e) {
    const Expression &left = e.args[0], &right = e.args[1];
    auto string = [&](const Expression& x) {
      const auto* type = column_type(x);
      return type != nullptr && type->id() == arrow::Type::STRING;
    };
    auto literal = [](const Expression& x) { return x.type == Expression::Type::string; };
    if (compares(e.text) && (string(left) || string(right))) {
      bool equal = e.text == "==";
      if (!equal && e.text != "!=")
        return fail(e, fmt::format("strings have no {}", e.text), "strings compare with == and !=");
      const Expression &column = string(left) ? left : right, &other = string(left) ? right : left;
      if (!literal(other) && !string(other))
        return fail(other, fmt::format("{} is a string and compares only with strings", column.text));
      Step step{.what = literal(other) ? Step::What::string_literal : Step::What::string_column,
                .number = equal ? 0.0 : 1.0};
      step.column = schema_.GetFieldIndex(column.text);
      if (literal(other)) step.text = other.text;
      else step.other = schema_.GetFieldIndex(other.text);
      return push(std::move(step));
    }
    for (int side = 0; side < 2; ++side) {
      const Expression &own = e.args[side], &other = e.args[1 - side];
      const arrow::DataType* type = column_type(other);
      if (compares(e.text) && literal(own) && type != nullptr) {
        ARROW_ASSIGN_OR_RAISE(double value, moment(own, *type));
        ARROW_RETURN_NOT_OK(side == 0 ? push({.what = Step::What::number, .number = value}) : emit(other));
        ARROW_RETURN_NOT_OK(side == 0 ? emit(other) : push({.what = Step::What::number, .number = value}));
        fold(find_operation(kOperators, e.text));
        return Status::OK();
      }
    }
    ARROW_RETURN_NOT_OK(emit(left));
    ARROW_RETURN_NOT_OK(emit(right));
    fold(find_operation(kOperators, e.text));
    return Status::OK();
  }

  Status call(const Expression& e) {
    const Operation* function = find_operation(kRowFunctions, e.text);
    if (function == nullptr) {
      if (e.text == "min" || e.text == "max")
        return fail(e, fmt::format("{} over bars needs a series, and this is judged row by row", e.text),
                    fmt::format("the {} of two values is {}(a, b)", e.text == "min" ? "smaller" : "larger",
                                e.text == "min" ? "least" : "greatest"));
      std::vector<std::string> known;
      for (const Operation& f : kRowFunctions) known.emplace_back(f.name);
      std::string near = nearest(e.text, known);
      return fail(e, fmt::format("unknown function {}", e.text),
                  near.empty() ? fmt::format("functions of a row: {}", fmt::join(known, ", "))
                               : fmt::format("did you mean {}?", near));
    }
    int given = static_cast<int>(e.args.size());
    if (!e.named.empty()) return fail(e, fmt::format("{} takes no named values", e.text));
    if (given < function->least || given > function->most)
      return fail(
          e, fmt::format("{} takes {}{} value{}, not {}", e.text, function->least,
                         function->most == kManyArguments ? " or more" : "", function->most == 1 ? "" : "s", given));
    if (e.text == "is_null") {
      if (const auto* type = column_type(e.args[0]); type != nullptr)
        return push({.what = Step::What::null_of, .column = schema_.GetFieldIndex(e.args[0].text)});
    }
    for (int i = 0; i < given; ++i) {
      ARROW_RETURN_NOT_OK(emit(e.args[static_cast<std::size_t>(i)]));
      if (function->one != nullptr) steps.push_back({.what = Step::What::unary, .operation = function});
      else if (i > 0) fold(function);
    }
    return Status::OK();
  }

  const Expression& whole_;
  const arrow::Schema& schema_;
  const std::string& where_;
  std::size_t height_ = 0;
};

void compare_strings(const Step& step, const arrow::RecordBatch& rows, std::int64_t from, std::int64_t count,
                     double* out) {
  const arrow::Array& left = *rows.column(step.column);
  const arrow::Array* right = step.what == Step::What::string_column ? rows.column(step.other).get() : nullptr;
  bool equal = step.number == 0;
  for (std::int64_t i = 0; i < count; ++i) {
    bool null = left.IsNull(from + i) || (right != nullptr && right->IsNull(from + i));
    if (null) out[i] = arithmetic::kNull;
    else
      out[i] = (string_at(left, from + i) ==
                (right != nullptr ? string_at(*right, from + i) : std::string_view(step.text))) == equal;
  }
}

}  // namespace

Result<RowExpression> RowExpression::compile(const Expression& expression, const arrow::Schema& schema,
                                             const std::string& where) {
  Compiler compiler(expression, schema, where);
  ARROW_RETURN_NOT_OK(compiler.emit(expression));
  RowExpression row;
  row.program_ = std::make_shared<Program>(Program{std::move(compiler.steps), compiler.depth});
  return row;
}

Result<std::vector<double>> RowExpression::evaluate(const arrow::RecordBatch& rows) const {
  std::vector<double> result(static_cast<std::size_t>(rows.num_rows()));
  std::vector<double> stack(program_->depth * kBlock);
  for (std::int64_t from = 0; from < rows.num_rows(); from += kBlock) {
    std::int64_t count = std::min(kBlock, rows.num_rows() - from);
    double* top = stack.data();  // the first free place
    for (const Step& step : program_->steps) {
      switch (step.what) {
        case Step::What::number: std::fill_n(top, count, step.number); break;
        case Step::What::column:
          reader (*rows.column(step.column)->type())(*rows.column(step.column), from, count, top);
          break;
        case Step::What::null_of:
          for (std::int64_t i = 0; i < count; ++i) {
            const arrow::Array& column = *rows.column(step.column);
            // A NaN in a column of doubles is null to an expression, whatever its validity bit says.
            bool nan = column.type_id() == arrow::Type::DOUBLE &&
                       std::isnan(static_cast<const arrow::DoubleArray&>(column).Value(from + i));
            top[i] = column.IsNull(from + i) || nan;
          }
          break;
        case Step::What::string_literal:
        case Step::What::string_column: compare_strings(step, rows, from, count, top); break;
        case Step::What::unary:
          top -= kBlock;
          step.operation->one(top, top, static_cast<std::size_t>(count));
          break;
        case Step::What::binary:
          top -= 2 * kBlock;
          step.operation->two(top, top + kBlock, top, static_cast<std::size_t>(count));
          break;
      }
      top += kBlock;
    }
    std::copy_n(stack.data(), count, result.data() + from);
  }
  return result;
}

}  // namespace tapemill
