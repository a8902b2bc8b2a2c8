#pragma once
#include <arrow/stl_allocator.h>

#include <memory>
#include <string_view>
#include <vector>

#include "lake/chunk_reader.h"

namespace tapemill::lake {

/// A column of texts as runs of equal ones: a sorted column of a whole part is a few hundred. By them the rows of an
/// instrument are found (they are the index of symbol ranges), and texts are written out.
class TextRuns {
 public:
  static constexpr std::uint32_t kNull = UINT32_MAX, kNotRead = UINT32_MAX - 1;
  struct Run {
    std::uint32_t value, first;  // a value's number, or kNull, kNotRead; the run's first row
  };
  explicit TextRuns(arrow::MemoryPool* pool) : runs_(pool), values_(pool), text_(pool) {}

  std::size_t size() const { return runs_.size(); }
  const Run& run(std::size_t i) const { return runs_[i]; }
  std::uint32_t end(std::size_t i) const { return i + 1 < runs_.size() ? runs_[i + 1].first : rows_; }
  std::string_view text(std::uint32_t value) const {
    return {text_.data() + values_[value].first, values_[value].second};
  }
  /// Whether each run's text is above the one before it: then there is one run a text, found by halving.
  bool ascending() const { return ascending_; }
  /// The run that row `row` is in.
  std::size_t find(std::uint32_t row) const;
  std::int64_t bytes() const;
  std::shared_ptr<TextRuns> copy(arrow::MemoryPool* pool) const;

  /// The runs of some rows alone, ascending and disjoint; the others are as if they had not been read.
  std::shared_ptr<TextRuns> within(const std::vector<Segment>& segments, arrow::MemoryPool* pool) const;

  /// One run: a partition's text in all rows of a group.
  void fill(std::string_view text, std::uint32_t rows);
  /// Reads the pages that hold rows of the reader's segments. Data errors without a place.
  Status read(ChunkReader& reader);

 private:
  template <class T>
  using Vector = std::vector<T, arrow::stl::allocator<T>>;
  void add(std::uint32_t value, std::int64_t rows);
  std::uint32_t keep(const std::uint8_t* text, std::uint32_t size);
  Status keep_dictionary(const ChunkReader& reader);
  Status add_indices(const ChunkReader::Page& page);
  Status add_plain(const ChunkReader::Page& page);
  Vector<Run> runs_;
  Vector<std::pair<std::uint64_t, std::uint32_t>> values_;
  Vector<char> text_;
  std::uint32_t rows_ = 0;
  bool ascending_ = false;
  std::int64_t dictionary_ = -1;  // how many values came from the dictionary, which is kept first
};

}  // namespace tapemill::lake
