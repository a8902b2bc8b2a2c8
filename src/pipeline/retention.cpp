#include "pipeline/retention.h"
#include "core/json.h"
#include "lake/about.h"

namespace tapemill::pipeline {
namespace {

/// The originals' names of layers, which their archives have (spec A11).
const char* archive_name(lake::Layer layer) {
  switch (layer) {
    case lake::Layer::landing: return "landing";
    case lake::Layer::bronze: return "raw";
    case lake::Layer::silver: return "normalized";
    case lake::Layer::gold: return "features";
  }
  return "";
}

struct Chosen {
  lake::Table table;
  lake::Layout layout;
  std::string session;
  std::string declared;  // retention of its spec; empty: none
};

Result<Chosen> choose(const lake::Lake& lake, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(auto tables, tables_of(lake, {name}));
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, tables[0].snapshot());
  ARROW_ASSIGN_OR_RAISE(lake::Layout layout, layout_for(lake, tables[0], snapshot));
  Chosen out{tables[0], std::move(layout), {}, {}};
  out.session = out.layout.session_column;
  auto spec = snapshot.configuration.find(lake::kDataset);
  if (spec == snapshot.configuration.end()) return out;
  auto dataset = lake::dataset_of(lake, spec->second);
  if (!dataset.ok()) return out;
  if (out.table.name().layer == lake::Layer::bronze) out.declared = dataset->bronze_retention;
  if (out.table.name().layer == lake::Layer::silver) out.declared = dataset->silver_retention;
  return out;
}

Result<Date> before(const Date& today, const std::string& age) {
  ARROW_ASSIGN_OR_RAISE(std::int64_t length, parse_duration(age));
  if (length % kDay != 0)
    return usage_error(fmt::format("\"{}\" is no number of days", age), "sessions are days: 730d, 5y");
  return today - static_cast<int>(length / kDay);
}

}  // namespace

Json RetentionReport::document() const {
  Json out = lake::RetireReport::json();
  out["before"] = before ? Json(before->str()) : Json();
  return out;
}

Result<RetentionReport> expire(const lake::Lake& lake, const RetentionOptions& options, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(Chosen chosen, choose(lake, options.table));
  RetentionReport report;
  report.table = chosen.table.name().str();
  const std::string age = options.older_than.empty() ? chosen.declared : options.older_than;
  if (age.empty()) {
    report.kept_for_ever = true;
    ARROW_ASSIGN_OR_RAISE(report.version, chosen.table.version());
    return report;
  }
  ARROW_ASSIGN_OR_RAISE(Date first_kept, before(options.today, age));
  lake::RetireOptions what{chosen.session, first_kept, {}, "EXPIRE", options.dry_run};
  ARROW_ASSIGN_OR_RAISE(static_cast<lake::RetireReport&>(report),
                        lake::retire(chosen.table, chosen.layout, what, budget));
  report.before = first_kept;
  return report;
}

Result<RetentionReport> archive(const lake::Lake& lake, const RetentionOptions& options, const std::string& to,
                                bool expired, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(Chosen chosen, choose(lake, options.table));
  const lake::Layer layer = chosen.table.name().layer;
  const std::string& age = options.older_than;
  if (!expired && age.empty())
    return usage_error("how old are the sessions that are to leave?",
                       "--older-than 730d (usual for bronze), 365d (for silver); --dry-run says what would leave");
  Date first_kept = options.today;  // of an expiry: today's contracts still trade
  if (!expired) { ARROW_ASSIGN_OR_RAISE(first_kept, before(options.today, age)); }
  const std::string root = to.empty() ? lake.root() + "/archive" : to;
  lake::RetireOptions what{expired ? "expiry" : chosen.session, first_kept, {}, "ARCHIVE", options.dry_run};
  what.archive =
      fmt::format("{}/{}/{}", root, expired ? "expired_options" : archive_name(layer), chosen.table.name().table);
  RetentionReport report;
  ARROW_ASSIGN_OR_RAISE(static_cast<lake::RetireReport&>(report),
                        lake::retire(chosen.table, chosen.layout, what, budget));
  report.before = first_kept;
  return report;
}

}  // namespace tapemill::pipeline
