#pragma once
#include <string>

#include "core/json_fwd.h"
#include "indicators/indicator.h"

namespace tapemill::indicators {

/// Everything a form, a graph editor, HTTP or a reference page needs of an indicator, with stable keys: name, title, inputs
/// [{name, column}], parameters [{name, least, most, default, whole} or {name, choices, default}], outputs, formula, source,
/// warm_up, differs.
Json describe(const Spec& spec);

/// The same for a person at a terminal: several lines, the call with its defaults first.
std::string explain(const Spec& spec);

}  // namespace tapemill::indicators
