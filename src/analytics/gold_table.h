#pragma once
#include <functional>

#include "core/dataset.h"
#include "lake/writer.h"

namespace tapemill::analytics {

/// Whether a table has the columns `wanted`, in whatever order: it may be an older form of it.
bool same_columns(const arrow::Schema& there, const arrow::Schema& wanted, const std::vector<std::string>& partitions);

/// A table of gold that a program makes whole: all of its parts are replaced in one commit.
struct GoldTable {
  lake::Table table;
  lake::Layout layout;
  std::map<std::string, std::string> configuration;  // of create()
  std::string content;  // a hash of all that the rows depend on: where the table was made of it, there is nothing to do
  std::string form, operation;  // of its unit; of the commit
  std::map<std::string, std::string> tags;  // of its parts
  std::vector<std::pair<std::string, std::string>> parameters;  // of the commit
};
struct GoldResult {
  std::int64_t version = -1, rows = 0, bytes = 0;
};
/// What the table is where it was made of `content` already; nothing where it was not, or is not there.
Result<std::optional<GoldResult>> unchanged(const GoldTable& gold);
/// Writes the rows that `fill` gives, and commits them instead of those that are there. Another's commit meanwhile is an error:
/// a data error that says to run it again.
Result<GoldResult> replace_rows(const GoldTable& gold, MemoryBudget& budget,
                                const std::function<Status(lake::PartWriter&, std::int64_t& rows)>& fill);

}  // namespace tapemill::analytics
