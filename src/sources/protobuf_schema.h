#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tapemill::sources {

/// Fields of a message in Protobuf's wire format, read one after the other. A group's fields are passed over. After a failure
/// why() says what was wrong, at() where.
class WireFields {
 public:
  explicit WireFields(std::string_view bytes) : bytes_(bytes) {}
  struct Field {
    std::uint32_t number = 0;
    int wire = 0;              // 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes
    std::uint64_t value = 0;   // of 0, 1 and 5
    std::string_view bytes;    // of 2
  };
  bool next(Field& out);  // false at the end, or after a failure
  const char* why() const { return why_; }
  std::size_t at() const { return at_; }

 private:
  std::uint64_t varint();
  std::string_view take(std::uint64_t size);
  void skip_group(std::uint32_t number, int depth);
  bool read(std::uint32_t number, int wire, Field& out, int depth);
  void fail(const char* why) {
    if (why_ == nullptr) why_ = why;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
  const char* why_ = nullptr;
};

/// Messages and enumerations of a FileDescriptorSet (google/protobuf/descriptor.proto), by full names.
class ProtoSchema {
 public:
  struct Field {
    std::string name, type_name;  // "feed.Bar" of a message or enumeration
    int type = 0;                 // of FieldDescriptorProto: 1 double, 2 float, 3 int64, ..., 18 sint64
    bool repeated = false, required = false;
    bool presence = false;        // absent is absent; else it is the type's zero
    int oneof = -1;  // fields of a message with the same number: the last one met is the only one; -1: none
  };
  using Message = std::map<std::uint32_t, Field>;  // by number
  using Enumeration = std::map<std::int64_t, std::string>;
  /// Data error: bytes that are no descriptor set.
  static Result<ProtoSchema> read(std::string_view bytes);
  const Message* message(const std::string& name) const;
  const Enumeration* enumeration(const std::string& name) const;
  std::vector<std::string> names() const;  // of the messages

 private:
  bool read_file(std::string_view bytes);
  bool read_message(std::string_view bytes, const std::string& within, bool proto3, int depth);
  bool read_enumeration(std::string_view bytes, const std::string& within);
  std::map<std::string, Message> messages_;
  std::map<std::string, Enumeration> enumerations_;
};

}  // namespace tapemill::sources
