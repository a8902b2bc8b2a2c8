#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "core/document.h"
#include "core/memory.h"
#include "core/time.h"

namespace tapemill {

/// One declaration per configuration (design.md 15): specialise fields<Struct> with a tuple of field(...); parsing, --help,
/// JSON Schema and the reference page come from it. Member types: bool, int, int64_t, double, std::string, ByteSize,
/// Duration, vectors of those, optionals of those, and structs (or vectors of structs) that have fields of their own.
struct ByteSize {
  std::int64_t bytes = 0;  // 0: no ceiling
  static constexpr ByteSize unlimited() { return {}; }
};
struct Duration {
  std::int64_t us = 0;
};

template <class Struct, class Member>
struct Field {
  const char* name;
  Member Struct::* member;
  const char* help;
  const char* choices = nullptr;  // "a|b|c" of a string
  double least = -1e308, most = 1e308;
};
template <class Struct, class Member>
constexpr Field<Struct, Member> field(const char* name, Member Struct::* member, const char* help,
                                      const char* choices = nullptr) {
  return {name, member, help, choices};
}
template <class Struct, class Member>
constexpr Field<Struct, Member> field(const char* name, Member Struct::* member, const char* help, double least,
                                      double most) {
  return {name, member, help, nullptr, least, most};
}
template <class Struct>
inline constexpr auto fields = std::tuple<>{};
template <class T>
inline constexpr bool has_fields = std::tuple_size_v<std::remove_cvref_t<decltype(fields<T>)>> != 0;

/// One row of help, reference page or form.
struct FieldInfo {
  std::string name, type, standard, range, help;
};

// --- reading one value: an overload per type; a user's mistake is a usage error at the node ---
Status read_value(const Node& node, std::string& out);
Status read_value(const Node& node, bool& out);
Status read_value(const Node& node, int& out);
Status read_value(const Node& node, std::int64_t& out);
Status read_value(const Node& node, double& out);
Status read_value(const Node& node, ByteSize& out);
Status read_value(const Node& node, Duration& out);
Status check_choice(const Node& node, const std::string& value, const char* choices);
Status check_range(const Node& node, double value, double least, double most);

template <class S>
Status read_config(const Node& node, S& out);

template <class T>
Status read_value(const Node& node, std::vector<T>& out) {
  out.clear();
  if (!node.is_list()) {  // one value where a list may stand
    out.emplace_back();
    return read_value(node, out.back());
  }
  for (const Node& item : node.items) {
    out.emplace_back();
    ARROW_RETURN_NOT_OK(read_value(item, out.back()));
  }
  return Status::OK();
}
template <class T>
Status read_value(const Node& node, std::optional<T>& out) {
  if (node.type == Node::Type::null) return out.reset(), Status::OK();
  return read_value(node, out.emplace());
}
template <class S>
  requires(has_fields<S>)
Status read_value(const Node& node, S& out) {
  return read_config(node, out);
}

template <class S, class M>
Status check_field(const Node& node, const S& config, const Field<S, M>& field) {
  if constexpr (std::is_same_v<M, std::string>) {
    if (field.choices != nullptr) return check_choice(node, config.*field.member, field.choices);
  } else if constexpr (std::is_arithmetic_v<M> && !std::is_same_v<M, bool>) {
    return check_range(node, static_cast<double>(config.*field.member), field.least, field.most);
  }
  return Status::OK();
}

/// Reads a map into `out`; keys that are absent keep their defaults, an unknown key is an error with the nearest name.
template <class S>
Status read_config(const Node& node, S& out) {
  std::vector<std::string> known;
  std::apply([&](const auto&... f) { (known.emplace_back(f.name), ...); }, fields<S>);
  ARROW_RETURN_NOT_OK(node.only(known));
  Status status;
  auto read = [&](const auto& f) {
    const Node* value = node.find(f.name);
    if (value == nullptr || !status.ok()) return;
    status = read_value(*value, out.*f.member);
    if (status.ok()) status = check_field(*value, out, f);
  };
  std::apply([&](const auto&... f) { (read(f), ...); }, fields<S>);
  return status;
}

// --- describing: type names, defaults ---
template <class T>
struct TypeOf;
template <> struct TypeOf<std::string> {
  static constexpr const char *name = "text", *schema = "string";
};
template <> struct TypeOf<bool> {
  static constexpr const char *name = "yes or no", *schema = "boolean";
};
template <> struct TypeOf<int> {
  static constexpr const char *name = "whole number", *schema = "integer";
};
template <> struct TypeOf<std::int64_t> {
  static constexpr const char *name = "whole number", *schema = "integer";
};
template <> struct TypeOf<double> {
  static constexpr const char *name = "number", *schema = "number";
};
template <> struct TypeOf<ByteSize> {
  static constexpr const char *name = "size", *schema = "string";
};
template <> struct TypeOf<Duration> {
  static constexpr const char *name = "duration", *schema = "string";
};

template <class T> struct is_vector : std::false_type {};
template <class T> struct is_vector<std::vector<T>> : std::true_type {};
template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

std::string show_value(const std::string& v);
std::string show_value(bool v);
std::string show_value(std::int64_t v);
std::string show_value(double v);
std::string show_value(ByteSize v);
std::string show_value(Duration v);
inline std::string show_value(int v) { return show_value(static_cast<std::int64_t>(v)); }

template <class T>
std::string type_name() {
  if constexpr (is_vector<T>::value) return "list of " + type_name<typename T::value_type>();
  else if constexpr (is_optional<T>::value) return type_name<typename T::value_type>();
  else if constexpr (has_fields<T>) return "map";
  else return TypeOf<T>::name;
}
template <class T>
std::string show_default(const T& value) {
  if constexpr (is_vector<T>::value || is_optional<T>::value || has_fields<T>) return {};
  else return show_value(value);
}

/// One row per field, for --help and the reference page.
template <class S>
std::vector<FieldInfo> describe() {
  std::vector<FieldInfo> rows;
  const S standard{};
  auto add = [&](const auto& f) {
    using M = std::remove_cvref_t<decltype(standard.*f.member)>;
    std::string range = f.choices != nullptr ? f.choices : std::string{};
    if (f.least > -1e307 || f.most < 1e307) range = show_value(f.least) + " .. " + show_value(f.most);
    rows.push_back({f.name, type_name<M>(), show_default(standard.*f.member), range, f.help});
  };
  std::apply([&](const auto&... f) { (add(f), ...); }, fields<S>);
  return rows;
}

}  // namespace tapemill
