#include "pipeline/table_quality.h"

#include <arrow/api.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/json.h"
#include "lake/missing_table.h"
#include "lake/part_stream.h"
#include "lake/units.h"
#include "pipeline/group.h"
#include "pipeline/ingest.h"
#include "pipeline/rewritten.h"
#include "quality/labels.h"

namespace tapemill::pipeline {
namespace {

constexpr std::size_t kShown = 100;

/// A stored batch as a source's: `line` is the row's place in the table.
Result<SourceBatch> as_source(const Dataset& dataset, const arrow::RecordBatch& stored, std::int64_t first) {
  SourceBatch batch;
  const auto schema = dataset.schema();
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& field : schema->fields()) {
    auto column = stored.GetColumnByName(field->name());
    if (column == nullptr)
      return data_error(fmt::format("{} has no column \"{}\", the spec has", dataset.table, field->name()),
                        "ingest a file by the new spec first, or judge by the old one");
    columns.push_back(std::move(column));
  }
  batch.rows = arrow::RecordBatch::Make(schema, stored.num_rows(), std::move(columns));
  const auto rows = static_cast<std::size_t>(stored.num_rows());
  batch.lines.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) batch.lines[i] = first + static_cast<std::int64_t>(i);
  batch.bytes.assign(rows, 0);
  batch.lengths.assign(rows, 0);
  batch.text = std::make_shared<std::string>();
  batch.rows_in = stored.num_rows();
  return batch;
}

/// "line 4821: ..." of examples that are new becomes the row's key.
class Namer {
 public:
  explicit Namer(const Dataset& dataset) : dataset_(dataset) {}
  void name(quality::Report& report, const SourceBatch& batch) {
    done_.resize(report.findings.size(), 0);
    for (std::size_t f = 0; f < report.findings.size(); ++f) {
      auto& examples = report.findings[f].examples;
      for (; done_[f] < examples.size(); ++done_[f]) {
        std::string& example = examples[done_[f]];
        std::int64_t line = 0;
        const char* end = example.data() + example.size();
        if (!example.starts_with("line ")) continue;
        const auto read = std::from_chars(example.data() + 5, end, line);
        const std::int64_t row = batch.lines.empty() ? -1 : line - batch.lines.front();
        if (read.ec != std::errc{} || row < 0 || row >= batch.rows->num_rows()) continue;
        std::string key;
        for (const auto& column : dataset_.key) {
          auto value = batch.rows->GetColumnByName(column)->GetScalar(row);
          key += (key.empty() ? "" : " ") + (value.ok() ? (*value)->ToString() : "");
        }
        example = key + std::string(read.ptr, end);
      }
    }
  }

 private:
  const Dataset& dataset_;
  std::vector<std::size_t> done_;  // examples that have their names, by finding
};

/// Parts in the order of their first sessions: what an instrument did before must be seen before.
std::vector<const lake::Part*> by_session(const lake::Snapshot& snapshot, const std::string& column) {
  std::vector<std::pair<std::string, const lake::Part*>> order;
  for (const lake::Part& part : snapshot.parts) {
    const Json stats = Json::parse(part.stats, nullptr, false);
    std::string first;
    if (stats.is_object() && stats.contains("minValues") && stats["minValues"].is_object())
      first = stats["minValues"].value(column, std::string{});
    order.emplace_back(std::move(first), &part);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const lake::Part*> parts;
  for (const auto& [first, part] : order) parts.push_back(part);
  return parts;
}

void count_rows(const SourceBatch& batch, const Dataset& dataset, std::set<std::string, std::less<>>& ids,
                TableQuality& out) {
  const auto& sessions = static_cast<const arrow::Date32Array&>(*batch.rows->GetColumnByName(dataset.session_column));
  for (std::int64_t i = 0, from = 0; i < sessions.length(); i = from) {
    for (from = i + 1; from < sessions.length() && sessions.Value(from) == sessions.Value(i); ++from) {}
    if (sessions.IsValid(i)) out.rows_by_session[Date{sessions.Value(i)}] += from - i;
  }
  auto named = batch.rows->GetColumnByName("instrument_id");
  if (named != nullptr && named->type_id() == arrow::Type::STRING) {
    const auto& texts = static_cast<const arrow::StringArray&>(*named);
    std::string_view last;
    for (std::int64_t i = 0; i < texts.length(); ++i) {
      const std::string_view id = texts.GetView(i);
      if (i > 0 && id == last) continue;
      last = id;
      if (ids.find(id) == ids.end()) ids.emplace(id);
    }
  }
  for (auto& [name, nulls] : out.nulls) nulls += batch.rows->GetColumnByName(name)->null_count();
}

Status add_refused(const lake::Lake& lake, const Dataset& dataset, TableQuality& out) {
  ARROW_ASSIGN_OR_RAISE(auto all, quarantined(lake, dataset.table, {"", "", 0}));
  ARROW_ASSIGN_OR_RAISE(auto rows, all->CombineChunksToBatch());
  auto texts = [&](const char* column) -> const arrow::StringArray& {
    return static_cast<const arrow::StringArray&>(*rows->GetColumnByName(column));
  };
  const auto &units = texts("unit"), &files = texts("file"), &checks = texts("check"), &reasons = texts("reason"),
             &raws = texts("raw");
  const auto& lines = static_cast<const arrow::Int64Array&>(*rows->GetColumnByName("line"));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    ++out.quarantined[checks.GetString(i)];
    if (auto date = Date::parse(units.GetView(i)); date.ok()) ++out.refused_by_session[*date];
    if (out.refused.size() < kShown)
      out.refused.push_back(
          {files.GetString(i), checks.GetString(i), reasons.GetString(i), raws.GetString(i), lines.Value(i)});
  }
  return Status::OK();
}

}  // namespace

const char* text(CheckResult::Result result) {
  return result == CheckResult::Result::pass ? "pass" : result == CheckResult::Result::warning ? "warning" : "fail";
}

CheckResult::Result TableQuality::worst() const {
  auto worst = CheckResult::Result::pass;
  for (const CheckResult& one : checks) worst = std::max(worst, one.result);
  return worst;
}

std::int64_t TableQuality::quarantined_rows() const {
  std::int64_t rows_refused = 0;
  for (const auto& [check, count] : quarantined) rows_refused += count;
  return rows_refused;
}

Json TableQuality::json() const {
  Json all = Json::object(), by = Json::object(), without = Json::array(), empty = Json::object();
  for (const CheckResult& one : checks)
    all[one.check] = {{"status", text(one.result)}, {"count", one.count}, {"examples", one.examples}};
  for (const auto& [check, count] : quarantined) by[check] = count;
  for (Date date : missing) without.push_back(date.str());
  for (const auto& [column, count] : nulls) empty[column] = count;
  return {{"table", table},
          {"version", version},
          {"status", text(worst())},
          {"completeness",
           {{"instruments", instruments},
            {"sessions", rows_by_session.size()},
            {"records", rows},
            {"first", first ? Json(first->str()) : Json()},
            {"last", last ? Json(last->str()) : Json()},
            {"missing_sessions", without}}},
          {"checks", all},
          {"nulls", empty},
          {"quarantined", by},
          {"rows_quarantined", quarantined_rows()},
          {"rows_released", released}};
}

Result<TableQuality> table_quality(const lake::Lake& lake, const Dataset& dataset, MemoryBudget& budget) {
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  if (!bronze.exists()) return lake::missing_table(lake, {lake::Layer::silver, dataset.table});
  TableQuality out;
  out.table = dataset.table, out.title = dataset.title;
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, bronze.snapshot());
  out.version = snapshot.version;
  for (const Column& column : dataset.columns) out.nulls.emplace_back(column.name, 0);
  ARROW_ASSIGN_OR_RAISE(auto checks, quality::make_checks(dataset));
  quality::Report report;
  Namer namer(dataset);
  std::set<std::string, std::less<>> ids;
  Progress progress("judging", snapshot.bytes(), "bytes");
  for (const lake::Part* one : by_session(snapshot, dataset.session_column)) {
    const lake::Part& part = *one;
    ARROW_RETURN_NOT_OK(lake::stream_part(
        bronze, snapshot, part, 1 << 16, budget.pool(), [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
          if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
          ARROW_ASSIGN_OR_RAISE(SourceBatch batch, as_source(dataset, *rows, out.rows + 1));
          ARROW_RETURN_NOT_OK(quality::judge(dataset, checks, batch, report).status());
          namer.name(report, batch);
          count_rows(batch, dataset, ids, out);
          out.rows += rows->num_rows();
          return Status::OK();
        }));
    progress.add(part.size, part.rows);
  }
  for (auto& check : checks) ARROW_RETURN_NOT_OK(check->finish(report));
  out.instruments = static_cast<std::int64_t>(ids.size());
  if (!out.rows_by_session.empty()) {
    out.first = out.rows_by_session.begin()->first, out.last = out.rows_by_session.rbegin()->first;
    for (Date date : dataset.calendar->sessions(*out.first, *out.last))
      if (!out.rows_by_session.contains(date)) out.missing.push_back(date);
  }
  if (provenance_known(lake, dataset.table).ok()) {
    ARROW_RETURN_NOT_OK(add_refused(lake, dataset, out));
    ARROW_ASSIGN_OR_RAISE(auto units, lake::units(snapshot));
    for (const auto& unit : units) out.released += static_cast<std::int64_t>(lines_of_text(unit.released).size());
  }
  std::int64_t failed = 0;
  for (const CheckSpec& spec : dataset.checks) {
    CheckResult one{quality::label_of(spec), spec.severity};
    for (const auto& found : report.findings)
      if (found.check == one.check && found.severity == spec.severity)
        one.count = found.count, one.examples = found.examples;
    if (one.count > 0)
      one.result =
          spec.severity == CheckSpec::Severity::warn ? CheckResult::Result::warning : CheckResult::Result::fail;
    if (one.result == CheckResult::Result::fail) failed += one.count;
    out.checks.push_back(std::move(one));
  }
  if (failed > 0 && failed <= out.released)
    for (CheckResult& one : out.checks) one.result = std::min(one.result, CheckResult::Result::warning);
  return out;
}

}  // namespace tapemill::pipeline
