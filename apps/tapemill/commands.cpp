#include "command.h"

// One line a command: X(NAME) is made by `Command NAME_command()`, in a file of its own. In the order of --help.
#define TAPEMILL_COMMANDS(X) \
  X(ingest)                  \
  X(download_polygon)        \
  X(download_nse)            \
  X(download_yahoo)          \
  X(rebuild)                 \
  X(infer)                   \
  X(query)                   \
  X(sql)                     \
  X(cache_stats)             \
  X(cache_clear)             \
  X(show)                    \
  X(contracts)               \
  X(tables)                  \
  X(describe)                \
  X(history)                 \
  X(schema_show)             \
  X(schema_diff)             \
  X(schema_evolve)           \
  X(status)                  \
  X(compact)                 \
  X(vacuum)                  \
  X(archive)                 \
  X(retention)               \
  X(manifest)                \
  X(quality)                 \
  X(quarantine_list)         \
  X(quarantine_show)         \
  X(quarantine_release)      \
  X(indicators_list)         \
  X(indicators_explain)      \
  X(indicators_run)          \
  X(restore)                 \
  X(features_list)           \
  X(features_build)          \
  X(export_qlib)             \
  X(generate)                \
  X(serve)                   \
  X(chart)                   \
  X(demo)                    \
  X(graph_list)              \
  X(graph_check)             \
  X(graph_run)               \
  X(graph_draw)              \
  X(backtest_check)          \
  X(backtest_run)            \
  X(backtest_rerun)          \
  X(backtest_report)         \
  X(backtest_show)           \
  X(runs)                    \
  X(config_show)             \
  X(config_set)              \
  X(config_path)             \
  X(stream)                  \
  X(doctor)                  \
  X(calendar_check)          \
  X(completion)

namespace tapemill::app {

#define TAPEMILL_DECLARE(name) Command name##_command();
TAPEMILL_COMMANDS(TAPEMILL_DECLARE)

std::vector<Command> commands() {
#define TAPEMILL_MAKE(name) name##_command(),
  return {TAPEMILL_COMMANDS(TAPEMILL_MAKE)};
}

}  // namespace tapemill::app
