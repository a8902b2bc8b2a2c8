#include <arrow/io/file.h>
#include <unistd.h>

#include <cstdio>

#include "command.h"
#include "core/json.h"
#include "pipeline/stream_job.h"
#include "print.h"

namespace tapemill::app {
namespace {

void tell(const pipeline::StreamReport& report, const Context& context) {
  if (context.json) {
    std::fputs((report.json().dump(2) + "\n").c_str(), stderr);
    return;
  }
  TextTable text({"stage", "workers>", "rows in>", "rows out>", "busy s>", "waited for rows s>", "waited for room s>",
                  "restarts>"});
  for (const auto& one : report.stages)
    text.add({one.name, std::to_string(one.workers), thousands(one.rows_in), thousands(one.rows_out),
              fmt::format("{:.2f}", one.busy_s), fmt::format("{:.2f}", one.starved_s),
              fmt::format("{:.2f}", one.blocked_s), std::to_string(one.restarts)});
  if (!text.empty()) std::fputs(text.str(0).c_str(), stderr);
  std::string said = fmt::format("{} in, {} out in {:.1f} s", counted(report.rows_in, "row"),
                                 counted(report.rows_out, "row"), report.seconds);
  if (report.late > 0)
    said += fmt::format("; {} came too late for a window, or without a time", counted(report.late, "row"));
  for (std::size_t i = 0; i < report.workers.size(); ++i)
    said += fmt::format(
        "\nworker {}: {} in {:.2f} s{}", i + 1, counted(report.workers[i].shards, "file"), report.workers[i].busy_s,
        report.workers[i].failed == 0 ? "" : fmt::format(", {} failed attempts", report.workers[i].failed));
  std::fputs((said + "\n").c_str(), stderr);
}

Status run(const pipeline::StreamOptions& asked, Context& context) {
  if (context.memory > 0)
    return usage_error("--memory: a stream keeps no ceiling",
                       "its buffers are bounded by --buffer; groups and open windows are not");
  ARROW_ASSIGN_OR_RAISE(pipeline::StreamOptions options, pipeline::with_spec(asked));
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::FileOutputStream::Open(::dup(STDOUT_FILENO)));
  pipeline::StreamReport report;
  Status status = pipeline::run_stream_job(options, out, report);
  // Who reads the rows on a terminal or in a script sees them alone, unless it took long or asked.
  const bool wanted = context.json || (!context.quiet && (report.seconds > 2 || ::isatty(STDERR_FILENO) == 1));
  if (status.ok() && (wanted || report.late > 0)) tell(report, context);
  return status;
}

}  // namespace

Command stream_command() {
  return command<pipeline::StreamOptions>(
      "stream", "Rows through a pipe: chosen, widened, given to a program, cut into windows", {"?files"},
      "  tapemill stream trades.csv --where \"qty >= 100\" --with \"notional=price * qty\"\n"
      "  tail -f ticks.csv | tapemill stream --window 1m --by symbol --values \"open=first(price)\" "
      "\"high=max(price)\" \"low=min(price)\" "
      "\"close=last(price)\" \"volume=sum(qty)\"\n"
      "  tapemill stream day/*.csv --by symbol --values \"n=count()\" \"mean=mean(price)\" --workers 8\n"
      "  tapemill stream quotes.csv --through \"python3 score.py\" --workers 4 --attempts 3 --to arrow",
      run);
}

}  // namespace tapemill::app
