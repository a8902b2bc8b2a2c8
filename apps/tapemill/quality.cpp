#include "command.h"
#include "core/json.h"
#include "core/output_file.h"
#include "core/paths.h"
#include "known_table.h"
#include "lake/about.h"
#include "pipeline/table_quality.h"
#include "print.h"

namespace tapemill::app {
struct QualityOptions {
  std::string table, html;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::QualityOptions> =
    std::tuple{field("table", &app::QualityOptions::table, "a data set, such as sp500"),
               field("html", &app::QualityOptions::html, "file to write the report to, as a page with pictures")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

void print_quality(const pipeline::TableQuality& quality) {
  TextTable text({"check", "says", "result", "found>", "the first"});
  for (const auto& one : quality.checks)
    text.add({one.check,
              one.severity == CheckSpec::Severity::warn         ? "warn"
              : one.severity == CheckSpec::Severity::quarantine ? "quarantine"
                                                                : "stop",
              pipeline::text(one.result), thousands(one.count), one.examples.empty() ? kNull : one.examples.front()});
  if (!text.empty())
    print(text.str(terminal_width()) +
          wrapped("judged: the stored rows alone, across files; ingest counts the rows of the files it is given, "
                  "refused ones too\n",
                  terminal_width()));
  for (const auto& one : quality.checks)
    if (one.check == "missing_sessions" && one.count > 0)
      print(
          fmt::format("missing_sessions: {} between an instrument's first and last row; sessions without a row of any "
                      "instrument are counted below\n",
                      counted(one.count, "gap")));
  std::string empty;
  for (const auto& [column, count] : quality.nulls)
    if (count > 0)
      empty += fmt::format("{}{} {:.1f} %", empty.empty() ? "" : ", ", column,
                           100.0 * static_cast<double>(count) / static_cast<double>(quality.rows));
  if (!empty.empty()) print("nulls: " + empty + "\n");
  for (const auto& [check, rows] : quality.quarantined)
    print(fmt::format("quarantined: {} by {}\n", counted(rows, "row"), check));
  if (quality.released > 0) print(fmt::format("let in by hand: {}\n", counted(quality.released, "row")));
  print(fmt::format("{} version {}: {} · {} of {} from {} to {} · {} without any row\n", quality.table, quality.version,
                    pipeline::text(quality.worst()), counted(quality.rows, "row"),
                    counted(quality.instruments, "instrument"), quality.first ? quality.first->str() : kNull,
                    quality.last ? quality.last->str() : kNull,
                    counted(static_cast<std::int64_t>(quality.missing.size()), "session")));
}

Status run(const QualityOptions& options, Context& context) {
  if (!options.html.empty()) ARROW_RETURN_NOT_OK(check_output(options.html));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto name, known_table(lake, options.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::declared_dataset(lake, name.table));
  ARROW_ASSIGN_OR_RAISE(auto quality, pipeline::table_quality(lake, dataset, *context.budget));
  if (!options.html.empty()) {
    ARROW_ASSIGN_OR_RAISE(std::string page, pipeline::quality_page(quality, fmt::format("tapemill quality {} --html {}",
                                                                                        options.table, options.html)));
    ARROW_RETURN_NOT_OK(write_file_atomically(options.html, page));
  }
  if (context.json) print(quality.json());
  else print_quality(quality);
  if (!context.json && !options.html.empty()) print(options.html + "\n");
  if (quality.worst() != pipeline::CheckResult::Result::fail) return Status::OK();
  return data_error(quality.table + ": a check fails over the rows that are stored",
                    "they came in by other checks, or from another program; tapemill rebuild judges all of it anew");
}

}  // namespace

Command quality_command() {
  return command<QualityOptions>("quality", "Judge a table's rows anew: checks, completeness, nulls, what was refused",
                                 {"table"},
                                 "  tapemill quality sp500\n  tapemill quality nse_cash --html nse_cash.html", run);
}

}  // namespace tapemill::app
