#include "sources/protobuf_schema.h"

namespace tapemill::sources {
namespace {

constexpr int kDeepest = 32;

std::string within_name(const std::string& within, std::string_view name) {
  return within.empty() ? std::string(name) : within + "." + std::string(name);
}

}  // namespace

std::uint64_t WireFields::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const std::string_view byte = take(1);
    if (byte.empty()) return 0;
    const auto bits = static_cast<unsigned char>(byte[0]);
    if (shift < 64) value |= static_cast<std::uint64_t>(bits & 0x7f) << shift;
    if (bits < 0x80) return value;
  }
  fail("a number of more than ten bytes");
  return 0;
}

std::string_view WireFields::take(std::uint64_t size) {
  if (why_ == nullptr && size > bytes_.size() - at_) fail("a field that reaches past the end of its message");
  if (why_ != nullptr) return {};
  const auto out = bytes_.substr(at_, size);
  at_ += out.size();
  return out;
}

bool WireFields::read(std::uint32_t number, int wire, Field& out, int depth) {
  out = {number, wire, 0, {}};
  switch (wire) {
    case 0: out.value = varint(); return true;
    case 1:
    case 5: {
      const std::string_view bytes = take(wire == 1 ? 8 : 4);
      // Little-endian, as this machine; a message cut short has none, and no address to copy from.
      if (!bytes.empty()) __builtin_memcpy(&out.value, bytes.data(), bytes.size());
      return true;
    }
    case 2: out.bytes = take(varint()); return true;
    case 3: skip_group(number, depth); return false;
    default: fail("a wire type that is none"); return false;
  }
}

void WireFields::skip_group(std::uint32_t number, int depth) {
  if (depth > kDeepest) return fail("groups nested past 32");
  while (why_ == nullptr) {
    const std::uint64_t tag = varint();
    if ((tag & 7) == 4) {
      if (tag >> 3 != number) fail("the end of a group that was not begun");
      return;
    }
    Field ignored;
    read(static_cast<std::uint32_t>(tag >> 3), static_cast<int>(tag & 7), ignored, depth + 1);
  }
}

bool WireFields::next(Field& out) {
  while (why_ == nullptr && at_ < bytes_.size()) {
    const std::uint64_t tag = varint();
    if (why_ != nullptr) return false;
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
      fail("a field number that is none");
      return false;
    }
    if (read(static_cast<std::uint32_t>(tag >> 3), static_cast<int>(tag & 7), out, 0)) return why_ == nullptr;
  }
  return false;
}

bool ProtoSchema::read_enumeration(std::string_view bytes, const std::string& within) {
  WireFields fields(bytes);
  std::string name;
  Enumeration values;
  for (WireFields::Field field; fields.next(field);) {
    if (field.number == 1 && field.wire == 2) name = within_name(within, field.bytes);
    if (field.number != 2 || field.wire != 2) continue;
    WireFields value(field.bytes);
    std::string symbol;
    std::int64_t number = 0;
    for (WireFields::Field one; value.next(one);) {
      if (one.number == 1) symbol = one.bytes;
      if (one.number == 2) number = static_cast<std::int64_t>(one.value);
    }
    if (value.why() != nullptr) return false;
    values.try_emplace(number, symbol);
  }
  if (fields.why() != nullptr || name.empty()) return false;
  enumerations_[name] = std::move(values);
  return true;
}

bool ProtoSchema::read_message(std::string_view bytes, const std::string& within, bool proto3, int depth) {
  if (depth > kDeepest) return false;
  WireFields named(bytes);
  std::string name;
  for (WireFields::Field field; named.next(field);)
    if (field.number == 1 && field.wire == 2) name = within_name(within, field.bytes);
  if (named.why() != nullptr || name.empty()) return false;
  Message message;
  WireFields fields(bytes);
  for (WireFields::Field field; fields.next(field);) {
    if (field.wire != 2) continue;
    if (field.number == 3 && !read_message(field.bytes, name, proto3, depth + 1)) return false;
    if (field.number == 4 && !read_enumeration(field.bytes, name)) return false;
    if (field.number != 2) continue;
    WireFields parts(field.bytes);
    Field out;
    std::uint64_t number = 0, label = 1;
    for (WireFields::Field one; parts.next(one);) {
      if (one.number == 1) out.name = one.bytes;
      if (one.number == 3) number = one.value;
      if (one.number == 4) label = one.value;
      if (one.number == 5) out.type = static_cast<int>(one.value);
      if (one.number == 6) out.type_name = one.bytes.substr(one.bytes.starts_with(".") ? 1 : 0);
      if (one.number == 9) out.oneof = static_cast<int>(one.value & 0x7fffffff);  // `optional` is one of its own
    }
    if (parts.why() != nullptr || out.name.empty() || number == 0 || number > 0x1fffffff) return false;
    out.required = label == 2, out.repeated = label == 3;
    out.presence = !proto3 || out.oneof >= 0 || out.type == 11;
    message[static_cast<std::uint32_t>(number)] = std::move(out);
  }
  messages_[name] = std::move(message);
  return true;
}

bool ProtoSchema::read_file(std::string_view bytes) {
  std::string package, syntax;
  WireFields named(bytes);
  for (WireFields::Field field; named.next(field);) {
    if (field.number == 2 && field.wire == 2) package = field.bytes;
    if (field.number == 12 && field.wire == 2) syntax = field.bytes;
  }
  if (named.why() != nullptr) return false;
  WireFields fields(bytes);
  for (WireFields::Field field; fields.next(field);) {
    if (field.wire != 2) continue;
    if (field.number == 4 && !read_message(field.bytes, package, syntax == "proto3", 0)) return false;
    if (field.number == 5 && !read_enumeration(field.bytes, package)) return false;
  }
  return true;
}

Result<ProtoSchema> ProtoSchema::read(std::string_view bytes) {
  ProtoSchema out;
  WireFields files(bytes);
  bool good = true;
  for (WireFields::Field field; good && files.next(field);)
    if (field.number == 1) good = field.wire == 2 && out.read_file(field.bytes);
  if (!good || files.why() != nullptr || out.messages_.empty())
    return data_error("is no descriptor set", "protoc --include_imports --descriptor_set_out=FILE makes one");
  return out;
}

const ProtoSchema::Message* ProtoSchema::message(const std::string& name) const {
  auto found = messages_.find(name);
  return found == messages_.end() ? nullptr : &found->second;
}
const ProtoSchema::Enumeration* ProtoSchema::enumeration(const std::string& name) const {
  auto found = enumerations_.find(name);
  return found == enumerations_.end() ? nullptr : &found->second;
}
std::vector<std::string> ProtoSchema::names() const {
  std::vector<std::string> out;
  for (const auto& [name, message] : messages_) out.push_back(name);
  return out;
}

}  // namespace tapemill::sources
