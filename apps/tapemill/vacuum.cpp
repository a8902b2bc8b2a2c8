#include "lake/vacuum.h"

#include <chrono>

#include "command.h"
#include "core/json.h"
#include "pipeline/maintain.h"
#include "print.h"

namespace tapemill::app {
namespace {

struct VacuumArguments {
  std::vector<std::string> tables;
  std::string retain = "7d";
  bool dry_run = false, force = false;
};

}  // namespace
}  // namespace tapemill::app

namespace tapemill {
template <>
inline constexpr auto fields<app::VacuumArguments> =
    std::tuple{field("tables", &app::VacuumArguments::tables, "tables, such as nse_cash or bronze.sp500; none: all"),
               field("retain", &app::VacuumArguments::retain,
                     "versions that were current within this time stay readable: 7d, 12h, 5y"),
               field("dry_run", &app::VacuumArguments::dry_run, "only say what would be deleted"),
               field("force", &app::VacuumArguments::force,
                     "also a promise of less than an hour: readers at work may lose their files")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

void print_report(const lake::VacuumReport& report, bool dry_run) {
  std::string line = fmt::format("{}: ", report.table);
  if (report.files == 0) line += "nothing to delete";
  else
    line += fmt::format("{}{}, {}", counted(report.files, "file"), dry_run ? " would be deleted" : " deleted",
                        format_bytes(report.bytes));
  line += fmt::format(" · versions {} to {} stay readable", report.kept_from, report.version);
  if (report.files_left > 0)
    line += fmt::format(" · {} of earlier versions, {}, stay for them", counted(report.files_left, "file"),
                        format_bytes(report.bytes_left));
  print(line + "\n");
}

Status run(const VacuumArguments& arguments, Context& context) {
  lake::VacuumOptions options;
  ARROW_ASSIGN_OR_RAISE(options.retain, pipeline::parse_duration(arguments.retain));
  if (options.retain < kHour && !arguments.force)
    return usage_error(
        fmt::format("--retain {} is less than an hour: readers at work may lose their files", arguments.retain),
        "give --force where nobody reads, or a longer time");
  options.dry_run = arguments.dry_run;
  options.now.us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto tables, pipeline::tables_of(lake, arguments.tables));
  Json list = Json::array();
  for (const lake::Table& table : tables) {
    ARROW_ASSIGN_OR_RAISE(auto report, lake::vacuum(table, options));
    if (context.json) list.push_back(report.json());
    else print_report(report, arguments.dry_run);
  }
  if (context.json)
    print(Json{{"lake", lake.root()}, {"dry_run", arguments.dry_run}, {"retain", arguments.retain}, {"tables", list}});
  return Status::OK();
}

}  // namespace

Command vacuum_command() {
  return command<VacuumArguments>("vacuum", "Delete files that no version inside the promise needs", {"?tables"},
                                  "  tapemill vacuum nse_cash --dry-run\n  tapemill vacuum --retain 30d", run);
}

}  // namespace tapemill::app
