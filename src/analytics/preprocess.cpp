#include "analytics/preprocess.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "analytics/bars.h"
#include "analytics/gold_table.h"
#include "analytics/preprocess_rows.h"
#include "core/build_info.h"
#include "core/hash.h"
#include "core/json.h"

namespace tapemill::analytics {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();

/// The steps of a document over its rows, fitted one after the other.
class Pipeline {
 public:
  Pipeline(const PreprocessDocument& document, const PreprocessRows& rows, const Workshop& shop)
      : document_(document), rows_(rows), shop_(shop), deeds_(document.steps.size()) {
    for (const TransformSpec& spec : document.steps) {
      steps_.push_back(make_transform(spec, shop));
      more_ += spec.columns.size() * std::max<std::size_t>(1, spec.periods.size()) + spec.expressions.size();
    }
  }

  /// Each fitted step sees the rows of the fit range as the steps before it leave them.
  Status fit() {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!steps_[i]->spec().fitted()) continue;
      fit_rows_ = 0;
      ARROW_RETURN_NOT_OK(rows_.each(document_.fit->last, more_, shop_.workers, [&](Frame& frame) -> Status {
        ARROW_RETURN_NOT_OK(through(frame, i, false));
        for (std::size_t row = 0; row < frame.rows(); ++row)
          if (frame.in_fit(row)) ++fit_rows_, fit_known_ = std::max(fit_known_, frame.known[row]);
        return steps_[i]->observe(frame);
      }));
      if (fit_rows_ == 0)
        return usage_error(fmt::format("{}: {} has no rows from {} to {} to fit {} on", document_.path, document_.table,
                                       document_.fit->first.str(), document_.fit->last.str(), steps_[i]->spec().name),
                           fmt::format("tapemill describe {} says which sessions there are", document_.table));
      ARROW_RETURN_NOT_OK(steps_[i]->settle());
    }
    return Status::OK();
  }

  Status take(const std::vector<FittedValue>& values) {
    for (const FittedValue& one : values) {
      if (one.step > 0) steps_[static_cast<std::size_t>(one.step) - 1]->take(one);
      else if (one.statistic == "known") fit_known_ = static_cast<std::int64_t>(one.value);
      else if (one.statistic == "rows") fit_rows_ = static_cast<std::int64_t>(one.value);
    }
    return Status::OK();
  }

  std::vector<FittedValue> fitted() const {
    std::vector<FittedValue> out;
    if (!document_.fitted()) return out;
    out.push_back({0, "fit", "", "", "known", static_cast<double>(fit_known_), ""});
    out.push_back({0, "fit", "", "", "rows", static_cast<double>(fit_rows_), ""});
    for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i]->tell(static_cast<int>(i) + 1, out);
    return out;
  }

  /// Rows as they come out. `count`: what the steps do is counted, once.
  Status each(bool count, const std::function<Status(Frame&)>& body) {
    return rows_.each(document_.apply_end, more_, shop_.workers, [&](Frame& frame) -> Status {
      ARROW_RETURN_NOT_OK(through(frame, steps_.size(), count));
      std::vector<bool> wanted(frame.rows());
      for (std::size_t row = 0; row < wanted.size(); ++row) {
        wanted[row] = !document_.apply_start || *document_.apply_start <= frame.sessions[row];
        if (document_.fitted()) frame.known[row] = std::max(frame.known[row], fit_known_);
      }
      ARROW_RETURN_NOT_OK(frame.keep(wanted, shop_.pool));
      return body(frame);
    });
  }

  /// The columns that come out, with their types; nothing where no row does.
  Result<std::shared_ptr<arrow::Schema>> schema() {
    Transform* narrow =
        steps_.empty() || steps_.back()->spec().kind != TransformSpec::Kind::narrow ? nullptr : steps_.back().get();
    std::shared_ptr<arrow::Schema> fixed;
    const Status done = each(false, [&](Frame& frame) -> Status {
      fixed = frame.fixed->schema(), names_ = frame.names;
      return narrow != nullptr ? narrow->observe(frame) : Status::Cancelled("seen");
    });
    if (!done.ok() && !(narrow == nullptr && fixed != nullptr && done.message() == "seen")) return done;
    if (fixed == nullptr)
      return usage_error(fmt::format("{}: no row of {} is to be applied to", document_.path, document_.table),
                         "apply: {start, end} names the sessions; from: start the first that is read");
    if (narrow != nullptr) ARROW_RETURN_NOT_OK(narrow->settle());
    arrow::FieldVector fields = fixed->fields();
    for (const std::string& name : names_) {
      auto type = narrow != nullptr ? narrow->type_of(name) : nullptr;
      fields.push_back(arrow::field(name, type != nullptr ? type : arrow::float64()));
    }
    fields.push_back(arrow::field("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")));
    return arrow::schema(fields);
  }

  Result<std::shared_ptr<arrow::RecordBatch>> batch_of(const Frame& frame,
                                                       const std::shared_ptr<arrow::Schema>& schema) const {
    arrow::ArrayVector arrays = frame.fixed->columns();
    arrow::compute::ExecContext context(shop_.pool);
    for (std::size_t i = 0; i < frame.names.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto column, nullable_column(frame.numbers[i], shop_.pool));
      const auto& type = schema->GetFieldByName(frame.names[i])->type();
      if (type->id() != arrow::Type::DOUBLE) {
        auto options = type->id() == arrow::Type::FLOAT ? arrow::compute::CastOptions::Unsafe(type)
                                                        : arrow::compute::CastOptions::Safe(type);
        ARROW_ASSIGN_OR_RAISE(auto narrower, arrow::compute::Cast(column, options, &context));
        column = narrower.make_array();
      }
      arrays.push_back(std::move(column));
    }
    arrow::TimestampBuilder known(schema->fields().back()->type(), shop_.pool);
    for (const std::int64_t time : frame.known)
      ARROW_RETURN_NOT_OK(time == kUnknown ? known.AppendNull() : known.Append(time));
    ARROW_ASSIGN_OR_RAISE(auto last, known.Finish());
    arrays.push_back(std::move(last));
    return arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(frame.rows()), std::move(arrays));
  }

  const std::vector<std::string>& names() const { return names_; }  // of numbers; REQUIRES schema()
  std::int64_t fit_rows() const { return fit_rows_; }
  std::vector<std::pair<std::string, Deeds>> deeds() const {
    std::vector<std::pair<std::string, Deeds>> out;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      Deeds done = deeds_[i];
      std::erase_if(done, [](const auto& one) { return one.second == 0; });
      out.emplace_back(steps_[i]->spec().name, std::move(done));
    }
    return out;
  }

 private:
  Status through(Frame& frame, std::size_t until, bool count) {
    for (std::size_t i = 0; i < until; ++i) {
      Deeds unseen;
      ARROW_RETURN_NOT_OK(steps_[i]->apply(frame, count ? deeds_[i] : unseen));
    }
    return Status::OK();
  }

  const PreprocessDocument& document_;
  const PreprocessRows& rows_;
  Workshop shop_;
  std::vector<std::unique_ptr<Transform>> steps_;
  std::vector<Deeds> deeds_;
  std::vector<std::string> names_;
  std::size_t more_ = 0;  // columns that steps add, about
  std::int64_t fit_rows_ = 0, fit_known_ = kUnknown;
};

std::vector<std::string> partitions_of(const Dataset& source, const std::vector<std::string>& carried) {
  std::vector<std::string> names;
  for (const std::string& one : source.partitions) {
    const bool of_session = one == "year" || one == "month" || one == "day" || one == "date";
    if (of_session || std::find(carried.begin(), carried.end(), one) != carried.end()) names.push_back(one);
  }
  return names;
}

std::shared_ptr<arrow::Schema> fitted_schema() {
  return arrow::schema({arrow::field("step", arrow::int32(), false), arrow::field("transform", arrow::utf8(), false),
                        arrow::field("column", arrow::utf8(), false), arrow::field("instrument", arrow::utf8(), false),
                        arrow::field("statistic", arrow::utf8(), false), arrow::field("value", arrow::float64(), false),
                        arrow::field("category", arrow::utf8(), false)});
}

Result<std::shared_ptr<arrow::RecordBatch>> fitted_rows(const std::vector<FittedValue>& values,
                                                        arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::RecordBatchBuilder::Make(fitted_schema(), pool));
  auto text = [&](int column, const std::string& value) {
    return builder->GetFieldAs<arrow::StringBuilder>(column)->Append(value);
  };
  for (const FittedValue& one : values) {
    ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::Int32Builder>(0)->Append(one.step));
    ARROW_RETURN_NOT_OK(text(1, one.transform));
    ARROW_RETURN_NOT_OK(text(2, one.column));
    ARROW_RETURN_NOT_OK(text(3, one.instrument));
    ARROW_RETURN_NOT_OK(text(4, one.statistic));
    ARROW_RETURN_NOT_OK(builder->GetFieldAs<arrow::DoubleBuilder>(5)->Append(one.value));
    ARROW_RETURN_NOT_OK(text(6, one.text));
  }
  return builder->Flush();
}

}  // namespace

Result<PreprocessReport> preprocess(const lake::Lake& lake, const PreprocessOptions& options, const Workers& workers,
                                    MemoryBudget& budget) {
  const auto begin = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(PreprocessDocument document, load_preprocess(options.document));
  ARROW_ASSIGN_OR_RAISE(const PreprocessRows rows, PreprocessRows::make(lake, document, workers, budget));
  const Dataset& source = rows.source();
  for (TransformSpec& step : document.steps)
    if (step.kind == TransformSpec::Kind::duplicates && step.columns == std::vector<std::string>{"*"})
      step.columns = source.key;
  std::vector<FittedValue> given;
  if (!options.fitted_from.empty()) { ARROW_ASSIGN_OR_RAISE(given, read_fitted(document, options.fitted_from)); }

  PreprocessReport report;
  report.name = document.name, report.version = document.version;
  report.source = "silver." + source.table, report.source_version = rows.version();
  report.lookahead = looks_ahead(document);
  std::string identity = fmt::format("{}\n{} {}\n{}\n{}", document.text, report.source, report.source_version,
                                     source_hash(), fitted_json(document, given).dump());
  if (rows.enrichment()) {
    report.reference = rows.enrichment()->table().str(), report.reference_version = rows.enrichment()->version();
    identity += fmt::format("\n{} {}", report.reference, report.reference_version);
  }
  GoldTable gold{lake.table(lake::Layer::gold, "prepared_" + document.name),
                 {},
                 {},
                 sha256(identity),
                 document.name,
                 "PREPROCESS",
                 {},
                 {}};
  GoldTable kept = gold;
  kept.table = lake.table(lake::Layer::gold, "prepared_" + document.name + "_fitted");
  report.table = gold.table.name().str(), report.fitted_table = document.fitted() ? kept.table.name().str() : "";

  const std::string spill = lake.root() + "/gold";
  ARROW_RETURN_NOT_OK(lake::make_folders(spill));
  Pipeline pipeline(document, rows, {spill, workers, budget.pool()});
  if (given.empty()) ARROW_RETURN_NOT_OK(pipeline.fit());
  else ARROW_RETURN_NOT_OK(pipeline.take(given));
  const auto values = pipeline.fitted();
  report.fit_rows = pipeline.fit_rows();
  if (!options.fitted_to.empty())
    ARROW_RETURN_NOT_OK(lake::replace_file(options.fitted_to, fitted_json(document, values).dump(2) + "\n"));

  ARROW_ASSIGN_OR_RAISE(const auto schema, pipeline.schema());
  for (const auto& field : schema->fields()) {
    if (std::find(pipeline.names().begin(), pipeline.names().end(), field->name()) == pipeline.names().end()) continue;
    report.columns.emplace_back(field->name(), field->type()->ToString());
    if (field->type()->id() != arrow::Type::DOUBLE) report.narrowed.push_back(report.columns.back());
  }
  gold.tags = {{"source", report.source}, {"source_version", std::to_string(report.source_version)}};
  kept.tags = gold.tags;
  gold.parameters = {{"document", document.name},
                     {"version", document.version},
                     {"source", report.source},
                     {"source_version", std::to_string(report.source_version)},
                     {"lookahead", fmt::format("{}", fmt::join(report.lookahead, "; "))}};
  kept.parameters = gold.parameters;
  gold.layout.schema = schema;
  gold.layout.partitions = partitions_of(source, rows.carried());
  gold.layout.sort = source.key;
  gold.layout.session_column = source.session_column;
  gold.layout.encodings = {{source.key.front(), "dictionary"}};
  const std::string key = fmt::format("{}", fmt::join(source.key, ","));
  gold.configuration = {{lake::kSort, key}, {lake::kKey, key}, {lake::kSession, source.session_column}};
  kept.layout.schema = fitted_schema();
  kept.layout.sort = {"step", "column", "instrument", "statistic", "value"};
  kept.configuration = {{lake::kSort, fmt::format("{}", fmt::join(kept.layout.sort, ","))}};

  if (document.fitted()) {
    ARROW_ASSIGN_OR_RAISE(auto there, unchanged(kept));
    if (!there) {
      ARROW_ASSIGN_OR_RAISE(there, replace_rows(kept, budget, [&](lake::PartWriter& writer, std::int64_t& count) {
                              count = static_cast<std::int64_t>(values.size());
                              auto batch = fitted_rows(values, budget.pool());
                              return batch.ok() ? writer.write(*batch) : batch.status();
                            }));
    }
    report.fitted_version = there->version;
  }
  ARROW_ASSIGN_OR_RAISE(auto there, unchanged(gold));
  report.unchanged = there.has_value();
  if (!there) {
    ARROW_ASSIGN_OR_RAISE(there, replace_rows(gold, budget, [&](lake::PartWriter& writer, std::int64_t& count) {
                            return pipeline.each(true, [&](Frame& frame) -> Status {
                              count += static_cast<std::int64_t>(frame.rows());
                              if (frame.rows() == 0) return Status::OK();
                              ARROW_ASSIGN_OR_RAISE(auto batch, pipeline.batch_of(frame, schema));
                              return writer.write(batch);
                            });
                          }));
  }
  report.table_version = there->version, report.rows = there->rows, report.bytes = there->bytes;
  if (!report.unchanged) report.steps = pipeline.deeds();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace tapemill::analytics
