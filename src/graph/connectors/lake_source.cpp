#include <algorithm>
#include <charconv>

#include "core/workers.h"
#include "graph/calculator.h"
#include "graph/connectors/event_sorter.h"
#include "graph/connectors/table_source.h"
#include "lake/about.h"
#include "lake/scan_batches.h"

namespace tapemill::graph {
struct LakeSourceConfig {
  std::string source, time_column;
};
}  // namespace tapemill::graph
namespace tapemill {
template <>
inline constexpr auto fields<graph::LakeSourceConfig> =
    std::tuple{field("source", &graph::LakeSourceConfig::source,
                     "lake://LAYER.TABLE?symbols=A,B&start=DAY&end=DAY&columns=a,b&version=N&session=regular"),
               field("time_column", &graph::LakeSourceConfig::time_column,
                     "column of event times (empty: time, timestamp, session, date or trade_date)")};
}  // namespace tapemill

namespace tapemill::graph {
namespace {

std::vector<std::string> cut(const std::string& list) {
  std::vector<std::string> out;
  for (std::string_view rest = list; !rest.empty();) {
    auto end = std::min(rest.find(','), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

/// Whether all rows may be in memory: as columns, once more while they are joined, and their order.
Result<bool> has_room(const lake::ScanRequest& request, const Schema& schema, const Surroundings& here) {
  if (here.budget == nullptr || here.budget->ceiling() == 0) return true;
  ARROW_ASSIGN_OR_RAISE(const std::int64_t rows, lake::rows_at_most(*here.lake, request));
  std::int64_t row = 32;
  for (const Field& field : schema.fields) row += field.kind == Kind::string ? 48 : 16;
  return rows * row <= here.budget->share(0.5, 0, INT64_MAX);
}

Result<std::unique_ptr<Source>> sorted_source(lake::ScanRequest request, const Schema& schema, int time, int key,
                                              const std::vector<std::string>& sort, const std::string& version,
                                              const Surroundings& here) {
  std::vector<int> ties;  // rows of one time and key in the order of a scan
  for (const std::string& column : sort) {
    auto at = std::find(request.columns.begin(), request.columns.end(), column);
    ties.push_back(static_cast<int>(at - request.columns.begin()));
    if (at == request.columns.end()) request.columns.push_back(column);
  }
  lake::TableName name = request.table;
  if (!here.lake->table(name).exists()) name.layer = lake::Layer::bronze;
  EventSorter sorter(schema, time, key, std::move(ties), here.lake->table(name).path(), *here.budget);
  constexpr std::int64_t page = 4096, most = 16;  // rows of a page of a part; how many are read at once
  const std::int64_t row = 64 * static_cast<std::int64_t>(request.columns.size());
  const std::int64_t pages = std::clamp<std::int64_t>(here.budget->share(0.05, 0, INT64_MAX) / row / page, 1, most);
  ARROW_RETURN_NOT_OK(lake::scan_batches(*here.lake, request, pages * page, here.budget->pool(),
                                         [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
                                           if (interrupt().stop_requested())
                                             return Status::Cancelled("interrupted; nothing was written");
                                           return sorter.add(rows);
                                         }));
  return sorter.finish(version, {});
}

}  // namespace

Result<lake::ScanRequest> lake_request(const Address& address) {
  lake::ScanRequest request;
  auto name = lake::TableName::parse(address.path);
  if (!name.ok()) return placed(*address.at, name.status(), "");
  request.table = *name;
  request.hours = SessionHours::regular;
  const std::vector<std::string> known = {"symbols", "start", "end", "columns", "version", "session"};
  for (const auto& [key, value] : address.query) {
    if (key == "symbols") request.symbols = cut(value);
    else if (key == "columns") request.columns = cut(value);
    else if (key == "start" || key == "end") {
      auto date = Date::parse(value);
      if (!date.ok()) return placed(*address.at, date.status(), "");
      (key == "start" ? request.start : request.end) = *date;
    } else if (key == "version") {
      std::int64_t version = -1;
      auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), version);
      if (code != std::errc{} || end != value.data() + value.size() || version < 0)
        return address.at->error(fmt::format("\"{}\" is no version", value), "version=3");
      request.version = version;
    } else if (key == "session") {
      ARROW_RETURN_NOT_OK(check_choice(*address.at, value, kSessionHours));
      request.hours = session_hours(value);
    } else {
      std::string near = nearest(key, known);
      return address.at->error(fmt::format("lake:// knows no \"{}\"", key),
                               (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) +
                                   fmt::format("known: {}", fmt::join(known, ", ")));
    }
  }
  return request;
}

Result<SourcePlan> plan_lake_source(const Node& config, const Address& address, const Surroundings& around) {
  LakeSourceConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  ARROW_ASSIGN_OR_RAISE(lake::ScanRequest request, lake_request(address));
  if (around.lake == nullptr)
    return address.at->error("there is no lake to read from",
                             "tapemill ingest makes one; --lake DIR or $TAPEMILL_LAKE names another");
  lake::TableName name = request.table;
  if (!around.lake->table(name).exists() && name.layer == lake::Layer::silver &&
      around.lake->silver_is_view(name.table))
    name.layer = lake::Layer::bronze;
  if (!around.lake->table(name).exists()) {
    lake::ScanRequest nothing;
    nothing.table = request.table;
    return placed(*address.at, lake::scan(*around.lake, nothing).status(), "");  // its error names the tables there are
  }
  auto snapshot = around.lake->table(name).snapshot(request.version);
  if (!snapshot.ok()) return placed(*address.at, snapshot.status(), "");
  request.version = snapshot->version;  // checked, compared and resumed on this one
  arrow::FieldVector wanted;
  if (request.columns.empty()) {
    for (const auto& field : snapshot->schema->fields())
      if (!snapshot->derived(field->name())) request.columns.push_back(field->name());
  }
  for (const std::string& column : request.columns) {
    auto field = snapshot->schema->GetFieldByName(column);
    if (field == nullptr) {
      std::string near = nearest(column, snapshot->schema->field_names());
      return address.at->error(fmt::format("{} has no column \"{}\"", request.table.str(), column),
                               near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
    }
    wanted.push_back(field);
  }
  auto schema = schema_of(arrow::Schema(wanted));
  if (!schema.ok()) return placed(*address.at, schema.status(), "");
  SourcePlan plan;
  plan.schema = *schema;
  ARROW_ASSIGN_OR_RAISE(int time, time_column(config, plan.schema, options.time_column));
  plan.time_of_day = time >= 0 && plan.schema.fields[static_cast<std::size_t>(time)].kind == Kind::timestamp;
  int key = plan.schema.find("instrument_id");
  if (key < 0) key = plan.schema.find("symbol");
  if (auto dataset = lake::dataset_of(*around.lake, request.table.table); dataset.ok())
    plan.timezone = dataset->calendar->zone().name();
  plan.note = fmt::format("{} version {}", request.table.str(), *request.version);
  plan.open = [request, time, key, sort = snapshot->list(lake::kSort),
               schema = plan.schema](const Surroundings& here) -> Result<std::unique_ptr<Source>> {
    const std::string version = fmt::format("{} version {}", request.table.str(), *request.version);
    arrow::MemoryPool* pool = here.budget != nullptr ? here.budget->pool() : arrow::default_memory_pool();
    ARROW_ASSIGN_OR_RAISE(const bool fits, has_room(request, schema, here));
    if (!fits) return sorted_source(request, schema, time, key, sort, version, here);
    ARROW_ASSIGN_OR_RAISE(auto scanned,
                          lake::scan(*here.lake, request, here.workers != nullptr ? *here.workers : Workers(1), pool));
    return table_source(scanned.rows, schema, time, key, version, {}, pool);
  };
  return plan;
}

}  // namespace tapemill::graph
