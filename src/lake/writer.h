#pragma once
#include <functional>
#include <optional>
#include <set>

#include "lake/lake.h"

namespace tapemill::lake {

/// What a part's name is the hash of, besides table and partition (design.md 4.1): nothing of threads or memory.
struct Provenance {
  std::string sha256;        // of the source file
  std::string unit, form;    // "2024-10-28", "nse_udiff"
  std::int64_t ordinal = 0;  // how many times this unit had been replaced before: no path is ever reused
  std::map<std::string, std::string> tags;  // further tags: file (its name), arrival; before unit, form and sha256
  std::string arrival;       // of a restatement, whose rows carry it; empty otherwise
  /// Of a source without rows, where its unit does not say it.
  std::optional<std::map<std::string, std::string>> partition = {};
};

struct Layout {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> partitions,
      sort;      // partitions: year, month, date (of the session column), or a column's name
  std::string session_column = "session";
  std::map<std::string, std::string> encodings;   // column -> plain | dictionary | delta | byte_stream_split
  std::int64_t row_group_rows = 1'000'000, part_rows = 8'000'000;
  int compression_level = 3;
};

/// As what a part was written.
struct Origin {
  Provenance provenance;
  Layout layout;
};

/// How a part's rows change on their way into another table.
struct Change {
  std::vector<std::string> columns,  // what does not come out as it is, or is new
      reads;                         // all that derive() wants, of the part's columns
  std::function<Result<std::shared_ptr<arrow::RecordBatch>>(const std::shared_ptr<arrow::RecordBatch>& reads)> derive;
  bool whole_groups = false;         // derive() is given a row group at once, not a stretch of it
  std::optional<Origin> from = {};   // where the source's part has another provenance or layout than the writer
};

/// Writes the rows of one source into sorted Parquet parts, one or more per partition; parts are synced but not visible
/// until a commit names them. abort() (also the destructor without finish()) forgets the rows; before finish() nothing is on
/// the disk under a name. Parts that finish() has named stay, committed or not: their names say their content, another
/// writer of the same source may have found and committed them, and the next try finds them ready. A source without rows
/// makes one part without rows, so that its tags say it was read. One thread at a time.
class PartWriter {
 public:
  virtual ~PartWriter() = default;
  /// Rows of Layout::schema. Sorted runs are spilled beside the table when they pass a fifth of what is left of the budget.
  virtual Status write(const std::shared_ptr<arrow::RecordBatch>& rows) = 0;
  /// Instead of write(): the rows of a part of table `from`. False, and nothing done, where it was not written as change.from
  /// says (else out of the same source in an equal layout) by a writer of the same version, which its name tells, or where
  /// that layout's rows are cut, ordered or kept otherwise; `schema`: its table's. What would come out by write() comes out,
  /// byte by byte, at the cost of the columns that change.
  virtual Result<bool> carry(const Table& from, const arrow::Schema& schema, const Part& part,
                             const Change& change) = 0;
  virtual Result<std::vector<Part>> finish() = 0;  // ready for Transaction::adds
  /// As finish(), but the parts have no names before publish(): many writers' files are then synced together.
  virtual Result<std::vector<Part>> finish_unnamed() = 0;
  /// Syncs and names the files; adds the folders that are to be synced, these or a table's above them.
  virtual Status name_parts(std::set<std::string>& folders) = 0;
  virtual void abort() = 0;
};

/// Names the parts of writers after finish_unnamed(): whatever they hold is on the disk then.
Status publish(const std::vector<PartWriter*>& writers);

Layout layout_of(const Dataset& dataset);

Result<std::unique_ptr<PartWriter>> write_parts(const Table& table, const Layout& layout, const Provenance& provenance,
                                                MemoryBudget& budget);

}  // namespace tapemill::lake
