#pragma once
#include <map>
#include <string>

#include "lake/lake.h"

namespace tapemill::lake {

/// When the rows of a table are, by the spec that they were ingested with.
struct Rhythm {
  std::string calendar;
  Zone zone = Zone::utc();
  bool intraday = false;  // as Dataset has it
};
/// Writes into a bronze table's configuration what the lake keeps of its spec: the text, and what reads ask of it, which are
/// too short to parse it.
void keep_spec(const Dataset& dataset, std::map<std::string, std::string>& configuration);

/// Of the data set `name` whose rows `snapshot` holds: what the lake keeps of its spec (silver's copies: bronze's), whatever
/// specs of that name lie elsewhere; where it keeps none, the spec of that name. Errors: the spec cannot be read, or there
/// is none.
Result<Rhythm> rhythm_of(const Lake& lake, const std::string& name, const Snapshot& snapshot);
/// The same of bronze.`name` as it is now.
Result<Rhythm> rhythm_of(const Lake& lake, const std::string& name);

}  // namespace tapemill::lake
