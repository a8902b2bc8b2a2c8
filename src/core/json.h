#pragma once
#include <nlohmann/json.hpp>

namespace tapemill {
/// JSON that we write; documents that users write are read by core/document.h, which knows lines.
using Json = nlohmann::ordered_json;
}  // namespace tapemill
