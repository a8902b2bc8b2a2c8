#include "pipeline/status.h"

#include <chrono>
#include <filesystem>

#include "command.h"
#include "core/json.h"
#include "core/paths.h"
#include "print.h"

namespace tapemill::app {
struct StatusOptions {
  std::string watermarks;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::StatusOptions> = std::tuple{field(
    "watermarks", &app::StatusOptions::watermarks, "folder to write DATASET/watermarks.json to, for other tools")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status write_watermarks(const std::string& folder, const std::vector<pipeline::DatasetStatus>& all,
                        const Context& context) {
  for (const auto& one : all) {
    if (!one.damage.empty()) continue;
    const std::string under = folder + "/" + one.table;
    std::error_code failed;
    std::filesystem::create_directories(under, failed);
    if (failed) return errno_error(under, failed.value());
    const char* mode = context.memory > 0 ? "streaming" : context.workers.threads() > 1 ? "parallel" : "batch";
    ARROW_RETURN_NOT_OK(
        write_file_atomically(under + "/watermarks.json", pipeline::watermark_json(one, mode).dump(2) + "\n"));
  }
  return Status::OK();
}

Status run(const StatusOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  ARROW_ASSIGN_OR_RAISE(auto all, pipeline::status_of(lake, Instant{now}));
  if (!options.watermarks.empty()) ARROW_RETURN_NOT_OK(write_watermarks(options.watermarks, all, context));
  Json list = Json::array();
  std::string notes;
  TextTable text({"data set", "first", "last", "files>", "rows>", "quarantined>", "version>", "missing sessions"});
  std::size_t damaged = 0;
  for (const auto& one : all) {
    damaged += one.damage.empty() ? 0 : 1;
    Json missing = Json::array(), why = Json::object();
    std::string shown;
    for (std::size_t i = 0; i < one.missing.size(); ++i) {
      missing.push_back(one.missing[i].str());
      auto reason = one.why.find(one.missing[i]);
      if (reason != one.why.end()) why[one.missing[i].str()] = reason->second;
      if (i < 3) shown += (i > 0 ? ", " : "") + one.missing[i].str();
      if (i < 3 && reason != one.why.end() && reason->second.starts_with("its file"))
        shown += " (" + reason->second + ")";
    }
    if (one.missing.size() > 3) shown += fmt::format(" and {} more", one.missing.size() - 3);
    auto date = [](const std::optional<Date>& d) { return d ? d->str() : std::string(kNull); };
    list.push_back({{"dataset", one.table},
                    {"first", one.first ? Json(one.first->str()) : Json()},
                    {"last", one.last ? Json(one.last->str()) : Json()},
                    {"files", one.untold.empty() ? Json(one.units) : Json()},
                    {"rows", one.rows},
                    {"rows_quarantined", one.untold.empty() ? Json(one.quarantined) : Json()},
                    {"version", one.version},
                    {"last_commit", Instant{one.last_commit_ms * 1000}.str()},
                    {"missing_sessions", missing},
                    {"why_missing", why},
                    {"sessions_behind", one.behind},
                    {"next_session", one.next ? Json(one.next->str()) : Json()},
                    {"untold", one.untold.empty() ? Json() : Json(one.untold)},
                    {"damaged", one.damage.empty() ? Json() : Json(one.damage)}});
    auto told = [&](std::int64_t n) { return one.untold.empty() ? thousands(n) : std::string(kNull); };
    if (!one.untold.empty()) notes += one.table + ": " + one.untold + "\n";
    if (one.behind > 0)
      notes += fmt::format("{}: {} since {} have closed, and no file of them has come\n", one.table,
                           counted(one.behind, "session"), one.last->str());
    if (!one.damage.empty()) shown = "damaged: " + one.damage;
    text.add({one.table, date(one.first), date(one.last), told(one.units), thousands(one.rows), told(one.quarantined),
              std::to_string(one.version), shown.empty() ? "none" : shown});
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"datasets", list}});
  else if (all.empty()) print(std::string("nothing is in yet: tapemill ingest DATASET PATH... fills the lake\n"));
  else
    print(text.str(terminal_width()) +
          wrapped(notes +
                      "missing sessions: of the calendar (a holiday is no gap), from first to last, without any row, "
                      "and for want of a file where nothing else is said; an instrument's own gaps are told by "
                      "ingest (missing_sessions)\n",
                  terminal_width()));
  if (damaged > 0) {  // what may not be read is not damaged
    ARROW_ASSIGN_OR_RAISE(auto names, lake.tables());
    for (const auto& name : names)
      if (Status read = lake.table(name).snapshot().status(); exit_code(read) == 3) return read;
  }
  if (damaged > 0)
    return data_error(fmt::format("{} of {} data sets {} damaged", damaged, all.size(), damaged == 1 ? "is" : "are"),
                      "restore the files from a backup, or rebuild the table");
  return Status::OK();
}

}  // namespace

Command status_command() {
  return command<StatusOptions>("status", "What is in, up to when, what is missing and why", {},
                                "  tapemill status\n  tapemill status --json\n  tapemill status --watermarks metadata",
                                run);
}

}  // namespace tapemill::app
