#include "lake/retire.h"

#include <arrow/type.h>

#include <algorithm>
#include <set>

#include "core/hash.h"
#include "core/json.h"
#include "core/progress.h"
#include "core/workers.h"
#include "lake/files.h"
#include "lake/rewrite.h"
#include "lake/stats.h"
#include "lake/storage.h"
#include "lake/tags.h"

namespace tapemill::lake {
namespace {

// Reads a file from its start, where it lies and not a copy of it; `copy` may be null.
Result<std::string> hash_of(const std::string& path, PendingFile* copy) {
  constexpr std::int64_t kBlock = 8 << 20;
  Sha256 hash;
  for (std::int64_t at = 0;; at += kBlock) {
    ARROW_ASSIGN_OR_RAISE(const std::string bytes, storage_of(path).read_range(path, at, kBlock));
    if (bytes.empty()) return hash.hex();
    hash.add(bytes);
    if (copy != nullptr) ARROW_RETURN_NOT_OK(copy->write(bytes));
  }
}

struct Old {
  std::vector<Part> parts;
  std::int64_t partly = 0;
};

Old older_than(const Snapshot& snapshot, const RetireOptions& options, const arrow::DataType& type) {
  Old out;
  const BoundValue first = std::int64_t{INT32_MIN}, day_before = std::int64_t{options.before.days - 1};
  for (const Part& part : snapshot.parts) {
    if (part.rows == 0) continue;  // what an earlier run left
    auto own = part.partition.find(options.column);
    const Json stats = Json::parse(part.stats, nullptr, false);
    const Bounds bounds =
        own != part.partition.end() ? bounds_of_partition(own->second, type) : bounds_in(stats, options.column, type);
    const auto* last = std::get_if<std::int64_t>(&bounds.max);
    const bool nulls = own == part.partition.end() && (!stats.is_object() || !stats.contains("nullCount") ||
                                                       stats["nullCount"].value(options.column, std::int64_t{-1}) != 0);
    if (last != nullptr && !nulls && *last < options.before.days) out.parts.push_back(part);
    else if (bounds.min.index() != 0 && bounds.may_hold(first, day_before)) ++out.partly;
  }
  return out;
}

// Parts without rows that go on saying which units were in: one a partition.
Result<std::vector<Part>> markers(const Table& table, const Snapshot& snapshot, const Layout& layout,
                                  const std::vector<Part>& parts, MemoryBudget& budget) {
  std::map<std::map<std::string, std::string>, std::vector<const Part*>> partitions;
  for (const Part& part : parts) partitions[part.partition].push_back(&part);
  std::vector<Part> out;
  for (const auto& [partition, old] : partitions) {
    std::map<std::string, UnitShare> units;
    Sha256 name;
    name.add(std::string_view("retired\0", 8));
    name.add(restored_at(snapshot));
    for (const Part* part : old) {
      name.add(part->path + std::string(1, '\0'));
      ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(*part));
      for (UnitShare& share : shares) {
        share.rows = 0;
        share.from = share.to = {};
        units.try_emplace(unit_key(share.unit, share.form), share);
      }
    }
    if (units.empty()) continue;
    std::vector<UnitShare> shares;
    for (auto& [key, share] : units) shares.push_back(std::move(share));
    Provenance provenance{name.hex(), {}, {}, 0, tags_of(shares, {}), {}, partition};
    if (shares.size() == 1) provenance.ordinal = shares.front().ordinal;
    ARROW_ASSIGN_OR_RAISE(auto writer, write_parts(table, layout, provenance, budget));
    ARROW_ASSIGN_OR_RAISE(auto made, writer->finish());
    out.insert(out.end(), made.begin(), made.end());
  }
  return out;
}

}  // namespace

Result<bool> copy_verified(const std::string& from, const std::string& to) {
  const auto slash = to.find_last_of('/');
  const std::string folder = to.substr(0, slash);
  ARROW_RETURN_NOT_OK(make_folders(folder));
  std::string wanted;
  bool fresh = false;
  if (!file_exists(to)) {
    ARROW_ASSIGN_OR_RAISE(PendingFile copy, PendingFile::create(folder));
    ARROW_ASSIGN_OR_RAISE(wanted, hash_of(from, &copy));
    ARROW_ASSIGN_OR_RAISE(fresh, copy.publish(to.substr(slash + 1)));  // false: another run was faster
    ARROW_RETURN_NOT_OK(sync_folder(folder));
  } else {
    ARROW_ASSIGN_OR_RAISE(wanted, hash_of(from, nullptr));
  }
  ARROW_ASSIGN_OR_RAISE(std::string there, hash_of(to, nullptr));
  if (there != wanted)
    return data_error(fmt::format("{} is there with other bytes than {}", to, from),
                      "nothing was removed from the table: move that file away, or name another archive with --to");
  return fresh;
}

Json RetireReport::json() const {
  return {{"table", table},   {"version", version},           {"files", files},    {"rows", rows}, {"bytes", bytes},
          {"copied", copied}, {"files_partly", files_partly}, {"archive", archive}};
}

Result<RetireReport> retire(const Table& table, const Layout& layout, const RetireOptions& options,
                            MemoryBudget& budget) {
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, table.snapshot());
    if (snapshot.version < 0)
      return usage_error(table.name().str() + " does not exist", "tapemill tables lists those that do");
    const auto field = snapshot.schema->GetFieldByName(options.column);
    if (field == nullptr || field->type()->id() != arrow::Type::DATE32)
      return usage_error(
          fmt::format("{} has no date column \"{}\" to tell its age by", table.name().str(), options.column));
    Old old = older_than(snapshot, options, *field->type());
    RetireReport report;
    report.table = table.name().str();
    report.version = snapshot.version;
    report.files_partly = old.partly;
    report.archive = options.archive;
    for (const Part& part : old.parts) ++report.files, report.rows += part.rows, report.bytes += part.size;
    if (options.dry_run || old.parts.empty()) return report;
    if (!options.archive.empty()) {
      Progress progress("archive " + report.table, report.bytes, "bytes");
      for (const Part& part : old.parts) {
        if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
        ARROW_ASSIGN_OR_RAISE(bool fresh,
                              copy_verified(table.path() + "/" + part.path, options.archive + "/" + part.path));
        report.copied += fresh;
        progress.add(part.size);
      }
    }
    Transaction transaction;
    transaction.read_version = snapshot.version;
    transaction.operation = options.operation;
    transaction.parameters = {{"column", options.column}, {"before", options.before.str()}};
    if (!options.archive.empty()) transaction.parameters.emplace_back("archive", options.archive);
    transaction.counts = {{"rows_removed", report.rows}};
    for (const Part& part : old.parts) transaction.removes.push_back(part.path);
    ARROW_ASSIGN_OR_RAISE(transaction.adds, markers(table, snapshot, layout, old.parts, budget));
    auto committed = table.commit(transaction);
    if (committed.ok()) {
      report.version = *committed;
      return report;
    }
    if (!is_conflict(committed.status())) return committed.status();  // else somebody merged or restated one of them
  }
}

}  // namespace tapemill::lake
