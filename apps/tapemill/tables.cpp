#include <arrow/api.h>

#include <chrono>

#include "command.h"
#include "core/json.h"
#include "known_table.h"
#include "lake/about.h"
#include "pipeline/ingest.h"
#include "print.h"

namespace tapemill::app {
struct TableOptions {
  std::string table;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::TableOptions> =
    std::tuple{field("table", &app::TableOptions::table, "a table: silver by its bare name, or layer.name")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Instant second_of(std::int64_t ms) { return {ms / 1000 * kSecond}; }

/// The table that holds the rows: bronze behind a silver view.
Result<std::pair<lake::TableName, lake::Snapshot>> opened(const lake::Lake& lake, const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(auto name, known_table(lake, text));
  ARROW_ASSIGN_OR_RAISE(auto snapshot, lake.table(name).snapshot());
  return std::pair{name, std::move(snapshot)};
}

Status tables(const NoOptions&, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto names, lake.tables());
  Json list = Json::array();
  // Each in the zone of its own exchange, as history says it.
  TextTable text({"table", "rows>", "files>", "size>", "version>", "last commit", "kind"});
  std::size_t damaged = 0;
  Status closed;  // that cannot be read is not damaged
  for (const auto& name : names) {
    bool view = name.layer == lake::Layer::silver && lake.silver_is_view(name.table);
    auto read = lake.table(view ? lake::TableName{lake::Layer::bronze, name.table} : name).snapshot();
    if (!read.ok()) {
      ++damaged;
      if (exit_code(read.status()) == 3) closed = read.status();
      list.push_back({{"table", name.str()}, {"kind", view ? "view" : "table"}, {"damaged", read.status().message()}});
      text.add({name.str(), kNull, kNull, kNull, kNull, kNull, "damaged: " + read.status().message()});
      continue;
    }
    const lake::Snapshot& snapshot = *read;
    list.push_back({{"table", name.str()},
                    {"rows", snapshot.rows()},
                    {"files", snapshot.parts.size()},
                    {"bytes", snapshot.bytes()},
                    {"version", snapshot.version},
                    {"last_commit", second_of(snapshot.timestamp_ms).str()},
                    {"kind", view ? "view" : "table"}});
    text.add({name.str(), thousands(snapshot.rows()), thousands(static_cast<std::int64_t>(snapshot.parts.size())),
              format_bytes(snapshot.bytes()), std::to_string(snapshot.version),
              when(second_of(snapshot.timestamp_ms), context, zone_of(lake, name)), view ? "view of bronze" : "table"});
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"tables", list}});
  else if (names.empty())
    print(fmt::format("{} holds no table yet: tapemill ingest DATASET PATH... fills it\n", lake.root()));
  else print(text.str(terminal_width()));
  if (!closed.ok()) return closed;
  if (damaged > 0)
    return data_error(fmt::format("{} of {} tables {} damaged", damaged, names.size(), damaged == 1 ? "is" : "are"),
                      "restore the files from a backup, or rebuild the table");
  return Status::OK();
}

Status describe_table(const TableOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto found, opened(lake, options.table));
  auto& [name, snapshot] = found;
  auto dataset = lake::dataset_of(lake, name.table);
  Json columns = Json::array();
  TextTable text({"column", "type", "unit", "null", "smallest", "largest", "help"});
  text.stays({"column", "type"});
  std::vector<Json> statistics;
  const Zone zone = zone_of(lake, name);
  for (const auto& part : snapshot.parts) statistics.push_back(Json::parse(part.stats, nullptr, false));
  auto bound = [&](const char* which, const std::string& column) {
    Json best;
    for (const Json& stats : statistics) {
      if (!stats.contains(which) || !stats[which].contains(column)) continue;
      const Json& value = stats[which][column];
      bool better = best.is_null() || (std::string(which) == "minValues" ? value < best : best < value);
      if (better) best = value;
    }
    return best;
  };
  for (const auto& field : snapshot.schema->fields()) {
    const Column* declared = dataset.ok() ? dataset->column(field->name()) : nullptr;
    Json least = bound("minValues", field->name()), most = bound("maxValues", field->name());
    auto shown = [&](const Json& value) -> std::string {  // prices and times as show writes them
      if (value.is_null()) return kNull;
      if (field->type()->id() == arrow::Type::TIMESTAMP && value.is_string())
        if (auto time = Instant::parse(value.get<std::string>()); time.ok()) return when(*time, context, zone);
      if (value.is_string()) return value.get<std::string>();
      std::string text = value.dump();
      if (field->type()->id() == arrow::Type::DECIMAL64)
        text = fmt::format("{:.{}f}", value.get<double>(),
                           static_cast<const arrow::Decimal64Type&>(*field->type()).scale());
      return signed_text(text);
    };
    std::string unit = declared == nullptr ? "" : declared->unit, help = declared == nullptr ? "" : declared->help;
    columns.push_back({{"name", field->name()},
                       {"type", field->type()->ToString()},
                       {"unit", unit},
                       {"nullable", field->nullable()},
                       {"min", least},
                       {"max", most},
                       {"help", help}});
    text.add({field->name(), field->type()->ToString(), unit, field->nullable() ? "allowed" : "refused", shown(least),
              shown(most), help});
  }
  std::string parts;
  for (const auto& one : snapshot.partitions) parts += (parts.empty() ? "" : ", ") + one;
  if (context.json) {
    print(Json{{"table", name.str()},
               {"version", snapshot.version},
               {"rows", snapshot.rows()},
               {"files", snapshot.parts.size()},
               {"bytes", snapshot.bytes()},
               {"partitions", snapshot.partitions},
               {"key", dataset.ok() ? Json(dataset->key) : Json()},
               {"columns", columns}});
    return Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(auto asked, lake::TableName::parse(options.table));
  const std::string heading =
      asked.str() == name.str() ? name.str() : fmt::format("{}, a view of {}", asked.str(), name.str());
  print(
      wrapped(fmt::format("{}{} · version {} · {} in {}, {} · partitions: {}\n\n", heading,
                          dataset.ok() ? " · " + dataset->title : "", snapshot.version, counted(snapshot.rows(), "row"),
                          counted(static_cast<std::int64_t>(snapshot.parts.size()), "file"),
                          format_bytes(snapshot.bytes()), parts.empty() ? "none" : parts),
              terminal_width()));
  print(text.str(terminal_width()));
  return Status::OK();
}

Status history(const TableOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto found, opened(lake, options.table));
  ARROW_ASSIGN_OR_RAISE(auto commits, lake.table(found.first).history());
  const Zone zone = zone_of(lake, found.first);
  Json list = Json::array();
  TextTable text({"version>", "time", "operation", "rows in>", "stored>", "quarantined>", "what"});
  text.stays({"version", "time"});
  for (const auto& commit : commits) {
    const Json& info = *commit.info;
    Json counts = info.value("tapemill", Json::object()).value("counts", Json::object());
    auto count = [&](const char* key) {
      return counts.contains(key) && counts[key].is_number() ? thousands(counts[key].get<std::int64_t>())
                                                             : std::string(kNull);
    };
    std::string what;
    if (info.contains("operationParameters")) {
      Json parameters = info["operationParameters"];
      Json units = parameters.contains("units") ? parameters["units"] : Json();
      if (units.is_string()) units = Json::parse(units.get<std::string>(), nullptr, false);
      if (units.is_array() && !units.empty()) {
        what = units.front().value("unit", "");
        if (units.size() > 1) what += " .. " + units.back().value("unit", "");
      }
    }
    list.push_back({{"version", commit.version},
                    {"time", second_of(commit.timestamp_ms).str()},
                    {"operation", commit.operation},
                    {"info", info}});
    text.add({std::to_string(commit.version), when(second_of(commit.timestamp_ms), context, zone), commit.operation,
              count("rows_in"), count("rows_stored"), count("rows_quarantined"), what});
  }
  if (context.json) print(Json{{"table", found.first.str()}, {"commits", list}});
  else print(text.str(terminal_width()));
  return Status::OK();
}

}  // namespace

Command tables_command() {
  return command<NoOptions>("tables", "The lake's tables: rows, sizes, versions", {},
                            "  tapemill tables\n  tapemill tables --json", tables);
}
Command describe_command() {
  return command<TableOptions>("describe", "A table's columns, types, units and ranges", {"table"},
                               "  tapemill describe sp500", describe_table);
}
Command history_command() {
  return command<TableOptions>("history", "A table's commits, newest first", {"table"},
                               "  tapemill history sp500\n  tapemill history sp500 --json", history);
}

}  // namespace tapemill::app
