#include "lake/read_view.h"

#include <arrow/type.h>
#include <parquet/file_reader.h>

#include <charconv>

#include "core/json.h"
#include "lake/files.h"
#include "lake/schema.h"

namespace tapemill::lake {
namespace {

std::optional<int> number(const std::map<std::string, std::string>& values, const char* key) {
  auto it = values.find(key);
  int out = 0;
  if (it == values.end()) return std::nullopt;
  auto read = std::from_chars(it->second.data(), it->second.data() + it->second.size(), out);
  if (read.ec != std::errc{} || read.ptr != it->second.data() + it->second.size()) return std::nullopt;
  return out;
}

// year=2024/month=02 holds sessions of that month and no others.
std::optional<Bounds> folder_sessions(const Part& part, const Snapshot& snapshot) {
  if (snapshot.derived("date")) {
    auto it = part.partition.find("date");
    if (it != part.partition.end()) return bounds_of_partition(it->second, *arrow::date32());
  }
  if (!snapshot.derived("year")) return std::nullopt;
  auto year = number(part.partition, "year");
  if (!year || *year < 1 || *year > 9998) return std::nullopt;
  Bounds bounds;
  auto month = snapshot.derived("month") ? number(part.partition, "month") : std::nullopt;
  if (month && *month >= 1 && *month <= 12) {
    bounds.min = static_cast<std::int64_t>(Date::of(*year, *month, 1).days);
    bounds.max =
        static_cast<std::int64_t>((*month == 12 ? Date::of(*year + 1, 1, 1) : Date::of(*year, *month + 1, 1)).days) - 1;
  } else {
    bounds.min = static_cast<std::int64_t>(Date::of(*year, 1, 1).days);
    bounds.max = static_cast<std::int64_t>(Date::of(*year + 1, 1, 1).days) - 1;
  }
  return bounds;
}

Result<std::int64_t> rows_in_file(const std::string& named) {
  ARROW_ASSIGN_OR_RAISE(const std::string path, local_file(named));
  try {
    return parquet::ParquetFileReader::OpenFile(path, false)->metadata()->num_rows();
  } catch (const std::exception& problem) {  // parquet's exceptions end here
    return data_error(fmt::format("{}: {}", path, problem.what()));
  }
}

std::mutex views_mutex;
std::map<std::string, std::shared_ptr<const ReadView>> views;  // by table path: the newest seen
constexpr std::size_t kViewsMost = 256;

}  // namespace

Result<Snapshot> snapshot_of(const LogState& state, const std::string& table_path) {
  Snapshot out;
  out.version = state.version;
  out.timestamp_ms = state.timestamp_ms;
  if (!state.metadata) return out;
  ARROW_ASSIGN_OR_RAISE(out.schema, arrow_schema(state.metadata->schema));
  out.partitions = state.metadata->partitions;
  out.configuration = state.metadata->configuration;
  for (const auto& [application, txn] : state.txns) out.txns[application] = txn.version;
  out.parts.reserve(state.parts.size());
  for (const auto& [path, part] : state.parts) {
    out.parts.push_back(*part);
    if (part->rows < 0) {  // another engine's, without statistics
      ARROW_ASSIGN_OR_RAISE(out.parts.back().rows, rows_in_file(table_path + "/" + path));
    }
  }
  return out;
}

PartBounds part_bounds(const Part& part, const Snapshot& snapshot) {
  const Json stats = Json::parse(part.stats, nullptr, false);
  auto of = [&](const std::string& column, const std::shared_ptr<arrow::DataType>& type) {
    auto own = part.partition.find(column);
    return own != part.partition.end() ? bounds_of_partition(own->second, *type) : bounds_in(stats, column, *type);
  };
  auto configured = snapshot.configuration.find(kSession);
  PartBounds bounds;
  bounds.symbol = of("symbol", arrow::utf8());
  bounds.instrument = of("instrument_id", arrow::utf8());
  bounds.session = of(configured == snapshot.configuration.end() ? "session" : configured->second, arrow::date32());
  bounds.available = of("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"));
  bounds.folder_sessions = folder_sessions(part, snapshot);
  return bounds;
}

const std::vector<std::shared_ptr<const PartBounds>>& ReadView::bounds() const {
  std::call_once(parsed_, [this] {
    auto before = std::move(before_);
    const bool known =
        before != nullptr && before->ready_ && before->snapshot_.configuration == snapshot_.configuration;
    auto old = known ? before->state_->parts.begin() : state_->parts.begin();
    std::size_t old_at = 0, at = 0;
    bounds_.reserve(state_->parts.size());
    for (const auto& [path, part] : state_->parts) {  // by path, as snapshot_.parts
      if (known) {
        while (old != before->state_->parts.end() && old->first < path) ++old, ++old_at;
        if (old != before->state_->parts.end() && old->second == part) {
          bounds_.push_back(before->bounds_[old_at]);
          ++at;
          continue;
        }
      }
      bounds_.push_back(std::make_shared<const PartBounds>(part_bounds(snapshot_.parts[at++], snapshot_)));
    }
    ready_ = true;
  });
  return bounds_;
}

Result<std::shared_ptr<const ReadView>> read_view(const Table& table, std::optional<std::int64_t> version) {
  ARROW_ASSIGN_OR_RAISE(auto state, replay(table.path(), version));
  std::shared_ptr<const ReadView> known;
  {
    std::lock_guard lock(views_mutex);
    auto it = views.find(table.path());
    if (it != views.end()) known = it->second;
  }
  if (known != nullptr && &known->state() == state.get()) return known;
  ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, snapshot_of(*state, table.path()));
  if (known != nullptr && !known->parsed()) known = nullptr;  // no chain of views that nobody asked
  auto view = std::make_shared<const ReadView>(std::move(snapshot), state, std::move(known));
  if (state->version >= 0) {
    std::lock_guard lock(views_mutex);
    if (views.size() >= kViewsMost) views.clear();
    auto& newest = views[table.path()];
    if (newest == nullptr || newest->state().version <= state->version || !version) newest = view;
  }
  return view;
}

}  // namespace tapemill::lake
