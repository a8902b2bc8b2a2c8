#pragma once
#include "lake/scan.h"
#include "lake/spill.h"

namespace tapemill::lake {

/// The rows of scan() in batches of at most `batch_rows`, part by part in the order of their paths, each in its own order: for
/// rows that do not fit at once. Holds a batch and Parquet's pages. Errors: as scan(); whatever `emit` returns.
Status scan_batches(const Lake& lake, const ScanRequest& request, std::int64_t batch_rows, arrow::MemoryPool* pool,
                    const Emit& emit);

/// No more rows than this does scan() give: what the log says of the parts that may have one.
Result<std::int64_t> rows_at_most(const Lake& lake, const ScanRequest& request);

struct InstrumentRows {
  std::string instrument;
  std::int64_t rows = 0;
};
/// Rows of each instrument that scan() would give, by name, in the order of a table that is sorted by it. Memory grows with
/// the instruments, not with the rows.
Result<std::vector<InstrumentRows>> count_instruments(const Lake& lake, const ScanRequest& request,
                                                      arrow::MemoryPool* pool,
                                                      const std::string& column = "instrument_id");

/// Instruments to be scanned together, as ScanRequest::symbols: up to `most_rows` rows a block, or one instrument. One empty
/// block, which means all, where all fit.
Result<std::vector<std::vector<std::string>>> instrument_blocks(const Lake& lake, const ScanRequest& request,
                                                                std::int64_t most_rows, arrow::MemoryPool* pool,
                                                                const std::string& column = "instrument_id");

/// What readers keep between scans, footers and page indexes, takes at most so much; it is outside of any budget.
void limit_read_cache(std::int64_t bytes);

}  // namespace tapemill::lake
