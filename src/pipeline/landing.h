#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lake/lake.h"
#include "sources/source.h"

namespace tapemill::pipeline {

/// A file as it arrived: landing keeps its bytes (or, by reference, its path) for ever.
struct Landed {
  sources::FileInfo info;
  std::string kept_at;      // of the copy, relative to the landing table; of a reference, the source's own path
  Instant arrived;          // of these bytes as the unit's; after other bytes of the unit they arrive anew
};

/// The envelope of spec A3, of a file as it arrived; its ingest_time is the row's arrived_at, its hash the row's sha256.
struct Envelope {
  std::string event_id;  // a hash of table, unit, form and bytes: the same file has the same id wherever it lands
  std::optional<Instant> event_time;  // the close of its session; none where a file holds many
  std::string source;  // of the data set: nse_bhavcopy
  std::string schema_version;  // that the spec declared when it arrived; empty where it declares none
  std::string entity_id;  // "NSE" of a file of a whole session, "BANKNIFTY25AUG48000CE:NSE" of a file of one contract
};
Envelope envelope_of(const Dataset& dataset, const sources::FileInfo& info);

/// The landing table's rows: file, path, unit, form, session, sha256, size, kept_at, arrived_at, and the envelope: event_id,
/// event_time, source, schema_version, entity_id (tables of version 0.1 go on without it).
std::shared_ptr<arrow::Schema> landing_schema();

/// Where each file lies or will lie in landing, and whether it has to be copied there. Nothing is written.
struct LandingPlan {
  std::vector<Landed> files;  // in the order of the infos
  std::vector<std::uint8_t> arrives;  // per file: gets a row, for its unit and form's newest row has other bytes
  std::vector<std::uint8_t> copied;  // per file: its bytes are not there yet
  std::int64_t version = -1;  // of landing's table that this was told from
};
Result<LandingPlan> plan_landing(const lake::Lake& lake, const Dataset& dataset,
                                 const std::vector<sources::FileInfo>& files, Instant now);

/// Copies what has to be of files [from, to) into landing/<table>/files/, synced, and adds the rows of those that arrive in
/// one commit of landing.<table>. A file whose bytes changed between inspect() and the copy is a data error.
Status land(const lake::Lake& lake, const Dataset& dataset, const LandingPlan& plan, std::size_t from, std::size_t to,
            Instant now, MemoryBudget& budget);

}  // namespace tapemill::pipeline
