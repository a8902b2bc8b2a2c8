#include "sources/protobuf.h"

#include <arrow/type.h>

#include <algorithm>
#include <bit>

#include "core/feed_words.h"
#include "sources/avro_record.h"
#include "sources/csv.h"
#include "sources/gzip.h"
#include "sources/protobuf_schema.h"

namespace tapemill::sources {
namespace {

constexpr std::size_t kMostOfMessage = 16 << 20;
constexpr std::size_t kStretch = 512 << 10;
constexpr const char* kTimestamp = "google.protobuf.Timestamp";

/// What a field's values are in the words of Avro, whose rules say which column they may go into.
AvroType type_of(const ProtoSchema& schema, const ProtoSchema::Field& field) {
  AvroType out;
  using Type = AvroType::Kind;
  switch (field.type) {
    case 1: out.kind = Type::float64; break;
    case 2: out.kind = Type::float32; break;
    case 5:
    case 15:
    case 17: out.kind = Type::int32; break;
    case 3:
    case 4:
    case 6:
    case 7:
    case 13:
    case 16:
    case 18: out.kind = Type::int64; break;
    case 8: out.kind = Type::boolean; break;
    case 9: out.kind = Type::string; break;
    case 14:
      out.kind = Type::enumeration, out.name = field.type_name;
      if (const auto* values = schema.enumeration(field.type_name))
        for (const auto& [number, name] : *values) out.symbols.push_back(name);
      break;
    case 11:
      out.kind = Type::record, out.name = field.type_name;
      if (field.type_name == kTimestamp) out.kind = Type::int64, out.logical = "timestamp-micros";
      break;
    default: out.kind = Type::bytes;
  }
  return out;
}

/// The wire type that a value of a field's type has.
int wire_of(int type) {
  switch (type) {
    case 1:
    case 6:
    case 16: return 1;
    case 2:
    case 7:
    case 15: return 5;
    case 9:
    case 11:
    case 12: return 2;
    default: return 0;
  }
}

struct Want {
  int cell = -1;
  bool decimal = false;
  std::string absent, zero;  // the cell where its message is not there, and where only the field is not
  std::map<std::uint32_t, Want> fields;  // of a message
};

/// A column of the file, found by its path.
struct Found {
  AvroType type;
  std::vector<std::uint32_t> numbers;
};

class Messages {
 public:
  static Result<Messages> make(const Dataset& dataset, const std::string& path) {
    const FeedWords words = feed_words(dataset);
    Messages out;
    auto schema = ProtoSchema::read(words.descriptor);
    if (!schema.ok()) return prefixed(schema.status(), dataset.path + ": the descriptor");
    out.schema_ = *std::move(schema);
    out.name_ = words.message;
    if (out.schema_.message(out.name_) == nullptr) {
      const auto names = out.schema_.names();
      const std::string near = nearest(out.name_, names);
      return usage_error(
          fmt::format("{}: the descriptor has no message \"{}\"", dataset.path, out.name_),
          fmt::format("{}it has: {}", near.empty() ? "" : "did you mean " + near + "? ", fmt::join(names, ", ")));
    }
    out.form_ = mapped_form(dataset, "protobuf", false);
    out.form_.header.clear(), out.form_.optional.clear();
    for (Take& take : out.form_.takes) ARROW_RETURN_NOT_OK(out.plan(dataset, take, path));
    return out;
  }
  const Form& form() const { return form_; }

  /// One message; the reason why it is refused, empty where it is not.
  std::string read(std::string_view message, std::vector<std::string>& cells) const {
    cells.assign(form_.header.size(), std::string());
    clear(wanted_, cells);
    Met met;
    begin(wanted_, cells, met);
    return read(message, name_, wanted_, cells, met, 0);
  }

 private:
  Status plan(const Dataset& dataset, Take& take, const std::string& path) {
    if (take.from.size() != 1) return Status::OK();
    const Column* column = dataset.column(take.column == "session" ? dataset.session_column : take.column);
    if (column == nullptr) return Status::OK();
    std::vector<std::string> paths{take.from[0]};
    if (paths[0] == column->name) paths.insert(paths.end(), column->aliases.begin(), column->aliases.end());
    for (const std::string& one : paths) {
      ARROW_ASSIGN_OR_RAISE(const bool found, want(one, *column, take, path));
      if (found) return Status::OK();
    }
    if (column->has_default) return Status::OK();
    return data_error(fmt::format("{}: message {} has no field \"{}\", and column \"{}\" has no default", path, name_,
                                  paths[0], column->name),
                      "name it in field_mapping, or say default: null");
  }

  Result<bool> want(const std::string& path, const Column& column, Take& take, const std::string& file) {
    std::string message = name_;
    Want* want = &wanted_;
    std::vector<std::pair<std::uint32_t, const ProtoSchema::Field*>> steps;
    for (std::string_view rest = path; !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find('.'));
      const auto* fields = message.empty() ? nullptr : schema_.message(message);
      if (fields == nullptr) return false;
      auto at = std::find_if(fields->begin(), fields->end(), [&](const auto& one) { return one.second.name == name; });
      if (at == fields->end()) return false;
      if (at->second.repeated)
        return data_error(fmt::format("{}: field \"{}\" is repeated, and a column has one value", file, path),
                          "have a message a row");
      steps.emplace_back(at->first, &at->second);
      message = at->second.type == 11 ? at->second.type_name : "";
      rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    }
    const ProtoSchema::Field& field = *steps.back().second;
    const AvroType type = type_of(schema_, field);
    if (!reads_as(type, column, take.format))
      return data_error(
          fmt::format("{}: field \"{}\" of {} is {} in Avro's words, and column \"{}\" is {}", file, path, name_,
                      mapping_of(type).avro, column.name, column.type()->ToString()),
          "integers are read as longer ones and as double, float as double, nothing else as another type; "
          "a time as an integer needs format: epoch_ms");
    if (type.logical == "timestamp-micros") take.format = "epoch_us";
    for (const auto& [number, one] : steps) want = &want->fields[number];
    if (want->cell >= 0) return true;
    want->cell = static_cast<int>(form_.header.size());
    want->decimal = column.kind == Kind::decimal;
    form_.header.push_back(path);
    const bool exact = type.kind == AvroType::Kind::string;
    if (exact) form_.exact.push_back(path);
    // Absent is zero where a field's presence is not kept: that is how its writer says zero. Of a field in a message that
    // is not there nothing is known, and of a text that is absent or empty neither: it is null.
    if (column.fallback) want->absent = exact ? exact_text(*column.fallback) : *column.fallback;
    want->zero = field.presence                             ? want->absent
                 : type.kind == AvroType::Kind::boolean     ? "false"
                 : type.kind == AvroType::Kind::string      ? ""
                 : type.kind == AvroType::Kind::enumeration ? symbol(field, 0)
                                                            : "0";
    return true;
  }

  std::string symbol(const ProtoSchema::Field& field, std::int64_t number) const {
    if (const auto* values = schema_.enumeration(field.type_name))
      if (auto found = values->find(number); found != values->end()) return found->second;
    return std::to_string(number);
  }

  std::string text(const ProtoSchema::Field& field, const WireFields::Field& value, const Want& want) const {
    const std::uint64_t bits = value.value;
    switch (field.type) {
      case 1: return fmt::format("{}", std::bit_cast<double>(bits));
      case 2: {
        const auto real = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        return want.decimal ? fmt::format("{}", real) : fmt::format("{}", static_cast<double>(real));
      }
      case 4:
      case 6: return std::to_string(bits);
      case 7:
      case 13: return std::to_string(static_cast<std::uint32_t>(bits));
      case 5:
      case 15: return std::to_string(static_cast<std::int32_t>(bits));
      case 17: {
        const auto zigzag = static_cast<std::uint32_t>(bits);
        return std::to_string(static_cast<std::int32_t>(zigzag >> 1) ^ -static_cast<std::int32_t>(zigzag & 1));
      }
      case 18: return std::to_string(static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1));
      case 8: return bits != 0 ? "true" : "false";
      case 9: return value.bytes.empty() && !field.presence ? std::string() : exact_text(value.bytes);
      case 14: return symbol(field, static_cast<std::int64_t>(bits));
      default: return std::to_string(static_cast<std::int64_t>(bits));
    }
  }

  /// Seconds and nanoseconds, cut to microseconds.
  static std::string micros(std::string_view message, std::string& out) {
    std::int64_t seconds = 0, nanos = 0;
    WireFields fields(message);
    for (WireFields::Field one; fields.next(one);) {
      if (one.number == 1 && one.wire == 0) seconds = static_cast<std::int64_t>(one.value);
      if (one.number == 2 && one.wire == 0) nanos = static_cast<std::int32_t>(one.value);
    }
    if (fields.why() != nullptr) return fields.why();
    std::int64_t us = 0;
    if (nanos < 0 || nanos > 999'999'999 || __builtin_mul_overflow(seconds, 1'000'000, &us) ||
        __builtin_add_overflow(us, nanos / 1000, &us))
      return "a Timestamp that is none";
    out = std::to_string(us);
    return {};
  }

  using Met = std::vector<const Want*>;  // messages that are there

  /// A message is met: its fields are zero until they are read. One that comes again goes on with what it had.
  static void begin(const Want& want, std::vector<std::string>& cells, Met& met) {
    if (std::find(met.begin(), met.end(), &want) != met.end()) return;
    met.push_back(&want);
    for (const auto& [number, field] : want.fields)
      if (field.cell >= 0) cells[static_cast<std::size_t>(field.cell)] = field.zero;
  }
  /// What a field and all in it is where it is not there.
  static void clear(const Want& want, std::vector<std::string>& cells, Met* met = nullptr) {
    if (want.cell >= 0) cells[static_cast<std::size_t>(want.cell)] = want.absent;
    if (met != nullptr) std::erase(*met, &want);
    for (const auto& [number, field] : want.fields) clear(field, cells, met);
  }
  /// A member of a oneof is met: the others are not there any more.
  static void clear_others(const ProtoSchema::Message& message, std::uint32_t number, int oneof, const Want& want,
                           std::vector<std::string>& cells, Met& met) {
    for (const auto& [other, field] : want.fields)
      if (other != number && message.at(other).oneof == oneof) clear(field, cells, &met);
  }

  std::string read(std::string_view bytes, const std::string& name, const Want& want, std::vector<std::string>& cells,
                   Met& met, int depth) const {
    const ProtoSchema::Message& message = *schema_.message(name);
    WireFields fields(bytes);
    std::vector<std::uint32_t> seen;
    for (WireFields::Field one; fields.next(one);) {
      auto known = message.find(one.number);
      if (known == message.end()) continue;
      const ProtoSchema::Field& field = known->second;
      if (field.required) seen.push_back(one.number);
      if (field.oneof >= 0) clear_others(message, one.number, field.oneof, want, cells, met);
      auto wanted = want.fields.find(one.number);
      if (wanted == want.fields.end()) continue;
      if (one.wire != wire_of(field.type))
        return fmt::format("field \"{}\" ({}) has the wire type {}, its type has {}", field.name, one.number, one.wire,
                           wire_of(field.type));
      std::string why;
      if (wanted->second.cell >= 0) {
        std::string& cell = cells[static_cast<std::size_t>(wanted->second.cell)];
        if (field.type_name == kTimestamp) why = micros(one.bytes, cell);
        else cell = text(field, one, wanted->second);
      }
      if (why.empty() && !wanted->second.fields.empty() && depth < 32) {
        begin(wanted->second, cells, met);
        why = read(one.bytes, field.type_name, wanted->second, cells, met, depth + 1);
      }
      if (!why.empty()) return fmt::format("in \"{}\": {}", field.name, why);
    }
    if (fields.why() != nullptr) return fmt::format("{}, at byte {} of the message", fields.why(), fields.at());
    for (const auto& [number, field] : message)
      if (field.required && std::find(seen.begin(), seen.end(), number) == seen.end())
        return fmt::format("the required field \"{}\" ({}) is not there", field.name, number);
    return {};
  }

  ProtoSchema schema_;
  std::string name_;
  Form form_;
  Want wanted_;
};

class ProtobufReader final : public RecordReader {
 public:
  static Result<std::unique_ptr<RecordReader>> open(const Dataset& dataset, const std::string& path) {
    ARROW_ASSIGN_OR_RAISE(auto messages, Messages::make(dataset, path));
    auto reader = std::unique_ptr<ProtobufReader>(new ProtobufReader(path, std::move(messages)));
    ARROW_ASSIGN_OR_RAISE(reader->bytes_, open_bytes(path));
    if (feed_words(dataset).floats_rounded) reader->scales_ = scales_of(dataset, reader->form());
    return std::unique_ptr<RecordReader>(std::move(reader));
  }
  const Form& form() const override { return messages_.form(); }
  std::int64_t bytes_read() const override { return bytes_->bytes_read(); }

  Result<bool> next(Records& out) override {
    // Whole messages of what is there; a long one has more read until it is there.
    std::vector<std::pair<std::size_t, std::size_t>> whole;
    std::size_t end = 0;
    for (std::size_t wanted = kStretch; whole.empty(); wanted = 2 * text_.size()) {
      ARROW_RETURN_NOT_OK(fill(wanted));
      if (text_.empty()) return false;
      ARROW_RETURN_NOT_OK(find_whole(whole, end));
      if (ended_) break;
    }
    if (whole.empty())
      return data_error(fmt::format("{}: the file ends in the middle of the message at byte {}", path_, at_),
                        "the file is cut short: get it again; nothing of it was kept");
    auto text = std::make_shared<const std::string>(text_.substr(0, end));
    text_.erase(0, end);
    out.begin_numbered(text, at_, number_ + 1, form());
    if (!scales_.empty()) out.round_to(scales_);
    std::vector<std::string> cells;
    for (auto [at, size] : whole) {
      const std::string_view raw = std::string_view(*text).substr(at, size);
      const std::string why = messages_.read(raw, cells);
      if (why.empty()) out.add(raw, cells);
      else out.refuse(raw, "protobuf", why);
    }
    number_ += static_cast<std::int64_t>(whole.size());
    at_ += static_cast<std::int64_t>(end);
    return true;
  }

 private:
  ProtobufReader(std::string path, Messages messages) : path_(std::move(path)), messages_(std::move(messages)) {}
  std::int64_t place(std::size_t offset) const { return at_ + static_cast<std::int64_t>(offset); }
  Status find_whole(std::vector<std::pair<std::size_t, std::size_t>>& whole, std::size_t& end) const {
    while (end < text_.size()) {
      std::uint64_t size = 0;
      std::size_t at = end;
      int shift = 0;
      for (; at < text_.size() && shift < 35; shift += 7) {
        const auto bits = static_cast<unsigned char>(text_[at++]);
        size |= static_cast<std::uint64_t>(bits & 0x7f) << shift;
        if (bits < 0x80) break;
      }
      const bool complete = at > end && static_cast<unsigned char>(text_[at - 1]) < 0x80;
      if ((complete && size > kMostOfMessage) || (!complete && shift >= 35))
        return data_error(
            fmt::format("{}: the message at byte {} has over {} MB", path_, place(end), kMostOfMessage >> 20),
            "the file holds a length and a message, again and again; is it one of these?");
      if (!complete || size > text_.size() - at) break;
      whole.emplace_back(at, size);
      end = at + size;
    }
    return Status::OK();
  }
  Status fill(std::size_t wanted) {
    while (!ended_ && text_.size() < wanted) {
      const std::size_t have = text_.size();
      text_.resize(have + kStretch);
      auto got = bytes_->read(text_.data() + have, kStretch);
      text_.resize(have + (got.ok() ? *got : 0));
      ARROW_RETURN_NOT_OK(got.status());
      ended_ = *got == 0;
    }
    return Status::OK();
  }

  std::string path_, text_;
  Messages messages_;
  std::unique_ptr<Bytes> bytes_;
  std::vector<int> scales_;
  std::int64_t at_ = 0, number_ = 0;  // of text_; messages before
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> open_protobuf(const Dataset& dataset, const std::string& path) {
  return ProtobufReader::open(dataset, path);
}

}  // namespace tapemill::sources
