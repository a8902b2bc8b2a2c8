#pragma once
#include "core/dataset.h"

namespace tapemill::quality {

/// The name that a check's findings go by: "ohlc_order", "expression: volume >= 0", "mad: close".
std::string label_of(const CheckSpec& spec);

}  // namespace tapemill::quality
