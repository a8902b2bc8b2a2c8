#include "core/text.h"

#include <simdjson.h>

namespace tapemill {

bool valid_utf8(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

}  // namespace tapemill
