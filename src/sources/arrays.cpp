#include "sources/arrays.h"

#include <arrow/buffer.h>

#include <cstring>

namespace tapemill::sources {
namespace {

/// Bits of `kept`, or no buffer where all are valid.
template <class Valid>
Result<std::shared_ptr<arrow::Buffer>> validity(const std::vector<std::uint32_t>& kept, Valid&& valid,
                                                std::int64_t& nulls, arrow::MemoryPool* pool) {
  nulls = 0;
  for (std::uint32_t row : kept) nulls += !valid(row);
  if (nulls == 0) return std::shared_ptr<arrow::Buffer>();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bits,
                        arrow::AllocateBuffer(static_cast<std::int64_t>((kept.size() + 7) / 8), pool));
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bits->size()));
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (valid(kept[i])) bits->mutable_data()[i >> 3] = static_cast<std::uint8_t>(bits->data()[i >> 3] | 1u << (i & 7));
  return bits;
}

template <class T, class Value>
Result<std::shared_ptr<arrow::Buffer>> numbers(const std::vector<std::uint32_t>& kept, Value&& value,
                                               arrow::MemoryPool* pool) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(static_cast<std::int64_t>(kept.size() * sizeof(T)), pool));
  T* out = reinterpret_cast<T*>(buffer->mutable_data());
  for (std::size_t i = 0; i < kept.size(); ++i) out[i] = static_cast<T>(value(kept[i]));
  return buffer;
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> build_array(const Column& column, const std::vector<std::int64_t>& values,
                                                  const std::vector<std::uint8_t>& valid,
                                                  const std::vector<std::uint32_t>& kept, arrow::MemoryPool* pool) {
  std::int64_t nulls = 0;
  ARROW_ASSIGN_OR_RAISE(auto bits, validity(kept, [&](std::uint32_t row) { return valid[row] != 0; }, nulls, pool));
  std::shared_ptr<arrow::Buffer> data;
  auto value = [&](std::uint32_t row) { return values[row]; };
  switch (column.kind) {
    case Kind::int32:
    case Kind::date: {
      ARROW_ASSIGN_OR_RAISE(data, numbers<std::int32_t>(kept, value, pool));
      break;
    }
    case Kind::boolean: {
      std::int64_t zeros = 0;
      ARROW_ASSIGN_OR_RAISE(data, validity(kept, [&](std::uint32_t row) { return values[row] != 0; }, zeros, pool));
      if (data == nullptr) {  // all true
        ARROW_ASSIGN_OR_RAISE(data, arrow::AllocateBuffer(static_cast<std::int64_t>((kept.size() + 7) / 8), pool));
        std::memset(data->mutable_data(), 0xff, static_cast<std::size_t>(data->size()));
      }
      break;
    }
    default: {  // int64, decimal, timestamp, and double by its bits
      ARROW_ASSIGN_OR_RAISE(data, numbers<std::int64_t>(kept, value, pool));
      break;
    }
  }
  return arrow::MakeArray(arrow::ArrayData::Make(column.type(), static_cast<std::int64_t>(kept.size()),
                                                 {std::move(bits), std::move(data)}, nulls));
}

Result<std::shared_ptr<arrow::Array>> build_array(const std::vector<std::string_view>& values,
                                                  const std::vector<std::uint32_t>& kept, arrow::MemoryPool* pool) {
  std::int64_t nulls = 0;
  ARROW_ASSIGN_OR_RAISE(auto bits,
                        validity(kept, [&](std::uint32_t row) { return values[row].data() != nullptr; }, nulls, pool));
  std::int64_t total = 0;
  for (std::uint32_t row : kept) total += static_cast<std::int64_t>(values[row].size());
  ARROW_ASSIGN_OR_RAISE(
      std::shared_ptr<arrow::Buffer> offsets,
      arrow::AllocateBuffer(static_cast<std::int64_t>((kept.size() + 1) * sizeof(std::int32_t)), pool));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> data, arrow::AllocateBuffer(total, pool));
  auto* offset = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  char* out = reinterpret_cast<char*>(data->mutable_data());
  std::int32_t at = 0;
  for (std::uint32_t row : kept) {
    *offset++ = at;
    if (!values[row].empty()) std::memcpy(out + at, values[row].data(), values[row].size());
    at += static_cast<std::int32_t>(values[row].size());
  }
  *offset = at;
  return arrow::MakeArray(arrow::ArrayData::Make(arrow::utf8(), static_cast<std::int64_t>(kept.size()),
                                                 {std::move(bits), std::move(offsets), std::move(data)}, nulls));
}

}  // namespace tapemill::sources
