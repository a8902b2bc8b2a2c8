#pragma once
#include "command.h"

namespace tapemill::app {

/// The table that holds the rows of "sp500" or "bronze.sp500": bronze behind a silver view. Usage error for one that is not
/// there, with the nearest name and all.
Result<lake::TableName> known_table(const lake::Lake& lake, const std::string& text);

/// The zone that a table's times are shown in: its data set's exchange's, for features that of the table they were computed
/// from; UTC where no data set is known.
Zone zone_of(const lake::Lake& lake, const lake::TableName& name);

}  // namespace tapemill::app
