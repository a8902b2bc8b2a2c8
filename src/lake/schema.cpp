#include "lake/schema.h"
#include "core/json.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <charconv>

namespace tapemill::lake {
namespace {

std::shared_ptr<arrow::DataType> type_of(const std::string& name) {
  if (name == "boolean") return arrow::boolean();
  if (name == "byte") return arrow::int8();
  if (name == "short") return arrow::int16();
  if (name == "integer") return arrow::int32();
  if (name == "long") return arrow::int64();
  if (name == "float") return arrow::float32();
  if (name == "double") return arrow::float64();
  if (name == "string") return arrow::utf8();
  if (name == "binary") return arrow::binary();
  if (name == "date") return arrow::date32();
  if (name == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  if (name.starts_with("decimal(") && name.ends_with(")")) {
    int precision = 0, scale = 0;
    const char *at = name.data() + 8, *end = name.data() + name.size() - 1;
    auto p = std::from_chars(at, end, precision);
    if (p.ec != std::errc{} || p.ptr == end || *p.ptr != ',') return nullptr;
    auto s = std::from_chars(p.ptr + 1, end, scale);
    if (s.ec != std::errc{} || s.ptr != end) return nullptr;
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return nullptr;
    return precision <= 18 ? arrow::decimal64(precision, scale) : arrow::decimal128(precision, scale);
  }
  return nullptr;
}

}  // namespace

std::string delta_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL: return "boolean";
    case arrow::Type::INT8: return "byte";
    case arrow::Type::INT16: return "short";
    case arrow::Type::INT32: return "integer";
    case arrow::Type::INT64: return "long";
    case arrow::Type::FLOAT: return "float";
    case arrow::Type::DOUBLE: return "double";
    case arrow::Type::STRING: return "string";
    case arrow::Type::BINARY: return "binary";
    case arrow::Type::DATE32: return "date";
    case arrow::Type::TIMESTAMP: {
      const auto& time = static_cast<const arrow::TimestampType&>(type);
      return time.unit() == arrow::TimeUnit::MICRO && time.timezone() == "UTC" ? "timestamp" : "";
    }
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) return "";
      return fmt::format("decimal({},{})", decimal.precision(), decimal.scale());
    }
    default: return "";
  }
}

Result<std::string> delta_schema(const arrow::Schema& schema) {
  Json fields = Json::array();
  for (const auto& field : schema.fields()) {
    const std::string type = delta_type(*field->type());
    if (type.empty()) {
      return usage_error(
          fmt::format("column \"{}\": a table cannot hold the type {}", field->name(), field->type()->ToString()),
          "tables hold bool, int8..int64, float, double, utf8, binary, date32, timestamp[us, UTC] and decimals");
    }
    Json metadata = Json::object();
    if (field->metadata() != nullptr) {
      for (const auto& [key, value] : field->metadata()->sorted_pairs()) {
        if (!key.starts_with("PARQUET:")) metadata[key] = value;
      }
    }
    fields.push_back(
        {{"name", field->name()}, {"type", type}, {"nullable", field->nullable()}, {"metadata", metadata}});
  }
  return Json({{"type", "struct"}, {"fields", fields}}).dump();
}

Result<std::shared_ptr<arrow::Schema>> arrow_schema(const std::string& schema_string) {
  const Json json = Json::parse(schema_string, nullptr, false);
  if (!json.is_object() || !json.contains("fields") || !json["fields"].is_array()) {
    return data_error("metaData: schemaString is not a Delta schema");
  }
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const Json& field : json["fields"]) {
    if (!field.is_object() || !field.contains("name") || !field["name"].is_string() || !field.contains("type")) {
      return data_error("metaData: a field of schemaString has no name or no type");
    }
    const std::string name = field["name"];
    const std::string text = field["type"].is_string() ? field["type"].get<std::string>() : field["type"].dump();
    auto type = type_of(text);
    if (type == nullptr)
      return data_error(fmt::format("column \"{}\" has the Delta type {}, which Tapemill does not read", name, text));
    const bool nullable =
        !field.contains("nullable") || !field["nullable"].is_boolean() || field["nullable"].get<bool>();
    std::vector<std::string> keys, values;
    if (field.contains("metadata") && field["metadata"].is_object()) {
      for (const auto& [key, value] : field["metadata"].items()) {
        keys.push_back(key);
        values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
      }
    }
    fields.push_back(
        arrow::field(name, type, nullable, keys.empty() ? nullptr : arrow::key_value_metadata(keys, values)));
  }
  return arrow::schema(fields);
}

}  // namespace tapemill::lake
