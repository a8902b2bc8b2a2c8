#include "core/document.h"

#include <simdjson.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <set>

#include "core/json.h"
#include "core/paths.h"

namespace tapemill {
namespace {

constexpr int kDeepest = 100;
constexpr std::size_t kMostNodes = 1'000'000, kMostBytes = 64u << 20;

std::string_view line_of(std::string_view text, int line) {
  for (int at = 1; at < line; ++at) {
    auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

/// The line with a caret under `column`.
std::string excerpt_at(std::string_view text, int line, int column) {
  std::string shown(line_of(text, line));
  while (!shown.empty() && (shown.back() == '\r' || shown.back() == ' ')) shown.pop_back();
  if (shown.empty() || shown.size() > 400) return {};
  std::string caret;
  for (int i = 1; i < column; ++i)
    caret += static_cast<std::size_t>(i) <= shown.size() && shown[static_cast<std::size_t>(i - 1)] == '\t' ? '\t' : ' ';
  return "  " + shown + "\n  " + caret + "^";
}

Status document_error(const Origin& origin, int line, int column, const std::string& what, std::string hint) {
  return error(Blame::usage, fmt::format("{}:{}:{}: {}", origin.file, line, column, what), std::move(hint),
               excerpt_at(origin.text, line, column));
}

bool looks_like_number(const std::string& text) {
  double value = 0;
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+');
  auto [end, failed] = std::from_chars(begin, text.data() + text.size(), value);
  return failed == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

Status check_duplicates(const Node& map) {
  std::set<std::string> seen;
  for (const auto& [key, value] : map.members)
    if (!seen.insert(key.text).second)
      return key.error(fmt::format("\"{}\" stands twice", key.text), "keep one of them");
  return Status::OK();
}

// --- YAML ---
struct YamlReader {
  const Origin& origin;
  std::size_t nodes = 0;

  Status convert(const YAML::Node& from, Node& to, int depth) {
    to.origin = &origin;
    to.line = from.Mark().line + 1;
    to.column = from.Mark().column + 1;
    if (depth > kDeepest) return to.error("nested deeper than 100 levels");
    if (++nodes > kMostNodes)
      return to.error("more than 1,000,000 values", "anchors that repeat each other grow without end");
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: to.type = Node::Type::null; break;
      case YAML::NodeType::Scalar: {
        to.text = from.Scalar();
        bool quoted = from.Tag() == "!";
        if (!quoted && (to.text == "true" || to.text == "false")) to.type = Node::Type::boolean;
        else if (!quoted && (to.text == "null" || to.text == "~" || to.text.empty())) to.type = Node::Type::null;
        else to.type = !quoted && looks_like_number(to.text) ? Node::Type::number : Node::Type::string;
        break;
      }
      case YAML::NodeType::Sequence:
        to.type = Node::Type::list;
        for (const auto& item : from) {
          to.items.emplace_back();
          ARROW_RETURN_NOT_OK(convert(item, to.items.back(), depth + 1));
        }
        break;
      case YAML::NodeType::Map:
        to.type = Node::Type::map;
        for (const auto& pair : from) {
          to.members.emplace_back();
          Node& key = to.members.back().key;
          ARROW_RETURN_NOT_OK(convert(pair.first, key, depth + 1));
          if (!key.is_scalar()) return key.error("a key must be a plain word");
          // `null: refuse` of a column: yaml-cpp keeps no text of a plain null, and as a key it is a word.
          if (key.type == Node::Type::null && key.text.empty()) key.type = Node::Type::string, key.text = "null";
          ARROW_RETURN_NOT_OK(convert(pair.second, to.members.back().value, depth + 1));
        }
        return check_duplicates(to);
    }
    return Status::OK();
  }
};

// --- JSON ---
struct JsonReader {
  const Origin& origin;
  const char* base;

  mutable std::size_t seen = 0, line_start = 0;  // up to where lines were counted: nodes come in order, mostly
  mutable int line = 1;

  void place(Node& node, const char* at) const {
    auto offset = std::min(static_cast<std::size_t>(at - base), origin.text.size());
    if (offset < seen) seen = line_start = 0, line = 1;
    for (; seen < offset; ++seen)
      if (origin.text[seen] == '\n') ++line, line_start = seen + 1;
    node.origin = &origin;
    node.line = line;
    node.column = static_cast<int>(offset - line_start + 1);
  }
  Status failed(Node& node, simdjson::error_code code) const {
    return node.error(fmt::format("not JSON: {}", simdjson::error_message(code)));
  }

  template <class Value>
  Status convert(Value& from, Node& to, int depth) {
    if (depth > kDeepest) return to.error("nested deeper than 100 levels");
    namespace sj = simdjson;
    sj::ondemand::json_type type;
    if (auto code = from.type().get(type)) return failed(to, code);
    switch (type) {
      case sj::ondemand::json_type::null: to.type = Node::Type::null; return Status::OK();
      case sj::ondemand::json_type::boolean: {
        bool value = false;
        if (auto code = from.get_bool().get(value)) return failed(to, code);
        to.type = Node::Type::boolean;
        to.text = value ? "true" : "false";
        return Status::OK();
      }
      case sj::ondemand::json_type::number: {
        std::string_view token = from.raw_json_token();
        token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
        double value = 0;
        if (auto code = from.get_double().get(value)) return failed(to, code);
        to.type = Node::Type::number;
        to.text = std::string(token);
        return Status::OK();
      }
      case sj::ondemand::json_type::string: {
        std::string_view value;
        if (auto code = from.get_string().get(value)) return failed(to, code);
        to.type = Node::Type::string;
        to.text = std::string(value);
        return Status::OK();
      }
      case sj::ondemand::json_type::array: {
        to.type = Node::Type::list;
        sj::ondemand::array list;
        if (auto code = from.get_array().get(list)) return failed(to, code);
        for (auto item : list) {
          sj::ondemand::value value;
          if (auto code = item.get(value)) return failed(to, code);
          Node& one = to.items.emplace_back();
          place(one, value.raw_json_token().data());
          ARROW_RETURN_NOT_OK(convert(value, one, depth + 1));
        }
        return Status::OK();
      }
      case sj::ondemand::json_type::object: {
        to.type = Node::Type::map;
        sj::ondemand::object map;
        if (auto code = from.get_object().get(map)) return failed(to, code);
        for (auto member : map) {
          sj::ondemand::field field;
          if (auto code = std::move(member).get(field)) return failed(to, code);
          auto& [key, one] = to.members.emplace_back();
          place(key, field.key().raw() - 1);
          std::string_view name;
          if (auto code = field.unescaped_key().get(name)) return failed(key, code);
          key.type = Node::Type::string;
          key.text = std::string(name);
          sj::ondemand::value value = field.value();
          place(one, value.raw_json_token().data());
          ARROW_RETURN_NOT_OK(convert(value, one, depth + 1));
        }
        return check_duplicates(to);
      }
    }
    return Status::OK();
  }
};

const char* type_name(Node::Type type) {
  switch (type) {
    case Node::Type::null: return "nothing";
    case Node::Type::boolean: return "true or false";
    case Node::Type::number: return "a number";
    case Node::Type::string: return "text";
    case Node::Type::list: return "a list";
    case Node::Type::map: return "a map";
  }
  return "";
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name.text == key) return &value;
  return nullptr;
}
std::string Node::place() const { return fmt::format("{}:{}:{}", origin == nullptr ? "" : origin->file, line, column); }
Status Node::error(std::string what, std::string hint) const {
  if (origin == nullptr) return usage_error(std::move(what), std::move(hint));
  return document_error(*origin, line, column, what, std::move(hint));
}
Result<std::string> Node::as_string() const {
  if (!is_scalar() || type == Type::null) return error(fmt::format("expected text, found {}", type_name(type)));
  return text;
}
Result<double> Node::as_number() const {
  double value = 0;
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+');
  auto [end, failed] = std::from_chars(begin, text.data() + text.size(), value);
  if (!is_scalar() || failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return error(fmt::format("expected a number, found {}",
                             is_scalar() && !text.empty() ? "\"" + text + "\"" : type_name(type)));
  return value;
}
Result<std::int64_t> Node::as_integer() const {
  std::int64_t value = 0;
  std::string digits;
  for (char c : text)
    if (c != '_') digits += c;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!is_scalar() || failed != std::errc{} || end != digits.data() + digits.size())
    return error(fmt::format("expected a whole number, found {}",
                             is_scalar() && !text.empty() ? "\"" + text + "\"" : type_name(type)));
  return value;
}
Result<bool> Node::as_boolean() const {
  if (is_scalar() && (text == "true" || text == "yes" || text == "on")) return true;
  if (is_scalar() && (text == "false" || text == "no" || text == "off")) return false;
  return error(fmt::format("expected true or false, found {}",
                           is_scalar() && !text.empty() ? "\"" + text + "\"" : type_name(type)));
}
Result<const Node*> Node::need(std::string_view key) const {
  if (!is_map()) return error(fmt::format("expected a map with \"{}\", found {}", key, type_name(type)));
  const Node* found = find(key);
  if (found == nullptr) return error(fmt::format("\"{}\" is missing here", key), fmt::format("add {}: ...", key));
  return found;
}
Status Node::only(const std::vector<std::string>& known) const {
  if (!is_map()) return error(fmt::format("expected a map, found {}", type_name(type)), "known keys: " + join(known));
  for (const auto& [key, value] : members) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    std::string near = nearest(key.text, known);
    return key.error(fmt::format("unknown key \"{}\"", key.text),
                     (near.empty() ? "known: " : fmt::format("did you mean \"{}\"? known: ", near)) + join(known));
  }
  return Status::OK();
}
Json Node::json() const {
  switch (type) {
    case Type::null: return nullptr;
    case Type::boolean: return text == "true";
    case Type::number: {
      auto whole = as_integer();
      if (whole.ok() && text.find('_') == std::string::npos) return *whole;
      return as_number().ValueOr(0);
    }
    case Type::string: return text;
    case Type::list: {
      Json list = Json::array();
      for (const auto& item : items) list.push_back(item.json());
      return list;
    }
    case Type::map: {
      Json map = Json::object();
      for (const auto& [key, value] : members) map[key.text] = value.json();
      return map;
    }
  }
  return nullptr;
}

Result<Document> Document::parse_yaml(std::string text, std::string file) {
  Document document;
  document.origin_ = std::make_unique<Origin>(Origin{std::move(file), std::move(text)});
  document.root_ = std::make_unique<Node>();
  const Origin& origin = *document.origin_;
  if (origin.text.size() > kMostBytes) return usage_error(origin.file + ": a document of over 64 MB");
  if (!simdjson::validate_utf8(origin.text))
    return usage_error(origin.file + ": is not UTF-8 text", "save it as UTF-8");
  try {
    YamlReader reader{origin};
    ARROW_RETURN_NOT_OK(reader.convert(YAML::Load(origin.text), *document.root_, 0));
  } catch (const YAML::Exception& e) {
    return document_error(origin, e.mark.line + 1, e.mark.column + 1, "not YAML: " + e.msg, {});
  }
  if (document.root_->line < 1) document.root_->line = document.root_->column = 1;
  return document;
}

Result<Document> Document::parse_json(std::string text, std::string file) {
  Document document;
  document.origin_ = std::make_unique<Origin>(Origin{std::move(file), std::move(text)});
  document.root_ = std::make_unique<Node>();
  const Origin& origin = *document.origin_;
  if (origin.text.size() > kMostBytes) return usage_error(origin.file + ": a document of over 64 MB");
  simdjson::padded_string padded(origin.text);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document tokens;
  JsonReader reader{origin, padded.data()};
  reader.place(*document.root_, padded.data());
  if (auto code = parser.iterate(padded).get(tokens)) return reader.failed(*document.root_, code);
  Status status = reader.convert(tokens, *document.root_, 0);
  ARROW_RETURN_NOT_OK(status);
  const char* rest = nullptr;
  if (tokens.current_location().get(rest) == simdjson::SUCCESS) {
    Node at;
    reader.place(at, rest);
    return at.error("not JSON: something stands after the document");
  }
  return document;
}

Result<Document> Document::read(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(path));
  bool json = path.size() > 5 && path.substr(path.size() - 5) == ".json";
  return json ? parse_json(std::move(text), path) : parse_yaml(std::move(text), path);
}

}  // namespace tapemill
