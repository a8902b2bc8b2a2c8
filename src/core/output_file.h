#pragma once
#include <string>

#include "core/status.h"

namespace tapemill {

/// Whether a file that the user named can be put where it was named: before the work, not after it. A folder that is not there
/// is a usage error, for a misspelt one is not to be made without a word.
Status check_output(const std::string& path);

}  // namespace tapemill
