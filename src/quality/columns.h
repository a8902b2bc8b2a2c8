#pragma once
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/status.h"

namespace tapemill::quality {

/// A numeric, date or time column as doubles: decimals by their one division, null as NaN.
/// REQUIRES the column to be there (make_checks has looked).
std::vector<double> numbers(const arrow::RecordBatch& rows, const std::string& name);
/// A column held as int64 (int64, decimal, timestamp) or as double, as it lies in memory; null pointers where it is another
/// or has nulls. For a first look over all rows at once: most batches have nothing to object to.
struct Raw {
  const std::int64_t* integers = nullptr;
  const double* doubles = nullptr;
  int scale = 0;  // of a decimal
};
Raw raw(const arrow::RecordBatch& rows, const std::string& name);
/// A string column's values; null as "". Views into `rows`.
std::vector<std::string_view> texts(const arrow::RecordBatch& rows, const std::string& name);

}  // namespace tapemill::quality
