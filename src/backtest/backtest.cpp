#include "backtest/backtest.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>

#include "analytics/series.h"
#include "backtest/load.h"
#include "backtest/samples.h"
#include "backtest/tables.h"
#include "backtest/universe.h"
#include "core/build_info.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/paths.h"
#include "core/progress.h"
#include "core/text.h"
#include "lake/about.h"
#include "lake/files.h"

namespace tapemill::backtest {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A run in memory: what is hashed into its id, and the files that its ledger hash covers.
struct Computed {
  RunResult result;
  Json id_inputs, record;
  RunFiles files;
};

std::string now_text() {
  using namespace std::chrono;
  return Instant{duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()}.str();
}

/// The commit of the checkout the program was built from; empty where there is none.
std::string commit_of(const std::string& folder) {
  auto head = read_file(folder + "/.git/HEAD");
  if (!head.ok()) return {};
  std::string text = head->substr(0, head->find('\n'));
  if (!text.starts_with("ref: ")) return text;
  auto commit = read_file(folder + "/.git/" + text.substr(5));
  return commit.ok() ? commit->substr(0, commit->find('\n')) : std::string{};
}

Result<std::string> calendar_hash(const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(share_folder() + "/calendars/" + name + ".yaml"));
  return sha256(text);
}

Json figures_json(const std::vector<Figure>& figures) {
  Json list = Json::array();
  for (const Figure& one : figures) {
    list.push_back({{"name", one.name},
                    {"value", std::isfinite(one.value) ? Json(one.value) : Json(nullptr)},
                    {"text", one.text},
                    {"formula", one.formula}});
  }
  return list;
}

Json input_json(const Input& input) {
  return {{"table", input.table}, {"version", input.version}, {"parts_hash", input.parts_hash}};
}

Status run_daily_form(const lake::Lake& lake, const DailyStrategy& plan, const Input& input, const RunOptions& options,
                      const std::map<std::string, std::int64_t>& actions, Computed& out) {
  auto start = Clock::now();
  ARROW_ASSIGN_OR_RAISE(LoadedBars loaded, load_bars(lake, plan, input, options.workers, options.pool, actions));
  for (const Input& one : loaded.actions) out.id_inputs["inputs"].push_back(input_json(one));
  out.result.load_seconds = since(start);
  start = Clock::now();
  std::string currency = plan.capital.currency.empty() ? loaded.currency : plan.capital.currency;
  if (!loaded.currency.empty() && currency != loaded.currency) {
    return usage_error(fmt::format("the capital is in {}, {} in {}", currency, input.table, loaded.currency),
                       "write the capital in the table's currency");
  }
  ARROW_ASSIGN_OR_RAISE(DailyResult result, run_daily(plan, loaded.market));
  ARROW_ASSIGN_OR_RAISE(Outcome outcome, outcome_of(result, loaded.market, currency));
  RunResult& r = out.result;
  r.currency = currency, r.resolved = loaded.resolved, r.rows_scanned = loaded.rows;
  r.missed = result.entries_expired + result.entries_unaffordable;
  if (!loaded.unadjusted.empty())
    r.warnings.push_back(
        fmt::format("unadjusted, for no corporate action of them is in effect: {} of {} symbols (the first: {})",
                    loaded.unadjusted.size(), loaded.market.instruments.size(), loaded.unadjusted.front()));
  if (result.jumps > 0 && plan.adjusted) {
    r.warnings.push_back(
        fmt::format("{} close{} moved more than {:.0f} % in a session, {} while held ({}), which no corporate "
                    "action in the lake explains",
                    result.jumps, result.jumps == 1 ? "" : "s", kJump * 100, result.jumps_held, result.first_jump));
  } else if (result.jumps > 0) {
    r.warnings.push_back(fmt::format(
        "prices are as traded, not adjusted: {} close{} moved more than {:.0f} % in a session, {} while held ({}); a "
        "split or a bonus counts as a loss",
        result.jumps, result.jumps == 1 ? "" : "s", kJump * 100, result.jumps_held, result.first_jump));
  }
  r.sessions = static_cast<std::int64_t>(result.equity.size());
  r.trades = outcome.trades, r.equity = outcome.equity;
  r.metrics = figures(outcome.performance);
  Json counts = {{"entries_expired", result.entries_expired}, {"entries_unaffordable", result.entries_unaffordable}};
  out.files.emplace_back("days.json", counts.dump(1) + "\n");
  r.engine_seconds = since(start);
  return Status::OK();
}

Status run_option_form(const lake::Lake& lake, const OptionStrategy& plan, const Input& input, const Rules& rules,
                       const RunOptions& options, Computed& out) {
  ARROW_ASSIGN_OR_RAISE(std::vector<Date> dates, option_days(lake, plan, input));
  struct Shard {
    OptionDay day;
    Sanity sanity;
    std::int64_t rows = 0;
    double load = 0, engine = 0;
    bool traded = false;
  };
  std::vector<Shard> shards(dates.size());
  const DayRoom room = room_of(
      options.memory, options.pool,
      static_cast<int>(std::min<std::size_t>(dates.size(), static_cast<std::size_t>(options.workers.threads()))));
  Progress progress("backtest", static_cast<std::int64_t>(dates.size()), "days");
  ARROW_RETURN_NOT_OK(options.workers.each(
      dates.size(),
      [&](std::size_t i) -> Status {
        Shard& shard = shards[i];
        auto start = Clock::now();
        ARROW_ASSIGN_OR_RAISE(LoadedDay loaded, load_day(lake, plan, input, rules, dates[i], room));
        shard.load = since(start);
        start = Clock::now();
        shard.rows = loaded.rows;
        shard.sanity = std::move(loaded.sanity);
        shard.day.date = dates[i];
        if (shard.sanity.failures.empty()) {
          auto day = run_option_day(plan, loaded.day);
          if (day.ok()) shard.day = std::move(*day), shard.traded = true;
          else shard.sanity.failures.push_back(day.status().message());
        }
        if (loaded.day.file != nullptr) ARROW_RETURN_NOT_OK(loaded.day.file->status());
        shard.engine = since(start);
        progress.add(1, shard.rows);
        return Status::OK();
      },
      interrupt()));
  if (interrupt().stop_requested()) return Status::Cancelled("interrupted: nothing was written");
  RunResult& r = out.result;
  std::vector<OptionDay> days;
  Json listed = Json::array();
  for (Shard& shard : shards) {  // joined in order of date, whichever worker was first
    r.rows_scanned += shard.rows, r.load_seconds += shard.load, r.engine_seconds += shard.engine,
        r.missed += shard.day.missed;
    listed.push_back({{"date", shard.day.date.str()},
                      {"traded", shard.traded},
                      {"trades", shard.day.trades.size()},
                      {"missed", shard.day.missed},
                      {"sanity", shard.sanity.json()}});
    if (shard.traded) days.push_back(std::move(shard.day));
    else r.refused.push_back({shard.day.date, shard.sanity.failures});
  }
  if (days.empty()) {
    return data_error(fmt::format("every one of {} days failed the sanity gates; {}: {}", dates.size(),
                                  r.refused[0].date.str(), r.refused[0].failures[0]));
  }
  ARROW_ASSIGN_OR_RAISE(Outcome outcome, outcome_of(days, plan));
  r.currency = plan.capital.currency.empty() ? rules.currency() : plan.capital.currency;
  r.sessions = static_cast<std::int64_t>(days.size());
  r.trades = outcome.trades, r.equity = outcome.equity;
  r.metrics = figures(outcome.performance);
  out.files.emplace_back("days.json", listed.dump(1) + "\n");
  add_samples(days, plan, out.files);
  return Status::OK();
}

Result<Computed> compute(const lake::Lake& lake, const Strategy& strategy, const RunOptions& options,
                         const std::map<std::string, std::int64_t>& actions = {}) {
  Computed out;
  ARROW_ASSIGN_OR_RAISE(Input input, input_of(lake, table_of(strategy), options.version));
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(input.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  RunResult& r = out.result;
  r.name = strategy.name, r.form = strategy.daily() != nullptr ? "daily" : "option";
  r.strategy_hash = strategy.hash, r.warnings = strategy.warnings, r.table = input.table, r.version = input.version;
  ARROW_ASSIGN_OR_RAISE(std::string calendar, calendar_hash(dataset.calendar_name));
  out.id_inputs = {{"form", 1},
                   {"source_hash", source_hash()},
                   {"strategy_hash", strategy.hash},
                   {"inputs", Json::array({input_json(input)})},
                   {"calendar", {{"name", dataset.calendar_name}, {"hash", calendar}}}};
  out.files.emplace_back("strategy.canonical.json", strategy.canonical.dump(2) + "\n");
  if (strategy.daily() != nullptr) {
    out.id_inputs["rules"] = nullptr;
    ARROW_RETURN_NOT_OK(run_daily_form(lake, *strategy.daily(), input, options, actions, out));
  } else {
    ARROW_ASSIGN_OR_RAISE(Rules rules, Rules::load(strategy.option()->rules));
    out.id_inputs["rules"] = {{"name", rules.name()}, {"hash", rules.hash()}};
    ARROW_RETURN_NOT_OK(run_option_form(lake, *strategy.option(), input, rules, options, out));
  }
  if (r.sessions < kFewSessions)
    r.warnings.push_back(fmt::format(
        "{} {}: what is said per year (annual return, Sharpe, Sortino, Calmar, CAGR) rests on next to nothing",
        r.sessions, plural(r.sessions, "session")));
  ARROW_ASSIGN_OR_RAISE(std::string trades, parquet_bytes(*r.trades));
  ARROW_ASSIGN_OR_RAISE(std::string equity, parquet_bytes(*r.equity));
  out.files.emplace_back("trades.parquet", std::move(trades));
  out.files.emplace_back("equity.parquet", std::move(equity));
  out.files.emplace_back("metrics.json", figures_json(r.metrics).dump(1) + "\n");
  std::sort(out.files.begin(), out.files.end());
  r.run_id = run_id_of(out.id_inputs);
  r.ledger_hash = ledger_hash_of(out.files);
  out.record = {{"run_id", r.run_id}, {"name", r.name}, {"currency", r.currency}};
  for (const auto& [key, value] : out.id_inputs.items()) out.record[key == "form" ? "ledger_form" : key] = value;
  out.record["form"] = r.form;
  out.record["counts"] = {{"rows_scanned", r.rows_scanned},
                          {"sessions", r.sessions},
                          {"trades", r.trades->num_rows()},
                          {"missed", r.missed},
                          {"days_refused", r.refused.size()}};
  out.record["metrics"] = figures_json(r.metrics);
  out.record["resolved"] = r.resolved;
  out.record["warnings"] = r.warnings;
  return out;
}

}  // namespace

Result<CheckReport> check(const std::string& path, const lake::Lake* lake) {
  ARROW_ASSIGN_OR_RAISE(Strategy strategy, read_strategy(path));
  CheckReport report{
      strategy.name,    strategy.daily() != nullptr ? "daily" : "option", strategy.hash, strategy.canonical, {},
      strategy.warnings};
  if (const OptionStrategy* plan = strategy.option()) {
    ARROW_RETURN_NOT_OK(Rules::load(plan->rules).status());
    return report;
  }
  const DailyStrategy& plan = *strategy.daily();
  ARROW_RETURN_NOT_OK(check_table(lake, strategy, false));
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(plan.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset,
                        lake != nullptr ? lake::dataset_of(*lake, name.table) : load_dataset(name.table));
  std::vector<std::string> columns;
  for (const Column& column : dataset.columns) columns.push_back(column.name);
  std::vector<analytics::NamedExpression> expressions{{"entry", plan.enter, plan.enter_place}};
  if (!plan.leave.empty()) expressions.push_back({"exit", plan.leave, plan.leave_place});
  ARROW_ASSIGN_OR_RAISE(auto series, analytics::Series::compile(expressions, columns));
  report.resolved = series.resolved();
  return report;
}

Result<std::string> table_of(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Strategy strategy, read_strategy(path));
  return table_of(strategy);
}

Status check_inputs(const lake::Lake& lake, const std::string& path, std::optional<std::int64_t> version) {
  ARROW_ASSIGN_OR_RAISE(Strategy strategy, read_strategy(path));
  ARROW_RETURN_NOT_OK(check_table(&lake, strategy, true));
  ARROW_ASSIGN_OR_RAISE(Input input, input_of(lake, table_of(strategy), version));
  if (strategy.daily() != nullptr) return check_bars(lake, strategy, input);
  ARROW_RETURN_NOT_OK(Rules::load(strategy.option()->rules).status());
  return option_days(lake, *strategy.option(), input).status();
}

Result<RunResult> run(const lake::Lake& lake, const std::string& path, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(Strategy strategy, read_strategy(path));
  std::string started = now_text();
  ARROW_ASSIGN_OR_RAISE(Computed computed, compute(lake, strategy, options));
  RunResult& r = computed.result;
  if (!options.write) return std::move(r);
  if (interrupt().stop_requested()) return Status::Cancelled("interrupted: nothing was written");
  utsname host{};
  ::uname(&host);
  auto start = Clock::now();
  Json meta = {{"started", started},
               {"finished", now_text()},
               {"load_seconds", r.load_seconds},
               {"engine_seconds", r.engine_seconds},
               {"threads", options.workers.threads()},
               {"version", version()},
               {"commit", commit_of(source_dir())},
               {"host", std::string(host.nodename)},
               {"system", fmt::format("{} {} {}", host.sysname, host.release, host.machine)},
               {"strategy_file", strategy.path}};
  std::string given = path.ends_with(".json") ? "strategy.json" : "strategy.yaml";
  ARROW_ASSIGN_OR_RAISE(Written written,
                        write_run(lake, computed.record, computed.files, {{given, strategy.text}}, meta));
  r.path = written.path, r.existed = written.existed, r.write_seconds = since(start);
  return std::move(r);
}

Result<RunResult> recorded(const RunRecord& run) {
  RunResult out;
  out.run_id = run.run_id, out.name = run.name, out.form = run.form, out.path = run.path;
  out.strategy_hash = run.strategy_hash, out.ledger_hash = run.ledger_hash, out.existed = true;
  for (const auto& one : run.record.value("metrics", Json::array())) {
    const Json value = one.value("value", Json());
    out.metrics.push_back({one.value("name", ""), value.is_number() ? value.get<double>() : NAN, one.value("text", ""),
                           one.value("formula", "")});
  }
  ARROW_ASSIGN_OR_RAISE(out.trades, read_parquet(run.path + "/trades.parquet"));
  ARROW_ASSIGN_OR_RAISE(out.equity, read_parquet(run.path + "/equity.parquet"));
  for (const auto& one : run.record.value("resolved", Json::array())) out.resolved.push_back(one.get<std::string>());
  for (const auto& one : run.record.value("warnings", Json::array())) out.warnings.push_back(one.get<std::string>());
  const Json input = run.record.value("inputs", Json::array()).empty() ? Json::object() : run.record["inputs"][0];
  const Json counts = run.record.value("counts", Json::object());
  out.currency = run.record.value("currency", ""), out.table = input.value("table", "");
  out.version = input.value("version", std::int64_t{0}),
  out.rows_scanned = counts.value("rows_scanned", std::int64_t{0});
  out.sessions = counts.value("sessions", std::int64_t{0}), out.missed = counts.value("missed", std::int64_t{0});
  return out;
}

Result<RerunResult> rerun(const lake::Lake& lake, const std::string& run_id, const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(RunRecord record, load(lake, run_id));
  const bool json = lake::file_exists(record.path + "/strategy.json");
  ARROW_ASSIGN_OR_RAISE(const std::string file,
                        lake::local_file(record.path + (json ? "/strategy.json" : "/strategy.yaml")));
  ARROW_ASSIGN_OR_RAISE(Strategy strategy, read_strategy(file));
  RunOptions again = options;
  again.version = record.record["inputs"][0]["version"].get<std::int64_t>();
  again.write = false;
  std::map<std::string, std::int64_t> actions;
  for (const auto& input : record.record["inputs"])
    actions.emplace(input["table"].get<std::string>(), input["version"].get<std::int64_t>());
  ARROW_ASSIGN_OR_RAISE(Computed computed, compute(lake, strategy, again, actions));
  RerunResult out;
  out.expected = record.ledger_hash;
  out.same = computed.result.ledger_hash == record.ledger_hash;
  for (const char* key : {"source_hash", "strategy_hash", "inputs", "calendar", "rules"}) {
    if (computed.record[key] != record.record[key]) out.changed.push_back(key);
  }
  for (const auto& [name, bytes] : computed.files) {
    bool equal = false;
    for (const auto& there : record.record["files"])
      equal = equal || (there["name"] == name && there["sha256"] == sha256(bytes));
    if (!equal) out.differing.push_back(name);
  }
  if (Status kept = verify(record); out.same && !kept.ok())
    return data_error(
        kept.message(),
        fmt::format("computed again, the ledger is as recorded: delete {} and run it again", record.path));
  computed.result.path = record.path;
  out.run = std::move(computed.result);
  return out;
}

}  // namespace tapemill::backtest
