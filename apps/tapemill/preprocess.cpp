#include "analytics/preprocess.h"

#include "command.h"
#include "core/json.h"
#include "core/output_file.h"
#include "known_table.h"
#include "print.h"

namespace tapemill::app {
namespace {

Status run(const analytics::PreprocessOptions& options, Context& context) {
  if (!options.fitted_to.empty()) ARROW_RETURN_NOT_OK(check_output(options.fitted_to));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto report, analytics::preprocess(lake, options, context.workers, *context.budget));
  if (context.json) return print(report.json()), Status::OK();
  TextTable steps({"step", "did"});
  for (const auto& [step, deeds] : report.steps) {
    std::string did;
    for (const auto& [what, count] : deeds) did += (did.empty() ? "" : ", ") + thousands(count) + " " + what;
    steps.add({step, did.empty() ? kNull : did});
  }
  if (!steps.empty()) print(steps.str(terminal_width()));
  for (const std::string& why : report.lookahead) print("looks ahead: " + why + "\n");
  std::string narrower;
  for (const auto& [column, type] : report.narrowed) narrower += (narrower.empty() ? "" : ", ") + column + " " + type;
  if (!narrower.empty()) print("narrowed: " + narrower + "\n");
  if (!report.fitted_table.empty())
    print(fmt::format("fitted on {}: {} version {}\n", counted(report.fit_rows, "row"), report.fitted_table,
                      report.fitted_version));
  print(fmt::format("{}: {} of {} version {}{} · version {} · {} · {:.1f} s\n", report.table,
                    counted(report.rows, "row"), report.source, report.source_version,
                    report.unchanged ? ", up to date" : "", report.table_version, format_bytes(report.bytes),
                    report.seconds));
  return Status::OK();
}

}  // namespace

Command preprocess_command() {
  return command<analytics::PreprocessOptions>(
      "preprocess", "Clean, widen, scale and encode a table's rows by declared steps, into gold", {"document"},
      "  tapemill preprocess examples/preprocess.yaml\n"
      "  tapemill preprocess examples/preprocess.yaml --fitted-to model.fitted.json\n"
      "  tapemill preprocess examples/preprocess.yaml --fitted-from model.fitted.json --json",
      run);
}

}  // namespace tapemill::app
