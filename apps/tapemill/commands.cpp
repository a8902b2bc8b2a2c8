#include "command.h"

// One line a command: X(PURPOSE, NAME) is made by `Command NAME_command()`, in a file of its own, and stands under PURPOSE's
// heading. In the order of --help.
#define TAPEMILL_COMMANDS(X)      \
  X(start, demo)                  \
  X(start, generate)              \
  X(start, doctor)                \
  X(files, ingest)                \
  X(files, download_polygon)      \
  X(files, download_nse)          \
  X(files, download_yahoo)        \
  X(files, infer)                 \
  X(files, schema_show)           \
  X(files, schema_diff)           \
  X(files, schema_evolve)         \
  X(files, quality)               \
  X(files, quarantine_list)       \
  X(files, quarantine_show)       \
  X(files, quarantine_release)    \
  X(files, rebuild)               \
  X(files, calendar_check)        \
  X(look, tables)                 \
  X(look, describe)               \
  X(look, history)                \
  X(look, status)                 \
  X(look, show)                   \
  X(look, query)                  \
  X(look, sql)                    \
  X(look, contracts)              \
  X(look, symbols)                \
  X(look, daily)                  \
  X(look, chains)                 \
  X(look, chart)                  \
  X(research, indicators_list)    \
  X(research, indicators_explain) \
  X(research, indicators_run)     \
  X(research, features_list)      \
  X(research, features_build)     \
  X(research, preprocess)         \
  X(research, backtest_check)     \
  X(research, backtest_run)       \
  X(research, backtest_rerun)     \
  X(research, backtest_report)    \
  X(research, backtest_show)      \
  X(research, runs)               \
  X(research, export_qlib)        \
  X(events, graph_list)           \
  X(events, graph_check)          \
  X(events, graph_run)            \
  X(events, graph_draw)           \
  X(events, stream)               \
  X(upkeep, compact)              \
  X(upkeep, vacuum)               \
  X(upkeep, archive)              \
  X(upkeep, retention)            \
  X(upkeep, restore)              \
  X(upkeep, manifest)             \
  X(upkeep, cache_stats)          \
  X(upkeep, cache_clear)          \
  X(operate, serve)               \
  X(operate, config_show)         \
  X(operate, config_set)          \
  X(operate, config_path)         \
  X(operate, completion)

namespace tapemill::app {

// The headings of --help.
namespace purpose {
constexpr const char* start = "Start here";
constexpr const char* files = "Files in";
constexpr const char* look = "Look and ask";
constexpr const char* research = "Research";
constexpr const char* events = "Graphs and streams";
constexpr const char* upkeep = "Upkeep of the lake";
constexpr const char* operate = "Operate";
}  // namespace purpose

#define TAPEMILL_DECLARE(purpose, name) Command name##_command();
TAPEMILL_COMMANDS(TAPEMILL_DECLARE)

std::vector<Command> commands() {
  std::vector<Command> all;
  auto add = [&](const char* heading, Command one) {
    one.purpose = heading;
    all.push_back(std::move(one));
  };
#define TAPEMILL_ADD(heading, name) add(purpose::heading, name##_command());
  TAPEMILL_COMMANDS(TAPEMILL_ADD)
  return all;
}

}  // namespace tapemill::app
