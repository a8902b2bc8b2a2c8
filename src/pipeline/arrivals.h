#pragma once
#include <string>
#include <vector>

#include "pipeline/landing.h"

namespace tapemill::pipeline {

/// A file that landing keeps.
struct Arrival {
  std::string file, unit, form, sha256;
  std::string path;  // where its bytes lie: the copy, or what was landed by reference
  Instant at;
};
/// All of landing.<table>, by time of arrival, then unit and form. Usage error where there is no such table.
Result<std::vector<Arrival>> arrivals(const lake::Lake& lake, const std::string& table);

/// Landed bytes under the names they came with: sessions and contracts are told by names in some forms, and a copy has its
/// hash before its name. Links in a folder of its own that goes with the object.
class NamedFiles {
 public:
  NamedFiles() = default;
  NamedFiles(const NamedFiles&) = delete;
  NamedFiles& operator=(const NamedFiles&) = delete;
  ~NamedFiles();
  /// As ingest would take the file. Data error: it is gone, or has other bytes than those that arrived.
  Result<Landed> open(const Dataset& dataset, const Arrival& arrival);

 private:
  std::string folder_;
  std::size_t made_ = 0;
};

}  // namespace tapemill::pipeline
