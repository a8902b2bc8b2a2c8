#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/stream.h"

namespace tapemill::pipeline {

/// "open=first(price)": one number of a window's rows. Functions: first, last, min, max, sum, mean, count. Rows with a null are
/// passed over; count() without a column counts rows.
struct Aggregate {
  enum class What { first, last, min, max, sum, mean, count };
  std::string name, column;  // column empty: count()
  What what = What::count;
  /// Usage error that lists the functions.
  static Result<Aggregate> parse(const std::string& text);
};

/// Rows of one group that lie together: so many of them, or those of a span of time.
struct WindowOptions {
  std::vector<std::string> by;    // columns of text, dates or whole numbers; none: one group
  std::vector<Aggregate> values;  // one column each, float64; count int64
  /// One of the two, or neither: all rows are one window, which ends with the stream.
  std::int64_t rows = 0;  // of a group
  std::int64_t us = 0;    // [start, start + us) of `time`, aligned to 1970-01-01 UTC + offset_us
  std::int64_t every =
      0;  // the next window starts so many rows or microseconds later; 0: when the one before ends. Divides.
  std::int64_t offset_us = 0, late_us = 0;  // a window ends late_us after its end: rows may come that much out of order
  std::string time = "time";  // a timestamp column
};

/// What windows make of a stream: columns `by`, then window_start and window_end (of time: timestamps; of rows: ordinals in the
/// group, the first is 0), then `values`. A window comes out when a row (of any group) is late_us past its end; windows of one
/// end leave in the order in which their groups first came. A window of rows comes out when it is full; what is left at the end
/// comes out unfilled. The state grows with the groups and open windows, not with the rows.
class WindowStage : public StageWorker {
 public:
  /// Usage errors: a column that is missing or of another type, spans that do not divide.
  static Result<std::unique_ptr<WindowStage>> make(const arrow::Schema& schema, WindowOptions options);
  ~WindowStage() override;
  Result<Batch> process(const Batch& rows) override;
  Result<Batch> finish() override;
  const std::shared_ptr<arrow::Schema>& schema() const;  // of what leaves
  std::int64_t late_rows() const;  // came when all of their windows had gone, or without a time: in none
  /// The windows of rows that come later in the order of the stream; only where neither rows nor us is set (map and reduce).
  Status merge(WindowStage&& later);

 private:
  struct State;
  explicit WindowStage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tapemill::pipeline
