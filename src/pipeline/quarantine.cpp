#include "pipeline/quarantine.h"

#include "core/text.h"

#include <arrow/api.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "lake/missing_table.h"
#include "lake/part_stream.h"
#include "lake/rewrite.h"
#include "pipeline/rewritten.h"
#include "pipeline/unit.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

constexpr std::size_t kMostRaw = 64 << 10;

std::string printable(std::string_view raw) {
  std::string_view head = raw.substr(0, kMostRaw);
  bool cut = head.size() < raw.size();
  std::string text;
  if (!cut && valid_utf8(head) && head.find('\0') == std::string_view::npos) return std::string(head);
  for (char c : head) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) text += c;
    else text += fmt::format("\\x{:02X}", byte);
  }
  if (cut) text += fmt::format(" ... ({} bytes)", raw.size());
  return text;
}

/// Of a source that bronze holds now, by the same bytes and the same arrival.
bool belongs(const lake::UnitShare& share, const std::map<std::string, lake::UnitState>& units) {
  auto found = units.find(lake::unit_key(share.unit, share.form));
  return found != units.end() && found->second.sha256 == share.sha256 && found->second.ordinal == share.ordinal;
}

}  // namespace

std::string quarantine_table(const std::string& dataset) { return dataset + "_quarantine"; }

std::shared_ptr<arrow::Schema> quarantine_schema() {
  arrow::FieldVector fields;
  for (const char* name : {"unit", "form", "sha256", "file"})
    fields.push_back(arrow::field(name, arrow::utf8(), false));
  for (const char* name : {"line", "byte"}) fields.push_back(arrow::field(name, arrow::int64(), false));
  for (const char* name : {"check", "reason", "raw"}) fields.push_back(arrow::field(name, arrow::utf8(), false));
  return arrow::schema(fields);
}

Status QuarantineWriter::write(const std::vector<Refused>& rows) {
  if (rows.empty()) return Status::OK();
  if (writer_ == nullptr) {
    lake::Table table = lake_.table(lake::Layer::bronze, quarantine_table(dataset_.table));
    ARROW_RETURN_NOT_OK(table.create(quarantine_schema(), {}, {}));
    lake::Layout layout;
    layout.schema = quarantine_schema();
    layout.sort = {"unit", "form", "file", "line"};
    lake::Provenance provenance{info_.sha256, info_.unit, info_.form, ordinal_, {}, released_};
    ARROW_ASSIGN_OR_RAISE(writer_, lake::write_parts(table, layout, provenance, budget_));
  }
  std::string file = fs::path(info_.path).filename().string();
  arrow::StringBuilder unit, form, sha, name, check, reason, raw;
  arrow::Int64Builder line, byte;
  for (const Refused& row : rows) {
    ARROW_RETURN_NOT_OK(unit.Append(info_.unit));
    ARROW_RETURN_NOT_OK(form.Append(info_.form));
    ARROW_RETURN_NOT_OK(sha.Append(info_.sha256));
    ARROW_RETURN_NOT_OK(name.Append(file));
    ARROW_RETURN_NOT_OK(line.Append(row.line));
    ARROW_RETURN_NOT_OK(byte.Append(row.byte));
    ARROW_RETURN_NOT_OK(check.Append(row.check));
    ARROW_RETURN_NOT_OK(reason.Append(printable(row.reason)));
    ARROW_RETURN_NOT_OK(raw.Append(printable(row.raw)));
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (arrow::ArrayBuilder* builder :
       std::initializer_list<arrow::ArrayBuilder*>{&unit, &form, &sha, &name, &line, &byte, &check, &reason, &raw}) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return writer_->write(
      arrow::RecordBatch::Make(quarantine_schema(), static_cast<std::int64_t>(rows.size()), std::move(columns)));
}

Result<std::vector<lake::Part>> QuarantineWriter::finish() {
  if (writer_ == nullptr) return std::vector<lake::Part>{};
  return writer_->finish();
}

Status commit_quarantine(const lake::Lake& lake, const Dataset& dataset, const std::vector<UnitJob>& jobs) {
  lake::Transaction transaction;
  transaction.operation = "QUARANTINE";
  std::int64_t rows = 0;
  for (const UnitJob& job : jobs) {
    if (!job.refusal.ok()) continue;
    transaction.adds.insert(transaction.adds.end(), job.quarantine_parts.begin(), job.quarantine_parts.end());
    rows += job.report.rows_quarantined;
  }
  if (transaction.adds.empty()) return Status::OK();
  transaction.counts = {{"rows_quarantined", rows}};
  lake::Table table = lake.table(lake::Layer::bronze, quarantine_table(dataset.table));
  for (std::int64_t last = -2;;) {
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, table.snapshot());
    // A run that died before bronze's commit, or one beside this, has equal parts in the log: they need not be named twice.
    std::set<std::string> there;
    for (const lake::Part& part : snapshot.parts) there.insert(part.path);
    std::erase_if(transaction.adds, [&](const lake::Part& part) { return there.contains(part.path); });
    if (transaction.adds.empty()) return Status::OK();
    transaction.read_version = snapshot.version;
    Status committed = table.commit(transaction).status();
    if (!lake::is_conflict(committed) || snapshot.version == last) return committed;
    last = snapshot.version;  // the same once more: no race, another engine has deleted parts of these names
  }
}

Result<std::shared_ptr<arrow::Table>> quarantined(const lake::Lake& lake, const std::string& name,
                                                  const QuarantineFilter& filter) {
  lake::Table bronze = lake.table(lake::Layer::bronze, name);
  lake::Table table = lake.table(lake::Layer::bronze, quarantine_table(name));
  if (!bronze.exists()) return lake::missing_table(lake, {lake::Layer::silver, name});
  ARROW_RETURN_NOT_OK(provenance_known(lake, name));
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot data, bronze.snapshot());
  if (!table.exists()) return arrow::Table::MakeEmpty(quarantine_schema());
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, table.snapshot());
  ARROW_ASSIGN_OR_RAISE(auto units, lake::units_by_key(data));
  lake::Snapshot wanted = snapshot;  // the parts with refused rows of what is in
  wanted.parts.clear();
  std::map<std::string, lake::UnitState> refused;
  for (const lake::Part& part : snapshot.parts) {
    ARROW_ASSIGN_OR_RAISE(auto shares, lake::shares_of(part));
    bool any = false;
    for (const lake::UnitShare& share : shares) {
      if (!belongs(share, units)) continue;
      any = true;
      lake::UnitState& unit = refused[lake::unit_key(share.unit, share.form)];
      unit.unit = share.unit, unit.form = share.form;
      unit.paths.push_back(part.path);
    }
    if (any) wanted.parts.push_back(part);
  }
  arrow::RecordBatchVector batches;
  for (const auto& [key, unit] : refused)  // by unit, not by the hash in a name
    ARROW_RETURN_NOT_OK(lake::stream_unit(table, wanted, unit, arrow::default_memory_pool(),
                                          [&](const std::shared_ptr<arrow::RecordBatch>& rows) {
                                            batches.push_back(rows);
                                            return Status::OK();
                                          }));
  ARROW_ASSIGN_OR_RAISE(auto rows, arrow::Table::FromRecordBatches(lake::streamed_schema(snapshot), batches));
  ARROW_ASSIGN_OR_RAISE(auto batch, rows->CombineChunksToBatch());
  const auto& files = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("file"));
  const auto& checks = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("check"));
  arrow::RecordBatchVector kept;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < batch->num_rows() && (filter.limit == 0 || count < filter.limit); ++i) {
    if (!filter.check.empty() && checks.GetView(i) != filter.check) continue;
    if (!filter.file.empty() && files.GetView(i) != filter.file) continue;
    kept.push_back(batch->Slice(i, 1));
    ++count;
  }
  return arrow::Table::FromRecordBatches(quarantine_schema(), kept);
}

}  // namespace tapemill::pipeline
