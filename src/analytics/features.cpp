#include "analytics/features.h"

#include <arrow/api.h>

#include <chrono>

#include "analytics/bars.h"
#include "core/build_info.h"
#include "core/hash.h"
#include "lake/about.h"
#include "lake/watermark.h"
#include "lake/writer.h"

namespace tapemill::analytics {
namespace {

constexpr const char* kAvailable = "available_at";
constexpr const char* kUnit = "all";  // a build replaces the table whole

/// Columns of the source that a feature row carries.
std::vector<std::string> carried(const Dataset& source) {
  std::vector<std::string> names = source.key;
  auto add = [&](const std::string& name) {
    if (source.column(name) != nullptr && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  };
  add("symbol");
  add(source.session_column);
  return names;
}

std::shared_ptr<arrow::Schema> schema_of(const Dataset& source, const FeatureGroup& group) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const std::string& name : carried(source)) fields.push_back(arrow::field(name, source.column(name)->type()));
  auto instant = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  for (const NamedExpression& one : group.columns) fields.push_back(arrow::field(one.name, arrow::float64()));
  fields.push_back(arrow::field(kAvailable, instant));
  fields.push_back(arrow::field("feature_version", arrow::utf8()));
  fields.push_back(arrow::field("adjusted_as_known", instant));
  fields.push_back(arrow::field("feature_group", arrow::utf8()));
  return arrow::schema(std::move(fields));
}

/// feature_group, then as the source is cut: a few years of one index are no hundred files.
std::vector<std::string> partitions_of(const Dataset& source) {
  std::vector<std::string> names{"feature_group"};
  const std::vector<std::string> columns = carried(source);
  for (const std::string& one : source.partitions) {
    bool of_session = one == "year" || one == "month" || one == "day" || one == "date";
    if (of_session || std::find(columns.begin(), columns.end(), one) != columns.end()) names.push_back(one);
  }
  return names;
}

/// What a built table depends on, besides the source's version: the group as computed, and the program's source tree.
std::string identity(const FeatureGroup& group, const std::string& table, const Series& series,
                     const arrow::Schema& schema) {
  std::string text =
      group.name + "\n" + group.version + "\n" + table + "\n" + series.id() + schema.ToString() + "\n" + source_hash();
  for (const NamedExpression& one : group.columns) text += one.name + "=" + one.text + "\n";
  return sha256(text);
}

/// A value is known when the last row it is made of is: the latest available_at so far, per instrument.
Result<std::shared_ptr<arrow::Array>> latest(const arrow::Array& available, const std::vector<lake::Span>& spans,
                                             arrow::MemoryPool* pool) {
  const auto& times = static_cast<const arrow::TimestampArray&>(available);
  arrow::TimestampBuilder builder(available.type(), pool);
  ARROW_RETURN_NOT_OK(builder.Reserve(times.length()));
  for (const lake::Span& span : spans) {
    std::optional<std::int64_t> known;
    for (std::int64_t row = span.first; row < span.last; ++row) {
      if (times.IsValid(row) && (!known || times.Value(row) > *known)) known = times.Value(row);
      if (known) builder.UnsafeAppend(*known);
      else builder.UnsafeAppendNull();
    }
  }
  return builder.Finish();
}

Result<std::shared_ptr<arrow::RecordBatch>> assemble(const FeatureGroup& group,
                                                     const std::shared_ptr<arrow::Schema>& schema,
                                                     const arrow::Table& rows, const std::vector<lake::Span>& spans,
                                                     const std::vector<std::vector<double>>& values,
                                                     arrow::MemoryPool* pool) {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  auto label = [&](const std::string& text) {
    return arrow::MakeArrayFromScalar(arrow::StringScalar(text), rows.num_rows(), pool);
  };
  std::size_t feature = 0;
  for (const auto& field : schema->fields()) {
    std::shared_ptr<arrow::Array> array;
    if (feature < group.columns.size() && field->name() == group.columns[feature].name) {
      ARROW_ASSIGN_OR_RAISE(array, nullable_column(values[feature++], pool));
    } else if (field->name() == kAvailable) {
      ARROW_ASSIGN_OR_RAISE(auto own, whole_column(rows, kAvailable, pool));
      ARROW_ASSIGN_OR_RAISE(array, latest(*own, spans, pool));
    } else if (field->name() == "feature_version") {
      ARROW_ASSIGN_OR_RAISE(array, label(group.version));
    } else if (field->name() == "feature_group") {
      ARROW_ASSIGN_OR_RAISE(array, label(group.name));
    } else if (field->name() == "adjusted_as_known") {
      ARROW_ASSIGN_OR_RAISE(array, arrow::MakeArrayOfNull(field->type(), rows.num_rows(), pool));
    } else {
      ARROW_ASSIGN_OR_RAISE(array, whole_column(rows, field->name(), pool));
    }
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema, rows.num_rows(), std::move(arrays));
}

Status check_names(const FeatureGroup& group, const Dataset& source) {
  std::vector<std::string> taken = carried(source);
  for (const char* own : {kAvailable, "feature_version", "adjusted_as_known", "feature_group", "year", "month"})
    taken.emplace_back(own);
  for (const NamedExpression& one : group.columns)
    if (std::find(taken.begin(), taken.end(), one.name) != taken.end())
      return usage_error(
          fmt::format("{}: {} is a column that every feature table of {} has", one.where, one.name, source.table),
          "give the feature another name");
  return Status::OK();
}

/// The table that the source's silver is read from.
lake::Table source_table(const lake::Lake& lake, const std::string& name) {
  return lake.table(lake.silver_is_view(name) ? lake::Layer::bronze : lake::Layer::silver, name);
}

std::map<std::string, std::string> configuration(const Dataset& source) {
  return {{lake::kSort, fmt::format("{}", fmt::join(source.key, ","))},
          {lake::kKey, fmt::format("{}", fmt::join(source.key, ","))},
          {lake::kSession, source.session_column}};
}

struct Target {
  lake::Table table;
  std::shared_ptr<arrow::Schema> schema;
  lake::Layout layout;
};

/// Whether the table has the columns of the group: it may be an older form of it.
bool same_columns(const arrow::Schema& there, const arrow::Schema& wanted, const std::vector<std::string>& partitions) {
  int derived = 0;
  for (const std::string& name : partitions) derived += wanted.GetFieldByName(name) == nullptr;
  if (there.num_fields() != wanted.num_fields() + derived) return false;
  return std::all_of(wanted.fields().begin(), wanted.fields().end(), [&](const auto& field) {
    auto other = there.GetFieldByName(field->name());
    return other != nullptr && other->type()->Equals(field->type());
  });
}

/// Writes the parts and commits them instead of those that are there. False: another build came first.
Result<bool> replace(const Target& target, const lake::Snapshot& before,
                     const std::shared_ptr<arrow::RecordBatch>& rows, const std::string& content, FeatureBuild& build,
                     MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(auto units, lake::units(before));
  lake::Provenance provenance{content,
                              kUnit,
                              build.group,
                              0,
                              {{"source", build.source}, {"source_version", fmt::format("{}", build.source_version)}}};
  lake::Transaction transaction;
  for (const lake::UnitState& unit : units) {
    provenance.ordinal = std::max(provenance.ordinal, unit.ordinal + 1);
    transaction.removes.insert(transaction.removes.end(), unit.paths.begin(), unit.paths.end());
  }
  ARROW_ASSIGN_OR_RAISE(auto writer, lake::write_parts(target.table, target.layout, provenance, budget));
  ARROW_RETURN_NOT_OK(writer->write(rows));
  ARROW_ASSIGN_OR_RAISE(transaction.adds, writer->finish());
  transaction.read_version = before.version;
  transaction.operation = "BUILD FEATURES";
  transaction.parameters = {{"group", build.group},
                            {"version", build.version},
                            {"source", build.source},
                            {"source_version", build.source_version}};
  transaction.counts = {{"rows_in", build.rows}, {"rows_stored", build.rows}};
  transaction.touches = {kUnit};
  if (!same_columns(*before.schema, *target.schema, target.layout.partitions)) transaction.schema = target.schema;
  auto committed = target.table.commit(transaction);
  if (lake::is_conflict(committed.status())) {
    writer->abort();
    return false;
  }
  ARROW_ASSIGN_OR_RAISE(build.table_version, committed);
  for (const lake::Part& part : transaction.adds) build.bytes += part.size;
  return true;
}

}  // namespace

Json FeatureBuild::json() const {
  Json columns_json = Json::array();
  for (const NamedExpression& one : columns) columns_json.push_back({{"name", one.name}, {"expression", one.text}});
  return {{"group", group},
          {"version", version},
          {"source", source},
          {"source_version", source_version},
          {"table", table},
          {"table_version", table_version},
          {"rows", rows},
          {"bytes", bytes},
          {"unchanged", unchanged},
          {"warm_up", warm_up},
          {"columns", columns_json},
          {"resolved", resolved},
          {"seconds", seconds}};
}

Result<FeatureBuild> build_features(const lake::Lake& lake, const FeatureGroup& group, const std::string& table,
                                    const Workers& workers, MemoryBudget& budget) {
  auto begin = std::chrono::steady_clock::now();
  FeatureBuild build;
  build.group = group.name;
  build.version = group.version;
  build.columns = group.columns;
  std::string from = table.empty() ? group.table : table;
  ARROW_ASSIGN_OR_RAISE(Dataset source, lake::dataset_of(lake, from));
  build.source = "silver." + source.table;
  ARROW_RETURN_NOT_OK(check_names(group, source));
  ARROW_ASSIGN_OR_RAISE(Series series, Series::compile(group.columns, numeric_columns(source)));
  build.resolved = series.resolved();
  build.warm_up = series.warm_up();

  std::string name = "features_" + group.name + (source.table == group.table ? "" : "_" + source.table);
  lake::TableName gold{lake::Layer::gold, name};
  build.table = gold.str();
  Target target{lake.table(gold), schema_of(source, group), {}};
  target.layout.schema = target.schema;
  target.layout.partitions = partitions_of(source);
  target.layout.sort = source.key;
  target.layout.session_column = source.session_column;
  target.layout.encodings = {
      {source.key.front(), "dictionary"}, {"symbol", "dictionary"}, {"feature_version", "dictionary"}};
  for (const NamedExpression& one : group.columns) target.layout.encodings[one.name] = "byte_stream_split";

  lake::ScanRequest request;
  request.table = {lake::Layer::silver, source.table};
  request.columns = carried(source);
  request.columns.emplace_back(kAvailable);
  for (const std::string& column : series.inputs())
    if (std::find(request.columns.begin(), request.columns.end(), column) == request.columns.end())
      request.columns.push_back(column);
  const std::string what = identity(group, build.source, series, *target.schema);
  if (!source_table(lake, source.table).exists())
    return usage_error(fmt::format("{}: there is no table {} to compute from", lake.root(), source.table),
                       fmt::format("tapemill ingest {} PATH... fills it", source.table));
  if (!target.table.exists())
    ARROW_RETURN_NOT_OK(target.table.create(target.schema, target.layout.partitions, configuration(source)));
  for (bool done = false; !done;) {
    ARROW_ASSIGN_OR_RAISE(build.source_version, source_table(lake, source.table).version());
    const std::string content = sha256(what + fmt::format("\n{}", build.source_version));
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot before, target.table.snapshot());
    ARROW_ASSIGN_OR_RAISE(auto units, lake::units(before));
    build.unchanged = units.size() == 1 && units.front().sha256 == content;
    if (build.unchanged) {
      build.table_version = before.version;
      build.rows = before.rows();
      build.bytes = before.bytes();
      break;
    }
    request.version = build.source_version;
    ARROW_ASSIGN_OR_RAISE(lake::ScanResult scanned, lake::scan(lake, request, workers, budget.pool()));
    ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*scanned.rows, source.key.front()));
    build.rows = scanned.rows->num_rows();
    ARROW_ASSIGN_OR_RAISE(auto values,
                          run_over(series, *scanned.rows, spans, source.session_column, workers, budget.pool()));
    ARROW_ASSIGN_OR_RAISE(auto rows, assemble(group, target.schema, *scanned.rows, spans, values, budget.pool()));
    ARROW_ASSIGN_OR_RAISE(done, replace(target, before, rows, content, build, budget));
  }
  build.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return build;
}

}  // namespace tapemill::analytics
