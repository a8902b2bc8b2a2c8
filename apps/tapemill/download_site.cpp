// download nse, download yahoo: files of a site by date, at a polite pace, and into the lake.
#include <algorithm>

#include "command.h"
#include "ingested.h"
#include "pipeline/site_files.h"
#include "print.h"

namespace tapemill::app {
struct NseOptions {
  std::string kind, start, end, folder, archive = pipeline::NseSite().archive, site = pipeline::NseSite().site;
  double pace = 1;
  bool again = false, ingest = true;
};
struct YahooOptions {
  std::vector<std::string> symbols;
  std::string start, end, folder, site = "https://query1.finance.yahoo.com";
  double pace = 1;
  bool again = false, ingest = true;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::NseOptions> = std::tuple{
    field("kind", &app::NseOptions::kind, "cash, full, fo, index: a file a session; actions: a file a month; holidays",
          "cash|full|fo|index|actions|holidays"),
    field("start", &app::NseOptions::start, "first session, YYYY-MM-DD"),
    field("end", &app::NseOptions::end, "last session (default: yesterday)"),
    field("folder", &app::NseOptions::folder, "where the files are kept (else in the lake, until they have landed)"),
    field("pace", &app::NseOptions::pace, "seconds between two requests", 0, 3600),
    field("again", &app::NseOptions::again, "ask also for what was fetched before"),
    field("ingest", &app::NseOptions::ingest, "and bring them into the lake"),
    field("archive", &app::NseOptions::archive, "address of the archive of reports"),
    field("site", &app::NseOptions::site, "address of the site, which gives the cookies")};
template <>
inline constexpr auto fields<app::YahooOptions> = std::tuple{
    field("symbols", &app::YahooOptions::symbols, "as Yahoo writes them: AAPL, BRK-B, RELIANCE.NS"),
    field("start", &app::YahooOptions::start, "first day, YYYY-MM-DD"),
    field("end", &app::YahooOptions::end, "last day (default: yesterday)"),
    field("folder", &app::YahooOptions::folder, "where the files are kept (else in the lake, until they have landed)"),
    field("pace", &app::YahooOptions::pace, "seconds between two requests", 0, 3600),
    field("again", &app::YahooOptions::again, "ask also for what was fetched before"),
    field("ingest", &app::YahooOptions::ingest, "and bring US symbols into the lake: bars, splits and dividends"),
    field("site", &app::YahooOptions::site, "address of the charts")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

Status nse(const NseOptions& options, Context& context) {
  Date from, to;
  const bool holidays = options.kind == "holidays";
  if (!holidays) {
    ARROW_ASSIGN_OR_RAISE(std::tie(from, to), asked_range(options.start, options.end, "day",
                                                          "tapemill download nse cash --start 2024-10-01"));
  }
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, load_dataset(holidays ? "nse_cash" : pipeline::nse_dataset(options.kind)));
  const pipeline::NseSite site{options.archive, options.site};
  ARROW_ASSIGN_OR_RAISE(auto files, pipeline::nse_files(options.kind, *dataset.calendar, from, to, site));
  if (files.empty())
    return usage_error(fmt::format("{} has no session from {} to {}", dataset.calendar_name, from.str(), to.str()));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake(true));
  sources::Manners manners = pipeline::nse_manners(site);
  manners.pace_s = options.pace, manners.again = options.again;
  std::vector<pipeline::Delivery> deliveries;
  ARROW_ASSIGN_OR_RAISE(deliveries.emplace_back(),
                        pipeline::deliver_politely(lake, manners, "nse/" + options.kind, options.folder, files));
  const std::vector<std::string> here = deliveries.front().paths();
  ARROW_RETURN_NOT_OK(take_in(lake, dataset, deliveries, {}, options.ingest && !holidays, {}, context));
  if (holidays && !context.json && !here.empty())
    print(fmt::format("tapemill calendar check {} compares them with the calendars\n", here.front()));
  return Status::OK();
}

/// Bars and then events out of the same files; what was delivered goes when both have landed it.
Status yahoo(const YahooOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(
      auto range, asked_range(options.start, options.end, "day", "tapemill download yahoo AAPL --start 2015-01-01"));
  std::vector<std::string> american = options.symbols;  // those without a suffix: others have other calendars
  const auto others = std::stable_partition(american.begin(), american.end(),
                                            [](const std::string& one) { return one.find('.') == one.npos; });
  const std::vector<std::string> foreign(others, american.end());
  american.erase(others, american.end());
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake(true));
  ARROW_ASSIGN_OR_RAISE(Dataset bars, load_dataset("yahoo_daily"));
  sources::Manners manners = pipeline::yahoo_manners();
  manners.pace_s = options.pace, manners.again = options.again;
  Json json = Json::object();
  Status worst;
  auto take_from = [&](const std::vector<std::string>& symbols, bool ingest) -> Status {
    if (symbols.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto files, pipeline::yahoo_files(symbols, range.first, range.second, options.site));
    ARROW_ASSIGN_OR_RAISE(auto delivery, pipeline::deliver_politely(lake, manners, "yahoo", options.folder, files));
    const bool keep = std::exchange(delivery.keep, true);
    ARROW_ASSIGN_OR_RAISE(Taken taken, take(lake, bars, {delivery}, {}, ingest, {}, context));
    json[ingest ? bars.table : "not_ingested"] = std::move(taken.json);
    if (worst.ok()) worst = taken.status;
    if (!ingest || delivery.paths().empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(Dataset events, load_dataset("us_corporate_actions"));
    ARROW_ASSIGN_OR_RAISE(Taken also, take(lake, events, {}, delivery.paths(), true, {}, context));
    json[events.table] = std::move(also.json);
    if (worst.ok()) worst = also.status;
    delivery.keep = keep || !worst.ok();
    return delivery.tidy(bars, {});
  };
  ARROW_RETURN_NOT_OK(take_from(american, options.ingest));
  ARROW_RETURN_NOT_OK(take_from(foreign, false));
  if (context.json) print(json);
  else if (!foreign.empty() && options.ingest)
    print(fmt::format("not ingested, for no data set has their calendar: {}\n", fmt::join(foreign, ", ")));
  return worst;
}

}  // namespace

Command download_nse_command() {
  return command<NseOptions>("download nse", "NSE's files of some dates, politely, into the lake", {"kind"},
                             "  tapemill download nse cash --start 2024-10-01 --end 2024-10-31\n"
                             "  tapemill download nse actions --start 2024-01-01 --no-ingest",
                             nse);
}
Command download_yahoo_command() {
  return command<YahooOptions>("download yahoo", "Yahoo's daily bars, splits and dividends of some symbols",
                               {"symbols"},
                               "  tapemill download yahoo AAPL MSFT --start 2015-01-01\n"
                               "  tapemill download yahoo RELIANCE.NS --start 2024-01-01 --folder yahoo --no-ingest",
                               yahoo);
}

}  // namespace tapemill::app
