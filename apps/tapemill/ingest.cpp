#include "pipeline/ingest.h"

#include <chrono>

#include "command.h"
#include "core/json.h"
#include "core/s3.h"
#include "ingested.h"
#include "lake/about.h"
#include "print.h"
#include "sources/source.h"
#include "user_config.h"

namespace tapemill {
template <>
inline constexpr auto fields<pipeline::IngestOptions> =
    std::tuple{field("dataset", &pipeline::IngestOptions::dataset, "a data set of datasets/, or the path of a spec"),
               field("paths", &pipeline::IngestOptions::paths, "files, folders, globs or s3://BUCKET/PREFIX to read"),
               field("allow_smaller", &pipeline::IngestOptions::allow_smaller,
                     "a restated file may have less than half of the rows that it replaces"),
               field("start", &pipeline::IngestOptions::start, "only sessions from this one on, 2024-10-28"),
               field("end", &pipeline::IngestOptions::end, "only sessions up to this one"),
               field("on_error", &pipeline::IngestOptions::on_error,
                     "after a refused file: go on with the others, or stop", "skip|stop")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

constexpr int kConnections = 8;  // downloads at a time

void print_report(const pipeline::IngestReport& report, const Dataset& dataset) {
  const auto& q = report.quality;
  for (const std::string& change : report.evolved) print(fmt::format("columns: {}\n", change));
  for (const auto& finding : q.findings) {
    if (finding.count == 0 || finding.severity != CheckSpec::Severity::warn) continue;
    print(fmt::format("warning: {}: {} ({}{}){}\n", finding.check, thousands(finding.count),
                      finding.count > 1 ? "the first: " : "",
                      finding.examples.empty() ? "" : visible(finding.examples.front()),
                      finding.count > 1 ? fmt::format("; --json names {} places", finding.examples.size()) : ""));
  }
  for (std::size_t i = 0; i < report.empty.size() && i < 3; ++i)
    print(fmt::format("warning: {}: every row was refused ({}): is the spec right? The first, {}\n",
                      visible(report.empty[i].path), counted(report.empty[i].rows, "row"),
                      visible(report.empty[i].reason)));
  if (report.empty.size() > 3)
    print(fmt::format("warning: and every row of {} more\n",
                      counted(static_cast<std::int64_t>(report.empty.size() - 3), "file")));
  constexpr std::size_t kMost = 5;  // a wrong folder is told by a few of its files
  for (std::size_t i = 0; i < std::min(report.refused.size(), kMost); ++i) {
    const auto& one = report.refused[i];
    print(fmt::format("refused: {}\n{}", visible(one.error, true),
                      one.hint.empty() ? "" : "         " + one.hint + "\n"));
  }
  if (report.refused.size() > kMost)
    print(fmt::format("refused: and {}; --json names them all\n",
                      counted(static_cast<std::int64_t>(report.refused.size() - kMost), "more file")));
  for (const auto& [check, rows] : report.quarantine)
    print(fmt::format("quarantined: {} by {}\n", counted(rows, "row"), check));
  if (q.rows_quarantined > 0)
    print(fmt::format("             tapemill quarantine list {} shows them\n", dataset.table));
  std::string line = fmt::format("{}: {} in = {} stored + {} quarantined", dataset.table, counted(q.rows_in, "row"),
                                 thousands(q.rows_kept), thousands(q.rows_quarantined));
  line += " · " + counted(report.files, "file");
  if (report.files_unchanged > 0) line += fmt::format(", {} unchanged", thousands(report.files_unchanged));
  if (report.files_outside > 0) line += fmt::format(", {} of other sessions", thousands(report.files_outside));
  if (report.files_not_read > 0) line += fmt::format(", {} not read", thousands(report.files_not_read));
  if (report.files_superseded > 0) line += fmt::format(", {} superseded", thousands(report.files_superseded));
  if (!report.restated.empty()) line += fmt::format(", {} restated", report.restated.size());
  if (!report.refused.empty()) line += fmt::format(", {} refused", report.refused.size());
  line += fmt::format(" · version {}", report.version);
  if (report.bytes_stored > 0)
    line += fmt::format(" · {} -> {}", format_bytes(report.bytes_in), format_bytes(report.bytes_stored));
  print(line + fmt::format(" · {:.1f} s\n", report.seconds));
  if (report.missing.empty()) return;
  std::string dates;
  for (std::size_t i = 0; i < report.missing.size() && i < 3; ++i)
    dates += (i > 0 ? ", " : "") + report.missing[i].str();
  if (report.missing.size() > 3) dates += fmt::format(" and {} more", report.missing.size() - 3);
  print("missing: " + dates + "; tapemill status says why\n");
}

void print_delivery(const pipeline::Delivery& delivery, const Dataset& dataset, Date today) {
  const auto absent = delivery.absent(dataset, today);
  for (std::size_t i = 0; i < absent.size() && i < 10; ++i)
    print(fmt::format("{}: {} ({})\n", absent[i].outcome, absent[i].key, absent[i].why));
  if (absent.size() > 10) print(fmt::format("and {} more; --json names all\n", absent.size() - 10));
  using Outcome = sources::Fetched::Outcome;
  std::string line =
      fmt::format("{}: {} downloaded", delivery.from.bucket, counted(delivery.count(Outcome::ok), "file"));
  for (auto outcome : {Outcome::unchanged, Outcome::missing, Outcome::forbidden, Outcome::failed})
    if (delivery.count(outcome) > 0) line += fmt::format(", {} {}", thousands(delivery.count(outcome)), name(outcome));
  print(line + fmt::format(" · {}\n", format_bytes(delivery.bytes())));
}

}  // namespace

Status take_in(const lake::Lake& lake, const Dataset& dataset, const std::vector<pipeline::Delivery>& deliveries,
               std::vector<std::string> paths, bool ingest, const pipeline::IngestPolicy& policy, Context& context) {
  ARROW_ASSIGN_OR_RAISE(Taken taken, take(lake, dataset, deliveries, std::move(paths), ingest, policy, context));
  if (context.json) print(taken.json);
  return taken.status;
}

Result<Taken> take(const lake::Lake& lake, const Dataset& dataset, const std::vector<pipeline::Delivery>& deliveries,
                   std::vector<std::string> paths, bool ingest, const pipeline::IngestPolicy& policy,
                   Context& context) {
  const Instant now{
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
  const Date today{static_cast<std::int32_t>(now.us / kDay)};
  Json delivered = Json::array();
  std::int64_t absent = 0, of = 0;
  for (const auto& delivery : deliveries) {
    const auto here = delivery.paths();
    paths.insert(paths.end(), here.begin(), here.end());
    delivered.push_back(delivery.json(dataset, today));
    of += static_cast<std::int64_t>(delivery.files.size());
    absent += delivery.count(sources::Fetched::Outcome::forbidden) + delivery.count(sources::Fetched::Outcome::failed);
    if (!context.json) print_delivery(delivery, dataset, today);
  }
  Status missing = absent == 0
                       ? Status::OK()
                       : environment_error(fmt::format("{} of {} could not be fetched", absent, counted(of, "file")),
                                           "the others are here; run the same command again for the rest");
  if (!ingest || paths.empty()) return Taken{Json{{"deliveries", delivered}}, missing};
  if (!context.quiet && !context.json) print(fmt::format("Ingesting {} into {}\n", dataset.table, lake.root()));
  const auto before = lake::dataset_of(lake, dataset.table);
  const bool other_spec =
      lake.table(lake::Layer::bronze, dataset.table).exists() && before.ok() && before->text != dataset.text;
  ARROW_ASSIGN_OR_RAISE(auto report,
                        pipeline::ingest(lake, dataset, paths, now, context.workers, *context.budget, policy));
  Json json = report.json();
  if (!deliveries.empty()) json["deliveries"] = delivered;
  if (!context.json) print_report(report, dataset);
  if (other_spec && report.files_unchanged > 0 && !context.quiet)
    std::fputs(
        fmt::format("note: {} came in by another spec of {} and stay as they are; tapemill rebuild {} reads them by "
                    "this one\n",
                    counted(report.files_unchanged, "file"), dataset.table, dataset.table)
            .c_str(),
        stderr);
  std::vector<std::string> refused_paths;
  for (const auto& one : report.refused) refused_paths.push_back(one.path);
  for (const auto& delivery : deliveries) ARROW_RETURN_NOT_OK(delivery.tidy(dataset, refused_paths));
  if (report.refused.empty()) return Taken{std::move(json), missing};
  const auto refused = static_cast<std::int64_t>(report.refused.size());
  Status status = data_error(fmt::format("{} of {} refused; {}", refused, counted(report.files, "file"),
                                         policy.stop               ? "what comes after was not read"
                                         : refused == report.files ? "nothing went in"
                                                                   : "the others are in"),
                             fmt::format("mend or fetch {} again and run the same command: what is in stays as it is",
                                         refused == 1 ? "it" : "them"));
  return Taken{std::move(json), std::move(status)};
}

namespace {

Status run(const pipeline::IngestOptions& options, Context& context) {
  // A data set that datasets/ does not have may be one that the lake remembers.
  auto there = context.lake();
  ARROW_ASSIGN_OR_RAISE(Dataset dataset,
                        there.ok() ? lake::declared_dataset(*there, options.dataset) : load_dataset(options.dataset));
  pipeline::IngestPolicy policy;
  policy.allow_smaller = options.allow_smaller;
  policy.stop = options.on_error == "stop";
  for (auto [text, date] : {std::pair{&options.start, &policy.start}, std::pair{&options.end, &policy.end}})
    if (!text->empty()) ARROW_RETURN_NOT_OK(Date::parse(*text).Value(&date->emplace()));
  if (policy.start && policy.end && *policy.end < *policy.start)
    return usage_error(fmt::format("--end {} lies before --start {}", options.end, options.start));
  std::vector<std::string> local;
  for (const std::string& path : options.paths)
    if (!S3Place::is(path)) local.push_back(path);
  if (!local.empty())
    ARROW_RETURN_NOT_OK(sources::expand_paths(local).status());  // before a lake is made or anything is said
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake(true));
  std::vector<pipeline::Delivery> deliveries;
  if (local.size() < options.paths.size()) {
    ARROW_ASSIGN_OR_RAISE(const UserConfig config, read_user_config());
    ARROW_ASSIGN_OR_RAISE(const S3Settings store, polygon_settings(config));
    ARROW_ASSIGN_OR_RAISE(deliveries, pipeline::deliver_paths(lake, store, options.paths, kConnections));
  }
  return take_in(lake, dataset, deliveries, std::move(local), true, policy, context);
}

}  // namespace

Command ingest_command() {
  return command<pipeline::IngestOptions>(
      "ingest", "Read files into the lake: landing, quarantine, bronze, silver", {"dataset", "paths"},
      "  tapemill ingest sp500 all_stocks_5yr.csv.gz\n  tapemill ingest nse_cash bhavcopies/ --json\n"
      "  tapemill ingest stocks_minute s3://flatfiles/us_stocks_sip/minute_aggs_v1/2024/\n"
      "  tapemill ingest nse_cash bhavcopies/ --start 2024-10-01 --end 2024-10-31 --on-error stop",
      run);
}

}  // namespace tapemill::app
