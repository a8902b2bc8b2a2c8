#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_fwd.h"
#include "core/status.h"

namespace tapemill {

/// A node of a document that a user wrote, YAML or JSON, with the place it stands at. Numbers keep their text.
class Node {
 public:
  enum class Type { null, boolean, number, string, list, map };
  Type type = Type::null;
  std::string text;                                  // of a scalar
  std::vector<Node> items;                           // of a list
  struct Member;
  std::vector<Member> members;                       // of a map, in order of writing
  int line = 0, column = 0;                          // 1-based
  const struct Origin* origin = nullptr;             // file name and text; owned by the Document

  const Node* find(std::string_view key) const;
  bool is_map() const { return type == Type::map; }
  bool is_list() const { return type == Type::list; }
  bool is_scalar() const { return type != Type::list && type != Type::map; }
  std::string place() const;                          // file:line:column

  /// A usage error at this node: "file:14:7: unknown check "ohlc_ordr"", the line with a caret, the hint.
  Status error(std::string what, std::string hint = {}) const;
  Result<std::string> as_string() const;
  Result<double> as_number() const;
  Result<std::int64_t> as_integer() const;
  Result<bool> as_boolean() const;
  Result<const Node*> need(std::string_view key) const;           // error names the missing key
  /// Error at the first key that is none of `known`, with the nearest right name.
  Status only(const std::vector<std::string>& known) const;
  Json json() const;                                              // canonical: keys in order of writing
};

struct Node::Member {
  Node key, value;
};

struct Origin {
  std::string file, text;
};

/// A parsed file. Duplicate keys, anchors past 10,000 nodes, nesting past 100 and invalid UTF-8 are errors.
class Document {
 public:
  static Result<Document> read(const std::string& path);          // by suffix: .json, else YAML
  static Result<Document> parse_yaml(std::string text, std::string file);
  static Result<Document> parse_json(std::string text, std::string file);
  const Node& root() const { return *root_; }

 private:
  std::unique_ptr<Origin> origin_;
  std::unique_ptr<Node> root_;
};

}  // namespace tapemill
