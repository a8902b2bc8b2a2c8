#pragma once
#include <arrow/memory_pool.h>

#include <string>
#include <vector>

#include "core/memory.h"
#include "core/workers.h"
#include "lake/lake.h"
#include "pipeline/demo.h"

namespace tapemill::pipeline {

/// Runs a graph's TechnicalIndicatorCalculator row by row, its destination kept in memory; computes the same requests as batch
/// over the same version of the same table; counts the 64-bit patterns that differ. Usage error where the graph has not one
/// lake source that feeds one such calculator. In `values` every computed value counts, nulls too.
Result<GraphComparison> compare_graph_with_batch(const lake::Lake& lake, const std::string& graph_path,
                                                 const Workers& workers, MemoryBudget& budget);

/// The four signal families over all rows of a silver table, as batch. A signal counts for the most confident strategy of
/// those that agree: the counts add up to the number of signals.
struct CountedSignals {
  std::int64_t rows = 0;
  std::vector<SignalCount> by_strategy;
};
Result<CountedSignals> count_signals(const lake::Lake& lake, const std::string& table, const Workers& workers,
                                     arrow::MemoryPool* pool);

}  // namespace tapemill::pipeline
