#pragma once
#include "core/dataset.h"
#include "core/document.h"

namespace tapemill {

/// One item of `checks:`; which of its keys a check takes is said by quality::make_checks().
Result<CheckSpec> read_check(const Node& item);

}  // namespace tapemill
