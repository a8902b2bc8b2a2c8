#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tapemill::graph {

/// A row of a file before its values are read.
struct RawRow {
  struct Cell {
    std::string_view name;
    std::optional<std::string_view> text;  // none: null
  };
  std::int64_t line = 0;
  std::string_view raw;
  std::string_view reason;                 // why it is no row at all; empty where it is one
  std::vector<Cell> cells;
};

enum class FileForm { csv, json_lines };
/// By the name's ending, .gz left out; usage error for one that is neither.
Result<FileForm> file_form(const std::string& path);
/// The rows of a file, inflated where it is gzip. `each` says whether to go on.
Status read_rows(const std::string& path, FileForm form, const std::function<Result<bool>(const RawRow&)>& each);

}  // namespace tapemill::graph
