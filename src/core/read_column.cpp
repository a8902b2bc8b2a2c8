#include "core/read_column.h"

#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/decimal.h"
#include "core/read_check.h"

namespace tapemill {
namespace {

Status read_type(const Node& at, const std::string& type, Column& column) {
  if (type.starts_with("decimal(18,") && type.ends_with(")")) {
    column.kind = Kind::decimal;
    std::string scale = type.substr(11, type.size() - 12);
    scale.erase(0, scale.find_first_not_of(' '));
    if (scale.empty() || scale.size() > 2 || scale.find_first_not_of("0123456789") != std::string::npos ||
        std::stoi(scale) > 18)
      return at.error(fmt::format("\"{}\": the scale is 0 to 18", type));
    column.scale = std::stoi(scale);
    return Status::OK();
  }
  static const std::vector<std::pair<std::string, Kind>> kinds{
      {"boolean", Kind::boolean}, {"int32", Kind::int32},   {"int64", Kind::int64}, {"float64", Kind::float64},
      {"double", Kind::float64},  {"string", Kind::string}, {"date", Kind::date},   {"timestamp", Kind::timestamp}};
  std::vector<std::string> known{"decimal(18,s)"};
  for (const auto& [text, kind] : kinds) {
    if (text == type) {
      column.kind = kind;
      return Status::OK();
    }
    known.push_back(text);
  }
  return one_of(at, type, known);
}

template <class T>
bool whole_number(const std::string& text, T& out) {
  auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace

Status one_of(const Node& node, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return Status::OK();
  std::string all;
  for (const auto& name : known) all += (all.empty() ? "" : ", ") + name;
  std::string near = nearest(value, known);
  return node.error(fmt::format("unknown {} \"{}\"", "value", value),
                    (near.empty() ? "known: " : "did you mean \"" + near + "\"? known: ") + all);
}

Result<Column> read_column(const Node& name, const Node& node) {
  ARROW_RETURN_NOT_OK(node.only({"type", "unit", "null", "encoding", "default", "help", "aliases", "symbols"}));
  Column column;
  column.name = name.text;
  std::string type, null = "allow";
  ARROW_RETURN_NOT_OK(read_text(node, "type", type, true));
  ARROW_RETURN_NOT_OK(read_text(node, "unit", column.unit));
  ARROW_RETURN_NOT_OK(read_text(node, "help", column.help));
  ARROW_RETURN_NOT_OK(read_text(node, "encoding", column.encoding));
  ARROW_RETURN_NOT_OK(read_text(node, "null", null));
  ARROW_RETURN_NOT_OK(read_names(node, "aliases", column.aliases));
  ARROW_RETURN_NOT_OK(read_names(node, "symbols", column.symbols));
  if (null != "allow" && null != "refuse") return node.find("null")->error("null is allow or refuse");
  column.null_refused = null == "refuse";
  if (!column.encoding.empty())
    ARROW_RETURN_NOT_OK(
        one_of(*node.find("encoding"), column.encoding, {"plain", "dictionary", "delta", "byte_stream_split"}));
  ARROW_RETURN_NOT_OK(read_type(*node.find("type"), type, column));
  if (!column.symbols.empty() && column.kind != Kind::string)
    return node.find("symbols")->error("only a string has symbols");
  if (const Node* fallback = node.find("default")) {
    column.has_default = true;
    if (fallback->type != Node::Type::null)
      ARROW_RETURN_NOT_OK(fallback->as_string().Value(&column.fallback.emplace()));
    else if (column.null_refused) return fallback->error("a column that refuses nulls has a default that is none");
    if (auto value = column.default_value(); !value.ok())
      return fallback->error(value.status().message(), "a default is a value of the column's type, or null");
  }
  return column;
}

std::shared_ptr<arrow::DataType> Column::type() const {
  switch (kind) {
    case Kind::boolean: return arrow::boolean();
    case Kind::int32: return arrow::int32();
    case Kind::int64: return arrow::int64();
    case Kind::float64: return arrow::float64();
    case Kind::decimal: return arrow::decimal64(18, scale);
    case Kind::string: return arrow::utf8();
    case Kind::date: return arrow::date32();
    case Kind::timestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  }
  return arrow::null();
}

Result<std::shared_ptr<arrow::Scalar>> Column::default_value() const {
  using Value = std::shared_ptr<arrow::Scalar>;
  if (!fallback) return arrow::MakeNullScalar(type());
  const std::string& text = *fallback;
  auto none = [&](const std::string& why) {
    return data_error(fmt::format("the default \"{}\" of \"{}\" {}", text, name, why));
  };
  switch (kind) {
    case Kind::boolean:
      if (text != "true" && text != "false") return none("is neither true nor false");
      return Value(std::make_shared<arrow::BooleanScalar>(text == "true"));
    case Kind::int32: {
      std::int32_t value = 0;
      if (!whole_number(text, value)) return none("is no int32");
      return Value(std::make_shared<arrow::Int32Scalar>(value));
    }
    case Kind::int64: {
      std::int64_t value = 0;
      if (!whole_number(text, value)) return none("is no int64");
      return Value(std::make_shared<arrow::Int64Scalar>(value));
    }
    case Kind::float64: {
      double value = 0;
      if (!whole_number(text, value) || !std::isfinite(value)) return none("is no number");
      return Value(std::make_shared<arrow::DoubleScalar>(value));
    }
    case Kind::decimal: {
      std::int64_t value = 0;
      if (DecimalParse read = parse_decimal(text, scale, value); read != DecimalParse::ok)
        return none(fmt::format("has or is {}", reason(read)));
      return Value(std::make_shared<arrow::Decimal64Scalar>(arrow::Decimal64(value), type()));
    }
    case Kind::string:
      if (!symbols.empty() && std::find(symbols.begin(), symbols.end(), text) == symbols.end())
        return none("is none of its symbols");
      return Value(std::make_shared<arrow::StringScalar>(text));
    case Kind::date: {
      auto value = Date::parse(text);
      if (!value.ok()) return none("is no date YYYY-MM-DD");
      return Value(std::make_shared<arrow::Date32Scalar>(value->days));
    }
    case Kind::timestamp: {
      auto value = Instant::parse(text);
      if (!value.ok()) return none("is no time");
      return Value(std::make_shared<arrow::TimestampScalar>(value->us, type()));
    }
  }
  return none("has no type");
}

}  // namespace tapemill
