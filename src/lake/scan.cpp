#include "lake/scan.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include <algorithm>
#include <atomic>

#include "core/decimal.h"
#include "lake/filter.h"
#include "lake/find_table.h"
#include "lake/missing_table.h"
#include "lake/part_reader.h"
#include "lake/read_view.h"
#include "lake/rows.h"
#include "lake/sort.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

struct Piece {
  std::shared_ptr<arrow::Table> rows;
  bool sorted = false;  // written by us: by the table's sort
};

Result<RowKeys> keys_of(const arrow::Table& rows, const std::vector<std::string>& sort, arrow::MemoryPool* pool) {
  arrow::ArrayVector arrays;
  for (const std::string& column : sort) {
    auto chunks = rows.GetColumnByName(column);
    if (chunks->num_chunks() == 1) {
      arrays.push_back(chunks->chunk(0));
    } else {
      ARROW_ASSIGN_OR_RAISE(auto whole, arrow::Concatenate(chunks->chunks(), pool));
      arrays.push_back(std::move(whole));
    }
  }
  return RowKeys::make(std::move(arrays));
}

// Pieces in the order of their first rows; where none reaches into the next, that is all there is to do.
Result<std::shared_ptr<arrow::Table>> join(std::vector<Piece> pieces, const std::vector<std::string>& sort,
                                           arrow::MemoryPool* pool) {
  std::vector<RowKeys> keys;
  std::vector<std::size_t> order;
  bool in_order = true;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(RowKeys one, keys_of(*pieces[i].rows, sort, pool));
    in_order = in_order && (pieces[i].sorted || one.is_sorted());
    keys.push_back(std::move(one));
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return keys[a].compare(0, keys[b], 0) < 0; });
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (std::size_t i = 0; i < order.size(); ++i) {
    tables.push_back(pieces[order[i]].rows);
    const RowKeys& here = keys[order[i]];
    if (i > 0) in_order = in_order && keys[order[i - 1]].compare(keys[order[i - 1]].rows() - 1, here, 0) <= 0;
  }
  ARROW_ASSIGN_OR_RAISE(auto whole, arrow::ConcatenateTables(tables));
  if (in_order) return whole;
  keys.clear();
  ARROW_ASSIGN_OR_RAISE(RowKeys all, keys_of(*whole, sort, pool));
  ARROW_ASSIGN_OR_RAISE(auto rows, all.order(pool));
  std::vector<arrow::ArrayVector> columns;
  for (const auto& column : whole->columns()) columns.push_back(column->chunks());
  const auto schema = whole->schema();
  whole.reset();
  tables.clear();
  pieces.clear();
  ARROW_ASSIGN_OR_RAISE(auto taken, take_columns(std::move(columns), rows, *schema, pool));
  return arrow::Table::Make(schema, taken);
}

struct Plan {
  const Snapshot& snapshot;
  std::vector<std::string> columns, sort;
  std::vector<RowGroup> groups;
  const RowFilter& filter;
  // What the order needs is read beside what was asked, and dropped at the end.
  std::vector<std::string> with_sort() const {
    std::vector<std::string> out = columns;
    for (const std::string& column : sort) {
      if (std::find(out.begin(), out.end(), column) == out.end()) out.push_back(column);
    }
    return out;
  }
};

bool written_by_us(const RowGroup& group) { return group.part->tags.contains("ordinal"); }

// Starting threads takes longer than a few footers that are in memory already.
Workers few(const Workers& workers, std::size_t shards) { return shards < 16 ? Workers(1) : workers; }

Result<std::shared_ptr<arrow::Table>> nothing(const Plan& plan, arrow::MemoryPool* pool) {
  arrow::FieldVector fields;
  for (const std::string& column : plan.columns) fields.push_back(plan.snapshot.schema->GetFieldByName(column));
  return arrow::Table::MakeEmpty(arrow::schema(fields), pool);
}

Result<std::shared_ptr<arrow::Table>> only_asked(const Plan& plan, const std::shared_ptr<arrow::Table>& rows) {
  if (static_cast<std::size_t>(rows->num_columns()) == plan.columns.size()) return rows;
  std::vector<int> asked(plan.columns.size());
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i] = static_cast<int>(i);  // they were read first
  return rows->SelectColumns(asked);
}

// By our own decoder, straight to where the rows belong. NotImplemented where a part is not for it.
Result<std::shared_ptr<arrow::Table>> read_ours(const Plan& plan, const Workers& workers, arrow::MemoryPool* pool,
                                                ScanResult& result) {
  std::vector<ChosenRows> all(plan.groups.size());
  if (!std::all_of(plan.groups.begin(), plan.groups.end(), written_by_us))
    return Status::NotImplemented("other writers");
  const Workers& choosers = few(workers, plan.groups.size());
  ARROW_RETURN_NOT_OK(choosers.each(plan.groups.size(), [&](std::size_t i) {
    try {
      return in_part(plan.groups[i].path, choose_rows(plan.groups[i], plan.filter, pool).Value(&all[i]));
    } catch (const std::bad_alloc&) {  // of a container that takes from the pool
      return Status::OutOfMemory("no memory");
    }
  }));
  std::vector<ChosenRows> groups;
  result.outside_hours = 0;
  for (ChosenRows& one : all) {
    result.outside_hours += one.outside;
    if (!one.segments.empty()) groups.push_back(std::move(one));
  }
  if (groups.empty()) return nothing(plan, pool);
  ARROW_ASSIGN_OR_RAISE(const bool placed, order_rows(groups, plan.sort, pool));
  if (placed) return gather_rows(groups, *plan.snapshot.schema, plan.columns, workers, pool, &result.bytes_read);
  // Parts that reach into each other: each by itself, then sorted together.
  std::vector<Piece> pieces(groups.size());
  std::atomic<std::int64_t> bytes = 0;
  ARROW_RETURN_NOT_OK(workers.each(groups.size(), [&](std::size_t i) -> Status {
    std::vector<ChosenRows> one{groups[i]};
    std::int64_t read = 0;
    ARROW_RETURN_NOT_OK(order_rows(one, {}, pool).status());
    ARROW_ASSIGN_OR_RAISE(pieces[i].rows,
                          gather_rows(one, *plan.snapshot.schema, plan.with_sort(), Workers(1), pool, &read));
    pieces[i].sorted = true;
    bytes += read;
    return Status::OK();
  }));
  result.bytes_read += bytes;
  ARROW_ASSIGN_OR_RAISE(auto rows, join(std::move(pieces), plan.sort, pool));
  return only_asked(plan, rows);
}

Result<std::shared_ptr<arrow::Table>> read_with_arrow(const Plan& plan, const Workers& workers, arrow::MemoryPool* pool,
                                                      ScanResult& result) {
  std::vector<GroupRows> rows(plan.groups.size());
  ARROW_RETURN_NOT_OK(workers.each(plan.groups.size(), [&](std::size_t i) {
    return read_group(plan.groups[i], plan.snapshot, plan.with_sort(), plan.filter, pool).Value(&rows[i]);
  }));
  std::vector<Piece> pieces;
  result.outside_hours = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result.bytes_read += rows[i].bytes_read;
    result.outside_hours += rows[i].outside;
    if (rows[i].rows != nullptr) pieces.push_back({std::move(rows[i].rows), written_by_us(plan.groups[i])});
  }
  if (pieces.empty()) return nothing(plan, pool);
  std::shared_ptr<arrow::Table> whole;
  if (pieces.size() == 1 && (plan.sort.empty() || pieces[0].sorted)) {
    whole = pieces[0].rows;
  } else if (plan.sort.empty()) {
    std::vector<std::shared_ptr<arrow::Table>> tables;
    for (const Piece& piece : pieces) tables.push_back(piece.rows);
    ARROW_ASSIGN_OR_RAISE(whole, arrow::ConcatenateTables(tables));
  } else {
    ARROW_ASSIGN_OR_RAISE(whole, join(std::move(pieces), plan.sort, pool));
  }
  return only_asked(plan, whole);
}

Result<ScanResult> scan_within(const Lake& lake, const ScanRequest& request, const Workers& workers,
                               arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(auto found, find_table(lake, request.table, request.version));
  const Table& table = found.table;
  const Snapshot& snapshot = found.view->snapshot();
  ARROW_ASSIGN_OR_RAISE(auto columns, columns_of(request, snapshot));
  ARROW_ASSIGN_OR_RAISE(const RowFilter filter, filter_of(lake, request, *found.view));

  ScanResult result;
  result.version = snapshot.version;
  result.files_total = static_cast<std::int64_t>(snapshot.parts.size());
  const std::vector<const Part*> parts = parts_wanted(*found.view, filter);
  if (Storage& storage = storage_of(table.path()); storage.remote()) {  // many downloads at once
    std::vector<std::string> paths;
    for (const Part* part : parts) paths.push_back(table.path() + "/" + part->path);
    ARROW_RETURN_NOT_OK(storage.fetch(paths));
  }
  std::vector<PlannedPart> planned(parts.size());
  ARROW_RETURN_NOT_OK(few(workers, parts.size()).each(parts.size(), [&](std::size_t i) {
    return plan_part(table, *parts[i], filter).Value(&planned[i]);
  }));
  Plan plan{snapshot, std::move(columns), {}, {}, filter};
  for (PlannedPart& part : planned) {
    result.row_groups_total += part.groups_total;
    result.files_read += part.groups.empty() ? 0 : 1;
    plan.groups.insert(plan.groups.end(), part.groups.begin(), part.groups.end());
  }
  result.row_groups_read = static_cast<std::int64_t>(plan.groups.size());
  for (const std::string& column : snapshot.list(kSort)) {
    if (snapshot.schema->GetFieldByName(column) != nullptr) plan.sort.push_back(column);
  }
  if (plan.groups.empty()) {
    ARROW_ASSIGN_OR_RAISE(result.rows, nothing(plan, pool));
    return result;
  }
  auto rows = read_ours(plan, workers, pool, result);
  if (rows.status().IsNotImplemented()) rows = read_with_arrow(plan, workers, pool, result);
  ARROW_ASSIGN_OR_RAISE(result.rows, std::move(rows));
  return result;
}

}  // namespace

Result<ScanResult> scan(const Lake& lake, const ScanRequest& request, const Workers& workers, arrow::MemoryPool* pool) {
  Result<ScanResult> result = ScanResult();
  try {
    result = scan_within(lake, request, workers, pool);
  } catch (const std::bad_alloc&) {  // of containers that take from the pool
    result = Status::OutOfMemory("no memory");
  }
  return result.status().IsOutOfMemory() ? no_memory(result.status(), request.table) : result;
}

}  // namespace tapemill::lake
