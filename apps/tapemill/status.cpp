#include "pipeline/status.h"

#include "command.h"
#include "print.h"

namespace tapemill::app {
namespace {

Status run(const NoOptions&, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto all, pipeline::status_of(lake));
  Json list = Json::array();
  std::string notes;
  TextTable text({"data set", "first", "last", "files>", "rows>", "quarantined>", "version>", "missing sessions"});
  std::size_t damaged = 0;
  for (const auto& one : all) {
    damaged += one.damage.empty() ? 0 : 1;
    Json missing = Json::array();
    std::string shown;
    for (std::size_t i = 0; i < one.missing.size(); ++i) {
      missing.push_back(one.missing[i].str());
      if (i < 3) shown += (i > 0 ? ", " : "") + one.missing[i].str();
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
                    {"untold", one.untold.empty() ? Json() : Json(one.untold)},
                    {"damaged", one.damage.empty() ? Json() : Json(one.damage)}});
    auto told = [&](std::int64_t n) { return one.untold.empty() ? thousands(n) : std::string(kNull); };
    if (!one.untold.empty()) notes += one.table + ": " + one.untold + "\n";
    if (!one.damage.empty()) shown = "damaged: " + one.damage;
    text.add({one.table, date(one.first), date(one.last), told(one.units), thousands(one.rows), told(one.quarantined),
              std::to_string(one.version), shown.empty() ? "none" : shown});
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"datasets", list}});
  else if (all.empty()) print(std::string("nothing is in yet: tapemill ingest DATASET PATH... fills the lake\n"));
  else
    print(
        text.str(terminal_width()) + notes +
        "missing sessions: of the calendar, from first to last, without any row; an instrument's own gaps are told by "
        "ingest (missing_sessions)\n");
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
  return command<NoOptions>("status", "What is in, up to when, and what is missing", {}, "  tapemill status --json",
                            run);
}

}  // namespace tapemill::app
