#pragma once
#include <string>

#include "core/status.h"

namespace tapemill::lake {

/// Gives an open file the name `path` on its own file system; false where that is taken. `named`: the name it has, if any.
Result<bool> link_file(const std::string& path, int fd, const std::string& named);

}  // namespace tapemill::lake
