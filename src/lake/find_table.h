#pragma once
#include "lake/filter.h"
#include "lake/lake.h"
#include "lake/read_view.h"
#include "lake/scan.h"

namespace tapemill::lake {

/// What a request reads: the steps that every way of scanning begins with.
struct FoundTable {
  Table table;
  std::shared_ptr<const ReadView> view;
};
/// Silver tables that are views are bronze tables. Usage error, with the tables there are, for one that is not there.
Result<FoundTable> find_table(const Lake& lake, const TableName& name, std::optional<std::int64_t> version);
/// The columns asked for, each once; all but derived partitions where none is named. Usage error: there is no such column.
Result<std::vector<std::string>> columns_of(const ScanRequest& request, const Snapshot& snapshot);
/// The rows that a request wants of the table: symbols, sessions, what was known, and the hours of its sessions.
Result<RowFilter> filter_of(const Lake& lake, const ScanRequest& request, const ReadView& view);
/// Parts that may have a wanted row.
std::vector<const Part*> parts_wanted(const ReadView& view, const RowFilter& filter);
/// Status code OutOfMemory as an error that says what to do.
Status no_memory(const Status& status, const TableName& table);

}  // namespace tapemill::lake
