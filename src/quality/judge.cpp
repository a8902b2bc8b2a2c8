#include <arrow/api.h>

#include <algorithm>

#include "quality/check.h"

namespace tapemill::quality {
namespace {

void refuse_nulls(const Dataset& dataset, const SourceBatch& batch, Verdicts& out) {
  for (const Column& column : dataset.columns) {
    if (!column.null_refused) continue;
    auto values = batch.rows->GetColumnByName(column.name);
    if (values->null_count() == 0) continue;
    for (std::int64_t i = 0; i < values->length(); ++i)
      if (values->IsNull(i)) out.refuse(static_cast<std::size_t>(i), "null", column.name + " is null");
  }
}

/// Texts that are none of a column's symbols.
void refuse_symbols(const Dataset& dataset, const SourceBatch& batch, Verdicts& out) {
  for (const Column& column : dataset.columns) {
    if (column.symbols.empty()) continue;
    const auto& values = static_cast<const arrow::StringArray&>(*batch.rows->GetColumnByName(column.name));
    for (std::int64_t i = 0; i < values.length(); ++i) {
      if (values.IsNull(i)) continue;
      const auto text = values.GetView(i);
      if (std::find(column.symbols.begin(), column.symbols.end(), text) == column.symbols.end())
        out.refuse(
            static_cast<std::size_t>(i), "symbols",
            fmt::format("{}: \"{}\" is none of {}", column.name, text.substr(0, 60), fmt::join(column.symbols, ", ")));
    }
  }
}

/// The rows that were not refused, as few slices joined.
Result<std::shared_ptr<arrow::RecordBatch>> keep(const SourceBatch& batch, const Verdicts& verdicts,
                                                 std::int64_t refused) {
  if (refused == 0) return batch.rows;
  arrow::RecordBatchVector runs;
  std::int64_t n = batch.rows->num_rows();
  for (std::int64_t from = 0; from < n;) {
    if (verdicts.refused(static_cast<std::size_t>(from))) {
      ++from;
      continue;
    }
    std::int64_t to = from;
    while (to < n && !verdicts.refused(static_cast<std::size_t>(to))) ++to;
    runs.push_back(batch.rows->Slice(from, to - from));
    from = to;
  }
  if (runs.empty()) return batch.rows->Slice(0, 0);
  return arrow::ConcatenateRecordBatches(runs);
}

}  // namespace

bool can_be_released(const std::string& check) {
  return check != "null" && check != "unique_key" && check != "parse" && check != "columns" && check != "symbols";
}

Result<Judged> judge(const Dataset& dataset, const std::vector<std::unique_ptr<Check>>& checks,
                     const SourceBatch& batch, Report& report, const std::set<std::int64_t>& released) {
  auto n = static_cast<std::size_t>(batch.rows->num_rows());
  Verdicts verdicts(n);
  for (std::size_t i = 0; i < n && !released.empty(); ++i)
    if (released.contains(batch.lines[i])) verdicts.release(i);
  refuse_nulls(dataset, batch, verdicts);
  refuse_symbols(dataset, batch, verdicts);
  for (const auto& check : checks) ARROW_RETURN_NOT_OK(check->judge(batch, verdicts, report));

  Judged judged;
  judged.refused = batch.refused;
  const auto refused = static_cast<std::int64_t>(verdicts.all().size());
  for (const auto& [i, why] : verdicts.all()) {
    Refused one = why;
    one.line = batch.lines[i];
    one.byte = batch.bytes[i];
    one.raw = std::string(batch.raw(i));
    judged.refused.push_back(std::move(one));
  }
  std::stable_sort(judged.refused.begin(), judged.refused.end(),
                   [](const Refused& a, const Refused& b) { return a.line < b.line; });
  for (const Refused& one : judged.refused)
    report.finding(one.check, CheckSpec::Severity::quarantine).add(fmt::format("line {}: {}", one.line, one.reason));
  ARROW_ASSIGN_OR_RAISE(judged.kept, keep(batch, verdicts, refused));
  report.rows_in += batch.rows_in;
  report.rows_kept += judged.kept->num_rows();
  report.rows_quarantined += static_cast<std::int64_t>(judged.refused.size());
  return judged;
}

}  // namespace tapemill::quality
