#pragma once
#include <nlohmann/json_fwd.hpp>

namespace tapemill {
/// JSON that we write; documents that users write are read by core/document.h, which knows lines. Headers that only name
/// it include this one: the library itself costs every file that reads it a second of compiling.
using Json = nlohmann::ordered_json;
}  // namespace tapemill
