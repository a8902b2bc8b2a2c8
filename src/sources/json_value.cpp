#include "sources/json_value.h"

#include <simdjson.h>

#include <charconv>

namespace tapemill::sources {
namespace {
namespace sj = simdjson;

/// Values out of simdjson's cursor. `base` is its padded copy, `text` what the values point into.
struct Reader {
  const char* base;
  std::string_view text;

  std::string_view place(std::string_view token) const {
    auto at = static_cast<std::size_t>(token.data() - base);
    if (at > text.size()) return {};
    std::string_view found = text.substr(at, token.size());
    while (!found.empty() &&
           (found.back() == ' ' || found.back() == '\n' || found.back() == '\r' || found.back() == '\t'))
      found.remove_suffix(1);
    return found;
  }
  /// From the opening bracket to its end, which is the next `closing` after what was read inside.
  std::string_view span(std::string_view open, std::size_t inside_end, char closing) const {
    auto begin = static_cast<std::size_t>(open.data() - text.data());
    std::size_t end = text.find(closing, std::max(inside_end, begin + 1));
    return text.substr(begin, end == std::string_view::npos ? 1 : end + 1 - begin);
  }
  std::size_t end_of(const JsonValue& value) const {
    return static_cast<std::size_t>(value.raw.data() - text.data()) + value.raw.size();
  }

  sj::error_code read(sj::ondemand::value& value, JsonValue& out, int depth) const {
    if (depth > 64) return sj::DEPTH_ERROR;
    sj::ondemand::json_type type;
    if (auto code = value.type().get(type)) return code;
    out.raw = place(value.raw_json_token());
    switch (type) {
      case sj::ondemand::json_type::object: return read_map(value, out, depth);
      case sj::ondemand::json_type::array: return read_list(value, out, depth);
      case sj::ondemand::json_type::number: {
        out.type = JsonValue::Type::number, out.text = out.raw;
        double checked = 0;
        std::int64_t whole =
            0;  // a number of over 19 digits is none to simdjson; its text may be a decimal all the same
        if (value.get_int64().get(whole) == sj::SUCCESS) return sj::SUCCESS;
        return value.get_double().get(checked);
      }
      case sj::ondemand::json_type::string: {
        std::string_view text_in;
        if (auto code = value.get_string().get(text_in)) return code;
        out.type = JsonValue::Type::text, out.text = text_in;
        return sj::SUCCESS;
      }
      case sj::ondemand::json_type::boolean: {
        bool yes = false;
        if (auto code = value.get_bool().get(yes)) return code;
        out.type = JsonValue::Type::boolean, out.text = yes ? "true" : "false";
        return sj::SUCCESS;
      }
      case sj::ondemand::json_type::null: return value.is_null() ? sj::SUCCESS : sj::TAPE_ERROR;
    }
    return sj::TAPE_ERROR;
  }

  sj::error_code read_map(sj::ondemand::value& value, JsonValue& out, int depth) const {
    const std::string_view open = out.raw;
    out.type = JsonValue::Type::map;
    sj::ondemand::object object;
    if (auto code = value.get_object().get(object)) return code;
    std::size_t end = 0;
    for (auto field : object) {
      std::string_view key;
      if (auto code = field.unescaped_key().get(key)) return code;
      JsonValue::Member& member = out.members.emplace_back();
      member.key = key;
      sj::ondemand::value inner;
      if (auto code = field.value().get(inner)) return code;
      if (auto code = read(inner, member.value, depth + 1)) return code;
      end = end_of(member.value);
    }
    out.raw = span(open, end, '}');
    return sj::SUCCESS;
  }

  sj::error_code read_list(sj::ondemand::value& value, JsonValue& out, int depth) const {
    const std::string_view open = out.raw;
    out.type = JsonValue::Type::list;
    sj::ondemand::array array;
    if (auto code = value.get_array().get(array)) return code;
    std::size_t end = 0;
    for (auto item : array) {
      sj::ondemand::value inner;
      if (auto code = item.get(inner)) return code;
      if (auto code = read(inner, out.items.emplace_back(), depth + 1)) return code;
      end = end_of(out.items.back());
    }
    out.raw = span(open, end, ']');
    return sj::SUCCESS;
  }
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  for (const Member& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

const JsonValue* JsonValue::at(std::string_view path) const {
  const JsonValue* value = this;
  while (value != nullptr && !path.empty()) {
    const std::string_view step = path.substr(0, path.find('.'));
    path = step.size() == path.size() ? std::string_view() : path.substr(step.size() + 1);
    if (!value->is_list()) {
      value = value->find(step);
      continue;
    }
    std::size_t index = 0;
    const auto read = std::from_chars(step.data(), step.data() + step.size(), index);
    value = read.ec == std::errc{} && index < value->items.size() ? &value->items[index] : nullptr;
  }
  return value;
}

std::string_view JsonValue::text_of(std::string_view key) const {
  const JsonValue* value = find(key);
  return value == nullptr ? std::string_view() : std::string_view(value->text);
}

Result<JsonValue> parse_json(std::string_view text) {
  sj::padded_string padded(text);
  sj::ondemand::parser parser;
  sj::ondemand::document document;
  JsonValue out;
  Reader reader{padded.data(), text};
  auto code = parser.iterate(padded).get(document);
  if (code == sj::SUCCESS) {
    bool scalar = true;  // a lone scalar is read by other functions of simdjson's; no feed sends one
    code = document.is_scalar().get(scalar);
    if (code == sj::SUCCESS && scalar) return data_error("is a lone value, no list or map of rows");
  }
  if (code == sj::SUCCESS) {
    sj::ondemand::value value;
    code = document.get_value().get(value);
    if (code == sj::SUCCESS) code = reader.read(value, out, 0);
  }
  if (code != sj::SUCCESS) return data_error(fmt::format("is no JSON: {}", sj::error_message(code)));
  const char* rest = nullptr;
  if (document.current_location().get(rest) == sj::SUCCESS && rest < padded.data() + text.size())
    return data_error("is no JSON: something stands after the document");
  return out;
}

}  // namespace tapemill::sources
