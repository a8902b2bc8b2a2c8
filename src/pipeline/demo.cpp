#include "pipeline/demo.h"

#include <arrow/api.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "analytics/requests.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake/scan.h"
#include "pipeline/demo_data.h"
#include "pipeline/demo_graph.h"
#include "pipeline/demo_read_back.h"
#include "pipeline/generate.h"
#include "pipeline/landing.h"
#include "pipeline/report_parts.h"
#include "pipeline/unit.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

std::string refused_files(std::size_t n) { return fmt::format("{} {} refused", n, n == 1 ? "file" : "files"); }

/// The index's real bars: $TAPEMILL_DEMO_DATA, else what scripts/install fetched (npm vega-datasets, BSD-3-Clause).
Result<std::string> index_file() {
  std::vector<std::string> places{share_folder() + "/data/sp500-2000.csv",
                                  share_folder() + "/.deps/data/sp500-2000.csv"};
  if (const char* given = std::getenv("TAPEMILL_DEMO_DATA"))
    places.insert(places.begin(), std::string(given) + "/sp500-2000.csv");
  std::error_code ignored;
  for (const auto& place : places)
    if (fs::exists(place, ignored)) return place;
  return environment_error("sp500-2000.csv: not found",
                           "make demo fetches it; or set $TAPEMILL_DEMO_DATA to a folder that holds it (npm "
                           "vega-datasets, data/sp500-2000.csv)");
}

class Demo {
 public:
  Demo(const lake::Lake& lake, const Workers& workers, MemoryBudget& budget,
       const std::function<void(const DemoStage&)>& say)
      : lake_(lake), workers_(workers), budget_(budget), say_(say), exchange_(lake.root() + "/demo/exchange") {}

  Result<DemoResult> run() {
    auto start = Clock::now();
    const std::string speeds = lake_.root() + "/demo/speeds.json";
    if (auto text = read_file(speeds); text.ok()) speeds_ = Json::parse(*text, nullptr, false);
    if (!speeds_.is_object()) speeds_ = Json::object();
    ARROW_RETURN_NOT_OK(timed("generate", [&](DemoStage& stage) { return make_exchange(stage); }));
    ARROW_ASSIGN_OR_RAISE(std::string index, index_file());
    ARROW_RETURN_NOT_OK(take("sp500_index", "", {index}));
    for (const char* drop : {"drop1", "drop2"}) {
      ARROW_RETURN_NOT_OK(take("stocks_daily", drop, {exchange_ + "/" + drop + "/us_stocks_sip/day_aggs_v1"}));
      ARROW_RETURN_NOT_OK(take("stocks_minute", drop, {exchange_ + "/" + drop + "/us_stocks_sip/minute_aggs_v1"}));
      ARROW_RETURN_NOT_OK(take("snapshots", drop, {exchange_ + "/" + drop + "/nse_snapshots"}));
    }
    ARROW_RETURN_NOT_OK(account());
    ARROW_RETURN_NOT_OK(check_defects());
    ARROW_RETURN_NOT_OK(check_oddities());
    for (const char* group : {"s1_daily", "momentum", "volatility"})
      ARROW_RETURN_NOT_OK(
          timed(fmt::format("features {}", group), [&](DemoStage& stage) { return build(stage, group); }));
    ARROW_RETURN_NOT_OK(timed("signals", [&](DemoStage& stage) { return detect(stage); }));
    ARROW_RETURN_NOT_OK(timed("graph against batch", [&](DemoStage& stage) { return compare(stage); }));
    ARROW_RETURN_NOT_OK(timed("qlib store", [&](DemoStage& stage) { return qlib(stage); }));
    for (const char* strategy : {"index_cross", "opening_straddle"})
      ARROW_RETURN_NOT_OK(timed(fmt::format("backtest {}", strategy),
                                [&](DemoStage& stage) { return backtest_twice(stage, strategy); }));
    ARROW_RETURN_NOT_OK(timed("read back", [&](DemoStage& stage) { return read_back(stage); }));
    result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    ARROW_RETURN_NOT_OK(write_file_atomically(speeds, speeds_.dump(1) + "\n"));
    result_.report_path = lake_.root() + "/reports/demo.html";
    ARROW_ASSIGN_OR_RAISE(std::string page, demo_page(lake_, result_, workers_));
    ARROW_RETURN_NOT_OK(write_file_atomically(result_.report_path, page));
    return std::move(result_);
  }

 private:
  Status timed(const std::string& name, const std::function<Status(DemoStage&)>& body) {
    DemoStage stage{name};
    auto start = Clock::now();
    if (interrupt().stop_requested())
      return Status::Cancelled("interrupted; what is committed stays, run the demo again to go on");
    ARROW_RETURN_NOT_OK(body(stage));
    stage.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    note_work(stage);
    say_(stage);
    result_.stages.push_back(std::move(stage));
    return Status::OK();
  }
  /// A stage that finds everything up to date has no speed: that of the run that did the work stands.
  void note_work(DemoStage& stage) {
    Json& noted = speeds_[stage.name];
    if (!stage.unchanged) noted = {{"rows", stage.rows}, {"seconds", stage.seconds}};
    if (!noted.is_object() || !noted.value("rows", Json()).is_number_integer() ||
        !noted.value("seconds", Json()).is_number())
      return;
    stage.worked_rows = noted["rows"].get<std::int64_t>();
    stage.worked_seconds = noted["seconds"].get<double>();
  }
  void check(std::string name, bool ok, std::string detail) {
    result_.checks.push_back({std::move(name), std::move(detail), ok});
  }

  Status make_exchange(DemoStage& stage) {
    GenerateOptions options;
    options.out = exchange_;
    ARROW_ASSIGN_OR_RAISE(auto made, generate(options, workers_));
    stage.rows = made.rows, stage.bytes = made.bytes, stage.unchanged = made.unchanged;
    stage.what = fmt::format("{} files, {} defects declared", made.files, made.defects);
    ARROW_ASSIGN_OR_RAISE(std::string text, read_file(exchange_ + "/defects.json"));
    defects_ = Json::parse(text, nullptr, false)["defects"];
    return Status::OK();
  }

  /// Ingests what landing does not know yet. Bytes that landed once are not given again: drop 1 must not undo drop 2.
  Status take(const std::string& name, const std::string& drop, const std::vector<std::string>& paths) {
    std::error_code ignored;
    for (const auto& path : paths)
      if (!fs::exists(path, ignored)) return Status::OK();  // a drop that brings nothing of this data set
    return timed(
        drop.empty() ? "ingest " + name : fmt::format("ingest {} {}", name, drop), [&](DemoStage& stage) -> Status {
          ARROW_ASSIGN_OR_RAISE(Dataset dataset, load_dataset(name));
          ARROW_ASSIGN_OR_RAISE(LandedDelivery known, landed_already(lake_, dataset, paths, workers_));
          if (known.all_landed) {
            stage.unchanged = true;
            stage.what = known.refused.empty() ? "all landed before"
                                               : fmt::format("{}, as before; the others landed before",
                                                             refused_files(known.refused.size()));
            result_.refused.insert(result_.refused.end(), known.refused.begin(), known.refused.end());
            return Status::OK();
          }
          auto now =
              std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
                  .count();
          ARROW_ASSIGN_OR_RAISE(auto report, ingest(lake_, dataset, paths, Instant{now}, workers_, budget_));
          stage.rows = report.quality.rows_in, stage.bytes = report.bytes_in;
          stage.what =
              fmt::format("{} stored, {} quarantined", report.quality.rows_kept, report.quality.rows_quarantined);
          if (!report.refused.empty()) stage.what += ", " + refused_files(report.refused.size());
          if (!report.restated.empty()) stage.what += fmt::format(", {} restated", report.restated.size());
          result_.refused.insert(result_.refused.end(), report.refused.begin(), report.refused.end());
          return Status::OK();
        });
  }

  /// What the logs say of all that is in: rows in = rows stored + rows quarantined, per table.
  Status account() {
    for (const char* name : {"sp500_index", "stocks_daily", "stocks_minute", "snapshots"}) {
      lake::Table bronze = lake_.table(lake::Layer::bronze, name);
      if (!bronze.exists()) continue;
      ARROW_ASSIGN_OR_RAISE(auto snapshot, bronze.snapshot());
      ARROW_ASSIGN_OR_RAISE(auto totals, unit_totals(bronze, snapshot));
      DemoTable one{name, totals.rows_in,   totals.rows_stored, totals.rows_quarantined,
                    0,    snapshot.bytes(), snapshot.version,   snapshot.version + 1};
      ARROW_ASSIGN_OR_RAISE(auto units, lake::units_by_key(snapshot));
      ARROW_ASSIGN_OR_RAISE(one.bytes_in, landed_bytes(lake_, name, units));
      ARROW_ASSIGN_OR_RAISE(auto refused, quarantined(lake_, name, {"", "", 0}));
      ARROW_ASSIGN_OR_RAISE(auto restated, restated_of(bronze));
      result_.restated.insert(result_.restated.end(), restated.begin(), restated.end());
      bool adds_up = totals.rows_in == totals.rows_stored + totals.rows_quarantined &&
                     totals.rows_stored == snapshot.rows() && refused->num_rows() == totals.rows_quarantined;
      check(fmt::format("{}: rows in = stored + quarantined", name), adds_up,
            fmt::format("{} = {} + {}", totals.rows_in, totals.rows_stored, totals.rows_quarantined));
      result_.tables.push_back(one);
    }
    return Status::OK();
  }

  /// Every planted defect was met by the guard that is to meet it, and nothing else was refused.
  Status check_defects() {
    std::set<std::string> planted, found;
    for (const Json& defect : defects_) {
      if (defect.value("line", std::int64_t{0}) == 0) continue;  // of the whole file: check_files()
      if (defect.value("check", "").empty() || defect.value("check", "") == "move")
        continue;  // kept, or only warned of
      planted.insert(fmt::format("{} {}:{} {}", defect.value("dataset", ""),
                                 fs::path(defect.value("file", "")).filename().string(),
                                 defect.value("line", std::int64_t{0}), defect.value("check", "")));
    }
    for (const auto& table : result_.tables) {
      ARROW_ASSIGN_OR_RAISE(auto rows, quarantined(lake_, table.table, {"", "", 0}));
      ARROW_ASSIGN_OR_RAISE(auto batch, rows->CombineChunksToBatch());
      const auto& file = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("file"));
      const auto& line = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("line"));
      const auto& by = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("check"));
      const auto& why = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("reason"));
      for (std::int64_t i = 0; i < batch->num_rows() && i < 100; ++i)
        result_.quarantine.push_back(
            {table.table, fmt::format("{}:{}", file.GetString(i), line.Value(i)), by.GetString(i), why.GetString(i)});
      for (std::int64_t i = 0; i < batch->num_rows(); ++i)
        found.insert(fmt::format("{} {}:{} {}", table.table, file.GetString(i), line.Value(i), by.GetString(i)));
    }
    std::string missed, extra;
    for (const auto& one : planted)
      if (!found.contains(one) && missed.empty()) missed = one;
    for (const auto& one : found)
      if (!planted.contains(one) && extra.empty()) extra = one;
    check("the planted rows are the quarantined ones", missed.empty() && extra.empty(),
          missed.empty() && extra.empty() ? fmt::format("{} rows, each by its own check", planted.size())
          : missed.empty()                ? "not planted: " + extra
                                          : "not caught: " + missed);
    return check_files();
  }

  /// The file that was half-written is in by its mended bytes, the restated day by its second ones, the late one at all.
  Status check_files() {
    lake::Table bronze = lake_.table(lake::Layer::bronze, "stocks_daily");
    ARROW_ASSIGN_OR_RAISE(auto snapshot, bronze.snapshot());
    ARROW_ASSIGN_OR_RAISE(auto units, lake::units_by_key(snapshot));
    std::map<std::string, std::set<std::string>> drops;  // file name -> sha256 of its second delivery
    std::int64_t second = 0, in = 0, restated = 0;
    std::error_code ignored;
    for (const auto& entry :
         fs::recursive_directory_iterator(exchange_ + "/drop2/us_stocks_sip/day_aggs_v1", ignored)) {
      if (!entry.is_regular_file(ignored)) continue;
      ++second;
      ARROW_ASSIGN_OR_RAISE(std::string bytes, read_file(entry.path().string()));
      std::string hash = sha256(bytes);
      for (const auto& [key, unit] : units)
        if (unit.sha256 == hash) ++in, restated += unit.ordinal > 0;
    }
    check("the second delivery is the one in force", second > 0 && in == second,
          fmt::format("{} of {} files of drop 2 are in, {} of them as a restated day", in, second, restated));
    ARROW_ASSIGN_OR_RAISE(auto commits, bronze.history());
    const auto named =
        std::count_if(commits.begin(), commits.end(), [](const auto& commit) { return commit.operation == "RESTATE"; });
    check("the restated day is a named event", named > 0 && restated > 0,
          fmt::format("files restated: {}; commits RESTATE in the table's history: {}", restated, named));
    return Status::OK();
  }

  /// The halt and the split that were planted are what the table shows, by instrument and date.
  Status check_oddities() {
    ARROW_ASSIGN_OR_RAISE(auto found, oddities_of(lake_, "stocks_daily", 0.3, workers_));
    auto planted = [&](const char* kind) {
      for (const Json& defect : defects_)
        if (defect.value("kind", "") == kind) return "US:" + defect.value("ticker", "");
      return std::string("none");
    };
    auto is = [](const std::string& instrument) {
      return [instrument](const Oddity& one) { return one.instrument == instrument; };
    };
    auto halted = std::find_if(found.gaps.begin(), found.gaps.end(), is(planted("halted")));
    check("the halted symbol is seen", halted != found.gaps.end(),
          halted == found.gaps.end()
              ? planted("halted") + " has no gap"
              : fmt::format("{} misses {} sessions before {}", halted->instrument, halted->value, halted->date.str()));
    auto split = std::find_if(found.moves.begin(), found.moves.end(), is(planted("split")));
    check("the unadjusted split is seen", split != found.moves.end() && found.moves.size() == 1,
          split == found.moves.end()
              ? planted("split") + " did not move"
              : fmt::format("{} moves by {} on {}, {} such moves in all", split->instrument,
                            signed_percent(split->value * 100, 1), split->date.str(), found.moves.size()));
    return Status::OK();
  }

  Status build(DemoStage& stage, const std::string& name) {
    ARROW_ASSIGN_OR_RAISE(auto group, analytics::load_feature_group(name));
    ARROW_ASSIGN_OR_RAISE(auto built, analytics::build_features(lake_, group, "stocks_daily", workers_, budget_));
    stage.rows = built.rows, stage.bytes = built.bytes, stage.unchanged = built.unchanged;
    stage.what = fmt::format("{} features, {} version {}", built.columns.size(), built.table, built.table_version);
    result_.features.push_back(std::move(built));
    return Status::OK();
  }

  Status detect(DemoStage& stage) {
    ARROW_ASSIGN_OR_RAISE(auto counted, count_signals(lake_, "stocks_daily", workers_, budget_.pool()));
    stage.rows = counted.rows;
    std::int64_t signals = 0;
    for (const auto& one : counted.by_strategy) signals += one.longs + one.shorts;
    stage.what = fmt::format("{} signals of four families", signals);
    result_.checks.push_back(judge_signals(counted.by_strategy, counted.rows));
    result_.signals = std::move(counted.by_strategy);
    return Status::OK();
  }

  Status compare(DemoStage& stage) {
    ARROW_ASSIGN_OR_RAISE(
        result_.graph,
        compare_graph_with_batch(lake_, share_folder() + "/graphs/technical_analysis.json", workers_, budget_));
    const auto& graph = result_.graph;
    stage.rows = graph.rows;
    stage.what = fmt::format("{} values, {} with other bits", graph.computed, graph.different);
    result_.checks.push_back(judge_graph(graph));
    return Status::OK();
  }

  Status qlib(DemoStage& stage) {
    exports::QlibOptions options;
    options.table = "stocks_daily";
    ARROW_ASSIGN_OR_RAISE(result_.qlib, exports::export_qlib(lake_, options, workers_, &budget_));
    const auto& q = result_.qlib;
    stage.rows = q.rows, stage.bytes = q.bytes, stage.unchanged = q.unchanged;
    stage.what = fmt::format("{} instruments, {} sessions", q.instruments, q.sessions);
    check("the Qlib store holds every instrument", q.instruments > 0, stage.what);
    return Status::OK();
  }

  Status backtest_twice(DemoStage& stage, const std::string& name) {
    backtest::RunOptions options;
    options.workers = workers_;
    options.pool = budget_.pool(), options.memory = budget_.ceiling();
    std::string path = share_folder() + "/strategies/" + name + ".yaml";
    ARROW_ASSIGN_OR_RAISE(auto first, backtest::run(lake_, path, options));
    ARROW_ASSIGN_OR_RAISE(auto second, backtest::rerun(lake_, first.run_id, options));
    stage.rows = first.rows_scanned;
    stage.unchanged = first.existed;
    stage.what = fmt::format("{} trades, ledger {}", first.trades->num_rows(), first.ledger_hash.substr(0, 12));
    check(fmt::format("{}: two runs, one ledger", name), second.same,
          fmt::format("{} = {}", first.ledger_hash.substr(0, 16), second.run.ledger_hash.substr(0, 16)));
    check(fmt::format("{}: traded", name), first.trades->num_rows() > 0,
          fmt::format("{} trades over {} sessions", first.trades->num_rows(), first.sessions));
    result_.runs.push_back(std::move(first));
    return Status::OK();
  }

  /// Whatever the stages said: what is on the disk is read and compared.
  Status read_back(DemoStage& stage) {
    exports::QlibOptions options;
    options.table = "stocks_daily";
    const std::size_t before = result_.checks.size();
    for (const auto& found :
         {check_landing(lake_, result_.tables, workers_), check_bronze(lake_, result_.tables),
          check_features(lake_, result_.features, workers_, budget_), check_qlib(lake_, options, workers_)}) {
      ARROW_RETURN_NOT_OK(found.status());
      result_.checks.push_back(*found);
    }
    for (const auto& one : result_.tables) stage.rows += one.rows_stored;
    std::int64_t wrong = 0;
    for (std::size_t i = before; i < result_.checks.size(); ++i) wrong += !result_.checks[i].ok;
    stage.what = wrong == 0 ? "landing, bronze, features and the Qlib store are what they should be"
                            : fmt::format("{} of the products are not what they should be", wrong);
    return Status::OK();
  }

  const lake::Lake& lake_;
  const Workers& workers_;
  MemoryBudget& budget_;
  const std::function<void(const DemoStage&)>& say_;
  std::string exchange_;
  Json defects_;
  Json speeds_ = Json::object();  // by stage: rows and seconds of the run that last had work for it
  DemoResult result_;
};

}  // namespace

bool DemoResult::ok() const {
  return !checks.empty() && std::all_of(checks.begin(), checks.end(), [](const DemoCheck& check) { return check.ok; });
}

Result<DemoResult> demo(const lake::Lake& lake, const Workers& workers, MemoryBudget& budget,
                        const std::function<void(const DemoStage&)>& say) {
  return Demo(lake, workers, budget, say).run();
}

}  // namespace tapemill::pipeline
