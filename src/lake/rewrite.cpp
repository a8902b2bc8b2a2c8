#include "lake/rewrite.h"

#include <arrow/api.h>

#include <algorithm>

#include "core/hash.h"
#include "core/json.h"
#include "lake/part_stream.h"
#include "lake/stats.h"
#include "lake/tags.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kBatchRows = 1 << 16;

std::optional<std::string> text_of(const BoundValue& value, const arrow::DataType& type) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || type.id() != arrow::Type::DATE32) return std::nullopt;
  return Date{static_cast<std::int32_t>(*number)}.str();
}

using Ranges = std::vector<std::pair<std::string, std::string>>;
// Ranges of the units of `leaving` among `shares`, and their rows.
Ranges ranges_of(const std::vector<UnitShare>& shares, const std::set<std::string>& leaving, std::int64_t& rows) {
  Ranges ranges;
  for (const UnitShare& share : shares) {
    if (share.rows == 0 || !leaving.contains(unit_key(share.unit, share.form))) continue;
    ranges.emplace_back(share.from, share.to);
    rows += share.rows;
  }
  return ranges;
}

Status count_differs(const Table& table, const Part& part, std::int64_t found, std::int64_t said) {
  return data_error(
      fmt::format("{}/{}: {} rows of the units in question, the log says {}", table.path(), part.path, found, said),
      "the log or the part was changed by another program: restore it, or rebuild the table");
}

}  // namespace

Result<std::optional<std::vector<UnitShare>>> ranged_shares(const Snapshot& snapshot, const Part& part,
                                                            const std::string& by) {
  using Maybe = std::optional<std::vector<UnitShare>>;
  ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(part));
  if (shares.size() > 1) return part.rows == 0 || units_by(part) == by ? Maybe(std::move(shares)) : Maybe();
  if (shares.empty() || part.rows == 0) return Maybe(std::move(shares));
  const auto field = snapshot.schema->GetFieldByName(by);
  if (field == nullptr || part.partition.contains(by)) return Maybe();
  const Json stats = Json::parse(part.stats, nullptr, false);
  const Bounds bounds = bounds_in(stats, by, *field->type());
  if (!stats.is_object() || !stats.contains("nullCount") || stats["nullCount"].value(by, std::int64_t{-1}) != 0)
    return Maybe();
  const auto from = text_of(bounds.min, *field->type()), to = text_of(bounds.max, *field->type());
  if (!from || !to) return Maybe();
  shares[0].from = *from;
  shares[0].to = *to;
  return Maybe(std::move(shares));
}

void UnitSet::put(const std::string& key, std::optional<UnitShare> share) {
  auto there = units_.find(key);
  if (there != units_.end() && there->second.rows > 0) to_by_from_.erase(there->second.from);
  if (!share) {
    if (there != units_.end()) units_.erase(there);
    return;
  }
  if (share->rows > 0) to_by_from_[share->from] = share->to;
  units_[key] = *std::move(share);
}

bool UnitSet::free(const UnitShare& share) const {
  auto after = to_by_from_.lower_bound(share.from);
  if (after != to_by_from_.end() && after->first <= share.to) return false;
  return after == to_by_from_.begin() || std::prev(after)->second < share.from;
}

bool UnitSet::add(const std::vector<UnitShare>& shares) {
  std::vector<std::pair<std::string, std::optional<UnitShare>>> undo;
  bool good = true;
  for (const UnitShare& share : shares) {
    const std::string key = unit_key(share.unit, share.form);
    auto there = units_.find(key);
    UnitShare wanted = share;
    undo.emplace_back(key, there == units_.end() ? std::nullopt : std::optional(there->second));
    if (there != units_.end()) {
      const UnitShare known = there->second;
      good = known.sha256 == share.sha256 && known.ordinal == share.ordinal;
      if (!good) break;
      if (known.rows > 0) {
        wanted.from = share.rows > 0 ? std::min(known.from, share.from) : known.from;
        wanted.to = share.rows > 0 ? std::max(known.to, share.to) : known.to;
        wanted.rows += known.rows;
        put(key, std::nullopt);
      }
    }
    good = wanted.rows == 0 || free(wanted);
    if (!good) break;
    put(key, std::move(wanted));
  }
  for (; !good && !undo.empty(); undo.pop_back()) put(undo.back().first, std::move(undo.back().second));
  return good;
}

std::vector<UnitShare> UnitSet::list() const {
  std::vector<UnitShare> out;
  for (const auto& [key, share] : units_) out.push_back(share);
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  return out;
}

Result<Merged> merge_parts(const Table& table, const Snapshot& snapshot, const std::vector<Part>& inputs,
                           const std::vector<UnitShare>& shares, const std::string& by,
                           const std::set<std::string>& leaving, const Layout& layout, MemoryBudget& budget,
                           const std::function<void(std::int64_t rows)>& progress) {
  Sha256 name;
  for (const std::string& text : {std::string("merge"), by}) name.add(text + std::string(1, '\0'));
  for (const Part& part : inputs) name.add(part.path + std::string(1, '\0'));
  for (const std::string& key : leaving) name.add(key + std::string(1, '\0'));
  name.add(restored_at(snapshot));
  Provenance provenance{
      name.hex(), {}, {}, 0, shares.empty() ? std::map<std::string, std::string>{} : tags_of(shares, by)};
  if (shares.size() == 1) provenance.ordinal = shares.front().ordinal;
  provenance.partition = inputs.front().partition;
  Layout whole = layout;
  whole.part_rows = INT64_MAX / 4;  // what fits one part was decided by who chose the inputs
  Merged out;
  ARROW_ASSIGN_OR_RAISE(out.writer, write_parts(table, whole, provenance, budget));
  std::int64_t written = 0, expected = 0;
  for (const Part& part : inputs) {
    if (part.rows == 0) continue;
    std::int64_t out_rows = 0, gone = 0;
    Ranges ranges;
    if (!leaving.empty()) {
      ARROW_ASSIGN_OR_RAISE(auto own, shares_of(part));
      ranges = ranges_of(own, leaving, out_rows);
    }
    ARROW_RETURN_NOT_OK(stream_part(table, snapshot, part, kBatchRows, budget.pool(),
                                    [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
                                      if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
                                      auto kept = rows;
                                      if (!ranges.empty()) {
                                        ARROW_ASSIGN_OR_RAISE(auto bits, in_ranges(*rows, units_by(part), ranges));
                                        ARROW_ASSIGN_OR_RAISE(kept, pick(rows, bits, false, budget.pool()));
                                      }
                                      const std::int64_t count = kept == nullptr ? 0 : kept->num_rows();
                                      gone += rows->num_rows() - count;
                                      written += count;
                                      if (progress) progress(rows->num_rows());
                                      return count == 0 ? Status::OK() : out.writer->write(kept);
                                    }));
    if (gone != out_rows) return count_differs(table, part, gone, out_rows);
    expected += part.rows - out_rows;
  }
  if (written != expected) return count_differs(table, inputs.front(), written, expected);
  ARROW_ASSIGN_OR_RAISE(out.parts, out.writer->finish_unnamed());
  return out;
}

Result<Replacement> take_out(const Table& table, const Snapshot& snapshot, const std::set<std::string>& leaving,
                             const Layout& layout, MemoryBudget& budget) {
  Replacement out;
  for (const Part& part : snapshot.parts) {
    ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(part));
    const std::size_t before = shares.size();
    std::erase_if(shares, [&](const UnitShare& one) { return leaving.contains(unit_key(one.unit, one.form)); });
    if (shares.size() == before) continue;
    out.removes.push_back(part.path);
    if (shares.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(auto merged,
                          merge_parts(table, snapshot, {part}, shares, units_by(part), leaving, layout, budget));
    ARROW_RETURN_NOT_OK(publish({merged.writer.get()}));
    out.adds.insert(out.adds.end(), merged.parts.begin(), merged.parts.end());
  }
  return out;
}

Status stream_unit(const Table& table, const Snapshot& snapshot, const UnitState& unit, arrow::MemoryPool* pool,
                   const std::function<Status(const std::shared_ptr<arrow::RecordBatch>&)>& emit) {
  const std::set<std::string> wanted{unit_key(unit.unit, unit.form)};
  for (const Part& part : snapshot.parts) {
    if (part.rows == 0 || !std::binary_search(unit.paths.begin(), unit.paths.end(), part.path)) continue;
    ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(part));
    std::int64_t said = 0, found = 0;
    const Ranges ranges = shares.size() > 1 ? ranges_of(shares, wanted, said) : Ranges{};
    if (shares.size() > 1 && said == 0) continue;
    ARROW_RETURN_NOT_OK(stream_part(table, snapshot, part, kBatchRows, pool,
                                    [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
                                      auto own = rows;
                                      if (!ranges.empty()) {
                                        ARROW_ASSIGN_OR_RAISE(auto bits, in_ranges(*rows, units_by(part), ranges));
                                        ARROW_ASSIGN_OR_RAISE(own, pick(rows, bits, true, pool));
                                      }
                                      if (own == nullptr) return Status::OK();
                                      found += own->num_rows();
                                      return emit(own);
                                    }));
    if (!ranges.empty() && found != said) return count_differs(table, part, found, said);
  }
  return Status::OK();
}

}  // namespace tapemill::lake
