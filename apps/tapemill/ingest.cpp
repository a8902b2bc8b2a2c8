#include "pipeline/ingest.h"

#include <chrono>

#include "command.h"
#include "lake/about.h"
#include "print.h"
#include "sources/source.h"

namespace tapemill {
template <>
inline constexpr auto fields<pipeline::IngestOptions> =
    std::tuple{field("dataset", &pipeline::IngestOptions::dataset, "a data set of datasets/, or the path of a spec"),
               field("paths", &pipeline::IngestOptions::paths, "files, folders or globs to read"),
               field("allow_smaller", &pipeline::IngestOptions::allow_smaller,
                     "a restated file may have less than half of the rows that it replaces"),
               field("start", &pipeline::IngestOptions::start, "only sessions from this one on, 2024-10-28"),
               field("end", &pipeline::IngestOptions::end, "only sessions up to this one"),
               field("on_error", &pipeline::IngestOptions::on_error,
                     "after a refused file: go on with the others, or stop", "skip|stop")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

void print_report(const pipeline::IngestReport& report, const Dataset& dataset) {
  const auto& q = report.quality;
  for (const auto& finding : q.findings) {
    if (finding.count == 0 || finding.severity != CheckSpec::Severity::warn) continue;
    print(fmt::format("warning: {}: {} ({}{}){}\n", finding.check, thousands(finding.count),
                      finding.count > 1 ? "the first: " : "", finding.examples.empty() ? "" : finding.examples.front(),
                      finding.count > 1 ? fmt::format("; --json names {} places", finding.examples.size()) : ""));
  }
  for (std::size_t i = 0; i < report.empty.size() && i < 3; ++i)
    print(fmt::format("warning: {}: every row was refused ({}): is the spec right? The first, {}\n",
                      report.empty[i].path, counted(report.empty[i].rows, "row"), report.empty[i].reason));
  if (report.empty.size() > 3)
    print(fmt::format("warning: and every row of {} more\n",
                      counted(static_cast<std::int64_t>(report.empty.size() - 3), "file")));
  for (const auto& one : report.refused)
    print(fmt::format("refused: {}\n{}", one.error, one.hint.empty() ? "" : "         " + one.hint + "\n"));
  for (const auto& [check, rows] : report.quarantine)
    print(fmt::format("quarantined: {} by {}\n", counted(rows, "row"), check));
  if (q.rows_quarantined > 0)
    print(fmt::format("             tapemill quarantine list {} shows them\n", dataset.table));
  std::string line = fmt::format("{}: {} in = {} stored + {} quarantined", dataset.table, counted(q.rows_in, "row"),
                                 thousands(q.rows_kept), thousands(q.rows_quarantined));
  line += " · " + counted(report.files, "file");
  if (report.files_unchanged > 0) line += fmt::format(", {} unchanged", thousands(report.files_unchanged));
  if (report.files_outside > 0) line += fmt::format(", {} of other sessions", thousands(report.files_outside));
  if (report.files_not_read > 0) line += fmt::format(", {} not read", thousands(report.files_not_read));
  if (report.files_superseded > 0) line += fmt::format(", {} superseded", thousands(report.files_superseded));
  if (!report.restated.empty()) line += fmt::format(", {} restated", report.restated.size());
  if (!report.refused.empty()) line += fmt::format(", {} refused", report.refused.size());
  line += fmt::format(" · version {}", report.version);
  if (report.bytes_stored > 0)
    line += fmt::format(" · {} -> {}", format_bytes(report.bytes_in), format_bytes(report.bytes_stored));
  print(line + fmt::format(" · {:.1f} s\n", report.seconds));
  if (report.missing.empty()) return;
  std::string dates;
  for (std::size_t i = 0; i < report.missing.size() && i < 3; ++i)
    dates += (i > 0 ? ", " : "") + report.missing[i].str();
  if (report.missing.size() > 3) dates += fmt::format(" and {} more", report.missing.size() - 3);
  print("missing: " + dates + "; tapemill status says why\n");
}

Status run(const pipeline::IngestOptions& options, Context& context) {
  // A data set that datasets/ does not have may be one that the lake remembers.
  auto there = context.lake();
  ARROW_ASSIGN_OR_RAISE(Dataset dataset,
                        there.ok() ? lake::dataset_of(*there, options.dataset) : load_dataset(options.dataset));
  pipeline::IngestPolicy policy;
  policy.stop = options.on_error == "stop";
  for (auto [text, date] : {std::pair{&options.start, &policy.start}, std::pair{&options.end, &policy.end}})
    if (!text->empty()) ARROW_RETURN_NOT_OK(Date::parse(*text).Value(&date->emplace()));
  if (policy.start && policy.end && *policy.end < *policy.start)
    return usage_error(fmt::format("--end {} lies before --start {}", options.end, options.start));
  ARROW_RETURN_NOT_OK(sources::expand_paths(options.paths).status());  // before a lake is made or anything is said
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake(true));
  auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
                 .count();
  if (!context.quiet && !context.json) print(fmt::format("Ingesting {} into {}\n", dataset.table, lake.root()));
  ARROW_ASSIGN_OR_RAISE(auto report, pipeline::ingest(lake, dataset, options.paths, Instant{now}, context.workers,
                                                      *context.budget, options.allow_smaller, policy));
  if (context.json) print(report.json());
  else print_report(report, dataset);
  if (report.refused.empty()) return Status::OK();
  const auto refused = static_cast<std::int64_t>(report.refused.size());
  return data_error(fmt::format("{} of {} refused; {}", refused, counted(report.files, "file"),
                                policy.stop               ? "what comes after was not read"
                                : refused == report.files ? "nothing went in"
                                                          : "the others are in"),
                    fmt::format("mend or fetch {} again and run the same command: what is in stays as it is",
                                refused == 1 ? "it" : "them"));
}

}  // namespace

Command ingest_command() {
  return command<pipeline::IngestOptions>(
      "ingest", "Read files into the lake: landing, quarantine, bronze, silver", {"dataset", "paths"},
      "  tapemill ingest sp500 all_stocks_5yr.csv.gz\n  tapemill ingest nse_cash bhavcopies/ --json\n"
      "  tapemill ingest nse_cash bhavcopies/ --start 2024-10-01 --end 2024-10-31 --on-error stop",
      run);
}

}  // namespace tapemill::app
