#include "backtest/backtest.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "backtest/ledger.h"
#include "command.h"
#include "core/json.h"
#include "core/output_file.h"
#include "core/paths.h"
#include "known_table.h"
#include "pipeline/report_parts.h"
#include "print.h"
#include "rows.h"

namespace tapemill::app {
namespace {

namespace bt = tapemill::backtest;

struct CheckOptions {
  std::string file;
};
struct RunOptions {
  std::string file;
  std::int64_t version = -1;
  bool formulas = false;
  std::int64_t limit = 10;
};
struct RerunOptions {
  std::string run_id;
};
struct ReportOptions {
  std::string run_id, out;
};
struct ShowOptions {
  std::string run_id, output;
  bool formulas = false, csv = false;
  std::int64_t limit = 20;
};

bt::RunOptions options_of(const Context& context) {
  bt::RunOptions options;
  options.workers = context.workers;
  if (context.budget != nullptr) options.pool = context.budget->pool(), options.memory = context.budget->ceiling();
  return options;
}

/// The run of an id, of the beginning of one, or the last one of them all.
Result<bt::RunRecord> run_of(const lake::Lake& lake, const std::string& id) {
  if (id != "last") return bt::load(lake, id);
  ARROW_ASSIGN_OR_RAISE(auto all, bt::runs(lake));
  if (all.empty()) return usage_error("no run is recorded in " + lake.root(), "tapemill backtest run FILE records one");
  return all.front();
}

std::string few_sessions(std::int64_t sessions) {
  return fmt::format("* from {}: what is said per year rests on next to nothing\n", counted(sessions, "session"));
}

/// Name, value and (asked for) formula of every figure; a star beside what too few sessions say of a year.
std::string figures_text(const std::vector<std::pair<std::string, std::string>>& figures,
                         const std::vector<std::string>& formulas, const std::string& currency, std::int64_t sessions) {
  const bool few = sessions < bt::kFewSessions, terminal = terminal_width() > 0;
  TextTable table(formulas.empty() ? std::vector<std::string>{"figure", "value>"}
                                   : std::vector<std::string>{"figure", "value>", "formula"});
  // Points stand under each other: blanks where others have digits.
  std::vector<std::string> values;
  std::size_t most = 0;
  auto behind = [](const std::string& text) { return text.size() - std::min(text.find('.'), text.size()); };
  for (const auto& [name, text] : figures) {
    values.push_back(text + (few && bt::is_per_year(name) && text != kNull ? "*" : ""));
    most = std::max(most, behind(values.back()));
  }
  for (std::size_t i = 0; i < figures.size(); ++i) {
    std::string value = values[i] + std::string(most - behind(values[i]), ' ');
    if (const auto digit = value.find_first_of("0123456789"); terminal && digit != std::string::npos)
      if (std::strtod(value.c_str() + digit, nullptr) >= 10000) value = grouped(value);
    std::vector<std::string> row{bt::label(figures[i].first, figures[i].second, currency), std::move(value)};
    if (!formulas.empty()) row.push_back(formulas[i]);
    table.add(std::move(row));
  }
  return table.str(terminal_width()) + (few ? few_sessions(sessions) : "");
}

Zone zone_of(const Json& record) {
  auto calendar = Calendar::load(record.contains("calendar") ? record["calendar"].value("name", "") : "");
  return calendar.ok() ? (*calendar)->zone() : Zone::utc();
}

Json figures_json(const std::vector<bt::Figure>& figures) {
  Json map = Json::object();
  for (const auto& one : figures) map[one.name] = std::isfinite(one.value) ? Json(one.value) : Json(nullptr);
  return map;
}

Status check(const CheckOptions& options, Context& context) {
  auto lake = context.lake();
  ARROW_ASSIGN_OR_RAISE(bt::CheckReport report, bt::check(options.file, lake.ok() ? &*lake : nullptr));
  ARROW_ASSIGN_OR_RAISE(const std::string table, bt::table_of(options.file));
  auto there = lake.ok() ? known_table(*lake, table) : Result<lake::TableName>(lake.status());
  if (there.ok()) ARROW_RETURN_NOT_OK(bt::check_inputs(*lake, options.file));
  else
    report.warnings.push_back(
        fmt::format("{}: its columns, currency and symbols are not checked", there.status().message()));
  if (context.json) {
    print(Json{{"name", report.name},
               {"form", report.form},
               {"strategy_hash", report.hash},
               {"resolved", report.resolved},
               {"warnings", report.warnings},
               {"canonical", report.canonical}});
    return Status::OK();
  }
  std::string text = fmt::format("{}: {} is {} {} strategy, {}\n", options.file, report.name,
                                 report.form == "option" ? "an" : "a", report.form, report.hash.substr(0, 16));
  for (const auto& one : report.resolved) text += fmt::format("  computes {}\n", one);
  for (const auto& one : report.warnings) text += fmt::format("  warning: {}\n", one);
  print(text);
  return Status::OK();
}

Json result_json(const bt::RunResult& r) {
  Json refused = Json::array();
  for (const auto& day : r.refused) refused.push_back({{"date", day.date.str()}, {"failures", day.failures}});
  return {{"run_id", r.run_id},
          {"name", r.name},
          {"form", r.form},
          {"strategy_hash", r.strategy_hash},
          {"ledger_hash", r.ledger_hash},
          {"existed", r.existed},
          {"path", r.path},
          {"table", r.table},
          {"version", r.version},
          {"currency", r.currency},
          {"rows_scanned", r.rows_scanned},
          {"sessions", r.sessions},
          {"trades", r.trades->num_rows()},
          {"missed", r.missed},
          {"days_refused", refused},
          {"resolved", r.resolved},
          {"warnings", r.warnings},
          {"metrics", figures_json(r.metrics)},
          {"seconds", {{"load", r.load_seconds}, {"engine", r.engine_seconds}, {"write", r.write_seconds}}}};
}

void print_refused(const std::vector<bt::RefusedDay>& refused) {
  for (const auto& day : refused)
    print(fmt::format("{} was not traded: {}\n", day.date.str(), fmt::join(day.failures, "; ")));
}

Status run(const RunOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  bt::RunOptions how = options_of(context);
  if (options.version >= 0) how.version = options.version;
  ARROW_RETURN_NOT_OK(bt::check_inputs(lake, options.file, how.version));
  if (!context.json && !context.quiet) print(fmt::format("{} over {}\n", options.file, lake.root()));
  ARROW_ASSIGN_OR_RAISE(bt::RunResult r, bt::run(lake, options.file, how));
  if (context.json) {
    print(result_json(r));
    return Status::OK();
  }
  for (std::string warning : r.warnings) {
    for (auto at = warning.find("−"); terminal_width() == 0 && at != std::string::npos; at = warning.find("−"))
      warning.replace(at, std::string_view("−").size(), "-");
    print("warning: " + warning + "\n");
  }
  print_refused(r.refused);
  std::vector<std::pair<std::string, std::string>> figures;
  std::vector<std::string> formulas;
  for (const auto& one : r.metrics) {
    figures.emplace_back(one.name, one.text);
    if (options.formulas) formulas.push_back(one.formula);
  }
  print(figures_text(figures, formulas, r.currency, r.sessions));
  if (r.trades->num_rows() > 0) {
    ARROW_ASSIGN_OR_RAISE(bt::RunRecord record, bt::load(lake, r.run_id));
    print(std::string("\n"));
    ARROW_ASSIGN_OR_RAISE(auto trades, pipeline::readable_trades(*r.trades));
    print_table(*trades, context, zone_of(record.record), options.limit);
  }
  print(fmt::format("\n{} in {} of {} version {}, money in {}; {} read\n", counted(r.trades->num_rows(), "trade"),
                    counted(r.sessions, "session"), r.table, r.version, r.currency, counted(r.rows_scanned, "row")));
  print(fmt::format("run {}{}, ledger {}\n", r.run_id, r.existed ? " (there already, same bytes)" : "",
                    r.ledger_hash.substr(0, 16)));
  return Status::OK();
}

Status rerun(const RerunOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(bt::RunRecord recorded, run_of(lake, options.run_id));
  const std::string& id = recorded.run_id;
  ARROW_ASSIGN_OR_RAISE(bt::RerunResult r, bt::rerun(lake, id, options_of(context)));
  if (context.json) {
    print(Json{{"run_id", id},
               {"same", r.same},
               {"expected", r.expected},
               {"ledger_hash", r.run.ledger_hash},
               {"differing", r.differing},
               {"changed", r.changed}});
  } else {
    print(fmt::format("run {}: {}\n", id,
                      r.same ? "the same bytes again, ledger " + r.expected.substr(0, 16)
                             : fmt::format("other bytes: {}", fmt::join(r.differing, ", "))));
    for (const auto& key : r.changed) print(fmt::format("  {} is no longer what it was\n", key));
  }
  if (r.same) return Status::OK();
  return data_error(fmt::format("run {} gave another result", id), r.changed.empty()
                                                                       ? "nothing of its inputs has changed: report it"
                                                                       : "its inputs have changed since: see above");
}

Status show(const ShowOptions& options, Context& context) {
  const RowsTo to{options.csv, options.output};
  ARROW_RETURN_NOT_OK(check_rows_to(to, context));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(bt::RunRecord r, run_of(lake, options.run_id));
  Status intact = bt::verify(r);
  if (to.asked()) {
    ARROW_ASSIGN_OR_RAISE(auto trades, bt::read_parquet(r.path + "/trades.parquet"));
    ARROW_RETURN_NOT_OK(write_rows(*trades, to, context));
    return intact;
  }
  if (context.json) {
    print(Json{{"run", r.record}, {"meta", r.meta}, {"path", r.path}, {"intact", intact.ok()}});
    return intact;
  }
  const Json& input = r.record["inputs"][0];
  print(fmt::format("run {}: {} over {} version {}\n", r.run_id, r.name, input.value("table", ""),
                    input.value("version", 0)));
  std::vector<std::string> formulas;
  if (options.formulas) {
    for (const auto& one : r.record["metrics"]) formulas.push_back(one.value("formula", ""));
  }
  print(figures_text(r.metrics, formulas, r.record.value("currency", ""),
                     r.record.value("counts", Json::object()).value("sessions", std::int64_t{0})));
  ARROW_ASSIGN_OR_RAISE(auto trades, bt::read_parquet(r.path + "/trades.parquet"));
  print(std::string("\n"));
  ARROW_ASSIGN_OR_RAISE(trades, pipeline::readable_trades(*trades));
  print_table(*trades, context, zone_of(r.record), options.limit, {}, "widen the window, or ask for --csv");
  print(fmt::format("\nledger {}, strategy {}, source {}; {}\n", r.ledger_hash.substr(0, 16),
                    r.strategy_hash.substr(0, 16), r.source_hash.substr(0, 16), r.path));
  return intact;
}

Status report(const ReportOptions& options, Context& context) {
  if (!options.out.empty()) ARROW_RETURN_NOT_OK(check_output(options.out));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(bt::RunRecord run, run_of(lake, options.run_id));
  ARROW_ASSIGN_OR_RAISE(std::string page, pipeline::run_page(run));
  const std::string out = options.out.empty() ? run.name + "-" + run.run_id + ".html" : options.out;
  ARROW_RETURN_NOT_OK(write_file_atomically(out, page));
  if (context.json) print(Json{{"run_id", run.run_id}, {"out", out}, {"bytes", page.size()}});
  else print(std::filesystem::absolute(out).lexically_normal().string() + "\n");
  return Status::OK();
}

}  // namespace
}  // namespace tapemill::app

namespace tapemill {
template <> inline constexpr auto fields<app::CheckOptions> =
    std::tuple{field("file", &app::CheckOptions::file, "strategy document, YAML or JSON")};
template <> inline constexpr auto fields<app::RunOptions> =
    std::tuple{field("file", &app::RunOptions::file, "strategy document, YAML or JSON"),
               field("version", &app::RunOptions::version, "version of the strategy's table; -1: the newest", -1, 1e18),
               field("formulas", &app::RunOptions::formulas, "show the formula of each figure"),
               field("limit", &app::RunOptions::limit, "how many trades to show; 0: all", 0, 1e9)};
template <> inline constexpr auto fields<app::RerunOptions> =
    std::tuple{field("run_id", &app::RerunOptions::run_id, "a run: its id, the beginning of it, or last")};
template <> inline constexpr auto fields<app::ReportOptions> =
    std::tuple{field("run_id", &app::ReportOptions::run_id, "a run: its id, the beginning of it, or last"),
               field("out", &app::ReportOptions::out, "where to write; NAME-RUN_ID.html where not given")};
template <> inline constexpr auto fields<app::ShowOptions> =
    std::tuple{field("run_id", &app::ShowOptions::run_id, "a run: its id, the beginning of it, or last"),
               field("formulas", &app::ShowOptions::formulas, "show the formula of each figure"),
               field("limit", &app::ShowOptions::limit, "how many trades to show; 0: all", 0, 1e9),
               field("csv", &app::ShowOptions::csv, "its trades alone, every one, as CSV with full precision"),
               field("output", &app::ShowOptions::output, "write its trades to this file instead, .csv or .parquet")};

namespace app {
Command backtest_check_command() {
  return command<CheckOptions>("backtest check", "Read a strategy and say what it means", {"file"},
                               "  tapemill backtest check strategies/index_cross.yaml", check);
}
Command backtest_run_command() {
  return command<RunOptions>("backtest run", "Run a strategy over the lake and write it to the ledger", {"file"},
                             "  tapemill backtest run strategies/index_cross.yaml\n  tapemill backtest run "
                             "strategies/opening_straddle.yaml --formulas --json",
                             run);
}
Command backtest_rerun_command() {
  return command<RerunOptions>("backtest rerun", "Run a recorded backtest again and compare the bytes", {"run_id"},
                               "  tapemill backtest rerun last", rerun);
}
Command backtest_report_command() {
  return command<ReportOptions>("backtest report", "Write a recorded backtest as one self-contained page", {"run_id"},
                                "  tapemill backtest report last\n  tapemill backtest report last --out cross.html",
                                report);
}
Command backtest_show_command() {
  return command<ShowOptions>(
      "backtest show", "Show a recorded backtest and verify its files", {"run_id"},
      "  tapemill backtest show last --formulas\n  tapemill backtest show last --csv > trades.csv", show);
}
}  // namespace app
}  // namespace tapemill
