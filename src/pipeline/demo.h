#pragma once
#include <functional>
#include <string>
#include <vector>

#include "analytics/features.h"
#include "analytics/signals.h"
#include "backtest/backtest.h"
#include "core/workers.h"
#include "exports/qlib.h"
#include "pipeline/ingest.h"

namespace tapemill::pipeline {

struct DemoStage {
  std::string name, what;            // "ingest stocks_daily, drop 2", what came of it
  std::int64_t rows = 0, bytes = 0;
  double seconds = 0;
  bool unchanged = false;            // found everything up to date
  std::int64_t worked_rows = 0;      // of the run that last had work for it: this one, unless unchanged
  double worked_seconds = 0;
};
struct DemoCheck {
  std::string name, detail;
  bool ok = false;
};
/// One ingest of the demo, with what the log says of all that is in: the same in the first run and in the second.
struct DemoTable {
  std::string table;
  std::int64_t rows_in = 0, rows_stored = 0, rows_quarantined = 0, bytes_in = 0, bytes_stored = 0, version = 0,
               commits = 0;
};
struct SignalCount {
  std::string strategy;
  std::int64_t longs = 0, shorts = 0;
};
struct QuarantinedRow {
  std::string table, where, check, reason;   // where: file:line
};
struct GraphComparison {
  std::string graph;
  std::int64_t rows = 0, values = 0, different = 0;
  std::int64_t computed = 0;                 // of the values, those that are no null
  std::vector<std::string> resolved;
};
struct DemoResult {
  std::vector<DemoStage> stages;
  std::vector<DemoCheck> checks;
  std::vector<DemoTable> tables;
  std::vector<QuarantinedRow> quarantine;    // of all that is in, the first hundred of each table
  std::vector<RefusedFile> refused;          // files of the deliveries, in every run
  std::vector<Restated> restated;            // by the logs
  std::vector<analytics::FeatureBuild> features;
  std::vector<SignalCount> signals;
  GraphComparison graph;
  exports::QlibReport qlib;
  std::vector<backtest::RunResult> runs;
  std::string report_path;
  double seconds = 0;
  bool ok() const;
};

/// The main job on one real series and a generated exchange: two deliveries through landing, bronze, silver and gold;
/// features, signals, a graph against the batch, a Qlib store, two backtests run twice, and a report (LAKE/reports/demo.html).
/// A second run finds everything up to date. `say` is told each stage as it ends.
Result<DemoResult> demo(const lake::Lake& lake, const Workers& workers, MemoryBudget& budget,
                        const std::function<void(const DemoStage&)>& say);

/// The page of a demo that ran.
Result<std::string> demo_page(const lake::Lake& lake, const DemoResult& result, const Workers& workers);

}  // namespace tapemill::pipeline
