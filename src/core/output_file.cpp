#include "core/output_file.h"

#include <filesystem>

namespace fs = std::filesystem;
namespace tapemill {

Status check_output(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return usage_error(path + ": is a folder, not a file", "name a file in it");
  const std::string folder = fs::path(path).parent_path().string();
  if (folder.empty() || fs::is_directory(folder, ignored)) return Status::OK();
  if (fs::exists(folder, ignored)) return usage_error(fmt::format("{}: {} is a file, not a folder", path, folder));
  return usage_error(fmt::format("{}: no such folder: {}", path, folder),
                     fmt::format("make it (mkdir -p {}), or name a file in one that is there", folder));
}

}  // namespace tapemill
