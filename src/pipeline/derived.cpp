#include "pipeline/derived.h"

#include <algorithm>
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

Following::Following(Derivation how, const Workers& workers, MemoryBudget& budget)
    : how_(std::move(how)), workers_(workers), budget_(budget) {}

Status Following::derive() {
  const auto &bronze = how_.bronze, &table = how_.table;
  ARROW_ASSIGN_OR_RAISE(const lake::Snapshot from, bronze.snapshot());
  ARROW_ASSIGN_OR_RAISE(const lake::Snapshot to, table.snapshot());
  ARROW_RETURN_NOT_OK(sources_known(bronze, from));
  ARROW_RETURN_NOT_OK(sources_known(table, to));
  ARROW_ASSIGN_OR_RAISE(auto wanted, lake::units_by_key(from));
  ARROW_ASSIGN_OR_RAISE(auto have, lake::units_by_key(to));
  transaction_ = {};
  transaction_.read_version = to.version;
  transaction_.operation = "DERIVE";
  transaction_.txn = {{how_.name, from.version}};
  std::set<std::string> leaving;
  for (const auto& [key, state] : have) {
    auto now = wanted.find(key);
    if (now != wanted.end() && how_.same(now->second, state)) continue;
    leaving.insert(key);
    transaction_.touches.push_back(state.unit);
  }
  ARROW_ASSIGN_OR_RAISE(auto instead, lake::take_out(table, to, leaving, how_.layout, budget_));
  transaction_.removes = std::move(instead.removes);
  transaction_.adds = std::move(instead.adds);
  units_.clear();
  for (const auto& [key, state] : wanted) {
    auto before = have.find(key);
    if (before != have.end() && !leaving.contains(key)) continue;
    DerivedUnit& unit = units_.emplace_back();
    unit.state = state;
    if (before != have.end()) unit.had = before->second.ordinal;
  }
  std::int64_t rows = 0;
  for (std::size_t at = 0; at < units_.size(); at += how_.at_once) {
    const std::size_t count = std::min(how_.at_once, units_.size() - at);
    ARROW_RETURN_NOT_OK(
        workers_.each(count, [&](std::size_t i) { return how_.derive(from, units_[at + i]); }, interrupt()));
    if (naming_.valid()) ARROW_RETURN_NOT_OK(naming_.get());
    naming_ = std::async(std::launch::async, [this, at, count] {  // the next units are derived meanwhile
      std::vector<lake::PartWriter*> writers;
      for (std::size_t i = at; i < at + count; ++i) writers.push_back(units_[i].writer.get());
      const Status named = lake::publish(writers);
      for (std::size_t i = at; i < at + count; ++i) units_[i].writer.reset();
      return named;
    });
    for (std::size_t i = at; i < at + count; ++i) {
      rows += units_[i].rows;
      transaction_.adds.insert(transaction_.adds.end(), units_[i].made.begin(), units_[i].made.end());
      transaction_.touches.push_back(units_[i].state.unit);
    }
  }
  transaction_.counts = {{"rows_stored", rows}};
  from_ = from.version;
  return Status::OK();
}

Status Following::commit() {
  for (;;) {
    if (naming_.valid()) ARROW_RETURN_NOT_OK(naming_.get());
    if (transaction_.touches.empty()) return Status::OK();
    auto committed = how_.table.commit(transaction_);
    if (committed.ok()) return Status::OK();
    if (!lake::is_conflict(committed.status())) return committed.status();
    if (transaction_.read_version == last_)
      return data_error(fmt::format("{}: another program has deleted rows that were derived from {} version {}",
                                    how_.table.name().str(), how_.bronze.name().str(), from_),
                        fmt::format("delete the folder {}{}", how_.table.path(), how_.again));
    last_ = transaction_.read_version;
    ARROW_RETURN_NOT_OK(derive());
  }
}

Status follow_bronze(Derivation how, const Workers& workers, MemoryBudget& budget) {
  Following following(std::move(how), workers, budget);
  ARROW_RETURN_NOT_OK(following.derive());
  return following.commit();
}

}  // namespace tapemill::pipeline
