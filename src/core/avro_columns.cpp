// An Avro record as columns of a table.
#include "core/avro_schema.h"
#include "core/decimal.h"

namespace tapemill {
namespace {

using Type = AvroType::Kind;

std::string plain_name(const AvroType& type) {
  switch (type.kind) {
    case Type::null: return "null";
    case Type::boolean: return "boolean";
    case Type::int32: return "int";
    case Type::int64: return "long";
    case Type::float32: return "float";
    case Type::float64: return "double";
    case Type::bytes: return "bytes";
    case Type::string: return "string";
    case Type::record: return "record " + type.name;
    case Type::enumeration: return "enum " + type.name;
    case Type::array: return "array";
    case Type::map: return "map";
    case Type::either: return "union";
    case Type::fixed: return fmt::format("fixed[{}]", type.size);
  }
  return "";
}

}  // namespace

const AvroType* beside_null(const AvroType& type) {
  if (type.kind != Type::either || type.items.size() != 2) return nullptr;
  const bool first = type.items[0].kind == Type::null, second = type.items[1].kind == Type::null;
  return first == second ? nullptr : &type.items[first ? 1 : 0];
}

AvroMapping mapping_of(const AvroType& type) {
  if (const AvroType* other = beside_null(type)) {
    AvroMapping out = mapping_of(*other);
    out.avro = "[null, " + out.avro + "]";
    out.nullable = true;
    return out;
  }
  const std::string plain = plain_name(type);
  if (type.logical == "decimal")
    return {fmt::format("{} decimal({},{})", plain, type.precision, type.scale),
            fmt::format("DECIMAL({},{})", type.precision, type.scale),
            fmt::format("{}({}, {})",
                        type.precision <= 18   ? "decimal64"
                        : type.precision <= 38 ? "decimal128"
                                               : "decimal256",
                        type.precision, type.scale)};
  if (type.logical == "date") return {plain + " date", "INT32 DATE", "date32"};
  if (type.logical == "timestamp-millis")
    return {plain + " timestamp-millis", "INT64 TIMESTAMP(UTC)", "timestamp[ms, UTC]"};
  if (type.logical == "timestamp-micros")
    return {plain + " timestamp-micros", "INT64 TIMESTAMP(UTC)", "timestamp[us, UTC]"};
  if (type.logical == "duration") return {plain + " duration", "", ""};
  switch (type.kind) {
    case Type::null: return {plain, "", "null"};
    case Type::boolean: return {plain, "BOOLEAN", "bool"};
    case Type::int32: return {plain, "INT32", "int32"};
    case Type::int64: return {plain, "INT64", "int64"};
    case Type::float32: return {plain, "FLOAT", "float"};
    case Type::float64: return {plain, "DOUBLE", "double"};
    case Type::bytes: return {plain, "BYTE_ARRAY", "binary"};
    case Type::string: return {plain, "BYTE_ARRAY STRING", "utf8"};
    case Type::enumeration: return {plain, "BYTE_ARRAY ENUM", "dictionary<utf8>"};
    case Type::fixed:
      return {plain, fmt::format("FIXED_LEN_BYTE_ARRAY({})", type.size),
              fmt::format("fixed_size_binary[{}]", type.size)};
    case Type::array: return {plain, "LIST", "list<" + mapping_of(type.items[0]).arrow + ">"};
    case Type::map: return {plain, "MAP", "map<utf8, " + mapping_of(type.items[0]).arrow + ">"};
    case Type::record: {
      std::string inside;
      for (const auto& field : type.fields)
        inside += (inside.empty() ? "" : ", ") + field.name + ": " + mapping_of(field.type).arrow;
      return {plain, "GROUP", "struct<" + inside + ">"};
    }
    case Type::either: return {plain, "", ""};
  }
  return {};
}

namespace {

/// The text of a default; nothing for null.
Result<std::optional<std::string>> default_of(const AvroType::Field& field, const AvroType& type) {
  const Node& node = *field.fallback;
  if (node.type == Node::Type::null) return std::nullopt;
  if (!node.is_scalar()) return node.error(fmt::format("the default of \"{}\" is no value", field.name));
  if (type.logical == "date") {  // days since 1970
    ARROW_ASSIGN_OR_RAISE(const std::int64_t days, node.as_integer());
    if (days < INT32_MIN || days > INT32_MAX) return node.error("is no date");
    return Date{static_cast<std::int32_t>(days)}.str();
  }
  if (type.logical.starts_with("timestamp-")) {
    ARROW_ASSIGN_OR_RAISE(std::int64_t time, node.as_integer());
    if (type.logical == "timestamp-millis" && __builtin_mul_overflow(time, 1000, &time))
      return node.error("is no time");
    return Instant{time}.str();
  }
  if (type.logical == "decimal") {  // bytes, as Avro writes them in JSON: a character a byte, the highest first
    std::int64_t value = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < node.text.size(); ++count) {
      auto byte = static_cast<unsigned char>(node.text[i++]);
      if (byte >= 0xc0 && i < node.text.size())
        byte = static_cast<unsigned char>((byte & 0x03) << 6 | (static_cast<unsigned char>(node.text[i++]) & 0x3f));
      value = count == 0 ? static_cast<signed char>(byte) : value * 256 + byte;
      if (count >= 8) return node.error("a default of more than 8 bytes");
    }
    return format_decimal(value, type.scale);
  }
  ARROW_ASSIGN_OR_RAISE(std::string text, node.as_string());
  return text;
}

Result<Column> column_of(const AvroType::Field& field) {
  Column column;
  column.name = field.name, column.help = field.doc, column.unit = field.unit, column.aliases = field.aliases;
  const AvroType* other = beside_null(field.type);
  const AvroType& type = other == nullptr ? field.type : *other;
  column.null_refused = other == nullptr;
  auto none = [&](const std::string& hint) {
    return field.at->error(
        fmt::format("field \"{}\" is {}, and a table has no column for that", field.name, mapping_of(type).avro), hint);
  };
  if (type.logical == "decimal") {
    if (type.precision > 18) return none("prices have 18 digits at most: declare a precision up to 18");
    column.kind = tapemill::Kind::decimal, column.scale = type.scale;
  } else if (type.logical == "date") {
    column.kind = tapemill::Kind::date;
  } else if (type.logical.starts_with("timestamp-")) {
    column.kind = tapemill::Kind::timestamp;
  } else if (type.logical.starts_with("local-")) {
    return none("a time without a zone is none: declare timestamp-micros, which is UTC");
  } else if (type.logical.starts_with("time-")) {
    return none("declare timestamp-micros, or leave logicalType out and keep the number");
  } else if (type.logical == "duration") {
    return none(fmt::format("use three columns: {0}_months, {0}_days, {0}_millis", field.name));
  } else {
    switch (type.kind) {
      case Type::boolean: column.kind = tapemill::Kind::boolean; break;
      case Type::int32: column.kind = tapemill::Kind::int32; break;
      case Type::int64: column.kind = tapemill::Kind::int64; break;
      case Type::float32:  // every float is a double, and float to double is an evolution that Avro allows
      case Type::float64: column.kind = tapemill::Kind::float64; break;
      case Type::string: column.kind = tapemill::Kind::string; break;
      case Type::enumeration: column.kind = tapemill::Kind::string, column.symbols = type.symbols; break;
      case Type::either:
        return none("of a union only [\"null\", T] is one: split it into columns, or keep JSON in a string");
      case Type::record: return none("declare its fields as columns of their own, or keep JSON in a string");
      case Type::array:
      case Type::map: return none("declare a column an item, or keep JSON in a string");
      case Type::bytes:
      case Type::fixed: return none("declare a string, or logicalType decimal where it is a number");
      case Type::null: return none("declare [\"null\", T]");
    }
  }
  if (field.fallback == nullptr) return column;
  column.has_default = true;
  ARROW_ASSIGN_OR_RAISE(column.fallback, default_of(field, type));
  if (!column.fallback && column.null_refused)
    return field.fallback->error(fmt::format("the default of \"{}\" is null, and its type is not", field.name),
                                 "declare [\"null\", T]");
  if (auto value = column.default_value(); !value.ok()) return field.fallback->error(value.status().message());
  return column;
}

}  // namespace

Result<std::vector<Column>> columns_of_avro(const AvroType& record) {
  if (record.kind != Type::record) {
    const std::string what = fmt::format("a table's schema is a record, and this is {}", plain_name(record));
    return record.at->error(what);
  }
  std::vector<Column> columns;
  for (const auto& field : record.fields) {
    ARROW_ASSIGN_OR_RAISE(Column column, column_of(field));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace tapemill
