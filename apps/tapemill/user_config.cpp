#include "user_config.h"

#include <cstdlib>
#include <filesystem>

#include "command.h"
#include "core/paths.h"
#include "print.h"

namespace tapemill::app {
struct SetOptions {
  std::string key, value;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::SetOptions> =
    std::tuple{field("key", &app::SetOptions::key, "lake, memory, threads or utc"),
               field("value", &app::SetOptions::value, "its new value")};
}  // namespace tapemill

namespace tapemill::app {

std::string config_path() {
  if (const char* given = std::getenv("TAPEMILL_CONFIG")) return given;
  if (const char* base = std::getenv("XDG_CONFIG_HOME")) return std::string(base) + "/tapemill/config.yaml";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/root") + "/.config/tapemill/config.yaml";
}

Result<UserConfig> read_user_config() {
  UserConfig config;
  std::error_code ignored;
  if (!std::filesystem::exists(config_path(), ignored)) return config;
  ARROW_ASSIGN_OR_RAISE(Document document, Document::read(config_path()));
  if (document.root().type == Node::Type::null) return config;
  ARROW_RETURN_NOT_OK(read_config(document.root(), config));
  return config;
}

std::vector<std::string> keys_set_by_user() {
  std::vector<std::string> keys;
  std::error_code ignored;
  if (!std::filesystem::exists(config_path(), ignored)) return keys;
  auto document = Document::read(config_path());
  if (!document.ok()) return keys;
  for (const auto& member : document->root().members) keys.push_back(member.key.text);
  return keys;
}

namespace {

Json current(const UserConfig& config) {
  return {{"lake", config.lake},
          {"memory", config.memory.bytes == 0 ? Json() : Json(std::to_string(config.memory.bytes))},
          {"threads", config.threads},
          {"utc", config.utc}};
}

Status show(const NoOptions&, Context& context) {
  ARROW_RETURN_NOT_OK(read_user_config().status());
  const UserConfig config{context.lake_path, ByteSize{context.memory}, context.threads, context.utc};
  std::error_code ignored;
  bool there = std::filesystem::exists(config_path(), ignored);
  Json origins = Json::object();
  TextTable text({"key", "value", "from", "what"});
  std::vector<std::string> values{config.lake, show_value(config.memory), std::to_string(config.threads),
                                  show_value(config.utc)};
  auto rows = describe<UserConfig>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto from = context.origin.find(rows[i].name);
    const std::string origin = from == context.origin.end() ? "default" : from->second;
    origins[rows[i].name] = origin;
    text.add({rows[i].name, values[i], origin, rows[i].help});
  }
  if (context.json)
    return print(Json{{"path", config_path()}, {"exists", there}, {"values", current(config)}, {"origins", origins}}),
           Status::OK();
  print(text.str(terminal_width()));
  print(fmt::format("{}{}\n", config_path(), there ? "" : " (not there)"));
  return Status::OK();
}

Status set(const SetOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(UserConfig config, read_user_config());
  Json values = current(config);
  std::vector<std::string> known;
  for (const auto& row : describe<UserConfig>()) known.push_back(row.name);
  if (std::find(known.begin(), known.end(), options.key) == known.end()) {
    std::string near = nearest(options.key, known);
    return usage_error(fmt::format("unknown key \"{}\"", options.key),
                       near.empty() ? "keys: lake, memory, threads, utc" : "did you mean \"" + near + "\"?");
  }
  if (options.value.empty())
    return usage_error(fmt::format("config set {}: the value is empty", options.key),
                       "tapemill config show says what is in force; " + config_path() + " holds what was set");
  std::string text;
  std::vector<std::string> kept = keys_set_by_user();
  kept.push_back(options.key);
  for (const auto& [key, value] : values.items()) {
    if (std::find(kept.begin(), kept.end(), key) == kept.end()) continue;
    std::string shown = key == options.key  ? options.value
                        : value.is_string() ? value.get<std::string>()
                        : value.is_null()   ? ""
                                            : value.dump();
    if (!shown.empty()) text += key + ": " + (key == "lake" ? Json(shown).dump() : shown) + "\n";
  }
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_yaml(text, "config set"));
  UserConfig checked;
  ARROW_RETURN_NOT_OK(read_config(document.root(), checked));
  ARROW_RETURN_NOT_OK(write_file_atomically(config_path(), text));
  if (context.json) print(Json{{"path", config_path()}, {"values", current(checked)}});
  else print(fmt::format("{}: {} is {}\n", config_path(), options.key, options.value));
  return Status::OK();
}

Status path(const NoOptions&, Context& context) {
  if (context.json) print(Json{{"path", config_path()}});
  else print(config_path() + "\n");
  return Status::OK();
}

}  // namespace

Command config_show_command() {
  return command<NoOptions>("config show", "The settings in force, and where each comes from", {},
                            "  tapemill config show", show);
}
Command config_set_command() {
  return command<SetOptions>("config set", "Set one of them", {"key", "value"}, "  tapemill config set lake /data/lake",
                             set);
}
Command config_path_command() {
  return command<NoOptions>("config path", "Where they are kept", {}, "  tapemill config path", path);
}

}  // namespace tapemill::app
