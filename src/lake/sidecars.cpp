#include "lake/sidecars.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include <set>

#include "core/json.h"
#include "core/workers.h"
#include "lake/files.h"
#include "lake/part_stream.h"
#include "lake/storage.h"
#include "lake/units.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kBatchRows = 1 << 16;

// Replaces folder/name in one step, where it is not there with these bytes already.
Status put(const std::string& folder, const std::string& name, const std::string& bytes, SidecarReport& report) {
  const std::string path = folder + "/" + name;
  if (file_exists(path)) {
    ARROW_ASSIGN_OR_RAISE(std::string there, read_whole(path));
    if (there == bytes) return Status::OK();
  }
  ARROW_RETURN_NOT_OK(replace_file(path, bytes));
  ++report.files_written;
  return Status::OK();
}

Result<std::string> footer_text(const parquet::FileMetaData& footer) {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::BufferOutputStream::Create());
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteMetaDataFile(footer, out.get()));
  ARROW_ASSIGN_OR_RAISE(auto buffer, out->Finish());
  return buffer->ToString();
}

// `_metadata` and `_common_metadata` out of the parts' own footers.
Status put_footers(const Table& table, const Snapshot& snapshot, SidecarReport& report) {
  std::shared_ptr<parquet::FileMetaData> all;
  std::string path;
  try {
    for (const Part& part : snapshot.parts) {
      path = table.path() + "/" + part.path;
      ARROW_ASSIGN_OR_RAISE(const std::string file, local_file(path));
      auto footer = parquet::ParquetFileReader::OpenFile(file, false)->metadata();
      footer->set_file_path(part.path);
      if (all == nullptr) all = footer;
      else all->AppendRowGroups(*footer);
    }
    if (all == nullptr) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(std::string whole, footer_text(*all));
    ARROW_RETURN_NOT_OK(put(table.path(), "_metadata", whole, report));
    ARROW_ASSIGN_OR_RAISE(std::string columns, footer_text(*all->Subset({})));
    return put(table.path(), "_common_metadata", columns, report);
  } catch (const std::exception& problem) {  // parquet's exceptions end here
    return data_error(fmt::format("{}: {}", path, problem.what()),
                      "parts of one table with different columns, or a damaged part: tapemill rebuild makes them anew");
  }
}

// What a session's manifest says.
struct Day {
  struct Share {
    std::int64_t rows = 0, bytes = 0;
  };
  std::int64_t rows = 0;
  std::map<std::string, Share> parts;
  std::map<std::string, std::pair<std::shared_ptr<arrow::Scalar>, std::shared_ptr<arrow::Scalar>>> bounds;
  std::set<std::int32_t> expiries;
  std::map<std::string, std::string> sources;  // sha256 -> file
};

bool below(const arrow::Scalar& a, const arrow::Scalar& b) {
  auto number = [](const arrow::Scalar& one) -> std::int64_t {
    switch (one.type->id()) {
      case arrow::Type::TIMESTAMP: return static_cast<const arrow::TimestampScalar&>(one).value;
      case arrow::Type::DECIMAL64: return static_cast<const arrow::Decimal64Scalar&>(one).value.value();
      case arrow::Type::INT64: return static_cast<const arrow::Int64Scalar&>(one).value;
      default: return static_cast<const arrow::Int32Scalar&>(one).value;
    }
  };
  return number(a) < number(b);
}

bool has_bounds(const arrow::Field& field) {
  if (field.name() == "available_at") return false;
  const auto id = field.type()->id();
  if (id == arrow::Type::TIMESTAMP) return true;
  return field.name() == "strike" &&
         (id == arrow::Type::DECIMAL64 || id == arrow::Type::INT64 || id == arrow::Type::INT32);
}

class Manifests {
 public:
  Manifests(const Snapshot& snapshot, std::string session) : session_(std::move(session)) {
    columns_.push_back(session_);
    for (const auto& field : snapshot.schema->fields())
      if (has_bounds(*field) || field->name() == "expiry") columns_.push_back(field->name());
  }
  const std::vector<std::string>& columns() const { return columns_; }
  std::map<std::int32_t, Day>& days() { return days_; }

  Status add(const Part& part, const std::shared_ptr<arrow::RecordBatch>& rows) {
    const auto& sessions = static_cast<const arrow::Date32Array&>(*rows->GetColumnByName(session_));
    for (std::int64_t row = 0; row < rows->num_rows(); ++row) {
      if (sessions.IsNull(row)) continue;
      Day& day = days_[sessions.Value(row)];
      ++day.rows;
      ++day.parts[part.path].rows;
    }
    for (int i = 0; i < rows->num_columns(); ++i) {
      const auto field = rows->schema()->field(i);
      if (field->name() == "expiry" && field->type()->id() == arrow::Type::DATE32) {
        const auto& expiries = static_cast<const arrow::Date32Array&>(*rows->column(i));
        for (std::int64_t row = 0; row < rows->num_rows(); ++row)
          if (sessions.IsValid(row) && expiries.IsValid(row))
            days_[sessions.Value(row)].expiries.insert(expiries.Value(row));
      } else if (has_bounds(*field)) {
        ARROW_RETURN_NOT_OK(bound(field->name(), *rows->column(i), sessions));
      }
    }
    return Status::OK();
  }

 private:
  Status bound(const std::string& name, const arrow::Array& values, const arrow::Date32Array& sessions) {
    for (std::int64_t row = 0; row < values.length(); ++row) {
      if (values.IsNull(row) || sessions.IsNull(row)) continue;
      auto& [least, most] = days_[sessions.Value(row)].bounds[name];
      ARROW_ASSIGN_OR_RAISE(auto value, values.GetScalar(row));
      if (least == nullptr || below(*value, *least)) least = value;
      if (most == nullptr || below(*most, *value)) most = value;
    }
    return Status::OK();
  }
  std::string session_;
  std::vector<std::string> columns_;
  std::map<std::int32_t, Day> days_;
};

std::string text_of(const arrow::Scalar& value) {
  if (value.type->id() == arrow::Type::TIMESTAMP)
    return Instant{static_cast<const arrow::TimestampScalar&>(value).value}.str();
  return value.ToString();
}

std::string json_of(const std::string& table, std::int32_t date, const Day& day) {
  Json parts = Json::array(), sources = Json::array(), least = Json::object(), most = Json::object();
  std::int64_t bytes = 0;
  for (const auto& [path, share] : day.parts) {
    parts.push_back({{"path", path}, {"rows", share.rows}, {"bytes", share.bytes}});
    bytes += share.bytes;
  }
  for (const auto& [hash, file] : day.sources) sources.push_back({{"file", file}, {"sha256", hash}});
  for (const auto& [name, bounds] : day.bounds) {
    least[name] = text_of(*bounds.first);
    most[name] = text_of(*bounds.second);
  }
  Json out = {{"table", table}, {"session", Date{date}.str()}, {"rows", day.rows}, {"bytes", bytes},
              {"parts", parts}, {"sources", sources},          {"min", least},     {"max", most}};
  if (!day.expiries.empty()) {
    out["expiries"] = Json::array();
    for (std::int32_t expiry : day.expiries) out["expiries"].push_back(Date{expiry}.str());
  }
  return out.dump(1) + "\n";
}

Status put_manifests(const Table& table, const Snapshot& snapshot, MemoryBudget& budget, SidecarReport& report) {
  const auto configured = snapshot.list(kSession);
  const std::string session = configured.empty() ? "session" : configured.front();
  const auto field = snapshot.schema->GetFieldByName(session);
  if (field == nullptr || field->type()->id() != arrow::Type::DATE32 || snapshot.derived(session)) return Status::OK();
  Manifests manifests(snapshot, session);
  for (const Part& part : snapshot.parts) {
    if (part.rows == 0) continue;
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    ARROW_RETURN_NOT_OK(stream_part(
        table, snapshot, part, kBatchRows, budget.pool(),
        [&](const std::shared_ptr<arrow::RecordBatch>& rows) { return manifests.add(part, rows); },
        manifests.columns()));
    ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(part));
    for (auto& [date, day] : manifests.days()) {
      auto share = day.parts.find(part.path);
      if (share == day.parts.end()) continue;
      share->second.bytes = static_cast<std::int64_t>(
          static_cast<double>(part.size) * static_cast<double>(share->second.rows) / static_cast<double>(part.rows));
      const std::string text = Date{date}.str();
      for (const UnitShare& one : shares)
        if (shares.size() == 1 || (units_by(part) == session && one.rows > 0 && one.from <= text && text <= one.to))
          day.sources[one.sha256] = one.source;
    }
  }
  const std::string folder = table.path() + "/_manifests";
  std::set<std::string> names;
  for (const auto& [date, day] : manifests.days()) {
    const std::string name = Date{date}.str() + ".json";
    names.insert(name);
    ARROW_RETURN_NOT_OK(put(folder, name, json_of(table.name().str(), date, day), report));
    ++report.days;
  }
  ARROW_ASSIGN_OR_RAISE(auto there, list_folder(folder));
  for (const std::string& name : there)  // sessions that left the table
    if (name.ends_with(".json") && !names.contains(name))
      ARROW_RETURN_NOT_OK(storage_of(folder).remove(folder + "/" + name));
  return Status::OK();
}

}  // namespace

Json SidecarReport::json() const {
  return {{"table", table},
          {"version", version},
          {"partitions", partitions},
          {"days", days},
          {"files_written", files_written}};
}

Result<SidecarReport> write_sidecars(const Table& table, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, table.snapshot());
  if (snapshot.version < 0)
    return usage_error(table.name().str() + " does not exist", "tapemill tables lists those that do");
  SidecarReport report;
  report.table = table.name().str();
  report.version = snapshot.version;
  std::set<std::string> folders{table.path()};
  for (const Part& part : snapshot.parts) {
    const auto slash = part.path.find_last_of('/');
    if (slash != std::string::npos) folders.insert(table.path() + "/" + part.path.substr(0, slash));
  }
  report.partitions = static_cast<std::int64_t>(folders.size()) - 1;
  ARROW_RETURN_NOT_OK(put_footers(table, snapshot, report));
  ARROW_RETURN_NOT_OK(put_manifests(table, snapshot, budget, report));
  for (const std::string& folder : folders)  // last: it says that the others are there
    ARROW_RETURN_NOT_OK(put(folder, "_SUCCESS", "", report));
  return report;
}

}  // namespace tapemill::lake
