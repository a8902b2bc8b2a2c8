#pragma once
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace tapemill {

/// Whether the bytes are UTF-8 throughout. (Arrow's own test answers yes to anything until its tables are initialised.)
bool valid_utf8(std::string_view bytes);

/// "file" for one, "files" for any other number.
inline std::string plural(std::int64_t n, std::string_view noun) { return std::string(noun) + (n == 1 ? "" : "s"); }

/// The whole number that a text begins with, as other programs' headers and settings have it ("200 OK"); none: `otherwise`.
inline std::int64_t leading_integer(std::string_view text, std::int64_t otherwise = 0) {
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace tapemill
