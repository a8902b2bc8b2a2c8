#include "pipeline/demo.h"

#include <cstdio>
#include <set>

#include "command.h"
#include "core/json.h"
#include "core/s3.h"
#include "print.h"

namespace tapemill::app {
namespace {

Json json_of(const pipeline::DemoResult& result) {
  Json stages = Json::array(), checks = Json::array(), tables = Json::array(), runs = Json::array();
  for (const auto& one : result.stages)
    stages.push_back({{"stage", one.name},
                      {"what", one.what},
                      {"rows", one.rows},
                      {"bytes", one.bytes},
                      {"seconds", one.seconds},
                      {"unchanged", one.unchanged}});
  for (const auto& one : result.checks) checks.push_back({{"check", one.name}, {"ok", one.ok}, {"detail", one.detail}});
  for (const auto& one : result.tables)
    tables.push_back({{"table", one.table},
                      {"rows_in", one.rows_in},
                      {"rows_stored", one.rows_stored},
                      {"rows_quarantined", one.rows_quarantined},
                      {"bytes_in", one.bytes_in},
                      {"bytes_stored", one.bytes_stored},
                      {"version", one.version}});
  for (const auto& one : result.runs)
    runs.push_back({{"name", one.name},
                    {"run_id", one.run_id},
                    {"ledger_hash", one.ledger_hash},
                    {"trades", one.trades->num_rows()}});
  Json refused = Json::array(), restated = Json::array();
  for (const auto& one : result.refused) refused.push_back({{"path", one.path}, {"error", one.error}});
  for (const auto& one : result.restated)
    restated.push_back({{"unit", one.unit}, {"before", one.before}, {"after", one.after}});
  return {{"ok", result.ok()},
          {"seconds", result.seconds},
          {"report", result.report_path},
          {"stages", stages},
          {"checks", checks},
          {"tables", tables},
          {"runs", runs},
          {"events", {{"refused", refused}, {"restated", restated}}}};
}

std::string rate(double count, double seconds, const char* unit) {
  if (seconds <= 0 || count <= 0) return kNull;
  double per = count / seconds;
  return per >= 1e6 ? fmt::format("{:.1f} M {}/s", per / 1e6, unit) : fmt::format("{:.0f} k {}/s", per / 1e3, unit);
}

void summary(const pipeline::DemoResult& result) {
  TextTable tables({"table", "rows in>", "stored>", "quarantined>", "files' bytes>", "stored bytes>", "version>"});
  for (const auto& one : result.tables)
    tables.add({one.table, thousands(one.rows_in), thousands(one.rows_stored), thousands(one.rows_quarantined),
                format_bytes(one.bytes_in), format_bytes(one.bytes_stored), std::to_string(one.version)});
  print("\nWhat went in, and what came out\n" + tables.str(terminal_width()));
  if (!result.refused.empty() || !result.restated.empty()) print(std::string("\nEvents\n"));
  for (const auto& one : result.refused) print(fmt::format("  refused   {}\n", one.error));
  for (const auto& one : result.restated)
    print(fmt::format("  restated  {} ({} -> {})\n", one.unit, one.before.substr(0, 12), one.after.substr(0, 12)));
  print(std::string("\nWhat was refused (tapemill quarantine list TABLE shows all)\n"));
  for (const auto& one : result.quarantine)
    print(fmt::format("  {:<14} {:<26} {:<12} {}\n", one.table, one.where, one.check, one.reason));
  TextTable runs({"backtest", "trades>", "figure", "value>", "ledger"});
  for (const auto& run : result.runs) {
    bool first = true;
    for (const auto& figure : run.metrics) {
      static const std::set<std::string> shown{"Equity Final [$]", "Return [%]", "Sharpe Ratio", "Max. Drawdown [%]",
                                               "Win Rate [%]"};
      if (!shown.contains(figure.name)) continue;
      runs.add({first ? run.name : "", first ? thousands(run.trades->num_rows()) : "",
                backtest::label(figure.name, figure.text, run.currency), figure.text,
                first ? run.ledger_hash.substr(0, 16) : ""});
      first = false;
    }
  }
  print("\nBacktests\n" + runs.str(terminal_width()));
  TextTable checks({"", "check", "found"});
  for (const auto& one : result.checks) checks.add({one.ok ? "ok" : "!!", one.name, one.detail});
  print("\nChecks\n" + checks.str(terminal_width()));
}

Status run(const NoOptions&, Context& context) {
  if (S3Place::is(context.lake_path))
    return usage_error("the demo generates an exchange beside its lake, which is in " + context.lake_path,
                       "give a folder with --lake");
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake(true));
  if (!context.json)
    print(fmt::format("Demo in {}: one real index and a generated exchange, from files to a report\n\n", lake.root()));
  auto say = [&](const pipeline::DemoStage& stage) {
    if (context.json || context.quiet) return;
    std::string speed = stage.unchanged ? "up to date" : rate(static_cast<double>(stage.rows), stage.seconds, "rows");
    print(fmt::format("  {:<30} {:>6.1f} s  {:>15}  {}\n", stage.name, stage.seconds, speed, stage.what));
    std::fflush(stdout);
  };
  ARROW_ASSIGN_OR_RAISE(auto result, pipeline::demo(lake, context.workers, *context.budget, say));
  if (context.json) print(json_of(result));
  else summary(result);
  if (!result.ok())
    return data_error("a check of the demo failed",
                      "the table above says which; " + result.report_path + " shows the rows");
  if (!context.json) print(fmt::format("\nDone in {:.1f} s. Report: {}\n", result.seconds, result.report_path));
  return Status::OK();
}

}  // namespace

Command demo_command() {
  return command<NoOptions>("demo", "The main job, end to end, on a real index and a generated exchange", {},
                            "  tapemill demo\n  tapemill demo --lake demo_lake --json", run);
}

}  // namespace tapemill::app
