#pragma once
#include <memory>

#include "core/session_hours.h"
#include "lake/read_view.h"
#include "lake/scan.h"

namespace tapemill::lake {

/// The times whose rows a scan takes: of the calendar of the table's data set, over the sessions that the version holds and
/// the request asks for. Null where the scan takes all: `hours: all`, a table of whole sessions, gold, a calendar that knows no
/// extended hours. Data error: the data set of a table of times cannot be read.
Result<std::shared_ptr<const OpenTimes>> open_times_of(const Lake& lake, const ScanRequest& request,
                                                       const ReadView& view);

}  // namespace tapemill::lake
