#include <arrow/api.h>

#include <algorithm>
#include <optional>

#include "lake/read_values.h"
#include "lake/rows.h"

namespace tapemill::lake {
namespace {

using Segments = std::vector<Segment>;
constexpr std::int64_t kKeptMost = 1 << 20;

Segments both(const Segments& a, const Segments& b) {  // rows of either, joined where they touch
  Segments all(a);
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end(), [](const Segment& x, const Segment& y) { return x.first < y.first; });
  Segments out;
  for (const Segment& one : all) {
    if (!out.empty() && one.first <= out.back().last) out.back().last = std::max(out.back().last, one.last);
    else out.push_back(one);
  }
  return out;
}

Segments of_symbols(const TextRuns& runs, const std::vector<std::string>& symbols) {
  Segments out;
  if (runs.ascending() && symbols.size() * 8 < runs.size()) {
    for (const std::string& symbol : symbols) {
      std::size_t low = 0, high = runs.size();
      while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (runs.text(runs.run(middle).value) < symbol) low = middle + 1;
        else high = middle;
      }
      if (low < runs.size() && runs.text(runs.run(low).value) == symbol)
        out.push_back({runs.run(low).first, runs.end(low), 0});
    }
    return out;
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs.run(i).value >= TextRuns::kNotRead) continue;
    if (!std::binary_search(symbols.begin(), symbols.end(), runs.text(runs.run(i).value), std::less<>())) continue;
    if (!out.empty() && out.back().last == runs.run(i).first) out.back().last = runs.end(i);
    else out.push_back({runs.run(i).first, runs.end(i), 0});
  }
  return out;
}

// Rows of `within` whose whole number is `wanted`.
template <class T, class Wanted>
Result<Segments> of_values(const RowGroup& group, int column, const Segments& within, Wanted&& wanted,
                           arrow::MemoryPool* pool) {
  const ColumnChunk& chunk = group.chunk(column);
  Segments asked = within;
  std::int64_t rows = 0;
  for (Segment& one : asked) one.out = rows, rows += one.last - one.first;
  ARROW_ASSIGN_OR_RAISE(auto values, arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(T)), pool));
  std::unique_ptr<arrow::Buffer> present;
  if (chunk.nulls != 0) {
    ARROW_ASSIGN_OR_RAISE(present, arrow::AllocateBuffer(rows, pool));
    std::fill_n(present->mutable_data(), rows, 1);
  }
  Scratch scratch(pool);
  ARROW_ASSIGN_OR_RAISE(auto file, PartFile::open(group.path));
  ChunkReader reader(file, chunk, group.open->groups[static_cast<std::size_t>(group.index)].rows, asked, scratch);
  ARROW_RETURN_NOT_OK(read_values(reader, chunk, asked, scratch, sizeof(T), values->mutable_data(),
                                  present == nullptr ? nullptr : present->mutable_data()));
  const T* value = reinterpret_cast<const T*>(values->data());
  Segments out;
  for (const Segment& one : asked) {
    for (std::uint32_t row = one.first; row < one.last; ++row, ++value) {
      if (present != nullptr && present->data()[one.out + (row - one.first)] == 0) continue;
      if (!wanted(*value)) continue;
      if (!out.empty() && out.back().last == row) ++out.back().last;
      else out.push_back({row, row + 1, 0});
    }
  }
  return out;
}

// Where bounds decide for the whole group; else null.
std::optional<bool> decided(const Bounds& bounds, std::int64_t nulls, std::int64_t low, std::int64_t high) {
  const auto* least = std::get_if<std::int64_t>(&bounds.min);
  const auto* most = std::get_if<std::int64_t>(&bounds.max);
  if (bounds.only_null) return false;
  if (least == nullptr || most == nullptr) return std::nullopt;
  if (*most < low || *least > high) return false;
  if (nulls == 0 && *least >= low && *most <= high) return true;
  return std::nullopt;
}

// `decide`: for the whole group by its bounds, else nothing; `wanted`: a value.
template <class T, class Decide, class Wanted>
Status narrow(const RowGroup& group, const std::string& name, arrow::Type::type type, Decide&& decide, Wanted&& wanted,
              Segments& segments, arrow::MemoryPool* pool) {
  if (segments.empty()) return Status::OK();
  auto own = group.part->partition.find(name);
  const int column = group.open->column(name);
  if (own != group.part->partition.end()) return Status::NotImplemented("a partition to choose by");
  if (column < 0) {  // an older part has none: null
    segments.clear();
    return Status::OK();
  }
  const auto& stored = group.open->types[static_cast<std::size_t>(column)];
  const ColumnChunk& chunk = group.chunk(column);
  if (stored == nullptr || stored->id() != type || chunk.form == ColumnChunk::Form::other)
    return Status::NotImplemented("a column of another writer");
  if (auto all = decide(chunk)) {
    if (!*all) segments.clear();
    return Status::OK();
  }
  return of_values<T>(group, column, segments, wanted, pool).Value(&segments);
}

template <class T>
Status narrow(const RowGroup& group, const std::string& name, arrow::Type::type type, std::int64_t low,
              std::int64_t high, Segments& segments, arrow::MemoryPool* pool) {
  return narrow<T>(
      group, name, type, [&](const ColumnChunk& chunk) { return decided(chunk.bounds, chunk.nulls, low, high); },
      [&](T value) { return value >= low && value <= high; }, segments, pool);
}

Status narrow(const RowGroup& group, const OpenTimes& times, Segments& segments, arrow::MemoryPool* pool) {
  std::size_t near = 0;
  return narrow<std::int64_t>(
      group, "time", arrow::Type::TIMESTAMP,
      [&](const ColumnChunk& chunk) -> std::optional<bool> {
        const auto* least = std::get_if<std::int64_t>(&chunk.bounds.min);
        const auto* most = std::get_if<std::int64_t>(&chunk.bounds.max);
        if (least == nullptr || most == nullptr || chunk.nulls != 0) return std::nullopt;
        return times.holds_all(*least, *most);
      },
      [&](std::int64_t value) { return times.holds(value, near); }, segments, pool);
}

}  // namespace

std::int64_t ChosenRows::rows() const {
  std::int64_t sum = 0;
  for (const Segment& one : segments) sum += one.last - one.first;
  return sum;
}

Result<std::shared_ptr<const TextRuns>> runs_of(const RowGroup& group, int column, arrow::MemoryPool* pool) {
  const ColumnChunk& chunk = group.chunk(column);
  if (chunk.form != ColumnChunk::Form::text) return Status::NotImplemented("a column of another writer");
  const std::string key = fmt::format("{}\n{} {} {}", group.path, group.open->inode, group.index, column);
  if (auto known = ReadCache::shared().get<TextRuns>(key); known != nullptr) return known;
  const std::int64_t rows = group.open->groups[static_cast<std::size_t>(group.index)].rows;
  auto runs = std::make_shared<TextRuns>(pool);
  const std::vector<Segment> all{{0, static_cast<std::uint32_t>(rows), 0}};
  Scratch scratch(pool);
  ARROW_ASSIGN_OR_RAISE(auto file, PartFile::open(group.path));
  ChunkReader reader(file, chunk, rows, all, scratch);
  ARROW_RETURN_NOT_OK(runs->read(reader));
  // Kept beyond this scan, outside of its budget, where it is small: runs of a sorted column are.
  if (runs->bytes() <= kKeptMost &&
      static_cast<std::int64_t>(runs->size()) * 4 <= std::max<std::int64_t>(rows, 1 << 12))
    ReadCache::shared().put(key, runs->copy(arrow::default_memory_pool()), runs->bytes());
  return runs;
}

Result<ChosenRows> choose_rows(const RowGroup& group, const RowFilter& filter, arrow::MemoryPool* pool) {
  if (!group.open->ours) return Status::NotImplemented("a part of another writer");
  ChosenRows out{
      &group, {{0, static_cast<std::uint32_t>(group.open->groups[static_cast<std::size_t>(group.index)].rows), 0}}, 0};
  if (!filter.symbols().empty()) {
    Segments found;
    for (const std::string& name : filter.symbol_columns()) {
      auto own = group.part->partition.find(name);
      if (own != group.part->partition.end()) {
        const bool wanted =
            !own->second.empty() && std::binary_search(filter.symbols().begin(), filter.symbols().end(), own->second);
        if (wanted) found = out.segments;
        continue;
      }
      const int column = group.open->column(name);
      if (column < 0) continue;
      ARROW_ASSIGN_OR_RAISE(auto runs, runs_of(group, column, pool));
      Segments of_column = of_symbols(*runs, filter.symbols());
      found = found.empty() ? std::move(of_column) : of_column.empty() ? std::move(found) : both(found, of_column);
    }
    out.segments = std::move(found);
  }
  if (filter.sessions()) {
    ARROW_RETURN_NOT_OK(narrow<std::int32_t>(group, filter.session(), arrow::Type::DATE32, filter.sessions()->first,
                                             filter.sessions()->second, out.segments, pool));
  }
  if (filter.known_at()) {
    ARROW_RETURN_NOT_OK(narrow<std::int64_t>(group, "available_at", arrow::Type::TIMESTAMP, INT64_MIN,
                                             *filter.known_at(), out.segments, pool));
  }
  if (filter.open_times() != nullptr) {
    const std::int64_t before = out.rows();
    ARROW_RETURN_NOT_OK(narrow(group, *filter.open_times(), out.segments, pool));
    out.outside = before - out.rows();
  }
  return out;
}

}  // namespace tapemill::lake
