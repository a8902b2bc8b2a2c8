#include "analytics/feature_rows.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>

#include "analytics/bars.h"
#include "core/build_info.h"
#include "core/hash.h"
#include "core/held.h"
#include "lake/about.h"
#include "lake/scan_batches.h"

namespace tapemill::analytics {
namespace {

constexpr const char* kAvailable = "available_at";

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

std::shared_ptr<arrow::Schema> schema_of(const Dataset& source, const FeatureGroup& group,
                                         const arrow::FieldVector& enriched) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const std::string& name : carried(source)) fields.push_back(arrow::field(name, source.column(name)->type()));
  fields.insert(fields.end(), enriched.begin(), enriched.end());
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

/// What a built table depends on, besides the source's version: the group as computed, the reference table's version, and
/// the program's source tree.
std::string identity_of(const FeatureGroup& group, const std::string& table, const Series& series,
                        const arrow::Schema& schema, const std::optional<lake::Enrichment>& enrichment) {
  std::string text = group.name + "\n" + group.version + "\n" + table + "\n" + name(group.session) + "\n" +
                     series.id() + schema.ToString() + "\n" + source_hash();
  for (const NamedExpression& one : group.columns) text += one.name + "=" + one.text + "\n";
  if (enrichment) text += fmt::format("{} {}\n", enrichment->table().str(), enrichment->version());
  return sha256(text);
}

/// The latest of some of the numbers in a row, fast: over every stretch of a power of two.
class Latest {
 public:
  explicit Latest(std::vector<std::int64_t> numbers) : levels_{std::move(numbers)} {
    for (std::size_t width = 1; 2 * width <= levels_[0].size(); width *= 2) {
      const auto& half = levels_.back();
      std::vector<std::int64_t> whole(half.size() - width);
      for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = std::max(half[i], half[i + width]);
      levels_.push_back(std::move(whole));
    }
  }
  std::int64_t of(std::size_t first, std::size_t last) const {  // both included
    const auto level = static_cast<std::size_t>(std::bit_width(last - first + 1)) - 1;
    return std::max(levels_[level][first], levels_[level][last + 1 - (std::size_t{1} << level)]);
  }

 private:
  std::vector<std::vector<std::int64_t>> levels_;
};

/// A value is known when the last row that it is made of is. Where no row of an instrument was known later than one that
/// follows it, that is the row's own time; elsewhere the series says how far back it looks.
Result<std::shared_ptr<arrow::Array>> known(const arrow::Table& rows, const std::vector<lake::Span>& spans,
                                            const Series& series, const std::string& session_column,
                                            arrow::MemoryPool* pool) {
  constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
  ARROW_ASSIGN_OR_RAISE(auto own, whole_column(rows, kAvailable, pool));
  const auto& times = static_cast<const arrow::TimestampArray&>(*own);
  auto at = [&](std::int64_t row) { return times.IsValid(row) ? times.Value(row) : kUnknown; };
  std::vector<std::vector<double>> inputs;
  std::vector<std::int64_t> sessions;
  arrow::TimestampBuilder builder(own->type(), pool);
  ARROW_RETURN_NOT_OK(builder.Reserve(times.length()));
  for (const lake::Span& span : spans) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    std::vector<std::int64_t> numbers;
    for (std::int64_t row = span.first; row < span.last; ++row) numbers.push_back(at(row));
    if (!std::is_sorted(numbers.begin(), numbers.end())) {
      if (inputs.empty()) {
        for (const std::string& name : series.inputs()) {
          ARROW_ASSIGN_OR_RAISE(auto values, lake::doubles(rows, name));
          inputs.push_back(std::move(values));
        }
        if (series.uses_session()) { ARROW_ASSIGN_OR_RAISE(sessions, sessions_of(rows, session_column, pool)); }
      }
      const auto from = series.reach({inputs.begin(), inputs.end()}, sessions, span.first, span.last - span.first);
      const Latest latest(numbers);
      for (std::size_t row = 0; row < numbers.size(); ++row)
        numbers[row] = latest.of(static_cast<std::size_t>(from[row]), row);
    }
    for (std::int64_t time : numbers) {
      if (time == kUnknown) builder.UnsafeAppendNull();
      else builder.UnsafeAppend(time);
    }
  }
  return builder.Finish();
}

Result<std::shared_ptr<arrow::RecordBatch>> assemble(
    const FeatureGroup& group, const std::shared_ptr<arrow::Schema>& schema, const arrow::Table& rows,
    const std::vector<std::vector<double>>& values, const std::shared_ptr<arrow::Array>& available,
    const std::map<std::string, std::shared_ptr<arrow::Array>>& own, arrow::MemoryPool* pool) {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  auto label = [&](const std::string& text) {
    return arrow::MakeArrayFromScalar(arrow::StringScalar(text), rows.num_rows(), pool);
  };
  std::size_t feature = 0;
  for (const auto& field : schema->fields()) {
    std::shared_ptr<arrow::Array> array;
    if (auto made = own.find(field->name()); made != own.end()) {
      array = made->second;
    } else if (feature < group.columns.size() && field->name() == group.columns[feature].name) {
      ARROW_ASSIGN_OR_RAISE(array, nullable_column(values[feature++], pool));
    } else if (field->name() == kAvailable) {
      array = available;
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
  for (const std::string& name : group.enrich.columns) {
    if (std::find(taken.begin(), taken.end(), name) != taken.end())
      return usage_error(fmt::format("enrich: {} is a column that every feature table of {} has", name, source.table),
                         "leave it out");
    taken.push_back(name);
  }
  for (const NamedExpression& one : group.columns)
    if (std::find(taken.begin(), taken.end(), one.name) != taken.end())
      return usage_error(
          fmt::format("{}: {} is a column that a feature table of {} has already", one.where, one.name, source.table),
          "give the feature another name");
  return Status::OK();
}

}  // namespace

Result<FeaturePlan> FeaturePlan::make(const lake::Lake& lake, const FeatureGroup& group, const std::string& table,
                                      const Workers& workers, arrow::MemoryPool* pool) {
  const std::string from = table.empty() ? group.table : table;
  ARROW_ASSIGN_OR_RAISE(Dataset source, lake::dataset_of(lake, from));
  ARROW_RETURN_NOT_OK(check_names(group, source));
  ARROW_ASSIGN_OR_RAISE(Series series, Series::compile(group.columns, numeric_columns(source)));
  std::optional<lake::Enrichment> enrichment;
  if (!group.enrich.columns.empty()) {
    ARROW_ASSIGN_OR_RAISE(enrichment, lake::Enrichment::make(lake, source, group.enrich, workers, pool));
  }
  auto schema = schema_of(source, group, enrichment ? enrichment->fields() : arrow::FieldVector{});
  std::string identity = identity_of(group, "silver." + source.table, series, *schema, enrichment);
  std::string name = "features_" + group.name + (source.table == group.table ? "" : "_" + source.table);
  std::vector<std::string> partitions = partitions_of(source);
  return FeaturePlan{group,
                     std::move(source),
                     std::move(series),
                     std::move(schema),
                     std::move(partitions),
                     {lake::Layer::gold, std::move(name)},
                     std::move(enrichment),
                     std::move(identity)};
}

/// Of what a row takes while it is computed, at most: columns read, series, columns made.
std::int64_t FeaturePlan::bytes_of_a_row() const {
  constexpr std::int64_t text = 32, number = 8;
  return text * (2 * static_cast<std::int64_t>(carried(source).size() + group.enrich.columns.size()) + 4) +
         number *
             (2 * static_cast<std::int64_t>(series.inputs().size()) + 3 * static_cast<std::int64_t>(series.outputs()));
}

Result<std::vector<std::vector<std::string>>> FeaturePlan::blocks(const lake::Lake& lake, std::int64_t version,
                                                                  MemoryBudget& budget) const {
  if (budget.ceiling() == 0) return std::vector<std::vector<std::string>>(1);
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, source.table};
  request.version = version;
  request.hours = group.session;
  const std::int64_t most = std::max<std::int64_t>(1, budget.share(0.25, 1 << 20, 1 << 30) / bytes_of_a_row());
  return lake::instrument_blocks(lake, request, most, budget.pool(), source.key.front());
}

Result<std::shared_ptr<arrow::RecordBatch>> FeaturePlan::rows(const lake::Lake& lake, std::int64_t version,
                                                              const std::vector<std::string>& instruments,
                                                              const Workers& workers, arrow::MemoryPool* pool) const {
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, source.table};
  request.version = version;
  request.symbols = instruments;
  request.hours = group.session;
  request.columns = carried(source);
  request.columns.emplace_back(kAvailable);
  std::vector<std::string> read = series.inputs();
  if (enrichment) read.insert(read.end(), enrichment->needs().begin(), enrichment->needs().end());
  for (const std::string& column : read)
    if (std::find(request.columns.begin(), request.columns.end(), column) == request.columns.end())
      request.columns.push_back(column);
  ARROW_ASSIGN_OR_RAISE(lake::ScanResult scanned, lake::scan(lake, request, workers, pool));
  if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*scanned.rows, source.key.front()));
  // What the series take stands in the budget too, though it is no memory of the pool's.
  std::int64_t longest = 0;
  for (const lake::Span& span : spans) longest = std::max(longest, span.last - span.first);
  const auto columns = static_cast<std::int64_t>(series.inputs().size() + series.outputs());
  const std::int64_t lanes = workers.threads() * 8 * std::min<std::int64_t>(longest, 4096);  // at work in series.run()
  auto reserved = Held::take(8 * columns * (scanned.rows->num_rows() + 2 * lanes), pool);
  if (!reserved.ok())
    return environment_error(
        fmt::format("features of {} rows: {}", scanned.rows->num_rows(), reserved.status().message()),
        "give more with --memory");
  ARROW_ASSIGN_OR_RAISE(auto values, run_over(series, *scanned.rows, spans, source.session_column, workers, pool));
  ARROW_ASSIGN_OR_RAISE(auto available, known(*scanned.rows, spans, series, source.session_column, pool));
  std::map<std::string, std::shared_ptr<arrow::Array>> own;
  if (enrichment) {
    ARROW_ASSIGN_OR_RAISE(auto made, enrichment->of(*scanned.rows, pool));
    for (std::size_t i = 0; i < made.size(); ++i) own[enrichment->fields()[i]->name()] = made[i];
  }
  return assemble(group, schema, *scanned.rows, values, available, own, pool);
}

}  // namespace tapemill::analytics
