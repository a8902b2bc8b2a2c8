#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lake/lake.h"

namespace tapemill::lake {

/// A source as the tags of one part have it. A part written from a source has one; a compacted part has a list of them, and
/// the rows of each are those whose column `units_by` lies in [from, to] (docs/decisions/0027).
struct UnitShare {
  std::string unit, form, sha256;
  std::string source;              // the file's name
  std::int64_t ordinal = 0, rows = 0;
  std::string from, to;            // texts of the log; both empty: no rows, or the whole part
  std::string arrival;             // of a restatement: since when its rows are known; else empty
  std::string released;            // lines of its file that a person let in against a check: "12,15-18"
};

/// Of a part without a unit (landing's, other engines'): empty. Data error: tags that cannot be read.
Result<std::vector<UnitShare>> shares_of(const Part& part);
/// The column whose ranges tell the units of a compacted part apart; empty for a part of one unit.
std::string units_by(const Part& part);
/// The tags that a part of these units gets: those of one unit where it is only one, else `units` and `units_by`.
std::map<std::string, std::string> tags_of(const std::vector<UnitShare>& shares, const std::string& by);

/// A source that is in a table at a snapshot: one entry per (unit, form).
struct UnitState {
  std::string unit, form, sha256;          // as Provenance had them
  std::string source;                      // tag "file": the file's name
  std::int64_t ordinal = 0, rows = 0, bytes = 0;  // bytes: of a shared part in the proportion of its rows
  std::int64_t modified_ms = 0;            // of the commit
  std::string arrival, released;           // as its shares have them
  std::vector<std::string> paths;  // parts with rows of it; since a compaction shared with others: see take_out()
};
/// Sorted by unit, then form; parts without a unit (other engines') are left out. "Running again changes nothing": an equal
/// sha256 means no commit; another one is a restatement: ordinal + 1, and the unit is taken out. Data error: parts of one
/// unit disagree.
Result<std::vector<UnitState>> units(const Snapshot& snapshot);
std::string unit_key(const std::string& unit, const std::string& form);  // "2024-10-28/nse_udiff"
Result<std::map<std::string, UnitState>> units_by_key(const Snapshot& snapshot);

}  // namespace tapemill::lake
