// What leaves a table because of its age: `archive` keeps a verified copy elsewhere, `retention` does not.
#include "pipeline/retention.h"

#include <chrono>

#include "command.h"
#include "core/json.h"
#include "print.h"

namespace tapemill::app {
namespace {

struct RetentionArguments {
  std::vector<std::string> tables;
  std::string older_than, as_of;
  bool dry_run = false;
};
struct ArchiveArguments {
  std::vector<std::string> tables;
  std::string older_than, as_of, to;
  bool dry_run = false, expired = false;
};

}  // namespace
}  // namespace tapemill::app

namespace tapemill {
template <>
inline constexpr auto fields<app::RetentionArguments> =
    std::tuple{field("tables", &app::RetentionArguments::tables, "tables, such as nse_cash or silver.nse_fo"),
               field("older_than", &app::RetentionArguments::older_than,
                     "instead of the spec's retention: sessions this long ago, 5y"),
               field("as_of", &app::RetentionArguments::as_of, "the day to count from; today where not given"),
               field("dry_run", &app::RetentionArguments::dry_run, "only say what would leave")};
template <>
inline constexpr auto fields<app::ArchiveArguments> = std::tuple{
    field("tables", &app::ArchiveArguments::tables, "tables, such as nse_cash or silver.nse_fo"),
    field("older_than", &app::ArchiveArguments::older_than, "sessions this long ago, such as 730d"),
    field("expired", &app::ArchiveArguments::expired, "contracts whose expiry is past, whatever their sessions"),
    field("to", &app::ArchiveArguments::to, "folder; archive/ of the lake where not given"),
    field("as_of", &app::ArchiveArguments::as_of, "the day to count from; today where not given"),
    field("dry_run", &app::ArchiveArguments::dry_run, "only say what would leave")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Result<Date> day(const std::string& given) {
  if (!given.empty()) return Date::parse(given);
  const auto now = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return Date{static_cast<std::int32_t>(now.time_since_epoch().count())};
}

void print_report(const pipeline::RetentionReport& report, bool dry_run, const char* rows_are) {
  if (report.kept_for_ever) {
    print(fmt::format("{}: its spec keeps everything (retention); --older-than says otherwise\n", report.table));
    return;
  }
  std::string line = fmt::format("{}: ", report.table);
  if (report.files == 0) line += fmt::format("nothing before {}", report.before->str());
  else
    line += fmt::format("{}, {}, {} before {}{}", counted(report.files, "file"), counted(report.rows, "row"),
                        format_bytes(report.bytes), report.before->str(),
                        dry_run ? fmt::format(" would be {}", rows_are) : fmt::format(" {}", rows_are));
  if (!report.archive.empty() && report.files > 0) line += " to " + report.archive;
  if (report.files_partly > 0)
    line += fmt::format(" · {} wait until all their rows are", counted(report.files_partly, "file"));
  print(line + fmt::format(" · version {}\n", report.version));
}

template <class Each>
Status each_table(const RetentionArguments& arguments, Context& context, const char* rows_are, const Each& each) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(Date today, day(arguments.as_of));
  Json list = Json::array();
  for (const std::string& table : arguments.tables) {
    ARROW_ASSIGN_OR_RAISE(
        auto report, each(lake, pipeline::RetentionOptions{table, today, arguments.older_than, arguments.dry_run}));
    if (context.json) list.push_back(report.document());
    else print_report(report, arguments.dry_run, rows_are);
  }
  if (context.json) print(Json{{"lake", lake.root()}, {"dry_run", arguments.dry_run}, {"tables", list}});
  return Status::OK();
}

Status run_retention(const RetentionArguments& arguments, Context& context) {
  return each_table(arguments, context, "taken out",
                    [&](const lake::Lake& lake, const pipeline::RetentionOptions& options) {
                      return pipeline::expire(lake, options, *context.budget);
                    });
}

Status run_archive(const ArchiveArguments& arguments, Context& context) {
  return each_table({arguments.tables, arguments.older_than, arguments.as_of, arguments.dry_run}, context, "archived",
                    [&](const lake::Lake& lake, const pipeline::RetentionOptions& options) {
                      return pipeline::archive(lake, options, arguments.to, arguments.expired, *context.budget);
                    });
}

}  // namespace

Command retention_command() {
  return command<RetentionArguments>("retention", "Take sessions out of a table that are older than its spec keeps",
                                     {"tables"},
                                     "  tapemill retention nse_cash --dry-run\n"
                                     "  tapemill retention silver.nse_fo --older-than 3y",
                                     run_retention);
}

Command archive_command() {
  return command<ArchiveArguments>("archive", "Move old sessions or expired contracts out of a table, copies verified",
                                   {"tables"},
                                   "  tapemill archive nse_cash --older-than 730d --to cold\n"
                                   "  tapemill archive options_daily --expired --dry-run",
                                   run_archive);
}

}  // namespace tapemill::app
