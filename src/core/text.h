#pragma once
#include <string_view>

namespace tapemill {

/// Whether the bytes are UTF-8 throughout. (Arrow's own test answers yes to anything until its tables are initialised.)
bool valid_utf8(std::string_view bytes);

}  // namespace tapemill
