#include "lake/compact.h"

#include <arrow/type.h>

#include <algorithm>
#include <chrono>

#include "core/json.h"
#include "core/progress.h"
#include "lake/rewrite.h"

namespace tapemill::lake {
namespace {

// A commit takes this much, so that a run that is killed has kept most of its work. Counted, not timed: the log does not
// depend on the machine.
constexpr std::size_t kBinsPerCommit = 128;
constexpr std::int64_t kBytesPerCommit = 1LL << 30;

using Outputs = std::vector<Merged>;

class Compaction {
 public:
  Compaction(const Table& table, const Layout& layout, const Workers& workers, MemoryBudget& budget,
             CompactReport& report)
      : table_(table), layout_(layout), workers_(workers), budget_(budget), report_(report) {}

  // All bins of one plan. `among` gets what was written, so that it may be merged again; inputs leave it.
  Status run(const Snapshot& snapshot, const CompactPlan& plan, Progress& progress, std::set<std::string>& among) {
    for (std::size_t from = 0; from < plan.bins.size();) {
      std::size_t to = from;
      for (std::int64_t bytes = 0; to < plan.bins.size() && to - from < kBinsPerCommit && bytes < kBytesPerCommit; ++to)
        bytes += plan.bins[to].bytes;
      Outputs outputs(to - from);
      ARROW_RETURN_NOT_OK(workers_.each(
          outputs.size(),
          [&](std::size_t i) {
            const Bin& bin = plan.bins[from + i];
            return merge_parts(table_, snapshot, bin.parts, bin.units, bin.by, {}, layout_, budget_,
                               [&](std::int64_t rows) { progress.add(rows, rows); })
                .Value(&outputs[i]);
          },
          interrupt()));
      std::vector<PartWriter*> writers;
      for (const Merged& one : outputs) writers.push_back(one.writer.get());
      ARROW_RETURN_NOT_OK(publish(writers));
      ARROW_RETURN_NOT_OK(commit(snapshot, plan, from, outputs, progress, among));
      from = to;
    }
    return Status::OK();
  }

 private:
  Status commit(const Snapshot& snapshot, const CompactPlan& plan, std::size_t from, const Outputs& outputs,
                Progress& progress, std::set<std::string>& among) {
    std::int64_t version = snapshot.version;
    std::vector<bool> open(outputs.size(), true);
    for (;;) {
      Transaction transaction = transaction_of(plan, from, outputs, open);
      for (std::size_t i = 0; i < outputs.size(); ++i)
        for (const Part& part : plan.bins[from + i].parts) among.erase(part.path);
      if (transaction.adds.empty()) return Status::OK();
      transaction.read_version = version;
      auto committed = table_.commit(transaction);
      if (committed.ok()) {
        ++report_.commits;
        report_.files_merged += static_cast<std::int64_t>(transaction.removes.size());
        report_.files_written += static_cast<std::int64_t>(transaction.adds.size());
        for (const Part& part : transaction.adds) {
          report_.rows += part.rows;
          among.insert(part.path);
        }
        return Status::OK();
      }
      if (!is_conflict(committed.status())) return committed.status();
      // Somebody replaced a unit, or merged the same parts: what still has its inputs goes on.
      ARROW_ASSIGN_OR_RAISE(Snapshot now, table_.snapshot());
      version = now.version;
      std::set<std::string> there;
      for (const Part& part : now.parts) there.insert(part.path);
      bool lost = false;
      for (std::size_t i = 0; i < open.size(); ++i) {
        const auto& inputs = plan.bins[from + i].parts;
        if (!open[i] ||
            std::all_of(inputs.begin(), inputs.end(), [&](const Part& p) { return there.contains(p.path); }))
          continue;
        open[i] = false;
        lost = true;
        ++report_.races;
      }
      if (lost)
        progress.note(
            fmt::format("{}: rows changed while they were merged; their merge is given up", table_.name().str()));
      else if (!now.schema->Equals(*snapshot.schema)) return committed.status();
    }
  }

  Transaction transaction_of(const CompactPlan& plan, std::size_t from, const Outputs& outputs,
                             const std::vector<bool>& open) const {
    Transaction transaction;
    transaction.operation = "OPTIMIZE";
    transaction.data_change = false;
    std::int64_t rows = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!open[i]) continue;
      for (const Part& part : plan.bins[from + i].parts) transaction.removes.push_back(part.path);
      for (const Part& part : outputs[i].parts) transaction.adds.push_back(part), rows += part.rows;
    }
    transaction.counts = {{"rows_rewritten", rows}};
    return transaction;
  }

  const Table& table_;
  const Layout& layout_;
  const Workers& workers_;
  MemoryBudget& budget_;
  CompactReport& report_;
};

}  // namespace

Json CompactReport::json() const {
  return {{"table", table},
          {"version", version},
          {"files_before", files_before},
          {"files_after", files_after},
          {"bytes_before", bytes_before},
          {"bytes_after", bytes_after},
          {"files_merged", files_merged},
          {"files_written", files_written},
          {"rows", rows},
          {"commits", commits},
          {"races", races},
          {"files_apart", apart},
          {"seconds", seconds}};
}

Layout layout_of(const Snapshot& snapshot) {
  Layout layout;
  arrow::FieldVector fields;
  for (const auto& field : snapshot.schema->fields())
    if (!snapshot.derived(field->name())) fields.push_back(field->WithMetadata(nullptr));
  layout.schema = arrow::schema(fields);
  layout.partitions = snapshot.partitions;
  layout.sort = snapshot.list(kSort);
  if (const auto session = snapshot.list(kSession); !session.empty()) layout.session_column = session.front();
  return layout;
}

Result<CompactReport> compact(const Table& table, const Layout& layout, const CompactOptions& options,
                              const Workers& workers, MemoryBudget& budget) {
  const auto start = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, table.snapshot());
  if (snapshot.version < 0)
    return usage_error(table.name().str() + " does not exist", "tapemill tables lists those that do");
  CompactReport report;
  report.table = table.name().str();
  report.files_before = static_cast<std::int64_t>(snapshot.parts.size());
  report.bytes_before = snapshot.bytes();
  std::set<std::string> among;  // what others bring in meanwhile is for another run
  for (const Part& part : snapshot.parts) among.insert(part.path);
  Compaction compaction(table, layout, workers, budget, report);
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(auto plan, plan_compaction(table, snapshot, options.target_bytes, layout.part_rows, &among));
    report.apart = plan.apart;
    std::int64_t rows = 0;
    for (const Bin& bin : plan.bins) rows += bin.rows;
    if (options.dry_run) {
      for (const Bin& bin : plan.bins) report.files_merged += static_cast<std::int64_t>(bin.parts.size());
      report.files_written = static_cast<std::int64_t>(plan.bins.size());
      report.rows = rows;
      break;
    }
    if (plan.bins.empty()) break;
    Progress progress("compact " + table.name().str(), rows);
    ARROW_RETURN_NOT_OK(compaction.run(snapshot, plan, progress, among));
    ARROW_ASSIGN_OR_RAISE(snapshot, table.snapshot());
  }
  report.version = snapshot.version;
  report.files_after = static_cast<std::int64_t>(snapshot.parts.size());
  report.bytes_after = snapshot.bytes();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace tapemill::lake
