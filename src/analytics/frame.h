#pragma once
#include <arrow/record_batch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "lake/scan.h"

namespace tapemill::analytics {

struct DateRange {
  Date first, last;  // inclusive
  bool has(Date date) const { return first <= date && date <= last; }
};

/// Rows of whole instruments on their way through preprocessing, by instrument and time. A number that is null is NaN.
struct Frame {
  std::shared_ptr<arrow::RecordBatch> fixed;  // the key, symbol, session, time, and texts: what nobody computes with
  std::vector<std::string> texts;             // of `fixed`: those that come out with the numbers
  std::vector<std::string> names;             // of `numbers`
  std::vector<std::vector<double>> numbers;
  std::vector<Date> sessions;
  std::vector<std::int64_t> clock;  // microseconds since the local midnight of a row's time; empty: rows have no time
  std::vector<std::int64_t> known;  // available_at, microseconds
  std::vector<lake::Span> spans;  // the rows of each instrument
  const DateRange* fit = nullptr;  // the sessions whose rows statistics are taken of

  std::size_t rows() const { return sessions.size(); }
  bool in_fit(std::size_t row) const { return fit != nullptr && fit->has(sessions[row]); }
  std::vector<double>* find(const std::string& name);
  /// Data or usage error, with the nearest name, where there is no such column of numbers. `where`: of the declaration.
  Result<std::vector<double>*> need(const std::string& name, const std::string& where);
  /// A new column of numbers; usage error where the name is taken.
  Status add(const std::string& name, std::vector<double> values, const std::string& where);
  /// Only the rows whose bit is set.
  Status keep(const std::vector<bool>& wanted, arrow::MemoryPool* pool);
  /// What is made of a row is known no earlier than all rows before it.
  void carry_known();
};

}  // namespace tapemill::analytics
