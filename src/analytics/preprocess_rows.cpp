#include "analytics/preprocess_rows.h"

#include <arrow/api.h>

#include <algorithm>
#include <limits>

#include "analytics/bars.h"
#include "lake/about.h"
#include "lake/scan_batches.h"

namespace tapemill::analytics {
namespace {

constexpr const char* kAvailable = "available_at";

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

bool is_number(const arrow::DataType& type) { return arrow::is_numeric(type.id()) || arrow::is_decimal(type.id()); }

}  // namespace

Result<PreprocessRows> PreprocessRows::make(const lake::Lake& lake, const PreprocessDocument& document,
                                            const Workers& workers, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, document.table));
  PreprocessRows out(lake, document, std::move(dataset), budget);
  const Dataset& source = out.source_;
  const lake::Table table =
      lake.table(lake.silver_is_view(source.table) ? lake::Layer::bronze : lake::Layer::silver, source.table);
  if (!table.exists())
    return usage_error(fmt::format("{}: there is no table {} to preprocess", lake.root(), source.table),
                       fmt::format("tapemill ingest {} PATH... fills it", source.table));
  ARROW_ASSIGN_OR_RAISE(out.version_, table.version());
  out.carried_ = source.key;
  for (const std::string& name : {std::string("symbol"), source.session_column, std::string("time")})
    if (source.column(name) != nullptr) add_once(out.carried_, name);
  std::vector<std::string> wanted = document.columns;
  if (wanted.empty())
    for (const std::string& name : numeric_columns(source))
      if (std::find(out.carried_.begin(), out.carried_.end(), name) == out.carried_.end()) wanted.push_back(name);
  auto place = [&](const std::string& name, const arrow::DataType& type) {
    if (is_number(type)) return out.numbers_.push_back(name), Status::OK();
    if (type.id() == arrow::Type::STRING) return out.texts_.push_back(name), Status::OK();
    return usage_error(fmt::format("{}: {} is neither a number nor a text", document.path, name), "leave it out");
  };
  out.read_ = out.carried_;
  add_once(out.read_, kAvailable);
  for (const std::string& name : wanted) {
    if (std::find(out.read_.begin(), out.read_.end(), name) != out.read_.end())
      return usage_error(fmt::format("{}: {} comes with every row", document.path, name),
                         "leave it out of from: columns");
    const Column* column = source.column(name);
    if (column == nullptr) {
      const std::string near = nearest(name, numeric_columns(source));
      return usage_error(fmt::format("{}: {} has no column {}", document.path, source.table, name),
                         near.empty() ? fmt::format("tapemill describe {} lists them", source.table)
                                      : fmt::format("did you mean {}?", near));
    }
    ARROW_RETURN_NOT_OK(place(name, *column->type()));
    out.read_.push_back(name);
  }
  if (!document.enrich.columns.empty()) {
    ARROW_ASSIGN_OR_RAISE(out.enrichment_,
                          lake::Enrichment::make(lake, source, document.enrich, workers, budget.pool()));
    for (const auto& field : out.enrichment_->fields()) ARROW_RETURN_NOT_OK(place(field->name(), *field->type()));
    for (const std::string& name : out.enrichment_->needs()) add_once(out.read_, name);
  }
  return out;
}

Result<Frame> PreprocessRows::frame_of(std::shared_ptr<arrow::Table> rows) const {
  arrow::MemoryPool* pool = budget_.pool();
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(*rows, source_.key.front()));
  if (enrichment_) { ARROW_ASSIGN_OR_RAISE(rows, enrichment_->beside(rows, {}, pool)); }
  Frame frame;
  frame.spans = std::move(spans);
  frame.texts = texts_;
  frame.fit = document_.fit ? &*document_.fit : nullptr;
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  std::vector<std::string> fixed = carried_;
  fixed.insert(fixed.end(), texts_.begin(), texts_.end());
  for (const std::string& name : fixed) {
    ARROW_ASSIGN_OR_RAISE(auto column, whole_column(*rows, name, pool));
    fields.push_back(arrow::field(name, column->type()));
    arrays.push_back(std::move(column));
  }
  frame.fixed = arrow::RecordBatch::Make(arrow::schema(fields), rows->num_rows(), std::move(arrays));
  for (const std::string& name : numbers_) {
    ARROW_ASSIGN_OR_RAISE(auto values, lake::doubles(*rows, name));
    for (double& x : values)
      if (!(std::abs(x) <= std::numeric_limits<double>::max())) x = std::numeric_limits<double>::quiet_NaN();
    frame.names.push_back(name);
    frame.numbers.push_back(std::move(values));
  }
  ARROW_ASSIGN_OR_RAISE(auto days, sessions_of(*rows, source_.session_column, pool));
  for (const std::int64_t day : days) frame.sessions.push_back(Date{static_cast<std::int32_t>(day)});
  if (rows->GetColumnByName("time") != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto times, whole_column(*rows, "time", pool));
    const Zone& zone = source_.calendar->zone();
    for (std::int64_t i = 0; i < rows->num_rows(); ++i)
      frame.clock.push_back(zone.local_time(Instant{static_cast<const arrow::TimestampArray&>(*times).Value(i)}));
  }
  ARROW_ASSIGN_OR_RAISE(auto known, whole_column(*rows, kAvailable, pool));
  const auto& instants = static_cast<const arrow::TimestampArray&>(*known);
  for (std::int64_t i = 0; i < instants.length(); ++i)
    frame.known.push_back(instants.IsValid(i) ? instants.Value(i) : std::numeric_limits<std::int64_t>::min());
  const auto& steps = document_.steps;
  if (std::any_of(steps.begin(), steps.end(), [](const TransformSpec& one) { return one.looks_back(); }))
    frame.carry_known();
  return frame;
}

Status PreprocessRows::each(std::optional<Date> last, std::size_t more, const Workers& workers,
                            const std::function<Status(Frame&)>& body) const {
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, source_.table};
  request.version = version_;
  request.start = document_.start, request.end = last;
  request.hours = document_.session;
  request.columns = read_;
  constexpr std::int64_t text = 32, number = 8;
  const auto columns = static_cast<std::int64_t>(2 * numbers_.size() + 2 * more + 4);
  const std::int64_t bytes_of_a_row =
      number * columns + text * static_cast<std::int64_t>(2 * (carried_.size() + texts_.size()));
  std::vector<std::vector<std::string>> blocks(1);
  if (budget_.ceiling() > 0) {
    const std::int64_t most = std::max<std::int64_t>(1, budget_.share(0.25, 1 << 20, 1 << 30) / bytes_of_a_row);
    ARROW_ASSIGN_OR_RAISE(blocks, lake::instrument_blocks(lake_, request, most, budget_.pool(), source_.key.front()));
  }
  for (const auto& instruments : blocks) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted; nothing was written");
    request.symbols = instruments;
    ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake_, request, workers, budget_.pool()));
    if (scanned.rows->num_rows() == 0) continue;
    auto held = Held::take(number * columns * scanned.rows->num_rows(), budget_.pool());
    if (!held.ok())
      return environment_error(
          fmt::format("preprocessing {} rows: {}", scanned.rows->num_rows(), held.status().message()),
          "give more with --memory");
    ARROW_ASSIGN_OR_RAISE(Frame frame, frame_of(std::move(scanned.rows)));
    ARROW_RETURN_NOT_OK(body(frame));
  }
  return Status::OK();
}

}  // namespace tapemill::analytics
