// download polygon: flat files by date, through the calendar, into the lake.
#include <chrono>

#include "command.h"
#include "ingested.h"
#include "lake/about.h"
#include "pipeline/flat_files.h"
#include "print.h"
#include "user_config.h"

namespace tapemill::app {
struct PolygonOptions {
  std::string dataset, start, end;
  int connections = 8;
  bool ingest = true;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::PolygonOptions> = std::tuple{
    field("dataset", &app::PolygonOptions::dataset, "stocks_daily, stocks_minute, options_daily or options_minute"),
    field("start", &app::PolygonOptions::start, "first session, YYYY-MM-DD"),
    field("end", &app::PolygonOptions::end, "last session (default: yesterday)"),
    field("connections", &app::PolygonOptions::connections, "downloads at a time", 1, 50),
    field("ingest", &app::PolygonOptions::ingest, "and bring them into the lake")};
}  // namespace tapemill

namespace tapemill::app {

Result<std::pair<Date, Date>> asked_range(const std::string& start, const std::string& end, const std::string& unit,
                                          const std::string& example) {
  if (start.empty()) return usage_error(fmt::format("--start says from which {} on", unit), example);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const Date today{static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::hours>(now).count() / 24)};
  ARROW_ASSIGN_OR_RAISE(const Date from, Date::parse(start));
  Date to = today - 1;
  if (!end.empty()) { ARROW_ASSIGN_OR_RAISE(to, Date::parse(end)); }
  if (to < from) return usage_error(fmt::format("--end {} is before --start {}", to.str(), from.str()));
  return std::pair{from, to};
}

namespace {

Status polygon(const PolygonOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(const Dataset dataset, load_dataset(options.dataset));
  Date from, to;
  ARROW_ASSIGN_OR_RAISE(std::tie(from, to), asked_range(options.start, options.end, "session",
                                                        "tapemill download polygon stocks_daily --start 2024-01-02"));
  ARROW_ASSIGN_OR_RAISE(const auto keys, pipeline::polygon_keys(dataset, from, to));
  if (keys.empty())
    return usage_error(fmt::format("{} has no session from {} to {}", dataset.calendar->name(), from.str(), to.str()));
  ARROW_ASSIGN_OR_RAISE(const UserConfig config, read_user_config());
  ARROW_ASSIGN_OR_RAISE(const S3Settings store, polygon_settings(config));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake(true));
  std::vector<pipeline::Delivery> deliveries;
  ARROW_ASSIGN_OR_RAISE(deliveries.emplace_back(),
                        pipeline::deliver(lake, store, config.polygon_bucket, keys, options.connections));
  return take_in(lake, dataset, deliveries, {}, options.ingest, {}, context);
}

}  // namespace

Command download_polygon_command() {
  return command<PolygonOptions>("download polygon", "Polygon's flat files of some dates, into the lake", {"dataset"},
                                 "  tapemill download polygon stocks_minute --start 2024-10-01 --end 2024-10-31\n"
                                 "  tapemill download polygon options_daily --start 2024-10-28 --no-ingest",
                                 polygon);
}

}  // namespace tapemill::app
