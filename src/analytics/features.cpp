#include "analytics/features.h"

#include <algorithm>
#include <chrono>

#include "analytics/feature_rows.h"
#include "analytics/gold_table.h"
#include "core/hash.h"
#include "core/json.h"
#include "lake/about.h"
#include "lake/scan_batches.h"
#include "lake/watermark.h"
#include "lake/writer.h"

namespace tapemill::analytics {
namespace {

constexpr const char* kUnit = "all";  // a build replaces the table whole

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

/// Rows of a table in which a column is null.
Result<std::int64_t> nulls_of(const lake::Lake& lake, const lake::TableName& table, std::int64_t version,
                              const std::string& column, arrow::MemoryPool* pool) {
  lake::ScanRequest request;
  request.table = table, request.version = version, request.columns = {column};
  std::int64_t count = 0;
  ARROW_RETURN_NOT_OK(lake::scan_batches(lake, request, 1 << 16, pool, [&](const auto& rows) {
    count += rows->column(0)->null_count();
    return Status::OK();
  }));
  return count;
}

/// Computes the rows, writes the parts and commits them instead of those that are there. False: another build came first.
Result<bool> replace(const lake::Lake& lake, const FeaturePlan& plan, const Target& target,
                     const lake::Snapshot& before, const std::string& content, FeatureBuild& build,
                     const Workers& workers, MemoryBudget& budget) {
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
  ARROW_ASSIGN_OR_RAISE(auto blocks, plan.blocks(lake, build.source_version, budget));
  build.rows = 0;
  for (auto& [column, count] : build.unknown) count = 0;
  for (const auto& instruments : blocks) {
    ARROW_ASSIGN_OR_RAISE(auto rows, plan.rows(lake, build.source_version, instruments, workers, budget.pool()));
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted; nothing was written");
    build.rows += rows->num_rows();
    for (auto& [column, count] : build.unknown) count += rows->GetColumnByName(column)->null_count();
    ARROW_RETURN_NOT_OK(writer->write(rows));
  }
  if (interrupt().stop_requested()) return Status::Cancelled("interrupted; nothing was written");
  ARROW_ASSIGN_OR_RAISE(transaction.adds, writer->finish());
  transaction.read_version = before.version;
  transaction.operation = "BUILD FEATURES";
  transaction.parameters = {{"group", build.group},
                            {"version", build.version},
                            {"session", name(plan.group.session)},
                            {"source", build.source},
                            {"source_version", std::to_string(build.source_version)}};
  if (!build.reference.empty())
    transaction.parameters.insert(
        transaction.parameters.end(),
        {{"reference", build.reference}, {"reference_version", std::to_string(build.reference_version)}});
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
  Json document = {{"group", group},
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
  if (reference.empty()) return document;
  document["reference"] = reference;
  document["reference_version"] = reference_version;
  for (const auto& [column, count] : unknown) document["unknown"][column] = count;
  return document;
}

Result<FeatureBuild> build_features(const lake::Lake& lake, const FeatureGroup& group, const std::string& table,
                                    const Workers& workers, MemoryBudget& budget) {
  auto begin = std::chrono::steady_clock::now();
  FeatureBuild build;
  build.group = group.name;
  build.version = group.version;
  build.columns = group.columns;
  ARROW_ASSIGN_OR_RAISE(const FeaturePlan plan, FeaturePlan::make(lake, group, table, workers, budget.pool()));
  const Dataset& source = plan.source;
  build.source = "silver." + source.table;
  build.resolved = plan.series.resolved();
  build.warm_up = plan.series.warm_up();
  build.table = plan.gold.str();
  if (plan.enrichment) {
    build.reference = plan.enrichment->table().str(), build.reference_version = plan.enrichment->version();
    for (const std::string& column : group.enrich.columns) build.unknown.emplace_back(column, 0);
  }
  Target target{lake.table(plan.gold), plan.schema, {}};
  target.layout.schema = plan.schema;
  target.layout.partitions = plan.partitions;
  target.layout.sort = source.key;
  target.layout.session_column = source.session_column;
  target.layout.encodings = {
      {source.key.front(), "dictionary"}, {"symbol", "dictionary"}, {"feature_version", "dictionary"}};
  for (const NamedExpression& one : group.columns) target.layout.encodings[one.name] = "byte_stream_split";
  if (!source_table(lake, source.table).exists())
    return usage_error(fmt::format("{}: there is no table {} to compute from", lake.root(), source.table),
                       fmt::format("tapemill ingest {} PATH... fills it", source.table));
  if (!target.table.exists())
    ARROW_RETURN_NOT_OK(target.table.create(target.schema, target.layout.partitions, configuration(source)));
  for (bool done = false; !done;) {
    ARROW_ASSIGN_OR_RAISE(build.source_version, source_table(lake, source.table).version());
    const std::string content = sha256(plan.identity + fmt::format("\n{}", build.source_version));
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot before, target.table.snapshot());
    ARROW_ASSIGN_OR_RAISE(auto units, lake::units(before));
    build.unchanged = units.size() == 1 && units.front().sha256 == content;
    if (build.unchanged) {
      build.table_version = before.version;
      build.rows = before.rows();
      build.bytes = before.bytes();
      for (auto& [column, count] : build.unknown) {
        ARROW_ASSIGN_OR_RAISE(count, nulls_of(lake, plan.gold, build.table_version, column, budget.pool()));
      }
      break;
    }
    ARROW_ASSIGN_OR_RAISE(done, replace(lake, plan, target, before, content, build, workers, budget));
  }
  build.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return build;
}

Result<FeatureReadBack> read_back_features(const lake::Lake& lake, const FeatureGroup& group, const FeatureBuild& built,
                                           const Workers& workers, MemoryBudget& budget) {
  FeatureGroup as_built = group;
  if (built.reference_version >= 0) as_built.enrich.version = built.reference_version;
  ARROW_ASSIGN_OR_RAISE(
      const FeaturePlan plan,
      FeaturePlan::make(lake, as_built, built.source.substr(built.source.find('.') + 1), workers, budget.pool()));
  lake::ScanRequest request;
  request.table = plan.gold;
  request.version = built.table_version;
  for (const auto& field : plan.schema->fields())  // the labels say what the table's name says; texts are slow to read
    if (field->type()->id() != arrow::Type::STRING || field->name() == plan.source.key.front())
      request.columns.push_back(field->name());
  ARROW_ASSIGN_OR_RAISE(auto there, lake::scan(lake, request, workers, budget.pool()));
  ARROW_ASSIGN_OR_RAISE(auto wanted, plan.rows(lake, built.source_version, {}, workers, budget.pool()));
  if (there.rows->num_rows() != wanted->num_rows())
    return data_error(fmt::format("{}: {} rows are stored, the batch gives {}", built.table, there.rows->num_rows(),
                                  wanted->num_rows()));
  FeatureReadBack back{wanted->num_rows(), 0};
  for (const std::string& name : request.columns) {
    const auto column = there.rows->GetColumnByName(name);
    if (!column->Equals(arrow::ChunkedArray(wanted->GetColumnByName(name))))
      return data_error(fmt::format("{}: {} is stored with other values than the batch gives", built.table, name));
    if (std::any_of(group.columns.begin(), group.columns.end(), [&](const auto& one) { return one.name == name; }))
      back.values += column->length() - column->null_count();
  }
  return back;
}

}  // namespace tapemill::analytics
