#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/progress.h"
#include "lake/units.h"
#include "lake/writer.h"
#include "pipeline/ingest.h"
#include "pipeline/landing.h"
#include "quality/check.h"
#include "quality/known_moves.h"

namespace tapemill::pipeline {

/// One file on its way into bronze, and what came of it.
struct UnitJob {
  Landed landed;
  std::int64_t ordinal = 0;              // how many times the unit had been replaced before
  std::string replaces_sha256;           // of a restated unit, also of the form that this one supersedes
  std::vector<std::string> leaving;  // lake::unit_key() of its earlier bytes, and of forms that this one supersedes
  std::vector<lake::Part> parts, quarantine_parts;
  std::shared_ptr<lake::PartWriter> writer;  // of `parts`, which lake::publish() has to name before a commit
  std::shared_ptr<const quality::MoveFactors> moves;  // that corporate actions explain; may be null
  quality::Report report;
  std::map<std::string, std::int64_t> refused_by_check;
  std::string first_refusal;  // "line 2: session: ..."
  Status refusal;  // not OK: nothing of the file is kept
};

enum class Placing { read, unchanged, superseded };
/// Whether `file` is new, in already, or stands behind a better form of its session (UDiFF before full before legacy).
Placing place_unit(const Landed& file, const std::map<std::string, lake::UnitState>& states,
                   const std::vector<Landed>& beside, UnitJob& job);

/// Reads, judges and writes one file's parts; nothing is visible yet, and bronze's parts have no names. On an error no part is left behind.
Status read_unit(const lake::Lake& lake, const Dataset& dataset, UnitJob& job, MemoryBudget& budget,
                 Progress& progress);

/// Commits the refused rows of `jobs`; invisible until bronze names their units.
Status commit_quarantine(const lake::Lake& lake, const Dataset& dataset, const std::vector<UnitJob>& jobs);

/// How bronze and silver are written when they come in: as the data set says, but packed by zstd's fastest level, a third
/// quicker for a twentieth of the bytes. Compaction packs by the data set's own.
lake::Layout fresh_layout(const Dataset& dataset);

RefusedFile refused_file(const std::string& path, const Status& status);

}  // namespace tapemill::pipeline
