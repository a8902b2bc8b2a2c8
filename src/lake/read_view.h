#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "lake/log.h"
#include "lake/stats.h"

namespace tapemill::lake {

/// What is known of a part's rows without opening it, by the columns that scans choose by.
struct PartBounds {
  Bounds symbol, instrument, session, available;
  std::optional<Bounds> folder_sessions;  // from year=, month=, date= in its path
};
PartBounds part_bounds(const Part& part, const Snapshot& snapshot);

/// One version of a table as all readers of this process share it: the snapshot is made once, the parts' statistics are
/// parsed once, and a part that a later version keeps is not parsed again. Immutable; thread-safe.
class ReadView {
 public:
  explicit ReadView(Snapshot snapshot, std::shared_ptr<const LogState> state, std::shared_ptr<const ReadView> before)
      : snapshot_(std::move(snapshot)), state_(std::move(state)), before_(std::move(before)) {}
  const Snapshot& snapshot() const { return snapshot_; }
  const LogState& state() const { return *state_; }
  /// In the order of snapshot().parts. Parsed by the first call.
  const std::vector<std::shared_ptr<const PartBounds>>& bounds() const;
  bool parsed() const { return ready_; }

 private:
  Snapshot snapshot_;
  std::shared_ptr<const LogState> state_;
  mutable std::shared_ptr<const ReadView> before_;  // until the bounds are there
  mutable std::once_flag parsed_;
  mutable std::atomic<bool> ready_ = false;
  mutable std::vector<std::shared_ptr<const PartBounds>> bounds_;
};

/// The view of a version (the newest when not given); its snapshot's version is -1 where there is no table. Where nothing
/// was committed since the last call it costs two stats.
Result<std::shared_ptr<const ReadView>> read_view(const Table& table, std::optional<std::int64_t> version = {});

/// A snapshot of its own for a caller who changes it or holds it for long.
Result<Snapshot> snapshot_of(const LogState& state, const std::string& table_path);

}  // namespace tapemill::lake
