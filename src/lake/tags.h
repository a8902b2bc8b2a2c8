#pragma once
#include "lake/lake.h"

namespace tapemill::lake {

/// A tag of a part; empty where it has none: other engines write parts without any.
inline const std::string& tag(const Part& part, const char* key) {
  static const std::string none;
  auto found = part.tags.find(key);
  return found == part.tags.end() ? none : found->second;
}

}  // namespace tapemill::lake
