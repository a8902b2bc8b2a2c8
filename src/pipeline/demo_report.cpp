#include <arrow/api.h>

#include <cmath>

#include "core/build_info.h"
#include "core/json.h"
#include "core/text.h"
#include "exports/html_report.h"
#include "lake/about.h"
#include "pipeline/chart.h"
#include "pipeline/demo.h"
#include "pipeline/report_parts.h"

namespace tapemill::pipeline {
namespace {

using exports::Cell;
using exports::ColumnKind;

/// The end of a long path, which tells the files of one delivery apart; the command under the table has all of it.
std::string short_path(const std::string& path) {
  const auto last = path.rfind('/');
  return path.size() <= 40 || last == std::string::npos ? path : "…" + path.substr(last);
}

exports::Section checks_section(const DemoResult& result) {
  exports::Section section{"checks", "Checks", "The demo ends with status 0 only if each of these holds."};
  exports::Checks checks;
  checks.caption = {result.ok() ? fmt::format("All {} checks hold", result.checks.size()) : "A check failed", "",
                    "check-list"};
  for (const auto& one : result.checks) checks.checks.push_back({one.name, one.ok, one.detail});
  section.blocks.emplace_back(std::move(checks));
  return section;
}

exports::Section intake_section(const DemoResult& result) {
  exports::Section section{"intake", "What went in",
                           "Landing keeps each file's bytes; bronze holds the rows that were not refused. **Rows in = "
                           "rows stored + rows quarantined**, for every file."};
  exports::Table table;
  std::int64_t rows_in = 0, rows_stored = 0;
  double bytes_in = 0, bytes_stored = 0;
  for (const auto& one : result.tables) {
    rows_in += one.rows_in, rows_stored += one.rows_stored;
    bytes_in += static_cast<double>(one.bytes_in), bytes_stored += static_cast<double>(one.bytes_stored);
  }
  table.caption = {fmt::format("{} of {} rows are in, {} were refused", rows_stored, rows_in, rows_in - rows_stored),
                   "the Delta logs of bronze", "tables"};
  table.columns = {{"table", "", ColumnKind::code},        {"rows in", "", ColumnKind::number, 0},
                   {"stored", "", ColumnKind::number, 0},  {"quarantined", "", ColumnKind::number, 0},
                   {"files", "MB", ColumnKind::number, 2}, {"stored as", "MB", ColumnKind::number, 2},
                   {"version", "", ColumnKind::number, 0}};
  exports::Bars sizes;
  sizes.caption = {fmt::format("Stored rows take {:.0f} % of the (compressed) bytes received",
                               bytes_in > 0 ? 100 * bytes_stored / bytes_in : 0),
                   "landing and bronze", "sizes"};
  sizes.unit = "MB";
  sizes.series = {{"as received", {}, "MB", 2, exports::SeriesStyle::context}, {"stored", {}, "MB", 2}};
  for (const auto& one : result.tables) {
    double in = static_cast<double>(one.bytes_in) / 1048576, out = static_cast<double>(one.bytes_stored) / 1048576;
    table.rows.push_back({one.table, one.rows_in, one.rows_stored, one.rows_quarantined, in, out, one.version});
    sizes.categories.push_back(one.table);
    sizes.series[0].values.push_back(in);
    sizes.series[1].values.push_back(out);
  }
  exports::Bars speed;
  speed.caption = {"Rows a second by stage", "each in the run that last had work for it", "speed",
                   "everything was up to date: no stage had rows to work on"};
  speed.unit = "k rows/s";
  speed.series = {{"k rows/s", {}, "k rows/s", 0}};
  const DemoStage* slowest = nullptr;  // of those that are drawn
  auto rate = [](const DemoStage& one) { return static_cast<double>(one.worked_rows) / one.worked_seconds / 1000; };
  for (const auto& one : result.stages)
    if (one.worked_rows > 0 && one.worked_seconds > 0) {
      if (slowest == nullptr || rate(one) < rate(*slowest)) slowest = &one;
      speed.categories.push_back(one.name);
      speed.series[0].values.push_back(rate(one));
    }
  if (slowest != nullptr)
    speed.caption.title = fmt::format("Rows a second by stage; {} is the slowest, {:.0f} k rows/s in {:.1f} s",
                                      slowest->name, rate(*slowest), slowest->worked_seconds);
  section.blocks.emplace_back(std::move(table));
  section.blocks.emplace_back(std::move(sizes));
  section.blocks.emplace_back(std::move(speed));
  for (const auto& one : result.refused)
    section.blocks.emplace_back(exports::Notice{exports::NoticeTone::warning, "Refused: " + one.error, one.hint});
  for (const auto& one : result.restated)
    section.blocks.emplace_back(exports::Notice{
        exports::NoticeTone::info,
        fmt::format("{} was restated: {} replaces {}", one.unit, one.after.substr(0, 12), one.before.substr(0, 12)),
        "the earlier rows stay in time travel"});
  return section;
}

Result<exports::Section> quarantine_section(const lake::Lake& lake, const DemoResult& result) {
  exports::Section section{"quarantine", "What was refused",
                           "Each row with the file and line it came from, the check that refused it, and why."};
  for (const auto& table : result.tables) {
    ARROW_ASSIGN_OR_RAISE(auto rows, quarantined(lake, table.table, {"", "", 0}));
    if (rows->num_rows() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(auto batch, rows->CombineChunksToBatch());
    auto text = [&](const char* name, std::int64_t row) {
      return static_cast<const arrow::StringArray&>(*batch->GetColumnByName(name)).GetString(row);
    };
    const auto& lines = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("line"));
    exports::Table block;
    block.caption = {
        fmt::format("{}: {} {} quarantined", table.table, batch->num_rows(), plural(batch->num_rows(), "row")),
        fmt::format("bronze.{}_quarantine", table.table), "quarantine-" + table.table};
    block.columns = {{"where", "", ColumnKind::code}, {"check"}, {"reason"}, {"row", "", ColumnKind::code}};
    for (std::int64_t i = 0; i < std::min<std::int64_t>(batch->num_rows(), 50); ++i)
      block.rows.push_back({fmt::format("{}:{}", short_path(text("file", i)), lines.Value(i)), text("check", i),
                            text("reason", i), text("raw", i).substr(0, 200)});
    if (batch->num_rows() > 50) block.total = batch->num_rows();
    block.hint = "tapemill quarantine list " + table.table;
    section.blocks.emplace_back(std::move(block));
  }
  if (section.blocks.empty())
    section.blocks.emplace_back(exports::Notice{exports::NoticeTone::info, "Nothing was refused.", ""});
  return section;
}

Result<exports::Section> indicator_section(const lake::Lake& lake, const DemoResult& result, const Workers& workers) {
  exports::Section section{
      "indicators", "Indicators, features, signals",
      "One definition each: the batch that fills a table and the graph that follows ticks give the same bits."};
  ChartOptions options;
  options.symbol = "SPX";
  options.table = "sp500_index";
  options.indicators = {"SMA_50", "SMA_200", "BB_20", "RSI_14", "MACD"};
  ARROW_ASSIGN_OR_RAISE(auto candles, make_chart(lake, options, workers));
  candles.caption.anchor = "candles";
  section.blocks.emplace_back(std::move(candles));
  exports::Table features;
  features.caption = {fmt::format("{} feature groups are in gold", result.features.size()), "gold", "features"};
  features.columns = {
      {"table", "", ColumnKind::code}, {"feature", "", ColumnKind::code}, {"definition", "", ColumnKind::code}};
  for (const auto& group : result.features)
    for (const auto& one : group.columns) features.rows.push_back({group.table, one.name, one.text});
  section.blocks.emplace_back(std::move(features));
  exports::Table signals;
  std::int64_t given = 0;
  for (const auto& one : result.signals) given += one.longs + one.shorts;
  signals.caption = {
      fmt::format("{} signals by family over stocks_daily; a family without any met its rule on no bar", given),
      "silver.stocks_daily", "signals"};
  signals.columns = {{"family"}, {"long", "", ColumnKind::number, 0}, {"short", "", ColumnKind::number, 0}};
  for (const auto& one : result.signals) signals.rows.push_back({one.strategy, one.longs, one.shorts});
  section.blocks.emplace_back(std::move(signals));
  exports::Table graph;
  graph.caption = {fmt::format("{}: {} values tick by tick, {} with other bits than the batch", result.graph.graph,
                               result.graph.computed, result.graph.different),
                   "silver.stocks_daily", "graph"};
  graph.columns = {{"what the graph's indicators resolved to", "", ColumnKind::code}};
  for (const auto& one : result.graph.resolved) graph.rows.push_back({one});
  section.blocks.emplace_back(std::move(graph));
  return section;
}

Result<exports::Section> log_section(const lake::Lake& lake, const DemoResult& result) {
  exports::Section section{
      "log", "The Delta log",
      "Each commit is atomic; readers see a version or the next one, and any earlier version stays readable."};
  for (const auto& table : result.tables) {
    ARROW_ASSIGN_OR_RAISE(auto commits, lake.table(lake::Layer::bronze, table.table).history());
    exports::Table block;
    block.caption = {fmt::format("bronze.{}: {} {}", table.table, commits.size(),
                                 plural(static_cast<std::int64_t>(commits.size()), "commit")),
                     "_delta_log", "log-" + table.table};
    block.columns = {{"version", "", ColumnKind::number, 0},
                     {"time (UTC)"},
                     {"operation"},
                     {"rows in", "", ColumnKind::number, 0},
                     {"stored", "", ColumnKind::number, 0},
                     {"quarantined", "", ColumnKind::number, 0}};
    for (std::size_t i = 0; i < commits.size() && i < 25; ++i) {
      Json counts = commits[i].info->value("tapemill", Json::object()).value("counts", Json::object());
      auto count = [&](const char* key) {
        return counts.contains(key) && counts[key].is_number_integer() ? Cell(counts[key].get<std::int64_t>()) : Cell();
      };
      block.rows.push_back({commits[i].version, Instant{commits[i].timestamp_ms * 1000}.str(), commits[i].operation,
                            count("rows_in"), count("rows_stored"), count("rows_quarantined")});
    }
    if (commits.size() > 25) block.total = static_cast<std::int64_t>(commits.size());
    block.hint = "tapemill history " + table.table;
    section.blocks.emplace_back(std::move(block));
  }
  return section;
}

}  // namespace

Result<std::string> demo_page(const lake::Lake& lake, const DemoResult& result, const Workers& workers) {
  exports::Document page;
  page.title = "Tapemill demo";
  page.subtitle = "A real index and a generated exchange, from files to backtests";
  std::int64_t in = 0, stored = 0, refused = 0;
  for (const auto& one : result.tables) in += one.rows_in, stored += one.rows_stored, refused += one.rows_quarantined;
  page.verdict = exports::Verdict{
      result.ok() ? exports::Outcome::ok : exports::Outcome::failed,
      result.ok() ? fmt::format("All {} checks hold.", result.checks.size()) : "A check failed: see below.",
      result.ok() ? "" : "each failed check names what was found"};
  page.figures.push_back({"Rows in", in, "", exports::Tone::neutral, "tables"});
  page.figures.push_back({"Stored", stored, "", exports::Tone::neutral, "tables"});
  page.figures.push_back({"Quarantined", refused, "rows", exports::Tone::neutral, "quarantine"});
  page.figures.push_back({"Tick against batch", result.graph.different, "values differ",
                          result.graph.different == 0 ? exports::Tone::good : exports::Tone::bad, "graph"});
  for (const auto& run : result.runs) {
    double value = backtest::figure(run.metrics, "Return [%]");
    if (std::isfinite(value))
      page.figures.push_back({run.name, value, fmt::format("% in {} sessions", run.sessions),
                              value < 0 ? exports::Tone::bad : exports::Tone::good, "run-" + run.name, 2, true});
  }
  exports::Section first{"overview", "Overview", ""};
  if (!result.runs.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto lines, equity_block(result.runs.front()));
    first.blocks.emplace_back(std::move(lines));
  }
  page.sections.push_back(std::move(first));
  page.sections.push_back(checks_section(result));
  page.sections.push_back(intake_section(result));
  ARROW_ASSIGN_OR_RAISE(auto refusals, quarantine_section(lake, result));
  page.sections.push_back(std::move(refusals));
  ARROW_ASSIGN_OR_RAISE(auto indicators, indicator_section(lake, result, workers));
  page.sections.push_back(std::move(indicators));
  for (const auto& run : result.runs) {
    std::string table = run.table.substr(run.table.find('.') + 1);
    auto dataset = lake::dataset_of(lake, table.substr(0, table.find('@')));
    ARROW_ASSIGN_OR_RAISE(auto section, run_section(run, dataset.ok() ? dataset->calendar->zone() : Zone::utc(),
                                                    &run != &result.runs.front()));
    page.sections.push_back(std::move(section));
  }
  ARROW_ASSIGN_OR_RAISE(auto log, log_section(lake, result));
  page.sections.push_back(std::move(log));
  page.footer = {{"version", version()},
                 {"source", std::string(source_hash()).substr(0, 16)},
                 {"command", "tapemill demo"},
                 {"lake", lake.root()}};
  for (const auto& run : result.runs) page.footer.emplace_back("run " + run.name, run.run_id);
  return exports::render_report(page);
}

}  // namespace tapemill::pipeline
