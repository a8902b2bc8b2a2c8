#include "analytics/gold_table.h"

#include <arrow/type.h>

#include <algorithm>

#include "lake/units.h"

namespace tapemill::analytics {
namespace {
constexpr const char* kUnit = "all";
}

bool same_columns(const arrow::Schema& there, const arrow::Schema& wanted, const std::vector<std::string>& partitions) {
  int derived = 0;
  for (const std::string& name : partitions) derived += wanted.GetFieldByName(name) == nullptr;
  if (there.num_fields() != wanted.num_fields() + derived) return false;
  return std::all_of(wanted.fields().begin(), wanted.fields().end(), [&](const auto& field) {
    auto other = there.GetFieldByName(field->name());
    return other != nullptr && other->type()->Equals(field->type());
  });
}

Result<std::optional<GoldResult>> unchanged(const GoldTable& gold) {
  if (!gold.table.exists()) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(const lake::Snapshot there, gold.table.snapshot());
  ARROW_ASSIGN_OR_RAISE(const auto units, lake::units(there));
  if (units.size() != 1 || units.front().sha256 != gold.content) return std::nullopt;
  return GoldResult{there.version, there.rows(), there.bytes()};
}

Result<GoldResult> replace_rows(const GoldTable& gold, MemoryBudget& budget,
                                const std::function<Status(lake::PartWriter&, std::int64_t& rows)>& fill) {
  if (!gold.table.exists())
    ARROW_RETURN_NOT_OK(gold.table.create(gold.layout.schema, gold.layout.partitions, gold.configuration));
  ARROW_ASSIGN_OR_RAISE(const lake::Snapshot before, gold.table.snapshot());
  ARROW_ASSIGN_OR_RAISE(const auto units, lake::units(before));
  lake::Provenance provenance{gold.content, kUnit, gold.form, 0, gold.tags};
  lake::Transaction transaction;
  for (const lake::UnitState& unit : units) {
    provenance.ordinal = std::max(provenance.ordinal, unit.ordinal + 1);
    transaction.removes.insert(transaction.removes.end(), unit.paths.begin(), unit.paths.end());
  }
  ARROW_ASSIGN_OR_RAISE(auto writer, lake::write_parts(gold.table, gold.layout, provenance, budget));
  GoldResult result;
  ARROW_RETURN_NOT_OK(fill(*writer, result.rows));
  if (interrupt().stop_requested()) return Status::Cancelled("interrupted; nothing was written");
  ARROW_ASSIGN_OR_RAISE(transaction.adds, writer->finish());
  transaction.read_version = before.version;
  transaction.operation = gold.operation;
  transaction.parameters = gold.parameters;
  transaction.counts = {{"rows_in", result.rows}, {"rows_stored", result.rows}};
  transaction.touches = {kUnit};
  if (!same_columns(*before.schema, *gold.layout.schema, gold.layout.partitions))
    transaction.schema = gold.layout.schema;
  auto committed = gold.table.commit(transaction);
  if (lake::is_conflict(committed.status())) {
    writer->abort();
    return data_error(gold.table.name().str() + ": another program wrote it meanwhile; nothing was written",
                      "run it again");
  }
  ARROW_ASSIGN_OR_RAISE(result.version, committed);
  for (const lake::Part& part : transaction.adds) result.bytes += part.size;
  return result;
}

}  // namespace tapemill::analytics
