#pragma once
#include <arrow/array.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/dataset.h"

namespace tapemill::sources {

/// The array of a column out of its values (integers as form.h says; doubles by their bits), rows `kept` only.
Result<std::shared_ptr<arrow::Array>> build_array(const Column& column, const std::vector<std::int64_t>& values,
                                                  const std::vector<std::uint8_t>& valid,
                                                  const std::vector<std::uint32_t>& kept, arrow::MemoryPool* pool);
/// A text with a null data pointer is null.
Result<std::shared_ptr<arrow::Array>> build_array(const std::vector<std::string_view>& values,
                                                  const std::vector<std::uint32_t>& kept, arrow::MemoryPool* pool);

}  // namespace tapemill::sources
