#include "command.h"
#include "core/json.h"
#include "exports/qlib.h"
#include "print.h"

namespace tapemill {
template <>
inline constexpr auto fields<exports::QlibOptions> = std::tuple{
    field("table", &exports::QlibOptions::table, "a table of bars, such as sp500"),
    field("out", &exports::QlibOptions::out, "folder of the store (else LAKE/gold/qlib/TABLE)"),
    field("fields", &exports::QlibOptions::fields, "columns to write; factor is 1 where nothing is adjusted"),
    field("session", &exports::QlibOptions::session,
          "minutes of the regular session, or of the calendar's extended hours too", "regular|extended")};
}  // namespace tapemill

namespace tapemill::app {
namespace {
Status run(const exports::QlibOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto report, exports::export_qlib(lake, options, context.workers, context.budget));
  if (context.json) {
    print(Json{{"folder", report.folder},
               {"table", options.table},
               {"version", report.version},
               {"instruments", report.instruments},
               {"sessions", report.sessions},
               {"rows", report.rows},
               {"rows_left_out", report.rows_left_out},
               {"instruments_left_out", report.instruments_left_out},
               {"bytes", report.bytes},
               {"inexact_volumes", report.inexact_volumes},
               {"unchanged", report.unchanged}});
    return Status::OK();
  }
  if (report.inexact_volumes > 0)
    print(fmt::format("note: {} volumes are beyond 16 777 216, where Qlib's float32 loses digits\n",
                      thousands(report.inexact_volumes)));
  if (report.rows_left_out > 0)
    print(fmt::format("note: left out: {} outside the calendar's {}{}\n", counted(report.rows_left_out, "row"),
                      options.session == "extended" ? "extended hours" : "regular sessions",
                      report.instruments_left_out == 0
                          ? ""
                          : ", and with them " + counted(report.instruments_left_out, "whole instrument")));
  print(fmt::format("{}: {}, {}, {}, {} · {} version {} · unadjusted{}\n", report.folder,
                    counted(report.instruments, "instrument"), counted(report.sessions, "slot"),
                    counted(report.rows, "row"), format_bytes(report.bytes), options.table, report.version,
                    report.unchanged ? " · up to date" : ""));
  return Status::OK();
}
}  // namespace

Command export_qlib_command() {
  return command<exports::QlibOptions>(
      "export qlib", "Write a Qlib store (features, instruments, calendars)", {"table"},
      "  tapemill export qlib sp500\n  tapemill export qlib nse_cash --out ~/qlib/nse", run);
}

}  // namespace tapemill::app
