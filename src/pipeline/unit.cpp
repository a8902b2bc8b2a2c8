#include "pipeline/unit.h"

#include <arrow/api.h>

#include <filesystem>

#include "core/text.h"
#include "lake/tags.h"
#include "lake/writer.h"
#include "pipeline/group.h"
#include "pipeline/quarantine.h"
#include "sources/no_rows.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

/// Where forms of one session overlap the higher one is effective (design.md 4.1).
int rank(const std::string& form) {
  return form.find("udiff") != std::string::npos ? 3 : form.find("full") != std::string::npos ? 2 : 1;
}

/// A restatement is not known before it arrived, however old its session is (design.md 6).
Result<std::shared_ptr<arrow::RecordBatch>> available_no_earlier(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                                 Instant arrived) {
  int at = rows->schema()->GetFieldIndex("available_at");
  if (at < 0) return rows;
  const auto& before = static_cast<const arrow::TimestampArray&>(*rows->column(at));
  arrow::TimestampBuilder later(before.type(), arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(later.Reserve(before.length()));
  for (std::int64_t i = 0; i < before.length(); ++i) later.UnsafeAppend(std::max(before.Value(i), arrived.us));
  ARROW_ASSIGN_OR_RAISE(auto column, later.Finish());
  return rows->SetColumn(at, rows->schema()->field(at), column);
}

/// When a feed's rows arrived, for a data set with a column received_at that its form leaves empty.
Result<std::shared_ptr<arrow::RecordBatch>> stamped(const std::shared_ptr<arrow::RecordBatch>& rows, Instant arrived) {
  const int at = rows->schema()->GetFieldIndex("received_at");
  if (at < 0 || rows->column(at)->null_count() < rows->num_rows()) return rows;
  const auto& type = rows->schema()->field(at)->type();
  if (type->id() != arrow::Type::TIMESTAMP) return rows;
  ARROW_ASSIGN_OR_RAISE(auto column,
                        arrow::MakeArrayFromScalar(arrow::TimestampScalar(arrived.us, type), rows->num_rows()));
  return rows->SetColumn(at, rows->schema()->field(at), column);
}

/// Rows with the version of the spec that they were written by, where it declares one.
Result<std::shared_ptr<arrow::RecordBatch>> versioned(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                      const lake::Layout& layout, const Dataset& dataset) {
  if (layout.schema->num_fields() == rows->num_columns()) return rows;
  ARROW_ASSIGN_OR_RAISE(auto column,
                        arrow::MakeArrayFromScalar(arrow::StringScalar(dataset.schema_version), rows->num_rows()));
  return rows->AddColumn(rows->num_columns(), layout.schema->fields().back(), column);
}

std::string detail_of(const Status& status, std::string ErrorDetail::* member) {
  auto detail = std::dynamic_pointer_cast<ErrorDetail>(status.detail());
  return detail == nullptr ? std::string{} : (*detail).*member;
}

}  // namespace

lake::Layout fresh_layout(const Dataset& dataset) {
  lake::Layout layout = lake::layout_of(dataset);
  layout.compression_level = std::min(layout.compression_level, 1);
  return layout;
}

RefusedFile refused_file(const std::string& path, const Status& status) {
  return {path, status.message(), detail_of(status, &ErrorDetail::hint)};
}

Placing place_unit(const Landed& file, const std::map<std::string, lake::UnitState>& states,
                   const std::vector<Landed>& beside, UnitJob& job) {
  const auto& info = file.info;
  for (const Landed& other : beside)
    if (info.session && other.info.session == info.session && rank(other.info.form) > rank(info.form))
      return Placing::superseded;
  // A file of many sessions is told by its name alone: its copy under another name would bring every row again.
  if (info.form == "csv" && !info.session) {
    for (const Landed& other : beside) {
      if (other.info.unit == info.unit) break;
      if (other.info.form == info.form && other.info.sha256 == info.sha256) return Placing::unchanged;
    }
    for (const auto& [key, state] : states)
      if (state.form == info.form && state.sha256 == info.sha256) return Placing::unchanged;
  }
  for (const auto& [key, state] : states) {
    if (state.unit != info.unit) continue;
    job.ordinal = std::max(job.ordinal, state.ordinal + 1);
    if (state.form == info.form) {
      if (state.sha256 == info.sha256) return Placing::unchanged;
    } else if (rank(state.form) > rank(info.form)) {
      return Placing::superseded;
    }
    // A better form of a session that is in restates it too: its rows were not known before it arrived.
    if (state.form == info.form || job.replaces_sha256.empty()) job.replaces_sha256 = state.sha256;
    job.leaving.push_back(key);
  }
  return Placing::read;
}

Status read_unit(const lake::Lake& lake, const Dataset& dataset, UnitJob& job, MemoryBudget& budget,
                 Progress& progress) {
  const sources::FileInfo& info = job.landed.info;
  ARROW_ASSIGN_OR_RAISE(auto source, sources::open(dataset, info, budget));
  ARROW_ASSIGN_OR_RAISE(auto checks, quality::make_checks(dataset));
  if (job.moves != nullptr) quality::explain_moves(checks, job.moves);
  lake::Table bronze = lake.table(lake::Layer::bronze, dataset.table);
  lake::Provenance provenance{
      info.sha256, info.unit, info.form, job.ordinal, {{"file", fs::path(info.path).filename().string()}}};
  const std::optional<Instant> known_from =
      job.replaces_sha256.empty() ? job.known_from : std::optional(job.landed.arrived);
  if (known_from) provenance.arrival = provenance.tags["arrival"] = known_from->str();
  const std::string released = text_of_lines(job.released);
  if (!released.empty()) {
    provenance.tags["released"] = released;
    provenance.arrival += " released " + released;  // other rows than without: another name
  }
  const lake::Layout layout = fresh_layout(dataset);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<lake::PartWriter> writer,
                        lake::write_parts(bronze, layout, provenance, budget));
  QuarantineWriter quarantine(lake, dataset, info, job.ordinal, released, budget);
  std::int64_t reported = 0;
  for (;;) {
    auto next = source->next(interrupt());
    if (!next.ok())
      return next.status().message().starts_with(info.path) ? next.status() : prefixed(next.status(), info.path);
    if (!*next) break;
    ARROW_ASSIGN_OR_RAISE(auto judged, quality::judge(dataset, checks, **next, job.report, job.released));
    for (const Refused& row : judged.refused) ++job.refused_by_check[row.check];
    if (job.first_refusal.empty() && !judged.refused.empty())
      job.first_refusal = fmt::format("line {}: {}", judged.refused.front().line, judged.refused.front().reason);
    ARROW_RETURN_NOT_OK(quarantine.write(judged.refused));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::RecordBatch> kept, stamped(judged.kept, job.landed.arrived));
    if (known_from) { ARROW_ASSIGN_OR_RAISE(kept, available_no_earlier(kept, *known_from)); }
    ARROW_ASSIGN_OR_RAISE(kept, versioned(kept, layout, dataset));
    if (kept->num_rows() > 0) ARROW_RETURN_NOT_OK(writer->write(kept));
    progress.add(source->bytes_read() - reported, (*next)->rows_in);
    reported = source->bytes_read();
  }
  for (auto& check : checks) ARROW_RETURN_NOT_OK(check->finish(job.report));
  if (job.report.stopped) {
    std::string found;
    for (const auto& one : job.report.findings)
      if (one.severity == CheckSpec::Severity::stop && one.count > 0)
        found = fmt::format("{} ({} {}): {}", one.check, one.count, plural(one.count, "row"),
                            one.examples.empty() ? "" : one.examples.front());
    return data_error(fmt::format("{}: the check {} says stop", info.path, found),
                      "nothing of the file is kept; mend it, or let the check say quarantine or warn");
  }
  if (job.report.rows_in == 0) return data_error(info.path + ": has a header but no row", sources::kFetchAgain);
  ARROW_ASSIGN_OR_RAISE(job.parts, writer->finish_unnamed());
  job.writer = std::move(writer);
  ARROW_ASSIGN_OR_RAISE(job.quarantine_parts, quarantine.finish());
  return Status::OK();
}

}  // namespace tapemill::pipeline
