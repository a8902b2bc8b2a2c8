// The one commit that brings a table's columns up to its spec.
#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>

#include <algorithm>
#include <charconv>

#include "core/hash.h"
#include "core/json.h"
#include "core/progress.h"
#include "lake/actions.h"
#include "lake/evolve.h"
#include "lake/part_stream.h"
#include "lake/rhythm.h"
#include "lake/tags.h"
#include "lake/writer.h"

namespace tapemill::lake {
namespace {

constexpr std::size_t kPartsAtOnce = 32;
constexpr std::int64_t kBatchRows = 1 << 14;
constexpr int kAttempts = 8;

std::string join(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ",")); }

std::int64_t ordinal_of(const Part& part) {
  const std::string& text = tag(part, "ordinal");
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// Rows by the table's columns of before -> by those of the spec.
class Translation {
 public:
  Translation(const Dataset& dataset, const Evolution& change, std::shared_ptr<arrow::Schema> schema)
      : schema_(std::move(schema)) {
    for (const auto& field : schema_->fields()) {
      std::string from = field->name();
      for (const ColumnChange& one : change.changes)
        if (one.kind == ColumnChange::Kind::renamed && one.column == from) from = one.was;
      from_.push_back(from);
      columns_.push_back(dataset.column(field->name()) == nullptr ? Column{.name = field->name()}
                                                                  : *dataset.column(field->name()));
    }
  }

  /// What a column of before is called.
  std::string now(const std::string& column) const {
    auto at = std::find(from_.begin(), from_.end(), column);
    return at == from_.end() ? column : schema_->field(static_cast<int>(at - from_.begin()))->name();
  }

  Result<std::shared_ptr<arrow::RecordBatch>> operator()(const arrow::RecordBatch& rows,
                                                         arrow::MemoryPool* pool) const {
    arrow::ArrayVector arrays;
    for (std::size_t i = 0; i < from_.size(); ++i) {
      const auto& type = schema_->field(static_cast<int>(i))->type();
      auto array = rows.GetColumnByName(from_[i]);
      if (array == nullptr) {
        ARROW_ASSIGN_OR_RAISE(auto value, columns_[i].default_value());
        ARROW_ASSIGN_OR_RAISE(array, arrow::MakeArrayFromScalar(*value, rows.num_rows(), pool));
      } else if (!array->type()->Equals(type)) {
        arrow::compute::ExecContext context(pool);
        context.set_use_threads(false);
        ARROW_ASSIGN_OR_RAISE(auto wide,
                              arrow::compute::Cast(array, type, arrow::compute::CastOptions::Safe(), &context));
        array = wide.make_array();
      }
      arrays.push_back(std::move(array));
    }
    return arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(arrays));
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::string> from_;
  std::vector<Column> columns_;
};

struct Rewritten {
  std::unique_ptr<PartWriter> writer;
  std::vector<Part> parts;
};

Status rewrite_part(const Table& table, const Snapshot& snapshot, const Part& part, const Layout& layout,
                    const Translation& translate, std::int64_t number, MemoryBudget& budget, Rewritten& out) {
  Provenance provenance;
  provenance.sha256 = sha256(
      fmt::format("evolve\n{}\n{}\n{}\n{}", part.path, number, layout.schema->ToString(), restored_at(snapshot)));
  provenance.tags = part.tags;
  if (auto by = provenance.tags.find("units_by"); by != provenance.tags.end()) by->second = translate.now(by->second);
  provenance.ordinal = ordinal_of(part);
  provenance.partition = part.partition;
  ARROW_ASSIGN_OR_RAISE(out.writer, write_parts(table, layout, provenance, budget));
  if (part.rows > 0)
    ARROW_RETURN_NOT_OK(stream_part(table, snapshot, part, kBatchRows, budget.pool(),
                                    [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
                                      ARROW_ASSIGN_OR_RAISE(auto now, translate(*rows, budget.pool()));
                                      return out.writer->write(now);
                                    }));
  return out.writer->finish_unnamed().Value(&out.parts);
}

Status rewrite_parts(const Table& table, const Snapshot& snapshot, const Dataset& dataset, const Evolution& change,
                     const Workers& workers, MemoryBudget& budget, Transaction& transaction) {
  Layout layout = layout_of(dataset);
  layout.part_rows = INT64_MAX / 4;  // a part of before is a part now
  const Translation translate(dataset, change, layout.schema);
  Progress progress("columns of " + table.name().str(), static_cast<std::int64_t>(snapshot.parts.size()), "files");
  for (std::size_t at = 0; at < snapshot.parts.size(); at += kPartsAtOnce) {
    std::vector<Rewritten> some(std::min(kPartsAtOnce, snapshot.parts.size() - at));
    ARROW_RETURN_NOT_OK(workers.each(
        some.size(),
        [&](std::size_t i) {
          progress.add(1);
          return rewrite_part(table, snapshot, snapshot.parts[at + i], layout, translate, change.number, budget,
                              some[i]);
        },
        interrupt()));
    std::vector<PartWriter*> writers;
    for (const Rewritten& one : some) writers.push_back(one.writer.get());
    ARROW_RETURN_NOT_OK(publish(writers));
    for (std::size_t i = 0; i < some.size(); ++i) {
      transaction.removes.push_back(snapshot.parts[at + i].path);
      transaction.adds.insert(transaction.adds.end(), some[i].parts.begin(), some[i].parts.end());
    }
  }
  return Status::OK();
}

/// Lists of columns in the table's configuration, by their names of now.
void rename_in(const Snapshot& snapshot, const Evolution& change, Transaction& transaction) {
  for (const char* key : {kSort, kKey, kSession}) {
    auto names = snapshot.list(key);
    for (std::string& column : names)
      for (const ColumnChange& one : change.changes)
        if (one.kind == ColumnChange::Kind::renamed && one.was == column) column = one.column;
    if (!names.empty()) transaction.configuration[key] = join(names);
  }
}

Result<Transaction> transaction_of(const Table& table, const Snapshot& snapshot, const Dataset& dataset,
                                   const Evolution& change) {
  Transaction transaction;
  transaction.read_version = snapshot.version;
  transaction.operation = "EVOLVE";
  Json said = Json::array();
  for (const ColumnChange& one : change.changes) said.push_back(one.what);
  transaction.parameters = {{"changes", dump(said)}, {"from", change.from_version}, {"to", change.to_version}};
  transaction.configuration[kSchemaNumber] = std::to_string(change.number + 1);
  if (!change.to_version.empty()) transaction.configuration[kSchemaVersion] = change.to_version;
  if (table.name().layer == Layer::bronze) keep_spec(dataset, transaction.configuration);
  if (change.changes.empty()) return transaction;
  transaction.schema = described(dataset);
  transaction.touches = {"*"};  // what came meanwhile may hold what the new columns refuse
  transaction.configuration[kMixed] = change.rewrites() ? "false" : "true";
  rename_in(snapshot, change, transaction);
  return transaction;
}

}  // namespace

Result<Evolution> create_or_evolve(const Table& table, const Dataset& dataset, const Workers& workers,
                                   MemoryBudget& budget) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ARROW_ASSIGN_OR_RAISE(Snapshot now, table.snapshot());
    if (now.version < 0) {
      ARROW_RETURN_NOT_OK(table.create(dataset));
      ARROW_ASSIGN_OR_RAISE(now, table.snapshot());
    }
    ARROW_ASSIGN_OR_RAISE(Evolution change, evolution_of(table, now, dataset));
    ARROW_RETURN_NOT_OK(change.check());
    if (change.none()) return change;
    ARROW_ASSIGN_OR_RAISE(Transaction transaction, transaction_of(table, now, dataset, change));
    if (change.rewrites())
      ARROW_RETURN_NOT_OK(rewrite_parts(table, now, dataset, change, workers, budget, transaction));
    auto committed = table.commit(transaction);
    if (committed.ok()) return change;
    if (!is_conflict(committed.status())) return committed.status();
  }
  return environment_error(table.name().str() + ": other programs commit to it all the time", "run it again");
}

}  // namespace tapemill::lake
