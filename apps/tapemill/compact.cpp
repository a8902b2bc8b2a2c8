#include "lake/compact.h"

#include "command.h"
#include "core/json.h"
#include "pipeline/maintain.h"
#include "print.h"

namespace tapemill::app {
namespace {

struct CompactArguments {
  std::vector<std::string> tables;
  std::string target_size = "256MB";
  bool dry_run = false;
};

}  // namespace
}  // namespace tapemill::app

namespace tapemill {
template <>
inline constexpr auto fields<app::CompactArguments> = std::tuple{
    field("tables", &app::CompactArguments::tables, "tables, such as nse_cash or bronze.sp500; none: all"),
    field("target_size", &app::CompactArguments::target_size, "a part's size, up to which small ones are joined"),
    field("dry_run", &app::CompactArguments::dry_run, "only say what would be done")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

void print_report(const lake::CompactReport& report, bool dry_run) {
  const std::string apart = report.apart == 0
                                ? std::string()
                                : fmt::format("  {} stay: their rows cannot be told apart by session or symbol\n",
                                              counted(report.apart, "small file"));
  if (report.files_merged == 0) {
    print(fmt::format("{}: nothing to do · {} · {} · version {}\n{}", report.table, counted(report.files_after, "file"),
                      format_bytes(report.bytes_after), report.version, apart));
    return;
  }
  if (dry_run) {
    print(fmt::format("{}: {} of {} would become {} · {}\n{}", report.table, thousands(report.files_merged),
                      counted(report.files_before, "file"), thousands(report.files_written),
                      counted(report.rows, "row"), apart));
    return;
  }
  print(fmt::format("{}: {} -> {} · {} -> {} · {} · version {} · {:.1f} s\n{}", report.table,
                    counted(report.files_before, "file"), thousands(report.files_after),
                    format_bytes(report.bytes_before), format_bytes(report.bytes_after), counted(report.rows, "row"),
                    report.version, report.seconds, apart));
  if (report.races > 0)
    print(fmt::format("  {} given up: others changed the rows meanwhile; run again\n", counted(report.races, "merge")));
}

Status run(const CompactArguments& arguments, Context& context) {
  ARROW_ASSIGN_OR_RAISE(std::int64_t target, parse_bytes(arguments.target_size));
  if (target < 1) return usage_error("--target-size 0: a part has some bytes", "such as --target-size 256MB");
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto tables, pipeline::tables_of(lake, arguments.tables));
  Json list = Json::array();
  for (const lake::Table& table : tables) {
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, table.snapshot());
    ARROW_ASSIGN_OR_RAISE(lake::Layout layout, pipeline::layout_for(lake, table, snapshot));
    ARROW_ASSIGN_OR_RAISE(auto report,
                          lake::compact(table, layout, {target, arguments.dry_run}, context.workers, *context.budget));
    if (context.json) list.push_back(report.json());
    else print_report(report, arguments.dry_run);
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"dry_run", arguments.dry_run}, {"tables", list}});
  return Status::OK();
}

}  // namespace

Command compact_command() {
  return command<CompactArguments>(
      "compact", "Join small files; rows, versions and readers stay as they are", {"?tables"},
      "  tapemill compact nse_cash\n  tapemill compact bronze.stocks_minute --target-size 512MB --memory 1GB\n"
      "  tapemill compact --dry-run",
      run);
}

}  // namespace tapemill::app
