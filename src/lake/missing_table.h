#pragma once
#include "lake/lake.h"

namespace tapemill::lake {

/// The usage error of a table that is not in the lake: the nearest name, and those there are.
Status missing_table(const Lake& lake, const TableName& name);

}  // namespace tapemill::lake
