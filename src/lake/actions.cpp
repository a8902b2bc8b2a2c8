#include "lake/actions.h"
#include "core/json.h"

#include <charconv>

namespace tapemill::lake {
namespace {

constexpr const char* kDamaged =
    "the log is damaged: restore this file from a backup; older versions can still be read with --version";

// Reads members of one action; the first mistake is kept.
class Members {
 public:
  Members(const Json& json, const char* action) : json_(json), action_(action) {
    if (!json.is_object()) fail("is not an object");
  }
  std::string text(const char* key, bool needed = true) {
    const Json* value = find(key, needed);
    if (value == nullptr) return {};
    if (!value->is_string()) return fail(fmt::format("{} is not a text", key)), std::string{};
    return value->get<std::string>();
  }
  std::int64_t integer(const char* key, bool needed = true) {
    const Json* value = find(key, needed);
    if (value == nullptr) return 0;
    if (!value->is_number_integer()) return fail(fmt::format("{} is not a whole number", key)), 0;
    return value->get<std::int64_t>();
  }
  std::map<std::string, std::string> map(const char* key) {
    std::map<std::string, std::string> out;
    const Json* value = find(key, false);
    if (value == nullptr) return out;
    if (!value->is_object()) return fail(fmt::format("{} is not an object", key)), out;
    for (const auto& [name, item] : value->items()) {
      out[name] = item.is_null() ? "" : item.is_string() ? item.get<std::string>() : dump(item);
    }
    return out;
  }
  std::vector<std::string> list(const char* key) {
    std::vector<std::string> out;
    const Json* value = find(key, false);
    if (value == nullptr) return out;
    if (!value->is_array()) return fail(fmt::format("{} is not a list", key)), out;
    for (const Json& item : *value) {
      if (!item.is_string()) return fail(fmt::format("{} holds what is not a text", key)), out;
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  std::string path() {
    std::string encoded = text("path");
    if (!problem_.empty()) return {};
    auto decoded = url_decode(encoded);
    if (!decoded.ok()) return fail(decoded.status().message()), std::string{};
    return *std::move(decoded);
  }
  bool has(const char* key) { return find(key, false) != nullptr; }
  void fail(std::string what) {
    if (problem_.empty()) problem_ = fmt::format("{}: {}", action_, what);
  }
  const std::string& problem() const { return problem_; }

 private:
  const Json* find(const char* key, bool needed) {
    if (!problem_.empty()) return nullptr;
    auto it = json_.find(key);
    if (it != json_.end() && !it->is_null()) return &*it;
    if (needed) fail(fmt::format("{} is missing", key));
    return nullptr;
  }
  const Json& json_;
  const char* action_;
  std::string problem_;
};

Status read_protocol(Members& in, Actions& out) {
  Protocol protocol{static_cast<int>(in.integer("minReaderVersion")), static_cast<int>(in.integer("minWriterVersion"))};
  if (!in.problem().empty()) return Status::OK();
  if (protocol.reader > 1) {
    auto features = in.list("readerFeatures");
    std::string names;
    for (const auto& feature : features) names += (names.empty() ? " (" : ", ") + feature;
    if (!names.empty()) names += ")";
    return data_error(
        fmt::format("the table asks for Delta reader version {}{}; Tapemill reads version 1", protocol.reader, names),
        "read it with an engine that knows these features, or write it anew with protocol 1/2");
  }
  out.protocol = protocol;
  return Status::OK();
}

Status read_add(Members& in, Actions& out) {
  Part part;
  part.path = in.path();
  part.size = in.integer("size");
  part.modified_ms = in.integer("modificationTime", false);
  part.partition = in.map("partitionValues");
  part.stats = in.text("stats", false);
  part.tags = in.map("tags");
  if (in.has("deletionVector")) return data_error("add: the table uses deletion vectors, which Tapemill does not read");
  part.rows = rows_of(part.stats);
  out.adds.push_back(std::move(part));
  return Status::OK();
}

Status read_action(const std::string& name, const Json& body, Actions& out) {
  Members in(body, name.c_str());
  Status status;
  if (name == "add") {
    status = read_add(in, out);
  } else if (name == "remove") {
    Removal removal{in.path(), in.integer("deletionTimestamp", false), in.integer("size", false),
                    in.map("partitionValues")};
    out.removes.push_back(std::move(removal));
  } else if (name == "txn") {
    Txn txn{in.integer("version"), in.integer("lastUpdated", false)};
    out.txns[in.text("appId")] = txn;
  } else if (name == "metaData") {
    MetaData metadata;
    metadata.id = in.text("id", false);
    metadata.name = in.text("name", false);
    metadata.description = in.text("description", false);
    metadata.schema = in.text("schemaString");
    metadata.partitions = in.list("partitionColumns");
    metadata.configuration = in.map("configuration");
    metadata.created_ms = in.integer("createdTime", false);
    out.metadata = std::move(metadata);
  } else if (name == "protocol") {
    status = read_protocol(in, out);
  } else if (name == "commitInfo") {
    out.info = body;
  }
  ARROW_RETURN_NOT_OK(status);
  return in.problem().empty() ? Status::OK() : data_error(in.problem(), kDamaged);
}

Status read_line(std::string_view text, const std::string& file, std::int64_t number, Actions& out) {
  Json json;
  try {
    json = Json::parse(text.begin(), text.end());
  } catch (const std::exception& problem) {  // nlohmann's exceptions end here
    auto* syntax = dynamic_cast<const nlohmann::detail::parse_error*>(&problem);
    const std::size_t column = syntax != nullptr ? std::max<std::size_t>(syntax->byte, 1) : 1;
    return data_error(fmt::format("{}:{}:{}: not a JSON action", file, number, column), kDamaged);
  }
  if (!json.is_object() || json.empty())
    return data_error(fmt::format("{}:{}:1: not a JSON action", file, number), kDamaged);
  for (const auto& [name, body] : json.items()) {
    Status status = read_action(name, body, out);
    if (!status.ok()) return prefixed(status, fmt::format("{}:{}", file, number));
  }
  return Status::OK();
}

Json partition_json(const std::map<std::string, std::string>& partition) {
  Json json = Json::object();
  for (const auto& [column, text] : partition) json[column] = text.empty() ? Json(nullptr) : Json(text);
  return json;
}

}  // namespace

Result<Actions> parse_actions(std::string_view text, const std::string& file) {
  Actions actions;
  std::int64_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view one = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ARROW_RETURN_NOT_OK(read_line(one, file, number, actions));
  }
  return actions;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string line(const Protocol& protocol) {
  return dump({{"protocol", {{"minReaderVersion", protocol.reader}, {"minWriterVersion", protocol.writer}}}});
}

std::string line(const MetaData& metadata) {
  Json configuration = Json::object();
  for (const auto& [key, value] : metadata.configuration) configuration[key] = value;
  Json partitions = Json::array();
  for (const auto& column : metadata.partitions) partitions.push_back(column);
  Json body = {{"id", metadata.id}, {"name", metadata.name}};
  if (!metadata.description.empty()) body["description"] = metadata.description;
  body["format"] = {{"provider", "parquet"}, {"options", Json::object()}};
  body["schemaString"] = metadata.schema;
  body["partitionColumns"] = partitions;
  body["configuration"] = configuration;
  body["createdTime"] = metadata.created_ms;
  return dump({{"metaData", body}});
}

std::string line(const std::string& application, const Txn& txn) {
  return dump({{"txn", {{"appId", application}, {"version", txn.version}, {"lastUpdated", txn.updated_ms}}}});
}

std::string line(const Removal& removal, bool data_change) {
  return dump({{"remove",
                {{"path", url_encode(removal.path)},
                 {"deletionTimestamp", removal.deleted_ms},
                 {"dataChange", data_change},
                 {"extendedFileMetadata", true},
                 {"partitionValues", partition_json(removal.partition)},
                 {"size", removal.size}}}});
}

std::string line(const Part& part, bool data_change) {
  Json body = {{"path", url_encode(part.path)},
               {"partitionValues", partition_json(part.partition)},
               {"size", part.size},
               {"modificationTime", part.modified_ms},
               {"dataChange", data_change}};
  if (!part.stats.empty()) body["stats"] = part.stats;
  Json tags = Json::object();
  for (const auto& [key, value] : part.tags) tags[key] = value;
  if (!tags.empty()) body["tags"] = tags;
  return dump({{"add", body}});
}

std::string info_line(const Json& info) { return dump({{"commitInfo", info}}); }

std::string url_encode(std::string_view path) {
  std::string out;
  for (unsigned char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || c == '/' || c == '=';
    if (plain) out += static_cast<char>(c);
    else out += fmt::format("%{:02X}", c);
  }
  return out;
}

Result<std::string> url_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 3 > text.size()) return data_error(fmt::format("path \"{}\" ends in a broken %-escape", text));
    auto read = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (read.ec != std::errc{} || read.ptr != text.data() + i + 3)
      return data_error(fmt::format("path \"{}\" has a broken %-escape", text));
    out += static_cast<char>(value);
    i += 2;
  }
  const std::string framed = "/" + out + "/";
  if (out.empty() || out.front() == '/' || text.find("://") != std::string_view::npos ||
      framed.find("/../") != std::string::npos || out.find('\0') != std::string::npos) {
    return data_error(fmt::format("path \"{}\" leaves the table's folder", text));
  }
  return out;
}

std::int64_t rows_of(const std::string& stats) {
  constexpr std::string_view kStart = "{\"numRecords\":";  // as our writer begins
  std::int64_t rows = -1;
  if (stats.starts_with(kStart)) {
    auto read = std::from_chars(stats.data() + kStart.size(), stats.data() + stats.size(), rows);
    return read.ec == std::errc{} ? rows : -1;
  }
  const Json json = Json::parse(stats, nullptr, false);
  if (!json.is_object()) return -1;
  auto it = json.find("numRecords");
  return it != json.end() && it->is_number_integer() ? it->get<std::int64_t>() : -1;
}

}  // namespace tapemill::lake
