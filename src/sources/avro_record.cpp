#include "sources/avro_record.h"

#include <arrow/type.h>

#include <algorithm>

#include "core/decimal.h"

namespace tapemill::sources {
namespace {

using Type = AvroType::Kind;

/// Days around now that a date may have; what lies outside is no date whatever the file says.
constexpr std::int64_t kMostDays = 3'000'000;

/// Big-endian two's complement of at most 18 decimal digits.
bool read_unscaled(std::string_view bytes, std::int64_t& out) {
  while (bytes.size() > 8) {  // sign bytes that say nothing
    const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
    if (first != (second >= 0x80 ? 0xff : 0)) return false;
    bytes.remove_prefix(1);
  }
  std::uint64_t value = !bytes.empty() && static_cast<unsigned char>(bytes[0]) >= 0x80 ? ~std::uint64_t{0} : 0;
  for (char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  out = static_cast<std::int64_t>(value);
  return out > -kPowersOfTen[18] && out < kPowersOfTen[18];
}

bool whole(const AvroType& type) { return type.kind == Type::int32 || type.kind == Type::int64; }

}  // namespace

bool reads_as(const AvroType& type, const Column& column, const std::string& format) {
  const bool plain = type.logical.empty();
  const bool real = type.kind == Type::float32 || type.kind == Type::float64;
  switch (column.kind) {
    case Kind::boolean: return type.kind == Type::boolean;
    case Kind::int32: return plain && type.kind == Type::int32;
    case Kind::int64: return plain && whole(type);
    case Kind::float64: return (plain && whole(type)) || real || type.logical == "decimal";
    case Kind::decimal:
      return (plain && whole(type)) || real || (type.logical == "decimal" && type.scale <= column.scale);
    case Kind::string: return type.kind == Type::string || type.kind == Type::enumeration;
    case Kind::date: return type.logical == "date" || type.kind == Type::string;
    case Kind::timestamp:
      return type.logical.starts_with("timestamp-") || type.kind == Type::string ||
             (plain && whole(type) && format.starts_with("epoch_"));
  }
  return false;
}

std::int64_t AvroBytes::integer() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::string_view byte = take(1);
    if (byte.empty()) return 0;
    const auto bits = static_cast<unsigned char>(byte[0]);
    if (shift == 63 && bits > 1) break;
    value |= static_cast<std::uint64_t>(bits & 0x7f) << shift;
    if (bits < 0x80) return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  fail("a number of more than 64 bits");
  return 0;
}

std::string_view AvroBytes::text() { return take(integer()); }

std::string_view AvroBytes::take(std::int64_t size) {
  if (why_ == nullptr && size < 0) fail("a length below 0");
  if (why_ == nullptr && size > left()) fail("a value that reaches past the end of its block");
  if (why_ != nullptr) return {};
  const auto out = bytes_.substr(at_, static_cast<std::size_t>(size));
  at_ += out.size();
  return out;
}

Result<bool> AvroRecords::find(const std::string& path, const Column& column, Take& take, const std::string& file) {
  const AvroType* type = &writer_;
  std::vector<std::size_t> places;
  for (std::string_view rest = path; !rest.empty();) {
    if (const AvroType* other = beside_null(*type)) type = other;
    if (type->kind != Type::record) return false;
    const std::string_view name = rest.substr(0, rest.find('.'));
    auto at = std::find_if(type->fields.begin(), type->fields.end(), [&](const auto& one) { return one.name == name; });
    if (at == type->fields.end()) return false;
    places.push_back(static_cast<std::size_t>(at - type->fields.begin()));
    type = &at->type;
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  if (const AvroType* other = beside_null(*type)) type = other;
  if (!reads_as(*type, column, take.format))
    return data_error(fmt::format("{}: field \"{}\" is {} in the file, and column \"{}\" is {}", file, path,
                                  mapping_of(*type).avro, column.name, column.type()->ToString()),
                      whole(*type) && column.kind == Kind::timestamp
                          ? "say its unit in the mapping: {from: " + path + ", format: epoch_ms}"
                          : "Avro reads int as long, int, long and float as double, and nothing else as another type; "
                            "a decimal needs "
                            "a scale that holds the file's");
  if (type->logical == "timestamp-millis") take.format = "epoch_ms";
  else if (type->logical == "timestamp-micros") take.format = "epoch_us";
  else if (type->logical == "date") take.format.clear();
  AvroType const* level = &writer_;
  Want* want = &wanted_;
  for (std::size_t place : places) {
    if (const AvroType* other = beside_null(*level)) level = other;
    if (want->fields.empty()) want->fields.resize(level->fields.size());
    want = &want->fields[place];
    level = &level->fields[place].type;
  }
  if (want->cell < 0) {
    want->cell = static_cast<int>(form_.header.size());
    want->decimal = column.kind == Kind::decimal;
    form_.header.push_back(path);
    if (type->kind == Type::string) form_.exact.push_back(path);
  }
  return true;
}

Result<AvroRecords> AvroRecords::make(const AvroType& writer, const Dataset& dataset, Form form,
                                      const std::string& path) {
  if (writer.kind != Type::record || writer.fields.empty())
    return data_error(fmt::format("{}: its schema is {}, no record with fields", path, mapping_of(writer).avro),
                      "a row is a record");
  AvroRecords out;
  out.writer_ = writer;
  out.form_ = std::move(form);
  out.form_.header.clear(), out.form_.optional.clear();
  std::vector<std::string> names;
  for (const auto& field : writer.fields) names.push_back(field.name);
  for (Take& take : out.form_.takes) {
    if (take.from.size() != 1) continue;
    const Column* column = dataset.column(take.column == "session" ? dataset.session_column : take.column);
    if (column == nullptr) continue;
    std::vector<std::string> paths{take.from[0]};
    if (paths[0] == column->name) paths.insert(paths.end(), column->aliases.begin(), column->aliases.end());
    bool found = false;
    for (std::size_t i = 0; i < paths.size() && !found; ++i)
      ARROW_RETURN_NOT_OK(out.find(paths[i], *column, take, path).Value(&found));
    if (found || column->has_default) continue;
    const std::string near = nearest(paths[0], names);
    return data_error(fmt::format("{}: its schema has no field \"{}\", and column \"{}\" has no default", path,
                                  paths[0], column->name),
                      fmt::format("{}its fields are: {}; default: null lets files lack it",
                                  near.empty() ? "" : fmt::format("did you mean {}? ", near), fmt::join(names, ", ")));
  }
  return out;
}

void AvroRecords::read(AvroBytes& in, std::vector<std::string>& cells, std::string& bad) const {
  cells.assign(form_.header.size(), std::string());
  Cells out{cells, bad};
  read(writer_, &wanted_, in, out);
}

void AvroRecords::skip_items(const AvroType& type, AvroBytes& in, Cells& out) {
  while (in.why() == nullptr) {
    std::int64_t count = in.integer();
    if (count == 0) return;
    if (count < 0) {  // and its length in bytes
      in.take(in.integer());
      continue;
    }
    if (count > in.left()) return in.fail("a list of more items than bytes");
    for (; count > 0 && in.why() == nullptr; --count) {
      if (type.kind == Type::map) in.text();
      read(type.items[0], nullptr, in, out);
    }
  }
}

void AvroRecords::read(const AvroType& type, const Want* want, AvroBytes& in, Cells& out) {
  const bool asked = want != nullptr && want->cell >= 0;
  auto say = [&](std::string text) {
    if (asked && in.why() == nullptr) out.texts[static_cast<std::size_t>(want->cell)] = std::move(text);
  };
  auto decimal = [&](std::string_view bytes) {
    std::int64_t value = 0;
    if (!asked || in.why() != nullptr) return;
    if (!bytes.empty() && read_unscaled(bytes, value) && type.scale <= 18)
      return say(format_decimal(value, type.scale));
    out.bad = bytes.empty() ? "a decimal of no bytes" : "a decimal past 18 digits";
  };
  switch (type.kind) {
    case Type::null: return;
    case Type::boolean: {
      const std::string_view byte = in.take(1);
      if (!byte.empty() && static_cast<unsigned char>(byte[0]) > 1) in.fail("a boolean that is neither 0 nor 1");
      return say(byte == std::string_view("\1", 1) ? "true" : "false");
    }
    case Type::int32: {
      const std::int64_t value = in.integer();
      if (value > INT32_MAX || value < INT32_MIN) return in.fail("an int of more than 32 bits");
      if (type.logical != "date") return say(std::to_string(value));
      if (value > kMostDays || value < -kMostDays) out.bad = "a date that is no plausible one";
      else say(Date{static_cast<std::int32_t>(value)}.str());
      return;
    }
    case Type::int64: return say(std::to_string(in.integer()));
    case Type::float32: {
      const auto value = in.real<float>();
      return say(asked && want->decimal ? fmt::format("{}", value) : fmt::format("{}", static_cast<double>(value)));
    }
    case Type::float64: return say(fmt::format("{}", in.real<double>()));
    case Type::string: {
      const std::string_view text = in.text();
      if (asked) say(exact_text(text));
      return;
    }
    case Type::bytes: {
      const std::string_view bytes = in.text();
      if (type.logical == "decimal") decimal(bytes);
      return;
    }
    case Type::fixed: {
      const std::string_view bytes = in.take(type.size);
      if (type.logical == "decimal") decimal(bytes);
      return;
    }
    case Type::enumeration: {
      const std::int64_t index = in.integer();
      if (index < 0 || index >= static_cast<std::int64_t>(type.symbols.size()))
        return in.fail("a symbol that its enum has not");
      return say(type.symbols[static_cast<std::size_t>(index)]);
    }
    case Type::either: {
      const std::int64_t index = in.integer();
      if (index < 0 || index >= static_cast<std::int64_t>(type.items.size()))
        return in.fail("a branch that its union has not");
      return read(type.items[static_cast<std::size_t>(index)], want, in, out);
    }
    case Type::array:
    case Type::map: return skip_items(type, in, out);
    case Type::record:
      for (std::size_t i = 0; i < type.fields.size() && in.why() == nullptr; ++i)
        read(type.fields[i].type, want == nullptr || want->fields.empty() ? nullptr : &want->fields[i], in, out);
      return;
  }
}

}  // namespace tapemill::sources
