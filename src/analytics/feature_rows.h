#pragma once
#include <arrow/api.h>

#include "analytics/features.h"
#include "core/dataset.h"
#include "lake/enrich.h"
#include "lake/scan.h"

namespace tapemill::analytics {

/// What the rows of a group over a table are made of, known before anything is read.
struct FeaturePlan {
  FeatureGroup group;
  Dataset source;
  Series series;
  std::shared_ptr<arrow::Schema> schema;  // of gold, without derived partition columns
  std::vector<std::string> partitions;
  lake::TableName gold;
  std::optional<lake::Enrichment> enrichment;  // at the version of the reference table that the plan was made with
  std::string identity;  // hash of all that the rows depend on but the version of the source

  /// Usage errors: no such table, unknown columns, names that are taken.
  static Result<FeaturePlan> make(const lake::Lake& lake, const FeatureGroup& group, const std::string& table,
                                  const Workers& workers, arrow::MemoryPool* pool);
  /// Instruments in the key's order, so many at a time as the budget has room for; one empty block, which means all, where
  /// it has for all.
  Result<std::vector<std::vector<std::string>>> blocks(const lake::Lake& lake, std::int64_t version,
                                                       MemoryBudget& budget) const;
  /// The rows of some instruments (of all: empty) at a version of the source, by its key. An environment error where the
  /// pool has no room for them.
  Result<std::shared_ptr<arrow::RecordBatch>> rows(const lake::Lake& lake, std::int64_t version,
                                                   const std::vector<std::string>& instruments, const Workers& workers,
                                                   arrow::MemoryPool* pool) const;

 private:
  std::int64_t bytes_of_a_row() const;
};

}  // namespace tapemill::analytics
