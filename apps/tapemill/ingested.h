#pragma once
#include "command.h"
#include "core/dataset.h"
#include "core/json.h"
#include "pipeline/flat_files.h"
#include "pipeline/ingest.h"

namespace tapemill::app {

/// What an ingest says: its report as JSON, and what was wrong with some of its files.
struct Taken {
  Json json;
  Status status;
};
/// Ingests `paths` and what was delivered, and says what became of each (as text; of JSON only what is returned); `ingest`
/// false: only what was delivered. Errors: nothing could be done.
Result<Taken> take(const lake::Lake& lake, const Dataset& dataset, const std::vector<pipeline::Delivery>& deliveries,
                   std::vector<std::string> paths, bool ingest, const pipeline::IngestPolicy& policy, Context& context);
/// The same, JSON printed where it is asked for, and the status of all.
Status take_in(const lake::Lake& lake, const Dataset& dataset, const std::vector<pipeline::Delivery>& deliveries,
               std::vector<std::string> paths, bool ingest, const pipeline::IngestPolicy& policy, Context& context);

/// --start (an error without it that says `unit` and the example) and --end of a download, inclusive; without --end, yesterday.
Result<std::pair<Date, Date>> asked_range(const std::string& start, const std::string& end, const std::string& unit,
                                          const std::string& example);

}  // namespace tapemill::app
