#include "pipeline/derived.h"

#include <algorithm>
#include <future>
#include <set>

#include "lake/rewrite.h"
#include "pipeline/rewritten.h"

namespace tapemill::pipeline {

Result<bool> carry_unit(const lake::Table& bronze, const lake::Snapshot& snapshot, const lake::Change& change,
                        const lake::UnitState& state, lake::PartWriter& writer) {
  for (const lake::Part& part : snapshot.parts) {
    if (!std::binary_search(state.paths.begin(), state.paths.end(), part.path)) continue;
    ARROW_ASSIGN_OR_RAISE(bool carried, writer.carry(bronze, *snapshot.schema, part, change));
    if (!carried) return false;
  }
  return true;
}

Status follow_bronze(const Derivation& how, const Workers& workers, MemoryBudget& budget) {
  const auto &bronze = how.bronze, &table = how.table;
  for (std::int64_t last = -2;;) {
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot from, bronze.snapshot());
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot to, table.snapshot());
    ARROW_RETURN_NOT_OK(sources_known(bronze, from));
    ARROW_RETURN_NOT_OK(sources_known(table, to));
    ARROW_ASSIGN_OR_RAISE(auto wanted, lake::units_by_key(from));
    ARROW_ASSIGN_OR_RAISE(auto have, lake::units_by_key(to));
    lake::Transaction transaction;
    transaction.read_version = to.version;
    transaction.operation = "DERIVE";
    transaction.txn = {{how.name, from.version}};
    std::set<std::string> leaving;
    for (const auto& [key, state] : have) {
      auto now = wanted.find(key);
      if (now != wanted.end() && how.same(now->second, state)) continue;
      leaving.insert(key);
      transaction.touches.push_back(state.unit);
    }
    ARROW_ASSIGN_OR_RAISE(auto instead, lake::take_out(table, to, leaving, how.layout, budget));
    transaction.removes = std::move(instead.removes);
    transaction.adds = std::move(instead.adds);
    std::vector<DerivedUnit> units;
    for (const auto& [key, state] : wanted) {
      auto before = have.find(key);
      if (before != have.end() && !leaving.contains(key)) continue;
      DerivedUnit& unit = units.emplace_back();
      unit.state = state;
      if (before != have.end()) unit.had = before->second.ordinal;
    }
    std::int64_t rows = 0;
    std::future<Status> naming;  // waits for the disk, and the next units are derived meanwhile
    const auto named = [&] { return naming.valid() ? naming.get() : Status::OK(); };
    for (std::size_t at = 0; at < units.size(); at += how.at_once) {
      const std::size_t count = std::min(how.at_once, units.size() - at);
      ARROW_RETURN_NOT_OK(
          workers.each(count, [&](std::size_t i) { return how.derive(from, units[at + i]); }, interrupt()));
      ARROW_RETURN_NOT_OK(named());
      naming = std::async(std::launch::async, [&units, at, count] {
        std::vector<lake::PartWriter*> writers;
        for (std::size_t i = at; i < at + count; ++i) writers.push_back(units[i].writer.get());
        const Status done = lake::publish(writers);
        for (std::size_t i = at; i < at + count; ++i) units[i].writer.reset();
        return done;
      });
      for (std::size_t i = at; i < at + count; ++i) {
        rows += units[i].rows;
        transaction.adds.insert(transaction.adds.end(), units[i].made.begin(), units[i].made.end());
        transaction.touches.push_back(units[i].state.unit);
      }
    }
    ARROW_RETURN_NOT_OK(named());
    if (transaction.touches.empty()) return Status::OK();
    transaction.counts = {{"rows_stored", rows}};
    auto committed = table.commit(transaction);
    if (committed.ok()) return Status::OK();
    if (!lake::is_conflict(committed.status())) return committed.status();
    if (to.version == last)
      return data_error(fmt::format("{}: another program has deleted rows that were derived from {} version {}",
                                    table.name().str(), bronze.name().str(), from.version),
                        fmt::format("delete the folder {}{}", table.path(), how.again));
    last = to.version;
  }
}

}  // namespace tapemill::pipeline
