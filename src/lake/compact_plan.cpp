#include <arrow/type.h>

#include <algorithm>

#include "lake/compact.h"
#include "lake/rewrite.h"

namespace tapemill::lake {
namespace {

struct Candidate {
  const Part* part;
  std::vector<UnitShare> shares;
};

// Columns that may tell units apart: the session, then texts of sort and key, then a column "unit" (quarantine has one).
std::vector<std::string> columns_to_tell_by(const Snapshot& snapshot) {
  std::vector<std::string> names = snapshot.list(kSession);
  if (names.empty()) names.emplace_back("session");
  for (const char* key : {kSort, kKey})
    for (const std::string& name : snapshot.list(key)) names.push_back(name);
  names.emplace_back("unit");
  std::vector<std::string> out;
  for (const std::string& name : names) {
    auto field = snapshot.schema->GetFieldByName(name);
    if (field == nullptr || std::find(out.begin(), out.end(), name) != out.end()) continue;
    if (std::find(snapshot.partitions.begin(), snapshot.partitions.end(), name) != snapshot.partitions.end()) continue;
    if (field->type()->id() == arrow::Type::DATE32 || field->type()->id() == arrow::Type::STRING) out.push_back(name);
  }
  return out;
}

struct Bins {
  std::vector<Bin> bins;     // of two parts or more
  std::int64_t alone = 0;    // small parts that found no company though there was room
};

Bins fill(std::vector<Candidate> candidates, const std::string& by, std::int64_t target_bytes, std::int64_t most_rows) {
  auto from = [](const Candidate& one) { return one.shares.empty() ? std::string() : one.shares.front().from; };
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    return std::pair(from(a), a.part->path) < std::pair(from(b), b.part->path);
  });
  Bins out;
  Bin open;
  UnitSet units;
  bool apart = false;  // the open bin was closed before, or begun, because of its units
  auto close = [&](bool by_units) {
    if (open.parts.size() > 1) {
      open.by = by;
      open.units = units.list();
      out.bins.push_back(std::move(open));
    } else if (open.parts.size() == 1 && (apart || by_units)) {
      ++out.alone;
    }
    open = {};
    units = {};
    apart = by_units;
  };
  for (const Candidate& one : candidates) {
    if (open.bytes + one.part->size > target_bytes || open.rows + one.part->rows > most_rows) close(false);
    if (!units.add(one.shares)) {
      close(true);
      units.add(one.shares);
    }
    open.parts.push_back(*one.part);
    open.bytes += one.part->size;
    open.rows += one.part->rows;
  }
  close(false);
  return out;
}

std::size_t saved(const Bins& bins) {
  std::size_t files = 0;
  for (const Bin& bin : bins.bins) files += bin.parts.size() - 1;
  return files;
}

}  // namespace

Result<CompactPlan> plan_compaction(const Table& table, const Snapshot& snapshot, std::int64_t target_bytes,
                                    std::int64_t most_rows, const std::set<std::string>* among) {
  const auto columns = columns_to_tell_by(snapshot);
  const bool known =
      table.name().layer != Layer::landing;  // rows of landing are never replaced: nobody asks whose they are
  std::map<std::map<std::string, std::string>, std::vector<const Part*>> partitions;
  for (const Part& part : snapshot.parts) {
    if (part.size >= target_bytes || part.rows >= most_rows) continue;
    if (among == nullptr || among->contains(part.path)) partitions[part.partition].push_back(&part);
  }
  CompactPlan plan;
  auto take = [&](Bins&& bins) {
    for (Bin& bin : bins.bins) plan.bins.push_back(std::move(bin));
    plan.apart += bins.alone;
  };
  for (const auto& [partition, parts] : partitions) {
    if (parts.size() < 2) continue;
    std::vector<Candidate> plain;
    std::vector<const Part*> with_units;
    for (const Part* part : parts) {
      if (!known || (!part->tags.contains("unit") && !part->tags.contains("units"))) plain.push_back({part, {}});
      else with_units.push_back(part);
    }
    take(fill(std::move(plain), {}, target_bytes, most_rows));
    Bins best;
    best.alone = with_units.size() > 1 ? static_cast<std::int64_t>(with_units.size()) : 0;
    for (const std::string& by : columns) {
      std::vector<Candidate> candidates;
      std::int64_t untold = 0;
      for (const Part* part : with_units) {
        ARROW_ASSIGN_OR_RAISE(auto shares, ranged_shares(snapshot, *part, by));
        if (shares) candidates.push_back({part, *std::move(shares)});
        else ++untold;
      }
      Bins bins = fill(std::move(candidates), by, target_bytes, most_rows);
      bins.alone += untold;
      if (saved(bins) > saved(best) || (saved(bins) == saved(best) && bins.alone < best.alone)) best = std::move(bins);
    }
    take(std::move(best));
  }
  return plan;
}

}  // namespace tapemill::lake
