#include "user_config.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "command.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake/storage.h"
#include "print.h"

namespace tapemill::app {
struct SetOptions {
  std::string key, value;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::SetOptions> =
    std::tuple{field("key", &app::SetOptions::key, "one of those that config show lists"),
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

Result<Credentials> read_credentials() {
  Credentials out;
  const std::string path = (std::filesystem::path(config_path()).parent_path() / "credentials.yaml").string();
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return out;
  if ((info.st_mode & 077) != 0) return environment_error(path + " may be read by others", "chmod 600 " + path);
  auto document = Document::read(path);
  Status status = document.status();
  if (status.ok() && document->root().type != Node::Type::null) status = read_config(document->root(), out);
  if (status.ok()) return out;
  return error(Blame::usage, status.message().substr(0, status.message().find(": ")) + ": not as it should be",
               "keys: key, secret, s3_key, s3_secret, each with a text");  // without the line, which may hold a secret
}

Status configure_s3(const UserConfig& config) {
  ARROW_ASSIGN_OR_RAISE(const Credentials credentials, read_credentials());
  lake::StorageSettings settings;
  settings.s3.endpoint = config.s3_endpoint;
  settings.s3.region = config.s3_region;
  settings.s3.key = credentials.s3_key, settings.s3.secret = credentials.s3_secret;
  settings.s3.retry = {config.max_retries, config.retry_delay_seconds};
  settings.cache_folder = config.s3_cache;
  settings.cache_bytes = config.s3_cache_size.bytes;
  lake::configure_storage(std::move(settings));
  return Status::OK();
}

Result<S3Settings> polygon_settings(const UserConfig& config) {
  ARROW_ASSIGN_OR_RAISE(const Credentials credentials, read_credentials());
  S3Settings settings = S3Settings::from_environment({});
  if (!credentials.key.empty())
    settings.key = credentials.key, settings.secret = credentials.secret, settings.token = {};
  settings.endpoint = config.polygon_endpoint;
  settings.region = config.s3_region;
  settings.retry.delay_s = config.retry_delay_seconds;
  if (std::getenv("TAPEMILL_S3_RETRIES") == nullptr) settings.retry.tries = config.max_retries;
  return settings;
}

namespace {

Json current(const UserConfig& config) {
  Json values = Json::object();
  auto add = [&](const auto& f) {
    const auto& value = config.*f.member;
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, ByteSize>)
      values[f.name] = value.bytes == 0 ? Json() : Json(std::to_string(value.bytes));
    else values[f.name] = value;
  };
  std::apply([&](const auto&... f) { (add(f), ...); }, fields<UserConfig>);
  return values;
}

Status show(const NoOptions&, Context& context) {
  ARROW_RETURN_NOT_OK(read_user_config().status());
  UserConfig config = *read_user_config();
  config.lake = context.lake_path, config.memory = ByteSize{context.memory};
  config.threads = context.threads, config.utc = context.utc;
  std::error_code ignored;
  bool there = std::filesystem::exists(config_path(), ignored);
  Json origins = Json::object();
  TextTable text({"key", "value", "from", "what"});
  text.stays({"key", "value"});
  std::vector<std::string> values;
  std::apply([&](const auto&... f) { (values.push_back(show_value(config.*f.member)), ...); }, fields<UserConfig>);
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
    return usage_error(
        fmt::format("unknown key \"{}\"", options.key),
        near.empty() ? fmt::format("keys: {}", fmt::join(known, ", ")) : "did you mean \"" + near + "\"?");
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
    if (!shown.empty())
      text += key + ": " +
              (value.is_string() && !shown.empty() && key != "memory" && key != "s3_cache_size" ? Json(shown).dump()
                                                                                                : shown) +
              "\n";
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
                            "  tapemill config show\n  tapemill config show --json", show);
}
Command config_set_command() {
  return command<SetOptions>("config set", "Set one of them", {"key", "value"},
                             "  tapemill config set threads 4\n  tapemill config set lake /data/lake", set);
}
Command config_path_command() {
  return command<NoOptions>("config path", "Where they are kept", {}, "  tapemill config path", path);
}

}  // namespace tapemill::app
