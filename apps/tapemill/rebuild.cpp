#include "pipeline/rebuild.h"

#include "command.h"
#include "core/json.h"
#include "lake/about.h"
#include "print.h"

namespace tapemill::app {
struct RebuildOptions {
  std::string dataset;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::RebuildOptions> = std::tuple{
    field("dataset", &app::RebuildOptions::dataset, "a data set of datasets/, of the lake, or the path of a spec")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status run(const RebuildOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::declared_dataset(lake, options.dataset));
  ARROW_ASSIGN_OR_RAISE(auto report, pipeline::rebuild(lake, dataset, context.workers, *context.budget));
  const auto& bronze = report.bronze;
  if (context.json) {
    print(report.json());
  } else {
    for (const auto& one : bronze.refused)
      print(fmt::format("refused: {}\n{}", one.error, one.hint.empty() ? "" : "         " + one.hint + "\n"));
    print(fmt::format("{}: {} of landing: {} in = {} stored + {} quarantined · version {} · {:.1f} s\n", dataset.table,
                      counted(bronze.files, "file"), counted(bronze.quality.rows_in, "row"),
                      thousands(bronze.quality.rows_kept), thousands(bronze.quality.rows_quarantined), bronze.version,
                      bronze.seconds));
    print(std::string(report.anew ? "there was no bronze table: all arrivals were replayed\n"
                                  : "the versions before stay in time travel\n"));
    for (const auto& one : report.gold) print("built again: " + one + "\n");
  }
  if (bronze.refused.empty()) return Status::OK();
  return data_error(
      fmt::format("{} could not be read again", counted(static_cast<std::int64_t>(bronze.refused.size()), "file")),
      "their rows are as they were");
}

}  // namespace

Command rebuild_command() {
  return command<RebuildOptions>("rebuild", "Make bronze, silver and gold again from landing's bytes", {"dataset"},
                                 "  tapemill rebuild sp500\n  tapemill rebuild datasets/my_prices.yaml --json", run);
}

}  // namespace tapemill::app
