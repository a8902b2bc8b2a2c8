#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/time.h"
#include "quality/check.h"

namespace tapemill::quality {

/// What corporate actions do to prices: by symbol and ex-date, the factor from the close before to the first price after.
using MoveFactors = std::map<std::string, std::map<Date, double>>;

/// Lets the checks `move` among `checks` leave alone what such a factor explains: a close that lies within the threshold of the
/// close before times the factor.
void explain_moves(const std::vector<std::unique_ptr<Check>>& checks,
                   const std::shared_ptr<const MoveFactors>& factors);

}  // namespace tapemill::quality
