#pragma once
#include "command.h"
#include "core/dataset.h"
#include "pipeline/flat_files.h"
#include "pipeline/ingest.h"

namespace tapemill::app {

/// Ingests `paths` and what was delivered, and says what became of each; `ingest` false: only what was delivered.
Status take_in(const lake::Lake& lake, const Dataset& dataset, std::vector<pipeline::Delivery> deliveries,
               std::vector<std::string> paths, bool ingest, const pipeline::IngestPolicy& policy, Context& context);

}  // namespace tapemill::app
