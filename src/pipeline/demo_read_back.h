#pragma once
#include <string>
#include <vector>

#include "pipeline/demo.h"

namespace tapemill::pipeline {

/// The demo's products, read back from the disk. What is missing, unreadable or different makes a check that failed and says
/// what; an error is an interrupt only.

/// Every file that landed is there, with the size and the SHA-256 that landing noted.
Result<DemoCheck> check_landing(const lake::Lake& lake, const std::vector<DemoTable>& tables, const Workers& workers);
/// DuckDB counts in the Parquet files of each bronze table the rows that the commits speak of.
Result<DemoCheck> check_bronze(const lake::Lake& lake, const std::vector<DemoTable>& tables);
/// Every value of the stored features is the one that the batch gives.
Result<DemoCheck> check_features(const lake::Lake& lake, const std::vector<analytics::FeatureBuild>& built,
                                 const Workers& workers, MemoryBudget& budget);
/// Every file of the Qlib store is what the table comes to.
Result<DemoCheck> check_qlib(const lake::Lake& lake, const exports::QlibOptions& options, const Workers& workers);

/// The graph gave values, and each has the bits of the batch.
DemoCheck judge_graph(const GraphComparison& graph);
/// Signals were given.
DemoCheck judge_signals(const std::vector<SignalCount>& signals, std::int64_t rows);

}  // namespace tapemill::pipeline
