#include "lake/scan.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include <algorithm>

#include "core/decimal.h"
#include "lake/filter.h"
#include "lake/part_reader.h"
#include "lake/read_view.h"
#include "lake/sort.h"

namespace tapemill::lake {
namespace {

struct Found {
  Table table;
  std::shared_ptr<const ReadView> view;
};

// Silver tables that are views are bronze tables.
Result<Found> find(const Lake& lake, const TableName& name, std::optional<std::int64_t> version) {
  for (Layer layer : {name.layer, Layer::bronze}) {
    Table table = lake.table(layer, name.table);
    if (table.exists()) {
      ARROW_ASSIGN_OR_RAISE(auto view, read_view(table, version));
      return Found{std::move(table), std::move(view)};
    }
    if (name.layer != Layer::silver) break;
  }
  ARROW_ASSIGN_OR_RAISE(auto tables, lake.tables());
  std::vector<std::string> names;
  std::string all;
  for (const TableName& one : tables) {
    names.push_back(one.layer == Layer::silver ? one.table : one.str());
    all += (all.empty() ? "" : ", ") + names.back();
  }
  const std::string wanted = name.layer == Layer::silver ? name.table : name.str();
  const std::string near = nearest(wanted, names);
  return data_error(fmt::format("there is no table {} in the lake {}", wanted, lake.root()),
                    all.empty() ? "the lake is empty: tapemill ingest fills it"
                                : (near.empty() ? "" : "did you mean " + near + "? ") + "tables: " + all);
}

Result<std::vector<std::string>> columns_of(const ScanRequest& request, const Snapshot& snapshot) {
  std::vector<std::string> columns;
  if (request.columns.empty()) {
    for (const auto& field : snapshot.schema->fields()) {
      if (!snapshot.derived(field->name())) columns.push_back(field->name());
    }
    return columns;
  }
  for (const std::string& column : request.columns) {
    if (snapshot.schema->GetFieldByName(column) == nullptr) {
      const auto names = snapshot.schema->field_names();
      const std::string near = nearest(column, names);
      std::string all;
      for (const auto& one : names) all += (all.empty() ? "" : ", ") + one;
      return usage_error(fmt::format("{} has no column \"{}\"", request.table.str(), column),
                         (near.empty() ? "" : "did you mean \"" + near + "\"? ") + ("columns: " + all));
    }
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
  }
  return columns;
}

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

}  // namespace

namespace {
Result<ScanResult> scan_within(const Lake& lake, const ScanRequest& request, const Workers& workers,
                               arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(auto found, find(lake, request.table, request.version));
  const Table& table = found.table;
  const Snapshot& snapshot = found.view->snapshot();
  ARROW_ASSIGN_OR_RAISE(auto columns, columns_of(request, snapshot));
  ARROW_ASSIGN_OR_RAISE(RowFilter filter, RowFilter::make(request, snapshot));

  ScanResult result;
  result.version = snapshot.version;
  result.files_total = static_cast<std::int64_t>(snapshot.parts.size());
  std::vector<const Part*> parts;
  for (std::size_t i = 0; i < snapshot.parts.size(); ++i) {
    if (snapshot.parts[i].rows != 0 && (filter.empty() || filter.may_match(*found.view->bounds()[i])))
      parts.push_back(&snapshot.parts[i]);
  }
  std::vector<PlannedPart> planned(parts.size());
  ARROW_RETURN_NOT_OK(workers.each(
      parts.size(), [&](std::size_t i) { return plan_part(table, *parts[i], filter).Value(&planned[i]); }));
  std::vector<RowGroup> groups;
  for (PlannedPart& part : planned) {
    result.row_groups_total += part.groups_total;
    result.files_read += part.groups.empty() ? 0 : 1;
    groups.insert(groups.end(), part.groups.begin(), part.groups.end());
  }
  result.row_groups_read = static_cast<std::int64_t>(groups.size());

  // What the order needs is read beside what was asked, and dropped at the end.
  std::vector<std::string> sort, read = columns;
  for (const std::string& column : snapshot.list(kSort)) {
    if (snapshot.schema->GetFieldByName(column) != nullptr) sort.push_back(column);
  }
  const bool ours =
      std::all_of(parts.begin(), parts.end(), [](const Part* part) { return part->tags.contains("ordinal"); });
  if (groups.size() == 1 && ours) sort.clear();
  for (const std::string& column : sort) {
    if (std::find(read.begin(), read.end(), column) == read.end()) read.push_back(column);
  }
  std::vector<GroupRows> rows(groups.size());
  ARROW_RETURN_NOT_OK(workers.each(groups.size(), [&](std::size_t i) {
    return read_group(groups[i], snapshot, read, filter, pool).Value(&rows[i]);
  }));

  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result.bytes_read += rows[i].bytes_read;
    if (rows[i].rows != nullptr) pieces.push_back({std::move(rows[i].rows), groups[i].part->tags.contains("ordinal")});
  }
  if (pieces.empty()) {
    arrow::FieldVector fields;
    for (const std::string& column : columns) fields.push_back(snapshot.schema->GetFieldByName(column));
    ARROW_ASSIGN_OR_RAISE(result.rows, arrow::Table::MakeEmpty(arrow::schema(fields), pool));
    return result;
  }
  if (pieces.size() == 1 && (sort.empty() || pieces[0].sorted)) {
    result.rows = pieces[0].rows;
  } else if (sort.empty()) {
    std::vector<std::shared_ptr<arrow::Table>> tables;
    for (const Piece& piece : pieces) tables.push_back(piece.rows);
    ARROW_ASSIGN_OR_RAISE(result.rows, arrow::ConcatenateTables(tables));
  } else {
    ARROW_ASSIGN_OR_RAISE(result.rows, join(std::move(pieces), sort, pool));
  }
  std::vector<int> asked(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) asked[i] = static_cast<int>(i);  // they were read first
  ARROW_ASSIGN_OR_RAISE(result.rows, result.rows->SelectColumns(asked));
  return result;
}

}  // namespace

Result<ScanResult> scan(const Lake& lake, const ScanRequest& request, const Workers& workers, arrow::MemoryPool* pool) {
  auto result = scan_within(lake, request, workers, pool);
  if (!result.status().IsOutOfMemory()) return result;
  return environment_error(fmt::format("reading {}: {}", request.table.str(), result.status().message()),
                           "give more with --memory, or ask for fewer columns, symbols or sessions");
}

}  // namespace tapemill::lake
