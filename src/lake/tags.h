#pragma once
#include "lake/lake.h"

namespace tapemill::lake {

/// What the names of merged parts depend on besides their inputs: after a RESTORE the same inputs may be merged again, and no
/// path is used twice.
inline constexpr const char* kRestored = "tapemill.restored";
inline std::string restored_at(const Snapshot& snapshot) {
  auto found = snapshot.configuration.find(kRestored);
  return found == snapshot.configuration.end() ? std::string() : found->second;
}

/// A tag of a part; empty where it has none: other engines write parts without any.
inline const std::string& tag(const Part& part, const char* key) {
  static const std::string none;
  auto found = part.tags.find(key);
  return found == part.tags.end() ? none : found->second;
}

}  // namespace tapemill::lake
