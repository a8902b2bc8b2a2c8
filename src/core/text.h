#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tapemill {

/// Whether the bytes are UTF-8 throughout. (Arrow's own test answers yes to anything until its tables are initialised.)
bool valid_utf8(std::string_view bytes);

/// "file" for one, "files" for any other number.
inline std::string plural(std::int64_t n, std::string_view noun) { return std::string(noun) + (n == 1 ? "" : "s"); }

}  // namespace tapemill
