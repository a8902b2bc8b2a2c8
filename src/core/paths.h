#pragma once
#include <string>
#include <vector>

#include "core/status.h"

namespace tapemill {

/// Where what users read and edit lies (datasets, calendars, graphs, strategies, rules): $TAPEMILL_SHARE, else
/// ../share/tapemill beside the program, else the source tree it was built from.
const std::string& share_folder();
Result<std::string> read_file(const std::string& path);  // environment error with errno's text; a folder: usage error
Status write_file_atomically(const std::string& path,
                             std::string_view bytes);  // temporary, fsync, rename, fsync folder

}  // namespace tapemill
