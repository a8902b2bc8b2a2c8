#pragma once
#include "exports/html_report.h"

namespace tapemill::exports {

/// What render_report refuses; the error names the block.
Status check_report(const Document& document);

}  // namespace tapemill::exports
