#include <arrow/type.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_map>

#include "lake/rows.h"

namespace tapemill::lake {
namespace {

// Groups of one part, which follow each other in the part's order.
struct Stretch {
  std::size_t first, last;  // groups
  std::int64_t least = 0, most = 0;
};

std::vector<Stretch> stretches_of(const std::vector<ChosenRows>& groups) {
  std::vector<Stretch> out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i > 0 && groups[i].group->part == groups[i - 1].group->part) ++out.back().last;
    else out.push_back({i, i + 1});
  }
  return out;
}

enum class Order { unknown, overlapping, disjoint };

// Parts in the order of a column of whole numbers, by their bounds alone; disjoint where none reaches into another.
Order by_bounds(const std::vector<ChosenRows>& groups, const std::string& column, std::vector<Stretch>& stretches) {
  for (Stretch& stretch : stretches) {
    bool first = true;
    for (std::size_t i = stretch.first; i < stretch.last; ++i) {
      const RowGroup& group = *groups[i].group;
      const int at = group.open->column(column);
      if (at < 0 || group.part->partition.contains(column)) return Order::unknown;
      const ColumnChunk& chunk = group.chunk(at);
      const auto* least = std::get_if<std::int64_t>(&chunk.bounds.min);
      const auto* most = std::get_if<std::int64_t>(&chunk.bounds.max);
      if (chunk.nulls != 0 || least == nullptr || most == nullptr) return Order::unknown;
      stretch.least = first ? *least : std::min(stretch.least, *least);
      stretch.most = first ? *most : std::max(stretch.most, *most);
      first = false;
    }
  }
  std::sort(stretches.begin(), stretches.end(), [](const Stretch& a, const Stretch& b) { return a.least < b.least; });
  for (std::size_t i = 1; i < stretches.size(); ++i) {
    if (stretches[i - 1].most >= stretches[i].least) return Order::overlapping;
  }
  return Order::disjoint;
}

void one_after_the_other(std::vector<ChosenRows>& groups, const std::vector<Stretch>& stretches) {
  std::int64_t out = 0;
  for (const Stretch& stretch : stretches) {
    for (std::size_t i = stretch.first; i < stretch.last; ++i) {
      for (Segment& one : groups[i].segments) one.out = out, out += one.last - one.first;
    }
  }
}

// Segments cut where the leading text changes; `out` holds the text's number until all are known.
struct Cut {
  std::vector<std::vector<Segment>> segments;  // by group
  std::deque<std::string> texts;               // each once; of a part only those of its chosen rows
  bool nulls = false;
};

Result<bool> cut_by_text(const std::vector<ChosenRows>& groups, const std::string& column, arrow::MemoryPool* pool,
                         Cut& cut) {
  std::unordered_map<std::string_view, std::int64_t> numbers;
  for (const ChosenRows& chosen : groups) {
    const RowGroup& group = *chosen.group;
    const int at = group.open->column(column);
    if (at < 0 || group.part->partition.contains(column) || group.chunk(at).form != ColumnChunk::Form::text)
      return false;
    std::shared_ptr<const TextRuns> runs;
    ARROW_RETURN_NOT_OK(in_part(group.path, runs_of(group, at, pool).Value(&runs)));
    std::vector<Segment> pieces;
    for (const Segment& one : chosen.segments) {
      for (std::size_t i = runs->find(one.first); i < runs->size() && runs->run(i).first < one.last; ++i) {
        const std::uint32_t value = runs->run(i).value;
        std::int64_t number = -1;
        if (value == TextRuns::kNull) {
          cut.nulls = true;
        } else {
          const std::string_view text = runs->text(value);
          auto it = numbers.find(text);
          if (it == numbers.end()) {
            const auto next = static_cast<std::int64_t>(cut.texts.size());
            it = numbers.emplace(cut.texts.emplace_back(text), next).first;
          }
          number = it->second;
        }
        pieces.push_back({std::max(one.first, runs->run(i).first), std::min(one.last, runs->end(i)), number});
      }
    }
    cut.segments.push_back(std::move(pieces));
  }
  return true;
}

// Whether the parts that hold a text are disjoint, for every text: as where a month is cut into parts between two texts.
bool disjoint_by_text(const std::vector<Stretch>& stretches, const Cut& cut) {
  constexpr std::size_t kNone = SIZE_MAX;
  std::vector<std::size_t> last(cut.texts.size() + 1, kNone);  // the stretch that held the text last
  for (std::size_t at = 0; at < stretches.size(); ++at) {
    for (std::size_t i = stretches[at].first; i < stretches[at].last; ++i) {
      for (const Segment& one : cut.segments[i]) {
        std::size_t& before = last[static_cast<std::size_t>(one.out + 1)];
        if (before != kNone && before != at && stretches[before].most >= stretches[at].least) return false;
        before = at;
      }
    }
  }
  return true;
}

// A counting sort of the pieces: by text, then in the order of the parts.
void place(std::vector<ChosenRows>& groups, const std::vector<Stretch>& stretches, Cut& cut) {
  std::vector<std::size_t> by_text(cut.texts.size());
  for (std::size_t i = 0; i < by_text.size(); ++i) by_text[i] = i;
  std::sort(by_text.begin(), by_text.end(), [&](std::size_t a, std::size_t b) { return cut.texts[a] < cut.texts[b]; });
  std::vector<std::int64_t> rows(cut.texts.size() + 1), at(cut.texts.size() + 1);  // [0]: null; text i: [i + 1]
  for (const auto& pieces : cut.segments) {
    for (const Segment& one : pieces) rows[static_cast<std::size_t>(one.out + 1)] += one.last - one.first;
  }
  std::int64_t sum = rows[0];
  for (std::size_t text : by_text) at[text + 1] = sum, sum += rows[text + 1];
  for (const Stretch& stretch : stretches) {
    for (std::size_t i = stretch.first; i < stretch.last; ++i) {
      for (Segment& one : cut.segments[i]) {
        std::int64_t& next = at[static_cast<std::size_t>(one.out + 1)];
        one.out = next;
        next += one.last - one.first;
      }
      groups[i].segments = std::move(cut.segments[i]);
    }
  }
}

}  // namespace

Result<bool> order_rows(std::vector<ChosenRows>& groups, const std::vector<std::string>& sort,
                        arrow::MemoryPool* pool) {
  std::vector<Stretch> stretches = stretches_of(groups);
  if (sort.empty() || stretches.size() <= 1 || by_bounds(groups, sort[0], stretches) == Order::disjoint) {
    one_after_the_other(groups, stretches);
    return true;
  }
  const Order order = sort.size() < 2 ? Order::unknown : by_bounds(groups, sort[1], stretches);
  if (order == Order::unknown) return false;
  Cut cut;
  ARROW_ASSIGN_OR_RAISE(const bool known, cut_by_text(groups, sort[0], pool, cut));
  if (!known || (order == Order::overlapping && !disjoint_by_text(stretches, cut))) return false;
  place(groups, stretches, cut);
  return true;
}

}  // namespace tapemill::lake
