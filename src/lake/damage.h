#pragma once
#include <string>
#include <string_view>

#include "core/status.h"

namespace tapemill::lake {

inline constexpr const char* kRestore = "restore it from a backup, or rebuild the table";

/// A file of a table that is not what was written, and what shows it.
inline Status damaged(const std::string& path, std::string_view what) {
  return data_error(fmt::format("{} is damaged: {}", path, what), kRestore);
}

}  // namespace tapemill::lake
