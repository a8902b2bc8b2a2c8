#pragma once
#include "core/dataset.h"
#include "core/document.h"

namespace tapemill {

/// The text or the list of names of `key`; `out` stays as it is where the map has none, an error where it is `needed`.
Status read_text(const Node& map, const char* key, std::string& out, bool needed = false);
Status read_names(const Node& map, const char* key, std::vector<std::string>& out);

/// One item of `checks:`; which of its keys a check takes is said by quality::make_checks().
Result<CheckSpec> read_check(const Node& item);

}  // namespace tapemill
