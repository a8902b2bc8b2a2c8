#pragma once
#include <arrow/result.h>
#include <arrow/status.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace tapemill {

using arrow::Result;
using arrow::Status;

/// Who has to act; the value is the exit code of the command that ends with it.
enum class Blame { data = 1, usage = 2, environment = 3 };

/// What an error carries beside its message. `where` is file:line:column or table/day/symbol, `excerpt` the
/// offending line with a caret under it (may be empty), `hint` what to do.
struct ErrorDetail : arrow::StatusDetail {
  Blame blame = Blame::data;
  std::string excerpt;
  std::string hint;
  const char* type_id() const override { return "tapemill"; }
  std::string ToString() const override { return hint; }
};

/// An error of `blame`: `what` says what and where in one line, `hint` what to do.
Status error(Blame blame, std::string what, std::string hint = {}, std::string excerpt = {});
inline Status data_error(std::string what, std::string hint = {}) {
  return error(Blame::data, std::move(what), std::move(hint));
}
inline Status usage_error(std::string what, std::string hint = {}) {
  return error(Blame::usage, std::move(what), std::move(hint));
}
inline Status environment_error(std::string what, std::string hint = {}) {
  return error(Blame::environment, std::move(what), std::move(hint));
}
/// errno as an environment error: "<what>: No space left on device".
Status errno_error(std::string_view what, int errno_value, std::string hint = {});

/// The same error with "<where>: " before its message; detail kept.
Status prefixed(const Status& status, std::string_view where);

/// 0 for OK; the blame's value; Arrow's own errors: IOError 3, Cancelled 130, Invalid and others 1.
int exit_code(const Status& status);

/// The error as a person reads it: message, excerpt, hint; up to three parts, one a line.
std::string render(const Status& status, bool colour);

/// The name of `known` nearest to `name` by edit distance, or empty when none is near.
template <class Range>
std::string nearest(std::string_view name, const Range& known);
std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::string nearest(std::string_view name, const Range& known) {
  std::string best;
  std::size_t least = name.size() / 3 + 2;
  for (const auto& candidate : known) {
    std::size_t distance = edit_distance(name, candidate);
    if (distance < least) least = distance, best = candidate;
  }
  return best;
}

}  // namespace tapemill
