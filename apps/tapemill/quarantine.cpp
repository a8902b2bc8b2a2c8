#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>

#include "command.h"
#include "core/json.h"
#include "known_table.h"
#include "lake/about.h"
#include "pipeline/ingest.h"
#include "pipeline/release.h"
#include "print.h"

namespace tapemill::app {
struct QuarantineOptions {
  std::string table;
  std::string check, file;
  int limit = 40;
};
struct QuarantineShowOptions {
  std::string table, at;
};
struct QuarantineReleaseOptions {
  std::string table, check, file, at, reason, by;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::QuarantineOptions> =
    std::tuple{field("table", &app::QuarantineOptions::table, "a data set, such as sp500"),
               field("check", &app::QuarantineOptions::check, "only rows that this check refused"),
               field("file", &app::QuarantineOptions::file, "only rows of this file"),
               field("limit", &app::QuarantineOptions::limit, "rows shown (0: all)", 0, 1e9)};
template <>
inline constexpr auto fields<app::QuarantineShowOptions> =
    std::tuple{field("table", &app::QuarantineShowOptions::table, "a data set, such as sp500"),
               field("at", &app::QuarantineShowOptions::at, "file:line, as quarantine list prints it")};
template <>
inline constexpr auto fields<app::QuarantineReleaseOptions> = std::tuple{
    field("table", &app::QuarantineReleaseOptions::table, "a data set, such as sp500"),
    field("check", &app::QuarantineReleaseOptions::check, "rows that this check refused"),
    field("file", &app::QuarantineReleaseOptions::file, "rows of this file"),
    field("at", &app::QuarantineReleaseOptions::at, "one row: file:line, as quarantine list prints it"),
    field("reason", &app::QuarantineReleaseOptions::reason, "why they are right after all; the log keeps it"),
    field("by", &app::QuarantineReleaseOptions::by, "who says so (else your user name)")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

struct Rows {
  std::shared_ptr<arrow::RecordBatch> batch;
  std::string text(const char* column, std::int64_t row) const {
    return static_cast<const arrow::StringArray&>(*batch->GetColumnByName(column)).GetString(row);
  }
  std::int64_t number(const char* column, std::int64_t row) const {
    return static_cast<const arrow::Int64Array&>(*batch->GetColumnByName(column)).Value(row);
  }
};

Result<Rows> read(const std::string& table, const pipeline::QuarantineFilter& filter, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(table));
  if (!lake.table(lake::Layer::bronze, name.table + "_quarantine").exists())
    ARROW_RETURN_NOT_OK(known_table(lake, table).status());
  ARROW_ASSIGN_OR_RAISE(auto found, pipeline::quarantined(lake, name.table, filter));
  ARROW_ASSIGN_OR_RAISE(auto batch, found->CombineChunksToBatch());
  return Rows{batch};
}

Status list(const QuarantineOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(Rows rows, read(options.table, {options.check, options.file, 0}, context));
  std::map<std::string, std::int64_t> by_check;
  for (std::int64_t i = 0; i < rows.batch->num_rows(); ++i) ++by_check[rows.text("check", i)];
  std::int64_t shown =
      options.limit == 0 ? rows.batch->num_rows() : std::min<std::int64_t>(options.limit, rows.batch->num_rows());
  if (context.json) {
    Json items = Json::array(), counts = Json::object();
    for (std::int64_t i = 0; i < rows.batch->num_rows(); ++i)
      items.push_back({{"file", rows.text("file", i)},
                       {"line", rows.number("line", i)},
                       {"byte", rows.number("byte", i)},
                       {"unit", rows.text("unit", i)},
                       {"check", rows.text("check", i)},
                       {"reason", rows.text("reason", i)},
                       {"raw", rows.text("raw", i)}});
    for (const auto& [check, n] : by_check) counts[check] = n;
    print(
        Json{{"table", options.table}, {"rows_total", rows.batch->num_rows()}, {"by_check", counts}, {"rows", items}});
    return Status::OK();
  }
  if (rows.batch->num_rows() == 0)
    return print(fmt::format("{}: nothing is quarantined\n", options.table)), Status::OK();
  TextTable text({"where", "check", "reason", "row"});
  text.stays({"where", "reason"});
  for (std::int64_t i = 0; i < shown; ++i)
    text.add({fmt::format("{}:{}", rows.text("file", i), rows.number("line", i)), rows.text("check", i),
              rows.text("reason", i), rows.text("raw", i)});
  print(text.str(terminal_width()));
  std::string line = fmt::format("{} of {}", thousands(shown), counted(rows.batch->num_rows(), "row"));
  for (const auto& [check, n] : by_check) line += fmt::format(" · {} {}", check, thousands(n));
  print(wrapped(line + "\n", terminal_width()));
  return Status::OK();
}

Status show(const QuarantineShowOptions& options, Context& context) {
  auto colon = options.at.rfind(':');
  std::string file = options.at.substr(0, colon);
  ARROW_ASSIGN_OR_RAISE(Rows rows, read(options.table, {"", colon == std::string::npos ? "" : file, 0}, context));
  for (std::int64_t i = 0; i < rows.batch->num_rows(); ++i) {
    if (options.at != fmt::format("{}:{}", rows.text("file", i), rows.number("line", i))) continue;
    if (context.json) {
      print(Json{{"file", rows.text("file", i)},
                 {"line", rows.number("line", i)},
                 {"byte", rows.number("byte", i)},
                 {"unit", rows.text("unit", i)},
                 {"form", rows.text("form", i)},
                 {"sha256", rows.text("sha256", i)},
                 {"check", rows.text("check", i)},
                 {"reason", rows.text("reason", i)},
                 {"raw", rows.text("raw", i)}});
      return Status::OK();
    }
    print(fmt::format("{}, byte {} (of {}, form {})\nrefused by {}: {}\n\n{}\n", visible(options.at),
                      rows.number("byte", i), visible(rows.text("unit", i)), rows.text("form", i),
                      rows.text("check", i), visible(rows.text("reason", i)), visible(rows.text("raw", i))));
    return Status::OK();
  }
  return usage_error(fmt::format("{}: no quarantined row at {}", options.table, options.at),
                     "tapemill quarantine list " + options.table + " shows where they are");
}

std::string user_name() {
  const struct passwd* user = ::getpwuid(::geteuid());
  return user == nullptr ? std::to_string(::geteuid()) : user->pw_name;
}

Status release(const QuarantineReleaseOptions& options, Context& context) {
  if (options.check.empty() && options.file.empty() && options.at.empty())
    return usage_error("release does not say which rows", "--check CHECK, --file FILE, or --at FILE:LINE");
  pipeline::Release what{options.check, options.file, 0, options.reason, options.by.empty() ? user_name() : options.by};
  if (!options.at.empty()) {
    const auto colon = options.at.rfind(':');
    const char* end = options.at.data() + options.at.size();
    if (colon == std::string::npos || colon == 0 ||
        std::from_chars(options.at.data() + colon + 1, end, what.line).ptr != end || what.line < 1)
      return usage_error(fmt::format("\"{}\" is no file:line", options.at),
                         "as tapemill quarantine list prints it: 2024-10-28.csv:4821");
    what.file = options.at.substr(0, colon);
  }
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
  ARROW_RETURN_NOT_OK(known_table(lake, options.table).status());
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::declared_dataset(lake, name.table));
  ARROW_ASSIGN_OR_RAISE(auto report, pipeline::release(lake, dataset, what, context.workers, *context.budget));
  if (context.json) {
    print(report.json());
  } else {
    for (const auto& one : report.refused)
      print(fmt::format("refused: {}\n{}", one.error, one.hint.empty() ? "" : "         " + one.hint + "\n"));
    for (const auto& [check, rows] : report.kept_by)
      print(fmt::format("kept: {} by {}, which nobody can let in\n", counted(rows, "row"), check));
    print(report.rows == 0 ? fmt::format("{}: nothing to release · version {}\n", dataset.table, report.version)
                           : fmt::format("{}: {} of {} let in · version {}\n", dataset.table,
                                         counted(report.rows, "row"), counted(report.files, "file"), report.version));
  }
  if (!report.refused.empty() || (what.line != 0 && report.kept > 0))
    return data_error("not all of these rows could be let in",
                      "a row that could not be read, or whose key is in, is mended in its file and ingested again");
  return Status::OK();
}

}  // namespace

Command quarantine_list_command() {
  return command<QuarantineOptions>(
      "quarantine list", "Rows that were refused: file, line, check, reason", {"table"},
      "  tapemill quarantine list sp500\n  tapemill quarantine list sp500 --check ohlc_order", list);
}
Command quarantine_show_command() {
  return command<QuarantineShowOptions>("quarantine show", "One refused row, whole", {"table", "at"},
                                        "  tapemill quarantine show sp500 all_stocks_5yr.csv.gz:82951", show);
}
Command quarantine_release_command() {
  return command<QuarantineReleaseOptions>(
      "quarantine release", "Let refused rows in, with who and why in the log", {"table"},
      "  tapemill quarantine release sp500 --at all_stocks_5yr.csv.gz:53004 --reason \"as the exchange printed it\"\n"
      "  tapemill quarantine release sp500 --check ohlc_order --reason \"seen on the vendor's page\"",
      release);
}

}  // namespace tapemill::app
