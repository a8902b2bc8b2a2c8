#include "lake/restore.h"

#include "command.h"
#include "core/json.h"
#include "known_table.h"
#include "lake/about.h"
#include "pipeline/contracts.h"
#include "print.h"

namespace tapemill::app {
namespace {

struct RestoreArguments {
  std::string table;
  std::int64_t version = -1;
  bool dry_run = false;
};

}  // namespace
}  // namespace tapemill::app

namespace tapemill {
template <>
inline constexpr auto fields<app::RestoreArguments> = std::tuple{
    field("table", &app::RestoreArguments::table, "a table, such as nse_cash or gold.features_momentum"),
    field("version", &app::RestoreArguments::version, "the version whose rows are to be current again", -1, 1e18),
    field("dry_run", &app::RestoreArguments::dry_run, "only say what would change")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status run(const RestoreArguments& arguments, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, known_table(lake, arguments.table));
  if (arguments.version < 0)
    return usage_error("which version is to be current again?",
                       fmt::format("tapemill history {} lists them; then --version N", arguments.table));
  ARROW_ASSIGN_OR_RAISE(auto report, lake::restore(lake.table(name), arguments.version, arguments.dry_run));
  if (name.layer == lake::Layer::bronze && !arguments.dry_run) {  // silver follows, where it is a copy
    auto dataset = lake::dataset_of(lake, name.table);
    if (dataset.ok()) ARROW_RETURN_NOT_OK(pipeline::refresh_derived(lake, *dataset, context.workers, *context.budget));
  }
  if (context.json) return print(report.json()), Status::OK();
  if (report.files_added + report.files_removed == 0)
    return print(fmt::format("{}: its rows are those of version {} already\n", report.table, report.restored)),
           Status::OK();
  print(fmt::format(
      "{}: {} rows {} {} of version {} · {} in, {} out{} · version {}\n", report.table, thousands(report.rows_before),
      arguments.dry_run ? "would become the" : "became the", thousands(report.rows_after), report.restored,
      counted(report.files_added, "file"), thousands(report.files_removed),
      report.copied > 0 ? fmt::format(", {} fetched from the archive", thousands(report.copied)) : "", report.version));
  return Status::OK();
}

}  // namespace

Command restore_command() {
  return command<RestoreArguments>("restore", "Make the rows of an earlier version current again, in one commit",
                                   {"table"},
                                   "  tapemill restore nse_cash --version 1 --dry-run\n"
                                   "  tapemill restore nse_cash --version 1",
                                   run);
}

}  // namespace tapemill::app
