#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tapemill::sources {

/// A JSON value with the place it stands at. Numbers keep their text, so that decimals stay exact.
struct JsonValue {
  enum class Type { null, boolean, number, text, list, map };
  struct Member;
  Type type = Type::null;
  std::string_view raw;        // as it stands in the document
  std::string text;            // of a scalar: unescaped; of null empty
  std::vector<JsonValue> items;
  std::vector<Member> members;  // in order of writing

  bool is_map() const { return type == Type::map; }
  bool is_list() const { return type == Type::list; }
  const JsonValue* find(std::string_view key) const;           // of a map; nullptr
  const JsonValue* at(std::string_view path) const;            // "chart.result.0.meta"; a list by number
  std::string_view text_of(std::string_view key) const;        // empty where there is no such scalar
};
struct JsonValue::Member {
  std::string key;
  JsonValue value;
};

/// One document; `raw` of all values points into `text`, which must outlive them. Errors (data): no JSON, nesting past 64.
Result<JsonValue> parse_json(std::string_view text);

}  // namespace tapemill::sources
