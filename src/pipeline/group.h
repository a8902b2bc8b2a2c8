#pragma once
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/progress.h"
#include "pipeline/ingest.h"
#include "pipeline/landing.h"
#include "quality/known_moves.h"

namespace tapemill::pipeline {

/// Units that are in already and are read once more from the bytes that landing keeps: rebuilt, or with rows let in that a
/// check had refused. Their parts get new names, as those of a restated unit do; since when rows are known stays.
struct Again {
  std::string operation;  // of the commit
  std::vector<std::pair<std::string, std::string>> note;  // its further parameters
  std::map<std::string, std::set<std::int64_t>>
      released;  // lines to let in, by lake::unit_key(), beside those that are
  std::map<std::string, std::int64_t> quarantined;  // rows that must be refused then, by unit_key(), where it matters
};

/// What the corporate actions in the lake do to this data set's prices; null where no check asks or none are there.
Result<std::shared_ptr<const quality::MoveFactors>> explained_moves(const lake::Lake& lake, const Dataset& dataset,
                                                                    const Workers& workers);

/// How the files of all groups of one run are judged.
struct GroupPolicy {
  std::shared_ptr<const quality::MoveFactors> moves;  // explained_moves()
  bool allow_smaller = false;  // a restatement of less than half the rows is one
  const Again* again = nullptr;  // files that are in already
};

/// The units of one commit. The lake, data set, workers, budget and progress must outlive it.
class Group {
 public:
  virtual ~Group() = default;
  /// Parses and judges the units in parallel; nothing is visible yet. A file that only looks like a restatement is refused.
  virtual Status prepare() = 0;
  /// Names the parts and commits them together, once landing is done; on a race with another process the group is read and
  /// judged again. May go on while the next group is prepared, but for one whose rows may share keys with others'.
  virtual Status finish(IngestReport& report) = 0;
  virtual bool may_overlap() const = 0;
};
/// `landed` is asked before anything is committed: landing comes first. Without one all files are there.
std::unique_ptr<Group> make_group(const lake::Lake& lake, const Dataset& dataset, std::vector<Landed> files,
                                  std::shared_future<Status> landed, const Workers& workers, MemoryBudget& budget,
                                  Progress& progress, GroupPolicy policy);
/// Both at once, of files that landing has.
Status run_group(const lake::Lake& lake, const Dataset& dataset, std::vector<Landed> files, const Workers& workers,
                 MemoryBudget& budget, Progress& progress, IngestReport& report, GroupPolicy policy);

/// "12,15-18" and the lines it means; what is no such text means none.
std::string text_of_lines(const std::set<std::int64_t>& lines);
std::set<std::int64_t> lines_of_text(const std::string& text);

}  // namespace tapemill::pipeline
