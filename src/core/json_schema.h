#pragma once
#include "core/config.h"
#include "core/json.h"

namespace tapemill {

template <class S> Json json_schema();

template <class T>
Json schema_of() {
  if constexpr (is_vector<T>::value) return {{"type", "array"}, {"items", schema_of<typename T::value_type>()}};
  else if constexpr (is_optional<T>::value) return schema_of<typename T::value_type>();
  else if constexpr (has_fields<T>) return json_schema<T>();
  else return {{"type", TypeOf<T>::schema}};
}
/// JSON Schema (draft 2020-12) of the struct; unknown keys are refused.
template <class S>
Json json_schema() {
  Json properties = Json::object();
  const S standard{};
  auto add = [&](const auto& f) {
    using M = std::remove_cvref_t<decltype(standard.*f.member)>;
    Json one = schema_of<M>();
    one["description"] = f.help;
    if (f.choices != nullptr) {
      Json list = Json::array();
      std::string_view rest = f.choices;
      while (!rest.empty()) {
        auto bar = rest.find('|');
        list.push_back(std::string(rest.substr(0, bar)));
        rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
      }
      one["enum"] = list;
    }
    if (f.least > -1e307) one["minimum"] = f.least;
    if (f.most < 1e307) one["maximum"] = f.most;
    if (std::string text = show_default(standard.*f.member); !text.empty()) one["default"] = text;
    properties[f.name] = std::move(one);
  };
  std::apply([&](const auto&... f) { (add(f), ...); }, fields<S>);
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

}  // namespace tapemill
