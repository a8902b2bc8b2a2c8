#pragma once
#include <string_view>

namespace tapemill::exports {

/// The page of web/report as this build bundled it, with @TITLE@ and @DOCUMENT@ still open, each once.
std::string_view report_template();

}  // namespace tapemill::exports
