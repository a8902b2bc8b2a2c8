#pragma once
#include "sources/form.h"

namespace tapemill::sources {

/// Any CSV with a header, by the data set's own mapping: `csv:` names a column of the file, the format of a date or time, or
/// a fill such as "{exchange}:{symbol}" out of other columns; a column without a mapping is the file's column of its name.
/// Columns of the file that nothing asks for are left alone. Formats of dates: %Y %m %d %b %y, none: YYYY-MM-DD; of times:
/// none (ISO, UTC without a zone), local (ISO as the exchange's wall clock), epoch_s, epoch_ms, epoch_us, epoch_ns.
Form csv_form(const Dataset& dataset);

/// The same mapping (`field_mapping:`) for records with paths instead of a header's names. A column `source` is the data
/// set's name and `received_at` the arrival, where nothing maps them. `all`: what may be absent is in `header` too.
Form mapped_form(const Dataset& dataset, std::string name, bool all);

}  // namespace tapemill::sources
