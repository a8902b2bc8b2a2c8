// The quality of a table as a page: its checks, its sessions, what was refused, what is empty.
#include <algorithm>

#include "core/build_info.h"
#include "exports/html_report.h"
#include "pipeline/table_quality.h"

namespace tapemill::pipeline {
namespace {

using exports::ColumnKind;
using State = CheckResult::Result;

std::string plural_of(std::int64_t n, const std::string& noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

exports::Section checks_section(const TableQuality& quality) {
  exports::Section section{
      "checks", "Checks",
      "Every stored row, judged anew by the checks of the spec as it is today. A check that says "
      "`quarantine` or `stop` fails where it finds a row; one that says `warn` counts. Ingest counts the rows "
      "of the files it is given, refused ones too; here only stored rows count. The check "
      "`missing_sessions` counts an instrument's gaps, **Sessions** those without any row."};
  exports::Checks list;
  std::vector<exports::Notice> warnings;  // apart: a check that warns neither holds nor fails
  std::int64_t failed = 0, warned = 0;
  for (const CheckResult& one : quality.checks) {
    failed += one.result == State::fail ? 1 : 0, warned += one.result == State::warning ? 1 : 0;
    std::string detail = one.count == 0 ? "nothing found" : plural_of(one.count, "finding");
    if (!one.examples.empty()) detail += "; the first: " + one.examples.front();
    if (one.result == State::warning) {
      warnings.push_back({exports::NoticeTone::warning, fmt::format("{} warns: {}", one.check, detail), ""});
      continue;
    }
    list.checks.push_back({fmt::format("{} ({})", one.check,
                                       one.severity == CheckSpec::Severity::warn         ? "warn"
                                       : one.severity == CheckSpec::Severity::quarantine ? "quarantine"
                                                                                         : "stop"),
                           one.result != State::fail, detail});
  }
  list.caption = {
      failed == 0 ? fmt::format("None of {} checks fails, {} found something to warn of", quality.checks.size(), warned)
                  : fmt::format("{} of {} checks fail", failed, quality.checks.size()),
      "", "check-list", "the spec declares no check"};
  exports::Bars bars;
  bars.caption = {"Findings by check", fmt::format("bronze.{} version {}", quality.table, quality.version), "findings",
                  "no check found anything"};
  bars.unit = "rows";
  bars.series = {{"findings", {}, "rows", 0}};
  for (const CheckResult& one : quality.checks) {
    if (one.count == 0) continue;
    bars.categories.push_back(one.check);
    bars.series[0].values.push_back(static_cast<double>(one.count));
  }
  exports::Table examples;
  examples.columns = {{"check", "", ColumnKind::code}, {"finding", "", ColumnKind::text}};
  for (const CheckResult& one : quality.checks)
    for (const std::string& example : one.examples) examples.rows.push_back({one.check, example});
  examples.caption = {"The first findings of each check", "", "examples", "no check found anything"};
  section.blocks.emplace_back(std::move(list));
  for (auto& one : warnings) section.blocks.emplace_back(std::move(one));
  if (!bars.categories.empty()) section.blocks.emplace_back(std::move(bars));
  if (!examples.rows.empty()) section.blocks.emplace_back(std::move(examples));
  return section;
}

exports::Section sessions_section(const TableQuality& quality) {
  exports::Section section{"sessions", "Sessions", "What each session holds, and those of the calendar without a row."};
  exports::Lines lines;
  lines.caption = {fmt::format("{} in {}", plural_of(quality.rows, "row"),
                               plural_of(static_cast<std::int64_t>(quality.rows_by_session.size()), "session")),
                   fmt::format("bronze.{} version {}", quality.table, quality.version), "rows-by-session",
                   "there is no row yet"};
  exports::Series stored{"rows stored", {}, "rows", 0, exports::SeriesStyle::bars};
  exports::Series refused{"rows quarantined", {}, "rows", 0, exports::SeriesStyle::bars};
  std::map<Date, std::pair<double, double>> days;
  for (const auto& [date, rows] : quality.rows_by_session) days[date].first = static_cast<double>(rows);
  for (const auto& [date, rows] : quality.refused_by_session) days[date].second = static_cast<double>(rows);
  for (Date date : quality.missing) days[date];
  for (const auto& [date, rows] : days) {
    lines.axis.sessions.push_back(date.str());
    stored.values.push_back(rows.first);
    refused.values.push_back(rows.second);
  }
  exports::Pane kept, out;
  kept.title = "Stored", kept.unit = "rows", kept.series.push_back(std::move(stored));
  out.title = "Quarantined", out.unit = "rows", out.series.push_back(std::move(refused));
  lines.panes.push_back(std::move(kept));
  if (!quality.refused_by_session.empty()) lines.panes.push_back(std::move(out));
  if (!days.empty()) section.blocks.emplace_back(std::move(lines));
  exports::Table missing;
  missing.caption = {quality.missing.empty()
                         ? "No session of the calendar is without a row"
                         : fmt::format("{} of the calendar without a row",
                                       plural_of(static_cast<std::int64_t>(quality.missing.size()), "session")),
                     "the exchange's calendar: a holiday is no gap", "missing", "none is missing"};
  missing.columns = {{"session", "", ColumnKind::date}};
  missing.total = static_cast<std::int64_t>(quality.missing.size());
  missing.hint = "tapemill status --json";
  for (std::size_t i = 0; i < quality.missing.size() && i < 200; ++i)
    missing.rows.push_back({quality.missing[i].str()});
  section.blocks.emplace_back(std::move(missing));
  return section;
}

exports::Section refused_section(const TableQuality& quality) {
  exports::Section section{"quarantine", "Quarantine",
                           "Rows that were refused when their files came in, with the place they stand at."};
  exports::Bars bars;
  bars.caption = {fmt::format("{} refused", plural_of(quality.quarantined_rows(), "row")),
                  "bronze." + quality.table + "_quarantine", "refused-by-check", "nothing is quarantined"};
  bars.unit = "rows";
  bars.series = {{"rows", {}, "rows", 0}};
  for (const auto& [check, rows] : quality.quarantined) {
    bars.categories.push_back(check);
    bars.series[0].values.push_back(static_cast<double>(rows));
  }
  exports::Table table;
  table.columns = {{"where", "", ColumnKind::code},
                   {"check", "", ColumnKind::code},
                   {"reason", "", ColumnKind::text},
                   {"row", "", ColumnKind::code}};
  for (const auto& one : quality.refused)
    table.rows.push_back({fmt::format("{}:{}", one.file, one.line), one.check, one.reason, one.raw});
  table.total = quality.quarantined_rows();
  table.hint = "tapemill quarantine list " + quality.table;
  table.caption = {"Where they stand, and why they were refused", "", "refused-rows", "nothing is quarantined"};
  if (!bars.categories.empty()) section.blocks.emplace_back(std::move(bars));
  section.blocks.emplace_back(std::move(table));
  return section;
}

exports::Section columns_section(const TableQuality& quality) {
  exports::Section section{"columns", "Columns", "How much of each column is empty."};
  exports::Bars bars;
  bars.unit = "%";
  bars.decimals = 2;
  bars.series = {{"null", {}, "%", 2}};
  std::int64_t with = 0;
  for (const auto& [name, nulls] : quality.nulls) {
    with += nulls > 0 ? 1 : 0;
    bars.categories.push_back(name);
    bars.series[0].values.push_back(
        quality.rows > 0 ? 100.0 * static_cast<double>(nulls) / static_cast<double>(quality.rows) : 0);
  }
  bars.caption = {
      with == 0 ? "No column has a null" : fmt::format("{} of {} columns have nulls", with, bars.categories.size()),
      fmt::format("bronze.{} version {}", quality.table, quality.version), "nulls"};
  section.blocks.emplace_back(std::move(bars));
  return section;
}

}  // namespace

Result<std::string> quality_page(const TableQuality& quality, const std::string& command) {
  exports::Document page;
  page.title = "Quality of " + quality.table;
  page.subtitle = fmt::format("{}{}version {}", quality.title, quality.title.empty() ? "" : ", ", quality.version);
  const State worst = quality.worst();
  exports::Verdict verdict;
  verdict.outcome = worst == State::fail      ? exports::Outcome::failed
                    : worst == State::warning ? exports::Outcome::partial
                                              : exports::Outcome::ok;
  std::string named;
  for (const CheckResult& one : quality.checks)
    if (one.result == worst && worst != State::pass) named += (named.empty() ? "" : ", ") + one.check;
  verdict.text = worst == State::pass ? "Every check passes."
                                      : fmt::format("{}: {}.", worst == State::fail ? "Failed" : "Warnings", named);
  if (worst == State::fail)
    verdict.hint = "mend the files and ingest them again, or let the check warn; tapemill rebuild " + quality.table +
                   " judges all of it anew";
  page.verdict = std::move(verdict);
  page.figures = {{"rows", quality.rows, "", exports::Tone::neutral, "rows-by-session"},
                  {"instruments", quality.instruments},
                  {"sessions", static_cast<std::int64_t>(quality.rows_by_session.size())},
                  {"sessions without a row", static_cast<std::int64_t>(quality.missing.size()), "",
                   quality.missing.empty() ? exports::Tone::neutral : exports::Tone::bad, "missing"},
                  {"rows quarantined", quality.quarantined_rows(), "", exports::Tone::neutral, "quarantine"},
                  {"let in by hand", quality.released}};
  if (quality.rows_by_session.empty() && quality.missing.empty()) page.figures.front().anchor.clear();
  page.sections = {sessions_section(quality), checks_section(quality), refused_section(quality),
                   columns_section(quality)};
  page.footer = {{"table", fmt::format("bronze.{} version {}", quality.table, quality.version)},
                 {"sessions", quality.first ? quality.first->str() + " to " + quality.last->str() : "none"},
                 {"command", command}};
  return exports::render_report(page);
}

}  // namespace tapemill::pipeline
