#pragma once
#include <functional>

#include "analytics/preprocess.h"
#include "core/dataset.h"
#include "core/held.h"

namespace tapemill::analytics {

/// The rows that a document is about, read as frames: whole instruments in the order of the source's key.
class PreprocessRows {
 public:
  /// Usage errors: no such table, columns that are not there, or neither numbers nor texts.
  static Result<PreprocessRows> make(const lake::Lake& lake, const PreprocessDocument& document, const Workers& workers,
                                     MemoryBudget& budget);
  const Dataset& source() const { return source_; }
  std::int64_t version() const { return version_; }
  const std::optional<lake::Enrichment>& enrichment() const { return enrichment_; }
  /// Every frame of the sessions until `last` (all: none), with room in the budget for `more` further columns of numbers.
  Status each(std::optional<Date> last, std::size_t more, const Workers& workers,
              const std::function<Status(Frame&)>& body) const;
  /// Columns of the frames' `fixed`, without texts.
  const std::vector<std::string>& carried() const { return carried_; }

 private:
  PreprocessRows(const lake::Lake& lake, const PreprocessDocument& document, Dataset source, MemoryBudget& budget)
      : lake_(lake), document_(document), source_(std::move(source)), budget_(budget) {}
  Result<Frame> frame_of(std::shared_ptr<arrow::Table> rows) const;

  const lake::Lake& lake_;
  const PreprocessDocument& document_;
  Dataset source_;
  MemoryBudget& budget_;
  std::int64_t version_ = -1;
  std::optional<lake::Enrichment> enrichment_;
  std::vector<std::string> carried_, numbers_, texts_, read_;  // read_: of the source
};

}  // namespace tapemill::analytics
