#include "lake/overlap.h"

#include <arrow/api.h>

#include <algorithm>
#include <bit>

#include "core/json.h"
#include "core/workers.h"
#include "lake/part_reader.h"
#include "lake/tags.h"

namespace tapemill::lake {
namespace {

struct Hash {
  std::uint64_t high = 0x9e3779b97f4a7c15ULL, low = 0xc2b2ae3d27d4eb4fULL;
  auto operator<=>(const Hash&) const = default;
};
struct FreshRow {
  Hash hash;
  std::uint32_t row;
  bool operator<(const FreshRow& other) const { return hash < other.hash; }
};
constexpr std::uint64_t kNull = 0x6e756c6c6e756c6cULL;

std::uint64_t mix(std::uint64_t x) {  // the finalizer of SplitMix64
  x ^= x >> 30, x *= 0xbf58476d1ce4e5b9ULL, x ^= x >> 27, x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
void take(Hash& hash, std::uint64_t value) {
  hash = {mix(hash.high ^ value), mix(hash.low + value * 0x9e3779b97f4a7c15ULL + 1)};
}
void take(Hash& hash, std::string_view text) {
  take(hash, text.size());
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(8, text.size()))) {
    std::uint64_t word = 0;
    text.copy(reinterpret_cast<char*>(&word), 8);
    take(hash, word);
  }
}

void take_column(const arrow::Array& values, Hash* hashes) {
  auto each = [&](auto&& value_of) {
    for (std::int64_t i = 0; i < values.length(); ++i) {
      if (values.IsNull(i)) take(hashes[i], kNull);
      else take(hashes[i], value_of(i));
    }
  };
  switch (values.type_id()) {
    case arrow::Type::STRING: {
      const auto& texts = static_cast<const arrow::StringArray&>(values);
      return each([&](std::int64_t i) { return texts.GetView(i); });
    }
    case arrow::Type::BOOL: {
      const auto& bits = static_cast<const arrow::BooleanArray&>(values);
      return each([&](std::int64_t i) { return static_cast<std::uint64_t>(bits.Value(i)); });
    }
    case arrow::Type::INT32:
    case arrow::Type::DATE32: {
      const auto* numbers = values.data()->GetValues<std::int32_t>(1);
      return each([&](std::int64_t i) { return static_cast<std::uint64_t>(numbers[i]); });
    }
    case arrow::Type::DOUBLE: {
      const auto* numbers = values.data()->GetValues<double>(1);
      return each([&](std::int64_t i) { return std::bit_cast<std::uint64_t>(numbers[i] + 0.0); });  // -0 is 0
    }
    default: {  // int64, timestamp, decimal64: the types that a spec knows
      const auto* numbers = values.data()->GetValues<std::int64_t>(1);
      return each([&](std::int64_t i) { return static_cast<std::uint64_t>(numbers[i]); });
    }
  }
}

std::vector<Hash> hashes_of(const arrow::Table& rows) {
  std::vector<Hash> hashes(static_cast<std::size_t>(rows.num_rows()));
  for (const auto& column : rows.columns()) {
    std::int64_t at = 0;
    for (const auto& chunk : column->chunks()) {
      take_column(*chunk, hashes.data() + at);
      at += chunk->length();
    }
  }
  return hashes;
}

bool may_share(const std::vector<Bounds>& a, const std::vector<Bounds>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a[i].only_null && !b[i].only_null && !a[i].may_hold(b[i].min, b[i].max)) return false;
  return true;
}

std::string text_of(const arrow::Table& rows, std::int64_t row) {
  std::string text;
  for (int i = 0; i < rows.num_columns(); ++i) {
    auto value = rows.column(i)->GetScalar(row);
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", rows.field(i)->name(), value.ok() ? (*value)->ToString() : "");
  }
  return text;
}

/// A row group and the bounds of its key.
struct Group {
  RowGroup group;
  std::vector<Bounds> bounds;
};

}  // namespace

const std::vector<Bounds>& KeyOverlaps::bounds_of(const Part& part) {
  auto [at, made] = bounds_.try_emplace(part.path);
  if (!made) return at->second;
  const Json stats = Json::parse(part.stats, nullptr, false);
  for (const std::string& name : key_) {
    const auto& type = *snapshot_.schema->GetFieldByName(name)->type();
    auto own = part.partition.find(name);
    at->second.push_back(own != part.partition.end() ? bounds_of_partition(own->second, type)
                                                     : bounds_in(stats, name, type));
  }
  return at->second;
}

Result<Overlap> KeyOverlaps::find(const std::vector<Part>& fresh, const std::vector<const Part*>& others) {
  ScanRequest request;
  request.table = table_.name();
  ARROW_ASSIGN_OR_RAISE(RowFilter everything, RowFilter::make(request, snapshot_));
  auto groups_of = [&](const Part& part, std::vector<Group>& out) -> Status {
    ARROW_ASSIGN_OR_RAISE(PlannedPart planned, plan_part(table_, part, everything));
    const std::vector<Bounds>& whole = bounds_of(part);
    for (RowGroup& group : planned.groups) {
      Group one{std::move(group), whole};
      for (std::size_t i = 0; i < key_.size(); ++i)
        if (int at = one.group.open->column(key_[i]); at >= 0) one.bounds[i] = one.group.chunk(at).bounds;
      out.push_back(std::move(one));
    }
    return Status::OK();
  };
  auto read = [&](const Group& one) { return read_group(one.group, snapshot_, key_, everything, budget_.pool()); };

  Overlap found;
  const auto most = static_cast<std::size_t>(budget_.share(1.0 / 8, 1 << 20, 64 << 20)) / sizeof(FreshRow);
  for (const Part& part : fresh) {
    if (part.rows == 0) continue;
    std::vector<Group> near, mine;
    for (const Part* other : others)
      if (other->rows != 0 && may_share(bounds_of(part), bounds_of(*other)))
        ARROW_RETURN_NOT_OK(groups_of(*other, near));
    if (near.empty()) continue;
    ARROW_RETURN_NOT_OK(groups_of(part, mine));
    for (const Group& group : mine) {
      std::vector<const Group*> meet;
      for (const Group& other : near)
        if (may_share(group.bounds, other.bounds)) meet.push_back(&other);
      if (meet.empty()) continue;
      ARROW_ASSIGN_OR_RAISE(GroupRows keys, read(group));
      if (keys.rows == nullptr) continue;
      const std::vector<Hash> hashes = hashes_of(*keys.rows);
      for (std::size_t from = 0; from < hashes.size(); from += most) {
        std::vector<FreshRow> rows;
        for (std::size_t i = from; i < std::min(hashes.size(), from + most); ++i)
          rows.push_back({hashes[i], static_cast<std::uint32_t>(i)});
        std::sort(rows.begin(), rows.end());
        std::vector<bool> there(rows.size());
        std::size_t first = hashes.size();
        const Part* whose = nullptr;
        for (const Group* other : meet) {
          if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
          ARROW_ASSIGN_OR_RAISE(GroupRows theirs, read(*other));
          if (theirs.rows == nullptr) continue;
          for (const Hash& hash : hashes_of(*theirs.rows)) {
            auto at = std::lower_bound(rows.begin(), rows.end(), FreshRow{hash, 0});
            for (; at != rows.end() && at->hash == hash; ++at) {
              there[static_cast<std::size_t>(at - rows.begin())] = true;
              if (at->row < first) first = at->row, whose = other->group.part;
            }
          }
        }
        if (whose != nullptr && found.rows == 0) {
          found.key = text_of(*keys.rows, static_cast<std::int64_t>(first));
          found.file = tag(*whose, "file").empty() ? "another file" : tag(*whose, "file");  // a part of several
        }
        found.rows += std::count(there.begin(), there.end(), true);
      }
    }
  }
  return found;
}

}  // namespace tapemill::lake
