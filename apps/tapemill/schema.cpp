// What a spec changes in the columns of its table, by the rules of Avro's schema evolution (docs/formats/evolution.md).
#include "lake/schema.h"
#include "command.h"
#include "core/avro_schema.h"
#include "core/document.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake/about.h"
#include "lake/evolve.h"
#include "print.h"

namespace tapemill::app {
struct SchemaOptions {
  std::string dataset;
};
struct SchemaShowOptions {
  std::string schema;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::SchemaOptions> =
    std::tuple{field("dataset", &app::SchemaOptions::dataset, "a data set, or the path of its spec")};
template <>
inline constexpr auto fields<app::SchemaShowOptions> =
    std::tuple{field("schema", &app::SchemaShowOptions::schema, "an Avro schema, FILE.avsc")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

/// The tables that have the spec's columns: bronze, and silver where it is a copy.
Result<std::vector<lake::Table>> tables_of(const lake::Lake& lake, const Dataset& dataset) {
  std::vector<lake::Table> out;
  for (auto layer : {lake::Layer::bronze, lake::Layer::silver})
    if (lake.table(layer, dataset.table).exists()) out.push_back(lake.table(layer, dataset.table));
  if (out.empty())
    return usage_error(fmt::format("the lake {} has no table {} yet", lake.root(), dataset.table),
                       fmt::format("tapemill ingest {} PATH... makes it by the spec as it is", dataset.table));
  return out;
}

void print_changes(const lake::Table& table, const lake::Evolution& change, const char* verb) {
  if (change.none()) return print(fmt::format("{}: its columns are those of the spec\n", table.name().str()));
  TextTable text({"change", "column", "", "what", "to do"});
  for (const auto& one : change.changes)
    text.add({name(one.kind), one.column.empty() ? kNull : one.column, one.allowed ? "allowed" : "forbidden", one.what,
              one.allowed ? (one.rewrites ? "every part is written anew" : "") : one.hint});
  std::string line = fmt::format("{}{}", table.name().str(), verb);
  if (change.from_version != change.to_version)
    line += fmt::format(" · schema_version {} -> {}", change.from_version.empty() ? "none" : change.from_version,
                        change.to_version.empty() ? "none" : change.to_version);
  print(line + "\n");
  if (!text.empty()) print(text.str(terminal_width()));
}

Status diff(const SchemaOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::declared_dataset(lake, options.dataset));
  ARROW_ASSIGN_OR_RAISE(auto tables, tables_of(lake, dataset));
  Json list = Json::array();
  Status forbidden;
  for (const lake::Table& table : tables) {
    ARROW_ASSIGN_OR_RAISE(auto snapshot, table.snapshot());
    ARROW_ASSIGN_OR_RAISE(auto change, lake::evolution_of(table, snapshot, dataset));
    Json one = change.json();
    one["table"] = table.name().str();
    list.push_back(one);
    if (!context.json) print_changes(table, change, "");
    if (forbidden.ok()) forbidden = change.check();
  }
  if (context.json) print(Json{{"spec", dataset.path}, {"tables", list}});
  return forbidden;
}

Status evolve(const SchemaOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::declared_dataset(lake, options.dataset));
  ARROW_ASSIGN_OR_RAISE(auto tables, tables_of(lake, dataset));
  Json list = Json::array();
  for (const lake::Table& table : tables) {
    ARROW_ASSIGN_OR_RAISE(auto change, lake::create_or_evolve(table, dataset, context.workers, *context.budget));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t version, table.version());
    Json one = change.json();
    one["table"] = table.name().str(), one["version"] = version;
    list.push_back(one);
    if (!context.json) print_changes(table, change, fmt::format(" · version {}", version).c_str());
  }
  if (context.json) print(Json{{"spec", dataset.path}, {"tables", list}});
  return Status::OK();
}

/// Each field of an Avro record: what it is in Parquet and Arrow, and the column that a table has for it.
Status show(const SchemaShowOptions& options, Context& context) {
  if (!options.schema.ends_with(".avsc"))
    return usage_error(options.schema + " is no Avro schema (.avsc)",
                       "tapemill describe shows a table's columns, schema diff what a spec changes");
  ARROW_ASSIGN_OR_RAISE(std::string content, read_file(options.schema));
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_json(std::move(content), options.schema));
  ARROW_ASSIGN_OR_RAISE(const AvroType type, read_avro(document.root()));
  Json list = Json::array();
  TextTable text({"field", "Avro", "Parquet", "Arrow", "column", "null", "default", "unit"});
  Status none;
  for (const auto& field : type.fields) {
    const AvroMapping mapping = mapping_of(field.type);
    AvroType alone = type;
    alone.fields = {field};
    const auto columns = columns_of_avro(alone);
    if (none.ok()) none = columns.status();
    const Column* column = columns.ok() ? &columns->front() : nullptr;
    const std::string kept = column == nullptr ? "" : lake::delta_type(*column->type());
    const std::string fallback = column == nullptr || !column->has_default ? "" : column->fallback.value_or("null");
    list.push_back({{"field", field.name},
                    {"avro", mapping.avro},
                    {"parquet", mapping.parquet},
                    {"arrow", mapping.arrow},
                    {"column", kept.empty() ? Json() : Json(kept)},
                    {"nullable", mapping.nullable},
                    {"default", column == nullptr || !column->has_default ? Json() : Json(fallback)},
                    {"unit", field.unit},
                    {"error", columns.ok() ? Json() : Json(columns.status().message())}});
    text.add({field.name, mapping.avro, mapping.parquet.empty() ? kNull : mapping.parquet,
              mapping.arrow.empty() ? kNull : mapping.arrow, kept.empty() ? "refused" : kept,
              mapping.nullable ? "allowed" : "refused", fallback, field.unit});
  }
  if (type.fields.empty()) none = columns_of_avro(type).status();
  if (context.json) print(Json{{"schema", options.schema}, {"record", type.name}, {"fields", list}});
  else if (!text.empty()) print(text.str(terminal_width()));
  return none;
}

}  // namespace

Command schema_show_command() {
  return command<SchemaShowOptions>("schema show", "What an Avro schema's fields are in Parquet, Arrow and a table",
                                    {"schema"}, "  tapemill schema show raw_equity_ohlc_v1.avsc", show);
}
Command schema_diff_command() {
  return command<SchemaOptions>("schema diff", "What a spec changes in its table's columns, and whether it may",
                                {"dataset"}, "  tapemill schema diff nse_cash\n  tapemill schema diff bars.yaml --json",
                                diff);
}
Command schema_evolve_command() {
  return command<SchemaOptions>("schema evolve", "Bring a table's columns up to its spec, as ingest does", {"dataset"},
                                "  tapemill schema evolve bars.yaml", evolve);
}

}  // namespace tapemill::app
