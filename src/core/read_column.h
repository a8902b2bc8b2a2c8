#pragma once
#include "core/dataset.h"
#include "core/document.h"

namespace tapemill {

/// Error at `node` where `value` is none of `known`, with the nearest of them.
Status one_of(const Node& node, const std::string& value, const std::vector<std::string>& known);

/// One column of a spec: `close: {type: "decimal(18,2)", unit: INR, null: refuse}`.
Result<Column> read_column(const Node& name, const Node& node);

}  // namespace tapemill
