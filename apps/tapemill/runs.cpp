#include "backtest/backtest.h"

#include "command.h"
#include "core/json.h"
#include "known_table.h"
#include "print.h"

namespace tapemill::app {
namespace {

/// When a run began, as the exchange of its table says it.
std::string began(const std::string& started, const std::string& table, const lake::Lake& lake,
                  const Context& context) {
  auto time = Instant::parse(started);
  auto name = lake::TableName::parse(table);
  if (!time.ok() || !name.ok()) return started;
  return when({time->us / kSecond * kSecond}, context, zone_of(lake, *name));
}

Status run(const NoOptions&, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto all, backtest::runs(lake));
  Json list = Json::array();
  bool any_few = false;
  TextTable text({"run", "strategy", "table", "version>", "sessions>", "trades>", "return %>", "drawdown %>", "Sharpe>",
                  "started"});
  for (const auto& one : all) {
    auto figure = [&](std::string_view name) -> std::string {
      for (const auto& [key, value] : one.metrics) {
        if (key == name) return value;
      }
      return kNull;
    };
    Json metrics = Json::object();
    for (const auto& row : one.record.value("metrics", Json::array()))
      metrics[row.value("name", "")] = row.contains("value") ? row["value"] : Json();
    const Json& input = one.record["inputs"][0];
    std::string started = one.meta.is_object() ? one.meta.value("started", std::string{}) : std::string{};
    list.push_back({{"run_id", one.run_id},
                    {"name", one.name},
                    {"form", one.form},
                    {"table", input.value("table", "")},
                    {"version", input.value("version", 0)},
                    {"started", started},
                    {"ledger_hash", one.ledger_hash},
                    {"counts", one.record.value("counts", Json::object())},
                    {"metrics", metrics}});
    const auto sessions = one.record["counts"].value("sessions", std::int64_t{0});
    std::string sharpe = figure("Sharpe Ratio");
    const bool few = sessions < backtest::kFewSessions && sharpe != kNull;
    any_few |= few;
    sharpe += few ? "*" : " ";
    text.add({one.run_id, one.name, input.value("table", ""), std::to_string(input.value("version", 0)),
              thousands(one.record["counts"].value("sessions", 0)), thousands(one.record["counts"].value("trades", 0)),
              figure("Return [%]"), figure("Max. Drawdown [%]"), sharpe,
              began(started, input.value("table", ""), lake, context)});
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"runs", list}});
  else if (all.empty())
    print(std::string("no runs yet: tapemill backtest run strategies/index_cross.yaml makes one\n"));
  else
    print(text.str(terminal_width()) +
          (any_few ? wrapped(fmt::format("* fewer than {} sessions: what is said per year rests on next to nothing\n",
                                         backtest::kFewSessions),
                             terminal_width())
                   : ""));
  return Status::OK();
}

}  // namespace

Command runs_command() {
  return command<NoOptions>("runs", "Backtests of this lake, newest first", {},
                            "  tapemill runs\n  tapemill runs --json", run);
}

}  // namespace tapemill::app
