// What bench/run.py measures of ours: one JSON command a line on stdin, one JSON answer a line on stdout. The clock runs
// round the work alone; what is written to "out" for the comparison of answers is written after it was stopped.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "analytics/series.h"
#include "core/json.h"
#include "lake/compact.h"
#include "lake/query_cache.h"
#include "lake/scan.h"
#include "pipeline/ingest.h"
#include "pipeline/maintain.h"
#include "sources/infer.h"

namespace tapemill {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<std::string> texts(const Json& command, const char* key) {
  return command.value(key, std::vector<std::string>());
}

Result<lake::ScanRequest> request(const Json& command) {
  lake::ScanRequest wanted;
  ARROW_ASSIGN_OR_RAISE(wanted.table, lake::TableName::parse(command.value("table", "")));
  wanted.columns = texts(command, "columns");
  wanted.symbols = texts(command, "symbols");
  if (command.contains("start")) { ARROW_ASSIGN_OR_RAISE(wanted.start, Date::parse(command.value("start", ""))); }
  if (command.contains("end")) { ARROW_ASSIGN_OR_RAISE(wanted.end, Date::parse(command.value("end", ""))); }
  return wanted;
}

std::shared_ptr<arrow::Field> double_field(const std::string& name) { return arrow::field(name, arrow::float64()); }

Result<std::shared_ptr<arrow::ChunkedArray>> double_column(const std::vector<double>& values) {
  arrow::DoubleBuilder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(values));
  ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
  return std::make_shared<arrow::ChunkedArray>(std::move(array));
}

/// An Arrow file that every reader takes: decimals as doubles, the other columns as they are.
Status write(std::shared_ptr<arrow::Table> rows, const std::string& path) {
  for (int i = 0; i < rows->num_columns(); ++i) {
    auto field = rows->schema()->field(i);
    if (!arrow::is_decimal(field->type()->id())) continue;
    ARROW_ASSIGN_OR_RAISE(auto values, lake::doubles(*rows, field->name()));
    ARROW_ASSIGN_OR_RAISE(auto column, double_column(values));
    ARROW_ASSIGN_OR_RAISE(rows, rows->SetColumn(i, double_field(field->name()), column));
  }
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(file, rows->schema()));
  ARROW_RETURN_NOT_OK(writer->WriteTable(*rows));
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

/// Rows of a table in memory: the whole of it, or one symbol and range. The log is read every time, as a command would.
Result<Json> scan(const Json& command) {
  Workers workers(command.value("threads", 2));
  ARROW_ASSIGN_OR_RAISE(auto wanted, request(command));
  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(auto lake, lake::Lake::open(command.value("lake", ""), false));
  ARROW_ASSIGN_OR_RAISE(auto found, lake::scan(lake, wanted, workers));
  double seconds = seconds_since(start);
  if (command.contains("out")) ARROW_RETURN_NOT_OK(write(found.rows, command.value("out", "")));
  return Json{{"seconds", seconds},
              {"rows", found.rows->num_rows()},
              {"files_read", found.files_read},
              {"files_total", found.files_total},
              {"row_groups_read", found.row_groups_read},
              {"row_groups_total", found.row_groups_total}};
}

/// Indicators over all bars of a table. Timed: compiling the expressions and computing them into new columns, from columns
/// of doubles that are in memory already, as a data frame's are.
Result<Json> suite(const Json& command) {
  Workers workers(command.value("threads", 2));
  ARROW_ASSIGN_OR_RAISE(auto wanted, request(command));
  ARROW_ASSIGN_OR_RAISE(auto lake, lake::Lake::open(command.value("lake", ""), false));
  ARROW_ASSIGN_OR_RAISE(auto found, lake::scan(lake, wanted, workers));
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*found.rows));
  std::vector<std::int64_t> starts{0}, sessions;
  for (const lake::Span& span : spans) starts.push_back(span.last);
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*found.rows, "session"));
  for (double day : days) sessions.push_back(static_cast<std::int64_t>(day));
  const std::vector<std::string> columns{"open", "high", "low", "close", "volume"};
  std::map<std::string, std::vector<double>> values;
  for (const std::string& name : columns) { ARROW_ASSIGN_OR_RAISE(values[name], lake::doubles(*found.rows, name)); }
  std::vector<analytics::NamedExpression> expressions;
  for (const auto& [name, text] : command.at("expressions").items())
    expressions.push_back({name, text.get<std::string>(), "bench"});

  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(expressions, columns));
  std::vector<std::span<const double>> inputs;
  for (const std::string& name : series.inputs()) inputs.emplace_back(values.at(name));
  std::vector<std::vector<double>> outputs(series.outputs(), std::vector<double>(days.size()));
  ARROW_RETURN_NOT_OK(series.run(inputs, sessions, starts, {outputs.begin(), outputs.end()}, workers));
  double seconds = seconds_since(start);

  if (command.contains("out")) {
    auto table = found.rows;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto column, double_column(outputs[i]));
      ARROW_ASSIGN_OR_RAISE(table, table->AddColumn(table->num_columns(), double_field(expressions[i].name), column));
    }
    ARROW_RETURN_NOT_OK(write(table, command.value("out", "")));
  }
  return Json{{"seconds", seconds}, {"rows", found.rows->num_rows()}};
}

/// Files into a lake that does not exist yet: landing copy, hash, checks, sorted Parquet, log; all of it is timed.
Result<Json> ingest(const Json& command) {
  Workers workers(command.value("threads", 2));
  MemoryBudget budget;
  auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  auto start = Clock::now();
  std::string spec = command.value("dataset", "");
  if (command.contains("infer")) {  // a spec made from the first file, there
    ARROW_ASSIGN_OR_RAISE(auto inferred, sources::infer(texts(command, "paths").at(0)));
    std::ofstream(command.value("infer", "")) << sources::spec_of(inferred, spec, "nyse", "bench");
    spec = command.value("infer", "");
  }
  ARROW_ASSIGN_OR_RAISE(auto dataset, load_dataset(spec));
  ARROW_ASSIGN_OR_RAISE(auto lake, lake::Lake::open(command.value("lake", ""), true));
  ARROW_ASSIGN_OR_RAISE(
      auto report, pipeline::ingest(lake, dataset, texts(command, "paths"), Instant{now.count()}, workers, budget));
  double seconds = seconds_since(start);
  return Json{{"seconds", seconds},
              {"rows", report.quality.rows_kept},
              {"rows_quarantined", report.quality.rows_quarantined},
              {"refused", report.refused.size()},
              {"bytes_in", report.bytes_in},
              {"bytes_stored", report.bytes_stored}};
}

/// A statement through the query cache; says which tier answered. What it hangs on is looked at every time.
Result<Json> cached(const Json& command) {
  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(auto lake, lake::Lake::open(command.value("lake", ""), false));
  auto cache = lake::QueryCache::of(lake);
  auto from = lake::QueryCache::Tier::none;
  ARROW_ASSIGN_OR_RAISE(auto rows, lake::query_cached(lake, command.value("sql", ""), {}, *cache, &from));
  double seconds = seconds_since(start);
  if (command.contains("out")) ARROW_RETURN_NOT_OK(write(rows, command.value("out", "")));
  return Json{{"seconds", seconds}, {"rows", rows->num_rows()}, {"in_memory", from == lake::QueryCache::Tier::memory}};
}

/// Small parts joined: plan, merge, write, sync, commit.
Result<Json> compact(const Json& command) {
  Workers workers(command.value("threads", 2));
  MemoryBudget budget;
  ARROW_ASSIGN_OR_RAISE(auto wanted, request(command));
  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(auto lake, lake::Lake::open(command.value("lake", ""), false));
  lake::Table table = lake.table(wanted.table);
  ARROW_ASSIGN_OR_RAISE(auto snapshot, table.snapshot());
  ARROW_ASSIGN_OR_RAISE(auto layout, pipeline::layout_for(lake, table, snapshot));
  ARROW_ASSIGN_OR_RAISE(auto report, lake::compact(table, layout, {}, workers, budget));
  double seconds = seconds_since(start);
  return Json{{"seconds", seconds},
              {"files_before", report.files_before},
              {"files_after", report.files_after},
              {"bytes_before", report.bytes_before},
              {"bytes_after", report.bytes_after}};
}

/// The current files of a table, for the peers to read.
Result<Json> parts(const Json& command) {
  ARROW_ASSIGN_OR_RAISE(auto wanted, request(command));
  ARROW_ASSIGN_OR_RAISE(auto lake, lake::Lake::open(command.value("lake", ""), false));
  lake::Table table = lake.table(wanted.table);
  ARROW_ASSIGN_OR_RAISE(auto snapshot, table.snapshot());
  Json paths = Json::array();
  for (const lake::Part& part : snapshot.parts) paths.push_back(table.path() + "/" + part.path);
  return Json{{"paths", paths}, {"rows", snapshot.rows()}, {"bytes", snapshot.bytes()}};
}

Result<Json> answer(const Json& command) {
  std::string what = command.value("do", "");
  if (what == "scan") return scan(command);
  if (what == "suite") return suite(command);
  if (what == "ingest") return ingest(command);
  if (what == "cached") return cached(command);
  if (what == "compact") return compact(command);
  if (what == "parts") return parts(command);
  return usage_error(fmt::format("'{}' is nothing to measure", what), "scan, suite, ingest, cached, compact or parts");
}

}  // namespace
}  // namespace tapemill

int main() {
  using tapemill::Json;
  std::string line;
  while (std::getline(std::cin, line)) {
    Json command = Json::parse(line, nullptr, false);
    tapemill::Result<Json> found = command.is_object()
                                       ? tapemill::answer(command)
                                       : tapemill::Result<Json>(tapemill::usage_error("no JSON object: " + line));
    Json reply = found.ok() ? *found : Json{{"error", tapemill::render(found.status(), false)}};
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}
