#include "lake/text_runs.h"

#include <parquet/types.h>

#include <algorithm>
#include <unordered_map>

namespace tapemill::lake {

std::size_t TextRuns::find(std::uint32_t row) const {
  auto above =
      std::upper_bound(runs_.begin(), runs_.end(), row, [](std::uint32_t r, const Run& run) { return r < run.first; });
  return static_cast<std::size_t>(above - runs_.begin()) - 1;
}

std::int64_t TextRuns::bytes() const {
  return static_cast<std::int64_t>(sizeof *this + runs_.capacity() * sizeof(Run) + values_.capacity() * 16 +
                                   text_.capacity());
}

std::shared_ptr<TextRuns> TextRuns::copy(arrow::MemoryPool* pool) const {
  auto out = std::make_shared<TextRuns>(pool);
  out->runs_.assign(runs_.begin(), runs_.end());
  out->values_.assign(values_.begin(), values_.end());
  out->text_.assign(text_.begin(), text_.end());
  out->rows_ = rows_;
  out->ascending_ = ascending_;
  return out;
}

std::shared_ptr<TextRuns> TextRuns::within(const std::vector<Segment>& segments, arrow::MemoryPool* pool) const {
  auto out = std::make_shared<TextRuns>(pool);
  std::unordered_map<std::uint32_t, std::uint32_t> numbers;
  for (const Segment& one : segments) {
    out->add(kNotRead, one.first - out->rows_);
    for (std::size_t i = find(one.first); i < size() && run(i).first < one.last; ++i) {
      std::uint32_t value = run(i).value;
      if (value < kNotRead) {
        auto [known, fresh] = numbers.try_emplace(value, 0);
        if (fresh) {
          const std::string_view text = this->text(value);
          known->second =
              out->keep(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<std::uint32_t>(text.size()));
        }
        value = known->second;
      }
      out->add(value, std::min(one.last, end(i)) - std::max(one.first, run(i).first));
    }
  }
  out->add(kNotRead, rows_ - out->rows_);
  return out;
}

void TextRuns::add(std::uint32_t value, std::int64_t rows) {
  if (rows == 0) return;
  if (runs_.empty() || runs_.back().value != value) runs_.push_back({value, rows_});
  rows_ += static_cast<std::uint32_t>(rows);
}

std::uint32_t TextRuns::keep(const std::uint8_t* text, std::uint32_t size) {
  values_.emplace_back(text_.size(), size);
  text_.insert(text_.end(), text, text + size);
  return static_cast<std::uint32_t>(values_.size() - 1);
}

void TextRuns::fill(std::string_view text, std::uint32_t rows) {
  add(keep(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<std::uint32_t>(text.size())), rows);
}

namespace {
// The next text of a PLAIN page.
bool next_text(Bytes& left, const std::uint8_t*& text, std::uint32_t& size) {
  if (left.size() < sizeof size) return false;
  std::memcpy(&size, left.data(), sizeof size);
  left = left.subspan(sizeof size);
  if (size > left.size()) return false;
  text = left.data();
  left = left.subspan(size);
  return true;
}
}  // namespace

Status TextRuns::keep_dictionary(const ChunkReader& reader) {
  if (dictionary_ >= 0) return Status::OK();
  if (reader.dictionary_values() < 0 || !values_.empty()) return data_error("a dictionary is missing");
  Bytes left = reader.dictionary();
  for (std::int64_t i = 0; i < reader.dictionary_values(); ++i) {
    const std::uint8_t* text = nullptr;
    std::uint32_t size = 0;
    if (!next_text(left, text, size)) return data_error("a dictionary is cut");
    keep(text, size);
  }
  dictionary_ = reader.dictionary_values();
  return Status::OK();
}

Status TextRuns::add_indices(const ChunkReader::Page& page) {
  const std::int64_t rows = page.last - page.first;
  if (page.values == 0) {
    add(kNull, rows);
    return Status::OK();
  }
  if (page.bytes.empty()) return data_error("a page ends before its values do");
  HybridReader indices(page.bytes.subspan(1), page.bytes[0]);
  HybridReader::Run run;
  std::int64_t in_run = 0, row = 0;
  while (row < rows) {
    if (page.levels != nullptr && page.levels[row] == 0) {
      add(kNull, 1);
      ++row;
      continue;
    }
    if (in_run == run.count) {
      ARROW_RETURN_NOT_OK(indices.next(run));
      in_run = 0;
    }
    const std::uint32_t index = run.packed == nullptr ? run.value : indices.unpack(run, in_run);
    if (index >= dictionary_) return data_error("an index is not in the dictionary");
    const std::int64_t count =
        run.packed == nullptr && page.levels == nullptr ? std::min(run.count - in_run, rows - row) : 1;
    add(index, count);
    in_run += count, row += count;
  }
  return Status::OK();
}

Status TextRuns::add_plain(const ChunkReader::Page& page) {
  Bytes left = page.bytes;
  std::uint32_t last = kNotRead;
  for (std::int64_t row = 0; row < page.last - page.first; ++row) {
    if (page.levels != nullptr && page.levels[row] == 0) {
      add(kNull, 1);
      continue;
    }
    const std::uint8_t* bytes = nullptr;
    std::uint32_t size = 0;
    if (!next_text(left, bytes, size)) return data_error("a page ends before its values do");
    if (last == kNotRead || text(last) != std::string_view(reinterpret_cast<const char*>(bytes), size)) {
      if (values_.size() >= kNotRead) return data_error("a column has too many texts");
      last = keep(bytes, size);
    }
    add(last, 1);
  }
  return Status::OK();
}

Status TextRuns::read(ChunkReader& reader) {
  ChunkReader::Page page;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const bool more, reader.next(page));
    if (!more) break;
    add(kNotRead, page.first - rows_);
    switch (page.encoding) {
      case parquet::Encoding::PLAIN: ARROW_RETURN_NOT_OK(add_plain(page)); break;
      case parquet::Encoding::PLAIN_DICTIONARY:
      case parquet::Encoding::RLE_DICTIONARY:
        ARROW_RETURN_NOT_OK(keep_dictionary(reader));
        ARROW_RETURN_NOT_OK(add_indices(page));
        break;
      default: return Status::NotImplemented("texts in another encoding");
    }
  }
  ascending_ = true;
  for (std::size_t i = 0; i < runs_.size() && ascending_; ++i) {
    ascending_ = runs_[i].value < kNotRead && (i == 0 || text(runs_[i - 1].value) < text(runs_[i].value));
  }
  return Status::OK();
}

}  // namespace tapemill::lake
