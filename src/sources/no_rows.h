#pragma once

namespace tapemill::sources {

/// What to do about a file that holds no row, be it empty or a header alone.
inline constexpr const char* kFetchAgain = "a session without trades has no file: get this one again, or leave it out";

}  // namespace tapemill::sources
