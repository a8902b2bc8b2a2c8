#pragma once
#include <optional>

#include "lake/units.h"

namespace tapemill::lake {

/// How far a table has come. Derived from the log, never stored.
struct Watermark {
  std::optional<Date> first, last;         // session, from the parts' statistics
  std::int64_t units = 0, rows = 0, bytes = 0, files = 0;
  std::int64_t version = -1, last_commit_ms = 0;
};
Result<Watermark> watermark(const Snapshot& snapshot);

}  // namespace tapemill::lake
