#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/avro_schema.h"
#include "sources/form.h"

namespace tapemill::sources {

/// Values in Avro's binary form ("Binary Encoding"), read from the front. After a failure why() says what was wrong, at()
/// where, and everything reads as zero and empty.
class AvroBytes {
 public:
  explicit AvroBytes(std::string_view bytes) : bytes_(bytes) {}
  std::int64_t integer();
  std::string_view text();  // length, then bytes
  std::string_view take(std::int64_t size);
  template <class T>
  T real() {
    T out{};
    const std::string_view bytes = take(sizeof(T));
    if (bytes.size() == sizeof(T)) __builtin_memcpy(&out, bytes.data(), sizeof(T));
    return out;
  }
  std::size_t at() const { return at_; }
  std::int64_t left() const { return static_cast<std::int64_t>(bytes_.size() - at_); }
  const char* why() const { return why_; }
  void fail(const char* why) {
    if (why_ == nullptr) why_ = why;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  const char* why_ = nullptr;
};

/// Whether Avro's rules read a value of `type` as the column's; `format`: of a date or time in the mapping.
bool reads_as(const AvroType& type, const Column& column, const std::string& format);

/// Records of a writer's schema as the cells of a form: texts that a TableSource reads by the columns' types.
class AvroRecords {
 public:
  /// `form` is mapped_form()'s; the header of form() has the paths that the schema has. Errors (data): a field that is
  /// missing without a default, or that Avro does not read as the column's type.
  static Result<AvroRecords> make(const AvroType& writer, const Dataset& dataset, Form form, const std::string& path);
  const Form& form() const { return form_; }
  /// One record. `bad`: why a value is none (a decimal past 18 digits); the record is read to its end then.
  void read(AvroBytes& in, std::vector<std::string>& cells, std::string& bad) const;

 private:
  struct Want {
    int cell = -1;
    bool decimal = false;      // into a decimal: a float as it was written, not as its double
    std::vector<Want> fields;  // of a record; empty: none of them
  };
  struct Cells {
    std::vector<std::string>& texts;
    std::string& bad;
  };
  Result<bool> find(const std::string& path, const Column& column, Take& take, const std::string& file);
  static void read(const AvroType& type, const Want* want, AvroBytes& in, Cells& out);
  static void skip_items(const AvroType& type, AvroBytes& in, Cells& out);
  AvroType writer_;
  Form form_;
  Want wanted_;
};

}  // namespace tapemill::sources
