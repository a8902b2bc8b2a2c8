#include "command.h"
#include "core/json.h"
#include "lake/sidecars.h"
#include "pipeline/maintain.h"
#include "print.h"

namespace tapemill::app {
namespace {

struct ManifestArguments {
  std::vector<std::string> tables;
};

}  // namespace
}  // namespace tapemill::app

namespace tapemill {
template <>
inline constexpr auto fields<app::ManifestArguments> =
    std::tuple{field("tables", &app::ManifestArguments::tables, "tables, such as nse_cash or bronze.sp500; none: all")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status run(const ManifestArguments& arguments, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto tables, pipeline::tables_of(lake, arguments.tables));
  Json list = Json::array();
  for (const lake::Table& table : tables) {
    ARROW_ASSIGN_OR_RAISE(auto report, lake::write_sidecars(table, *context.budget));
    if (context.json) list.push_back(report.json());
    else
      print(fmt::format("{}: version {} · {}, {} · {} written\n", report.table, report.version,
                        counted(report.partitions, "partition"), counted(report.days, "session"),
                        counted(report.files_written, "file")));
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"tables", list}});
  return Status::OK();
}

}  // namespace

Command manifest_command() {
  return command<ManifestArguments>("manifest", "Write _SUCCESS, _metadata and a manifest a session beside a table",
                                    {"?tables"}, "  tapemill manifest nse_cash\n  tapemill manifest --json", run);
}

}  // namespace tapemill::app
