#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

#include "lake/writer.h"
#include "sources/source.h"

namespace tapemill::pipeline {

/// unit, form, sha256, file, line, byte, check, reason, raw. `raw` is the row as it stood; bytes that are no UTF-8 as \xNN,
/// cut at 64 KB (line and byte lead to the whole of it in landing).
std::shared_ptr<arrow::Schema> quarantine_schema();

/// The refused rows of one file, as parts of bronze.<table>_quarantine.
class QuarantineWriter {
 public:
  QuarantineWriter(const lake::Lake& lake, const Dataset& dataset, const sources::FileInfo& info, std::int64_t ordinal,
                   std::string released, MemoryBudget& budget)
      : lake_(lake),
        dataset_(dataset),
        info_(info),
        ordinal_(ordinal),
        released_(std::move(released)),
        budget_(budget) {}
  Status write(const std::vector<Refused>& rows);
  Result<std::vector<lake::Part>> finish();  // none where nothing was refused

 private:
  const lake::Lake& lake_;
  const Dataset& dataset_;
  const sources::FileInfo& info_;
  std::int64_t ordinal_;
  std::string released_;  // the lines that were let in, which make it another part
  MemoryBudget& budget_;
  std::unique_ptr<lake::PartWriter> writer_;
};

}  // namespace tapemill::pipeline
