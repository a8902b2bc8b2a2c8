#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tapemill {

/// RFC 4648, with padding, on one line.
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);  // nothing: it is none

}  // namespace tapemill
