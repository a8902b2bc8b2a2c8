#include "core/status.h"
#include <algorithm>

#include <arrow/util/io_util.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <vector>

namespace tapemill {
namespace {

const ErrorDetail* detail_of(const Status& status) {
  const auto& detail = status.detail();
  if (detail == nullptr || std::strcmp(detail->type_id(), "tapemill") != 0) return nullptr;
  return static_cast<const ErrorDetail*>(detail.get());
}

}  // namespace

Status error(Blame blame, std::string what, std::string hint, std::string excerpt) {
  auto detail = std::make_shared<ErrorDetail>();
  detail->blame = blame;
  detail->hint = std::move(hint);
  detail->excerpt = std::move(excerpt);
  auto code = blame == Blame::environment ? arrow::StatusCode::IOError : arrow::StatusCode::Invalid;
  return Status(code, std::move(what), std::move(detail));
}

Status errno_error(std::string_view what, int errno_value, std::string hint) {
  return environment_error(fmt::format("{}: {}", what, std::strerror(errno_value)), std::move(hint));
}

Status prefixed(const Status& status, std::string_view where) {
  if (status.ok()) return status;
  // Arrow's errors of the system carry the reason aside.
  if (const int reason = arrow::internal::ErrnoFromStatus(status); reason > 0 && detail_of(status) == nullptr)
    return errno_error(where, reason, reason == ENOSPC ? "free some space, or give another --lake" : "");
  return Status(status.code(), fmt::format("{}: {}", where, status.message()), status.detail());
}

int exit_code(const Status& status) {
  if (status.ok()) return 0;
  if (status.IsCancelled()) return 130;
  if (const ErrorDetail* detail = detail_of(status)) return static_cast<int>(detail->blame);
  if (status.IsIOError() || status.IsOutOfMemory()) return 3;
  return 1;
}

std::string render(const Status& status, bool colour) {
  const char* red = colour ? "\033[31m" : "";
  const char* dim = colour ? "\033[2m" : "";
  const char* plain = colour ? "\033[0m" : "";
  std::string text = fmt::format("{}error:{} {}\n", red, plain, status.message());
  if (const ErrorDetail* detail = detail_of(status)) {
    if (!detail->excerpt.empty()) text += detail->excerpt + "\n";
    if (!detail->hint.empty()) text += fmt::format("{}{}{}\n", dim, detail->hint, plain);
  }
  return text;
}

// With two neighbours that changed places as one edit: such is the commonest slip of a typist.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({row[j] + 1, above[j + 1] + 1, above[j] + (a[i] != b[j])});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace tapemill
