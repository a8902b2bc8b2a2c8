#include "core/avro_schema.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/read_check.h"

namespace tapemill {
namespace {

using Type = AvroType::Kind;
constexpr int kDeepest = 32;
/// Types of one schema. A named type counts at each use with all that it holds, for it is repeated there: 30 records, each
/// using the one before twice, would be 2^30.
constexpr std::int64_t kMostTypes = 10'000;

const std::map<std::string, Type> kPrimitives{
    {"null", Type::null},     {"boolean", Type::boolean}, {"int", Type::int32},   {"long", Type::int64},
    {"float", Type::float32}, {"double", Type::float64},  {"bytes", Type::bytes}, {"string", Type::string}};

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

class Reader {
 public:
  Result<AvroType> read(const Node& node, const std::string& space, int depth = 0) {
    if (depth > kDeepest) return node.error(fmt::format("an Avro schema nested past {}", kDeepest));
    if (++types_ > kMostTypes) return too_many(node);
    if (node.is_list()) return read_union(node, space, depth);
    if (node.is_scalar()) return read_name(node, space);
    ARROW_ASSIGN_OR_RAISE(const Node* type, node.need("type"));
    if (!type->is_scalar()) return read(*type, space, depth + 1);  // {"type": {"type": ...}}
    const std::string& kind = type->text;
    if (kind == "record" || kind == "error") return read_record(node, space, depth);
    if (kind == "enum") return read_enum(node, space);
    if (kind == "fixed") return read_fixed(node, space);
    if (kind == "array" || kind == "map") {
      AvroType out;
      out.kind = kind == "array" ? Type::array : Type::map, out.at = &node;
      ARROW_ASSIGN_OR_RAISE(const Node* items, node.need(kind == "array" ? "items" : "values"));
      ARROW_ASSIGN_OR_RAISE(AvroType item, read(*items, space, depth + 1));
      out.items.push_back(std::move(item));
      return out;
    }
    ARROW_ASSIGN_OR_RAISE(AvroType out, read_name(*type, space));
    out.at = &node;
    ARROW_RETURN_NOT_OK(read_logical(node, out));
    return out;
  }

 private:
  static Status too_many(const Node& node) {
    return node.error("an Avro schema of over 10,000 types, a named one counted wherever it is used",
                      "leave out the fields that no column needs, or have them in a schema of their own");
  }
  static std::string full(const std::string& name, const std::string& space) {
    return name.find('.') != std::string::npos || space.empty() ? name : space + "." + name;
  }

  Result<AvroType> read_name(const Node& node, const std::string& space) {
    AvroType out;
    out.at = &node;
    if (auto primitive = kPrimitives.find(node.text); primitive != kPrimitives.end()) {
      out.kind = primitive->second;
      return out;
    }
    for (const std::string& name : {full(node.text, space), node.text}) {
      if (open_.contains(name))
        return node.error(fmt::format("the type \"{}\" holds itself", node.text), "a table has no column for that");
      if (auto known = named_.find(name); known != named_.end()) {
        types_ += known->second.types - 1;
        if (types_ > kMostTypes) return too_many(node);
        return known->second.type;
      }
    }
    std::vector<std::string> names;
    for (const auto& [name, kind] : kPrimitives) names.push_back(name);
    const std::string near = nearest(node.text, names);
    return node.error(fmt::format("\"{}\" is no type of Avro's, and none that is declared before", node.text),
                      near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
  }

  /// The name of a record, enumeration or fixed in full; `space` becomes its namespace.
  Result<std::string> begin_named(const Node& node, std::string& space) {
    std::string name;
    ARROW_RETURN_NOT_OK(read_text(node, "name", name, true));
    const std::size_t dot = name.rfind('.');
    if (dot != std::string::npos) space = name.substr(0, dot);
    else ARROW_RETURN_NOT_OK(read_text(node, "namespace", space));
    if (!is_name(std::string_view(name).substr(dot == std::string::npos ? 0 : dot + 1)))
      return node.find("name")->error(fmt::format("\"{}\" is no name of Avro's", name),
                                      "letters, digits and _, a letter or _ first");
    name = full(name, space);
    if (named_.contains(name) || open_.contains(name))
      return node.find("name")->error(fmt::format("the type \"{}\" is declared twice", name));
    return name;
  }

  Result<AvroType> read_record(const Node& node, std::string space, int depth) {
    ARROW_ASSIGN_OR_RAISE(const std::string name, begin_named(node, space));
    ARROW_ASSIGN_OR_RAISE(const Node* fields, node.need("fields"));
    if (!fields->is_list()) return fields->error("\"fields\" is a list");
    open_.insert(name);
    AvroType out;
    out.kind = Type::record, out.name = name, out.at = &node;
    const std::int64_t before = types_ - 1;
    std::set<std::string> seen;
    for (const Node& item : fields->items) {
      AvroType::Field field;
      field.at = &item;
      ARROW_RETURN_NOT_OK(read_text(item, "name", field.name, true));
      if (!is_name(field.name)) return item.error(fmt::format("\"{}\" is no name of Avro's", field.name));
      if (!seen.insert(field.name).second) return item.error(fmt::format("the field \"{}\" stands twice", field.name));
      ARROW_RETURN_NOT_OK(read_text(item, "doc", field.doc));
      ARROW_RETURN_NOT_OK(read_text(item, "unit", field.unit));
      ARROW_RETURN_NOT_OK(read_names(item, "aliases", field.aliases));
      ARROW_ASSIGN_OR_RAISE(const Node* type, item.need("type"));
      ARROW_ASSIGN_OR_RAISE(field.type, read(*type, space, depth + 1));
      // {"name": "at", "type": "long", "logicalType": "timestamp-millis"}: written often, and ignored by Avro itself
      if (item.find("logicalType") != nullptr && type->is_scalar())
        return item.find("logicalType")
            ->error("logicalType stands beside \"name\", where Avro ignores it",
                    fmt::format("write \"type\": {{\"type\": \"{}\", \"logicalType\": \"{}\"}}", type->text,
                                item.find("logicalType")->text));
      field.fallback = item.find("default");
      out.fields.push_back(std::move(field));
    }
    open_.erase(name);
    named_[name] = {out, types_ - before};
    return out;
  }

  Result<AvroType> read_enum(const Node& node, std::string space) {
    ARROW_ASSIGN_OR_RAISE(const std::string name, begin_named(node, space));
    AvroType out;
    out.kind = Type::enumeration, out.name = name, out.at = &node;
    ARROW_RETURN_NOT_OK(node.need("symbols").status());
    ARROW_RETURN_NOT_OK(read_names(node, "symbols", out.symbols));
    if (out.symbols.empty()) return node.error("an enum has a symbol at least");
    std::set<std::string> seen;
    for (const std::string& symbol : out.symbols)
      if (!is_name(symbol) || !seen.insert(symbol).second)
        return node.find("symbols")->error(fmt::format("\"{}\" is no symbol, or stands twice", symbol));
    named_[name] = {out, 1};
    return out;
  }

  Result<AvroType> read_fixed(const Node& node, std::string space) {
    ARROW_ASSIGN_OR_RAISE(const std::string name, begin_named(node, space));
    AvroType out;
    out.kind = Type::fixed, out.name = name, out.at = &node;
    ARROW_ASSIGN_OR_RAISE(const Node* size, node.need("size"));
    ARROW_ASSIGN_OR_RAISE(out.size, size->as_integer());
    if (out.size < 0 || out.size > 1 << 20) return size->error("the size of a fixed is 0 to 1,048,576");
    ARROW_RETURN_NOT_OK(read_logical(node, out));
    named_[name] = {out, 1};
    return out;
  }

  Result<AvroType> read_union(const Node& node, const std::string& space, int depth) {
    AvroType out;
    out.kind = Type::either, out.at = &node;
    for (const Node& item : node.items) {
      if (item.is_list()) return item.error("a union directly in a union");
      ARROW_ASSIGN_OR_RAISE(AvroType branch, read(item, space, depth + 1));
      out.items.push_back(std::move(branch));
    }
    if (out.items.empty()) return node.error("a union of nothing");
    return out;
  }

  // A logical type that does not fit its type is ignored, says Avro; a decimal that is wrong is told, for prices hang on it.
  static Status read_logical(const Node& node, AvroType& out) {
    const Node* logical = node.find("logicalType");
    if (logical == nullptr) return Status::OK();
    const std::string& text = logical->text;
    if (text == "decimal" && (out.kind == Type::bytes || out.kind == Type::fixed)) {
      ARROW_ASSIGN_OR_RAISE(const Node* precision, node.need("precision"));
      ARROW_ASSIGN_OR_RAISE(const std::int64_t digits, precision->as_integer());
      std::int64_t scale = 0;
      if (const Node* one = node.find("scale")) ARROW_RETURN_NOT_OK(one->as_integer().Value(&scale));
      if (digits < 1 || digits > 1000 || scale < 0 || scale > digits)
        return precision->error("a decimal has a precision above 0 and a scale from 0 to it");
      out.precision = static_cast<int>(digits), out.scale = static_cast<int>(scale);
      out.logical = text;
      return Status::OK();
    }
    static const std::map<std::string, Type> fits{{"date", Type::int32},
                                                  {"time-millis", Type::int32},
                                                  {"time-micros", Type::int64},
                                                  {"timestamp-millis", Type::int64},
                                                  {"timestamp-micros", Type::int64},
                                                  {"local-timestamp-millis", Type::int64},
                                                  {"local-timestamp-micros", Type::int64},
                                                  {"uuid", Type::string}};
    auto known = fits.find(text);
    if (known != fits.end() && known->second == out.kind) out.logical = text;
    if (text == "duration" && out.kind == Type::fixed && out.size == 12) out.logical = text;
    return Status::OK();
  }

  struct Named {
    AvroType type;
    std::int64_t types = 1;  // in it, itself too
  };
  std::map<std::string, Named> named_;
  std::int64_t types_ = 0;
  std::set<std::string> open_;  // records that are being read
};

}  // namespace

Result<AvroType> read_avro(const Node& schema) { return Reader().read(schema, ""); }

}  // namespace tapemill
