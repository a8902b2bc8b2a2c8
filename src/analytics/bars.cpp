#include "analytics/bars.h"

#include <arrow/api.h>

#include "analytics/requests.h"

namespace tapemill::analytics {

std::vector<std::string> numeric_columns(const Dataset& dataset) {
  std::vector<std::string> names;
  for (const Column& column : dataset.columns)
    if (column.kind == Kind::int32 || column.kind == Kind::int64 || column.kind == Kind::float64 ||
        column.kind == Kind::decimal)
      names.push_back(column.name);
  return names;
}

Result<std::shared_ptr<arrow::Array>> nullable_column(const std::vector<double>& values, arrow::MemoryPool* pool) {
  arrow::DoubleBuilder builder(pool);
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<std::int64_t>(values.size())));
  for (double x : values) {
    if (x == x) builder.UnsafeAppend(x);
    else builder.UnsafeAppendNull();
  }
  return builder.Finish();
}

Result<std::shared_ptr<arrow::Array>> whole_column(const arrow::Table& rows, const std::string& name,
                                                   arrow::MemoryPool* pool) {
  auto column = rows.GetColumnByName(name);
  if (column->num_chunks() == 0) return arrow::MakeEmptyArray(column->type(), pool);
  return column->num_chunks() == 1 ? column->chunk(0) : arrow::Concatenate(column->chunks(), pool);
}

Result<std::vector<std::int64_t>> sessions_of(const arrow::Table& rows, const std::string& column,
                                              arrow::MemoryPool* pool) {
  std::vector<std::int64_t> sessions;
  ARROW_ASSIGN_OR_RAISE(auto dates, whole_column(rows, column, pool));
  for (std::int64_t row = 0; row < dates->length(); ++row)
    sessions.push_back(static_cast<const arrow::Date32Array&>(*dates).Value(row));
  return sessions;
}

Result<std::vector<std::vector<double>>> run_over(const Series& series, const arrow::Table& rows,
                                                  const std::vector<lake::Span>& spans,
                                                  const std::string& session_column, const Workers& workers,
                                                  arrow::MemoryPool* pool) {
  std::vector<std::vector<double>> inputs;
  for (const std::string& name : series.inputs()) {
    ARROW_ASSIGN_OR_RAISE(auto values, lake::doubles(rows, name));
    inputs.push_back(std::move(values));
  }
  std::vector<std::int64_t> sessions, starts{0};
  if (series.uses_session()) { ARROW_ASSIGN_OR_RAISE(sessions, sessions_of(rows, session_column, pool)); }
  for (const lake::Span& span : spans) starts.push_back(span.last);
  std::vector<std::vector<double>> outputs(series.outputs(),
                                           std::vector<double>(static_cast<std::size_t>(rows.num_rows())));
  ARROW_RETURN_NOT_OK(
      series.run({inputs.begin(), inputs.end()}, sessions, starts, {outputs.begin(), outputs.end()}, workers));
  return outputs;
}

Result<std::vector<SignalDetector::Row>> detect_signals(const SignalOptions& options, const arrow::Table& rows,
                                                        const std::vector<lake::Span>& spans,
                                                        const std::string& session_column, const Workers& workers,
                                                        arrow::MemoryPool* pool) {
  std::vector<std::string> columns;
  for (const auto& field : rows.schema()->fields())
    if (arrow::is_numeric(field->type()->id()) || arrow::is_decimal(field->type()->id()))
      columns.push_back(field->name());
  ARROW_ASSIGN_OR_RAISE(auto wanted, SignalDetector::requests(options.strategies));
  ARROW_ASSIGN_OR_RAISE(auto requested,
                        resolve_requests(wanted, columns, {options.price_column, options.volume_column}, "signals"));
  ARROW_ASSIGN_OR_RAISE(Series indicators, Series::compile(requested, columns));
  ARROW_ASSIGN_OR_RAISE(auto computed, run_over(indicators, rows, spans, session_column, workers, pool));
  for (const NamedExpression& one : requested) columns.push_back(one.name);
  ARROW_ASSIGN_OR_RAISE(SignalDetector detector, SignalDetector::make(options, columns));

  std::vector<std::vector<double>> own;  // columns of the rows themselves
  own.reserve(detector.inputs().size());
  std::vector<std::span<const double>> inputs;
  for (const std::string& name : detector.inputs()) {
    auto at =
        std::find_if(requested.begin(), requested.end(), [&](const NamedExpression& one) { return one.name == name; });
    if (at == requested.end()) {
      ARROW_ASSIGN_OR_RAISE(auto values, lake::doubles(rows, name));
      inputs.emplace_back(own.emplace_back(std::move(values)));
    } else {
      inputs.emplace_back(computed[static_cast<std::size_t>(at - requested.begin())]);
    }
  }
  std::vector<std::int64_t> starts{0};
  for (const lake::Span& span : spans) starts.push_back(span.last);
  return detector.run(inputs, starts, workers);
}

}  // namespace tapemill::analytics
