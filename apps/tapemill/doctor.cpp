#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "command.h"
#include "core/build_info.h"
#include "core/json.h"
#include "core/paths.h"
#include "core/s3.h"
#include "lake/about.h"
#include "lake/sql.h"
#include "print.h"
#include "user_config.h"

namespace fs = std::filesystem;
namespace tapemill::app {
namespace {

struct Line {
  std::string what, found, advice;
  bool good = true, data = false;  // data: the lake's own, not the machine's
};

std::int64_t memory_of(const char* key) {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::int64_t kb = 0;
  while (file >> name >> kb >> unit)
    if (name == std::string(key) + ":") return kb * 1024;
  return 0;
}

/// The nearest folder above `path` that is there.
fs::path existing(fs::path path) {
  std::error_code ignored;
  path = fs::absolute(path, ignored);
  while (!fs::exists(path, ignored) && path.has_parent_path() && path != path.parent_path()) path = path.parent_path();
  return path;
}

std::vector<Line> examine(const Context& context) {
  std::vector<Line> lines;
  lines.push_back({"version", std::string(version()) + ", source " + std::string(source_hash()).substr(0, 12), ""});
  lines.push_back({"cores", fmt::format("{}", Workers(0).threads()), ""});
  std::int64_t total = memory_of("MemTotal"), free = memory_of("MemAvailable");
  lines.push_back({"memory", fmt::format("{} free of {}", format_bytes(free), format_bytes(total)),
                   free < (1LL << 30) ? "under 1 GB is free: give --memory 512MB" : "", free >= (1LL << 30)});
  fs::path folder = existing(S3Place::is(context.lake_path) ? fs::current_path().string() : context.lake_path);
  std::error_code ignored;
  if (S3Place::is(context.lake_path)) {
    auto lake = context.lake(true);
    lines.push_back({"lake", context.lake_path, lake.ok() ? "" : lake.status().message(), lake.ok()});
  } else {
    bool writable = ::access(folder.c_str(), W_OK) == 0;
    std::string place = fs::absolute(context.lake_path, ignored).string();
    lines.push_back({"lake", place + (fs::exists(context.lake_path, ignored) ? "" : " (not there yet)"),
                     writable ? "" : folder.string() + " is not writable for this user", writable});
  }
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) == 0) {
    auto room = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
    lines.push_back({"disk", format_bytes(room) + " free",
                     room < (5LL << 30) ? "under 5 GB is free where the lake lies" : "", room >= (5LL << 30)});
  }
  auto zone = Zone::named("Asia/Kolkata");
  lines.push_back({"time zones", zone.ok() ? "tz database found" : "missing", zone.ok() ? "" : "apt-get install tzdata",
                   zone.ok()});
  bool share = fs::is_directory(share_folder() + "/datasets", ignored);
  lines.push_back({"data sets", fmt::format("{} in {}", dataset_names().size(), share_folder()),
                   share ? "" : "set $TAPEMILL_SHARE to the folder that holds datasets/", share});
  std::string broken;
  for (const auto& name : dataset_names()) {
    auto dataset = load_dataset(name);
    if (!dataset.ok()) broken = dataset.status().message();
  }
  lines.push_back({"specs", broken.empty() ? "all read" : "broken", broken, broken.empty()});
  Status duckdb = lake::sql_available();
  lines.push_back({"SQL", duckdb.ok() ? "DuckDB loads" : "missing", duckdb.ok() ? "" : duckdb.message(), duckdb.ok()});
  if (auto lake = context.lake(); lake.ok()) {
    auto damaged = lake::damaged_tables(*lake);
    auto names = lake->tables();
    std::string found = "cannot be listed", advice = damaged.status().message();
    if (damaged.ok() && names.ok()) {
      found = damaged->empty() ? fmt::format("{}, every part there", names->size())
                               : fmt::format("damaged: {}", damaged->size());
      advice.clear();
      if (!damaged->empty()) {
        const auto& [name, what] = damaged->front();
        advice = fmt::format("{}: {}: restore it from a backup{}", name.str(), what,
                             name.layer == lake::Layer::landing ? "" : ", or rebuild the table");
      }
    }
    lines.push_back({"tables", found, advice, damaged.ok() && damaged->empty(), true});
  }
  auto config = read_user_config();
  lines.push_back({"settings", config_path() + (fs::exists(config_path(), ignored) ? "" : " (defaults)"),
                   config.ok() ? "" : config.status().message(), config.ok()});
  return lines;
}

Status run(const NoOptions&, Context& context) {
  auto lines = examine(context);
  bool good = true, machine = true;
  Json list = Json::array();
  TextTable text({"", "what", "found", "what to do"});
  for (const Line& line : lines) {
    good &= line.good;
    machine &= line.good || line.data;
    list.push_back({{"what", line.what}, {"found", line.found}, {"ok", line.good}, {"advice", line.advice}});
    text.add({line.good ? "ok" : "!!", line.what, line.found, line.advice});
  }
  if (context.json) print(Json{{"ok", good}, {"checks", list}});
  else print(text.str(terminal_width()));
  if (machine && !good) return data_error("a table of the lake is damaged", "the last column says which");
  return good ? Status::OK()
              : environment_error("something of the environment is missing", "the last column says what to do");
}

}  // namespace

Command doctor_command() {
  return command<NoOptions>("doctor", "What of the environment is missing", {},
                            "  tapemill doctor\n  tapemill doctor --json", run);
}

}  // namespace tapemill::app
