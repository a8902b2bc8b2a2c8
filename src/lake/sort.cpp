#include "lake/sort.h"

#include <arrow/api.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "core/same_text.h"

namespace tapemill::lake {
namespace {

__extension__ typedef unsigned __int128 Wide;
constexpr std::uint64_t kSign = 1ULL << 63;
constexpr int kDigit = 11;

std::uint64_t of_double(double value) {
  if (value != value) return ~0ULL;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return bits & kSign ? ~bits : bits | kSign;
}

template <class T>
std::uint64_t of_integer(const void* values, std::int64_t row) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<const T*>(values)[row])) ^ kSign;
}

// Memory out of the budget's pool instead of a vector's.
template <class T>
class Block {
 public:
  static Result<Block> make(std::int64_t count, arrow::MemoryPool* pool) {
    Block block;
    ARROW_ASSIGN_OR_RAISE(block.buffer_, arrow::AllocateBuffer(count * static_cast<std::int64_t>(sizeof(T)), pool));
    return block;
  }
  T* data() { return reinterpret_cast<T*>(buffer_->mutable_data()); }

 private:
  std::unique_ptr<arrow::Buffer> buffer_;
};

template <class Key>
struct Entry {
  Key key;
  std::uint32_t row;
};

// Least significant digit first, stable; digits that are equal everywhere are passed over.
template <class Key>
Entry<Key>* radix_sort(Entry<Key>* from, Entry<Key>* to, std::int64_t count, int bits) {
  for (int shift = 0; shift < bits; shift += kDigit) {
    std::int64_t starts[1 << kDigit] = {};
    auto digit = [shift](const Entry<Key>& entry) {
      return static_cast<std::size_t>(entry.key >> shift) & ((1u << kDigit) - 1);
    };
    for (std::int64_t i = 0; i < count; ++i) ++starts[digit(from[i])];
    if (starts[digit(from[0])] == count) continue;
    std::int64_t at = 0;
    for (std::int64_t& start : starts) at += std::exchange(start, at);
    for (std::int64_t i = 0; i < count; ++i) to[starts[digit(from[i])]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

template <class Key>
Result<std::shared_ptr<arrow::Array>> packed_order(const std::vector<Block<std::uint64_t>*>& ranks,
                                                   const std::vector<int>& widths, std::int64_t rows, int bits,
                                                   arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(auto first, Block<Entry<Key>>::make(rows, pool));
  Entry<Key>* entries = first.data();
  for (std::int64_t row = 0; row < rows; ++row) {
    Key key = 0;
    for (std::size_t column = 0; column < ranks.size(); ++column) {
      if (widths[column] > 0) key = (key << widths[column]) | ranks[column]->data()[row];
    }
    entries[row] = {key, static_cast<std::uint32_t>(row)};
  }
  ARROW_ASSIGN_OR_RAISE(auto second, Block<Entry<Key>>::make(rows, pool));
  const Entry<Key>* sorted = radix_sort(entries, second.data(), rows, bits);
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::AllocateBuffer(rows * 4, pool));
  auto* order = reinterpret_cast<std::uint32_t*>(out->mutable_data());
  for (std::int64_t i = 0; i < rows; ++i) order[i] = sorted[i].row;
  return std::make_shared<arrow::UInt32Array>(rows, std::move(out));
}

}  // namespace

Result<RowKeys> RowKeys::make(arrow::ArrayVector columns) {
  RowKeys keys;
  keys.rows_ = columns.empty() ? 0 : columns[0]->length();
  for (const auto& array : columns) {
    Column column{array.get(), nullptr, nullptr, array->type_id()};
    const arrow::ArrayData& data = *array->data();
    switch (array->type_id()) {
      case arrow::Type::BOOL: break;
      case arrow::Type::INT8: column.values = data.GetValues<std::int8_t>(1); break;
      case arrow::Type::INT16: column.values = data.GetValues<std::int16_t>(1); break;
      case arrow::Type::INT32:
      case arrow::Type::DATE32: column.values = data.GetValues<std::int32_t>(1); break;
      case arrow::Type::INT64:
      case arrow::Type::TIMESTAMP:
      case arrow::Type::DECIMAL64: column.values = data.GetValues<std::int64_t>(1); break;
      case arrow::Type::FLOAT: column.values = data.GetValues<float>(1); break;
      case arrow::Type::DOUBLE: column.values = data.GetValues<double>(1); break;
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        column.offsets = data.GetValues<std::int32_t>(1);
        column.values = data.buffers[2] != nullptr ? data.buffers[2]->data() : nullptr;
        break;
      default: return usage_error("rows cannot be sorted by a column of type " + array->type()->ToString());
    }
    keys.columns_.push_back(column);
  }
  keys.arrays_ = std::move(columns);
  return keys;
}

std::uint64_t RowKeys::ordered(const Column& column, std::int64_t row) {
  switch (column.type) {
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray*>(column.array)->Value(row) ? 1 : 0;
    case arrow::Type::INT8: return of_integer<std::int8_t>(column.values, row);
    case arrow::Type::INT16: return of_integer<std::int16_t>(column.values, row);
    case arrow::Type::INT32:
    case arrow::Type::DATE32: return of_integer<std::int32_t>(column.values, row);
    case arrow::Type::FLOAT: return of_double(static_cast<const float*>(column.values)[row]);
    case arrow::Type::DOUBLE: return of_double(static_cast<const double*>(column.values)[row]);
    default: return of_integer<std::int64_t>(column.values, row);
  }
}

namespace {
std::string_view text_at(const void* values, const std::int32_t* offsets, std::int64_t row) {
  return {static_cast<const char*>(values) + offsets[row], static_cast<std::size_t>(offsets[row + 1] - offsets[row])};
}
}  // namespace

int RowKeys::compare(std::int64_t row, const RowKeys& other, std::int64_t other_row) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column &a = columns_[i], &b = other.columns_[i];
    const bool null_a = a.array->IsNull(row), null_b = b.array->IsNull(other_row);
    if (null_a || null_b) {
      if (null_a != null_b) return null_a ? -1 : 1;
    } else if (a.offsets != nullptr) {
      if (int order = text_at(a.values, a.offsets, row).compare(text_at(b.values, b.offsets, other_row)); order != 0)
        return order;
    } else {
      const std::uint64_t x = ordered(a, row), y = ordered(b, other_row);
      if (x != y) return x < y ? -1 : 1;
    }
  }
  return 0;
}

namespace {

/// Whether every row that is equal to the one before it in the columns so far (`tied`) is not below it in this one; the
/// ties that remain. `tied` has a row less: of rows from + 1 to from + count.
template <class T>
bool in_order(const void* memory, std::int64_t from, std::int64_t count, std::uint8_t* tied) {
  const T* values = static_cast<const T*>(memory) + from;
  std::uint8_t below = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    below |= static_cast<std::uint8_t>(tied[i] & (values[i + 1] < values[i]));
    tied[i] &= static_cast<std::uint8_t>(values[i + 1] == values[i]);
  }
  return below == 0;
}
bool texts_in_order(const void* memory, const std::int32_t* offsets, std::int64_t from, std::int64_t count,
                    std::uint8_t* tied) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (tied[i] == 0) continue;
    const std::string_view a = text_at(memory, offsets, from + i), b = text_at(memory, offsets, from + i + 1);
    if (same_text(a, b)) continue;
    if (b < a) return false;
    tied[i] = 0;
  }
  return true;
}

}  // namespace

bool RowKeys::is_sorted() const {
  bool simple = true;
  for (const Column& column : columns_)
    simple &= column.array->null_count() == 0 && column.type != arrow::Type::BOOL &&
              !arrow::is_floating(static_cast<arrow::Type::type>(column.type));
  if (!simple) {
    for (std::int64_t row = 1; row < rows_; ++row)
      if (compare(row - 1, *this, row) > 0) return false;
    return true;
  }
  constexpr std::int64_t block = 2048;
  std::uint8_t tied[block];
  for (std::int64_t from = 0; from + 1 < rows_; from += block) {
    const std::int64_t count = std::min(block, rows_ - 1 - from);
    std::memset(tied, 1, static_cast<std::size_t>(count));
    for (const Column& column : columns_) {
      bool good = true;
      switch (column.type) {
        case arrow::Type::INT8: good = in_order<std::int8_t>(column.values, from, count, tied); break;
        case arrow::Type::INT16: good = in_order<std::int16_t>(column.values, from, count, tied); break;
        case arrow::Type::INT32:
        case arrow::Type::DATE32: good = in_order<std::int32_t>(column.values, from, count, tied); break;
        case arrow::Type::STRING:
        case arrow::Type::BINARY: good = texts_in_order(column.values, column.offsets, from, count, tied); break;
        default: good = in_order<std::int64_t>(column.values, from, count, tied); break;
      }
      if (!good) return false;
      if (std::memchr(tied, 1, static_cast<std::size_t>(count)) == nullptr) break;
    }
  }
  return true;
}

std::int64_t RowKeys::lower_bound(const RowKeys& other, std::int64_t other_row) const {
  std::int64_t low = 0, high = rows_;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (compare(middle, other, other_row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

std::int64_t RowKeys::upper_bound(const RowKeys& other, std::int64_t other_row) const {
  std::int64_t low = 0, high = rows_;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (compare(middle, other, other_row) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Small numbers 0..most in the column's order; null is 0.
Status RowKeys::ranks(const Column& column, std::uint64_t* out, std::uint64_t* most) const {
  const bool nulls = column.array->null_count() > 0;
  auto is_null = [&](std::int64_t row) { return nulls && column.array->IsNull(row); };
  if (column.offsets == nullptr) {
    std::uint64_t least = ~0ULL, greatest = 0;
    for (std::int64_t row = 0; row < rows_; ++row) {
      if (is_null(row)) continue;
      out[row] = ordered(column, row);
      least = std::min(least, out[row]);
      greatest = std::max(greatest, out[row]);
    }
    const std::uint64_t range = least > greatest ? 0 : greatest - least;
    const bool shifted = nulls && range != ~0ULL;
    for (std::int64_t row = 0; row < rows_; ++row) out[row] = is_null(row) ? 0 : out[row] - least + (shifted ? 1 : 0);
    *most = nulls && !shifted ? ~0ULL : range + (shifted ? 1 : 0);
    return nulls && !shifted ? Status::NotImplemented("nulls beside the whole range of 64 bits") : Status::OK();
  }
  std::unordered_map<std::string_view, std::uint64_t> numbers;  // text -> order of appearance, then rank
  std::vector<std::string_view> distinct;
  std::string_view last;
  std::uint64_t last_number = ~0ULL;
  for (std::int64_t row = 0; row < rows_; ++row) {
    if (is_null(row)) {
      out[row] = ~0ULL;
      continue;
    }
    const std::string_view text = text_at(column.values, column.offsets, row);
    if (last_number == ~0ULL || !same_text(text, last)) {
      auto [it, fresh] = numbers.try_emplace(text, distinct.size());
      if (fresh) distinct.push_back(text);
      last = text;
      last_number = it->second;
    }
    out[row] = last_number;
  }
  std::vector<std::uint64_t> by_text(distinct.size()), rank(distinct.size());
  std::iota(by_text.begin(), by_text.end(), 0);
  std::sort(by_text.begin(), by_text.end(),
            [&](std::uint64_t a, std::uint64_t b) { return distinct[a] < distinct[b]; });
  for (std::size_t i = 0; i < by_text.size(); ++i) rank[by_text[i]] = i + 1;
  for (std::int64_t row = 0; row < rows_; ++row) out[row] = out[row] == ~0ULL ? 0 : rank[out[row]];
  *most = distinct.size();
  return Status::OK();
}

Result<std::shared_ptr<arrow::Array>> RowKeys::order(arrow::MemoryPool* pool) const {
  if (is_sorted()) return nullptr;
  if (rows_ > UINT32_MAX) return Status::CapacityError("more than 2^32 rows to sort at once");
  std::vector<Block<std::uint64_t>> ranked;
  std::vector<int> widths;
  int bits = 0;
  for (const Column& column : columns_) {
    ARROW_ASSIGN_OR_RAISE(auto block, Block<std::uint64_t>::make(rows_, pool));
    std::uint64_t most = 0;
    if (!ranks(column, block.data(), &most).ok()) return order_by_comparing(pool);
    ranked.push_back(std::move(block));
    widths.push_back(std::bit_width(most));
    bits += widths.back();
  }
  std::vector<Block<std::uint64_t>*> blocks;
  for (auto& block : ranked) blocks.push_back(&block);
  if (bits < 64)
    return packed_order<std::uint64_t>(blocks, widths, rows_, bits, pool);  // below: a shift by all bits is undefined
  if (bits < 128) return packed_order<Wide>(blocks, widths, rows_, bits, pool);
  ranked.clear();
  return order_by_comparing(pool);
}

Result<std::shared_ptr<arrow::Array>> RowKeys::order_by_comparing(arrow::MemoryPool* pool) const {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::AllocateBuffer(rows_ * 4, pool));
  auto* order = reinterpret_cast<std::uint32_t*>(out->mutable_data());
  std::iota(order, order + rows_, 0u);
  std::sort(order, order + rows_, [this](std::uint32_t a, std::uint32_t b) {
    const int result = compare(a, *this, b);
    return result != 0 ? result < 0 : a < b;
  });
  return std::make_shared<arrow::UInt32Array>(rows_, std::move(out));
}

Result<arrow::ArrayVector> take_columns(std::vector<arrow::ArrayVector>&& columns,
                                        const std::shared_ptr<arrow::Array>& order, const arrow::Schema& schema,
                                        arrow::MemoryPool* pool) {
  arrow::compute::ExecContext context(pool);
  context.set_use_threads(false);
  arrow::ArrayVector out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::shared_ptr<arrow::Array> whole;
    if (columns[i].size() == 1) {
      whole = columns[i][0];
    } else if (columns[i].empty()) {
      ARROW_ASSIGN_OR_RAISE(whole, arrow::MakeEmptyArray(schema.field(static_cast<int>(i))->type(), pool));
    } else {
      ARROW_ASSIGN_OR_RAISE(whole, arrow::Concatenate(columns[i], pool));
    }
    columns[i].clear();
    if (order != nullptr) {
      ARROW_ASSIGN_OR_RAISE(auto taken,
                            arrow::compute::Take(whole, order, arrow::compute::TakeOptions::NoBoundsCheck(), &context));
      whole = taken.make_array();
    }
    out.push_back(std::move(whole));
  }
  columns.clear();
  return out;
}

}  // namespace tapemill::lake
