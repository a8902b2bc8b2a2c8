#pragma once
#include <string>
#include <vector>

#include "lake/retire.h"
#include "pipeline/maintain.h"

namespace tapemill::pipeline {

struct RetentionOptions {
  std::string table;      // a bare name is silver, or bronze where silver is a view
  Date today;
  std::string
      older_than; // of sessions; empty: what the spec's `retention` says (archive: 730d of bronze, 365d of others)
  bool dry_run = false;
};

/// What the table's spec says is to go, or what is older than `older_than`: out of the table (EXPIRE). A spec that says
/// nothing keeps for ever: nothing is done, and `kept_for_ever` is set.
struct RetentionReport : lake::RetireReport {
  std::optional<Date> before;
  bool kept_for_ever = false;
  Json document() const;  // with those of RetireReport
};
Result<RetentionReport> expire(const lake::Lake& lake, const RetentionOptions& options, MemoryBudget& budget);

/// Old sessions to `to`/<raw|normalized|features>/<table>/, by their own paths; `expired`: instead contracts whose expiry is
/// past, to `to`/expired_options/<table>/. `to` empty: archive/ of the lake.
Result<RetentionReport> archive(const lake::Lake& lake, const RetentionOptions& options, const std::string& to,
                                bool expired, MemoryBudget& budget);

}  // namespace tapemill::pipeline
