#include "pipeline/chart.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "command.h"
#include "core/json.h"
#include "core/output_file.h"
#include "core/paths.h"
#include "core/session_hours.h"
#include "print.h"

extern char** environ;
namespace fs = std::filesystem;
namespace tapemill {
template <>
inline constexpr auto fields<pipeline::ChartOptions> = std::tuple{
    field("symbol", &pipeline::ChartOptions::symbol, "a symbol or instrument id"),
    field("indicators", &pipeline::ChartOptions::indicators,
          "requests such as SMA_20, MACD, BB_20, or expressions such as \"rsi(close, period=14)\", by commas"),
    field("table", &pipeline::ChartOptions::table, "the table of bars (else the first that knows the symbol)"),
    field("start", &pipeline::ChartOptions::start, "first session, 2024-10-28; without it the last year is in view"),
    field("end", &pipeline::ChartOptions::end, "last session, inclusive"),
    field("adjusted", &pipeline::ChartOptions::adjusted,
          "prices and volumes adjusted for splits, bonuses and the like"),
    field("dividends", &pipeline::ChartOptions::dividends, "with --adjusted: for dividends too"),
    field("session", &pipeline::ChartOptions::session,
          "rows of which hours of a session, where its bars are shorter: the regular session's, extended hours' too, "
          "or all",
          kSessionHours),
    field("out", &pipeline::ChartOptions::out, "file to write, .html or .png (else SYMBOL.html)")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

/// A picture of the page by a headless Chromium.
Status photograph(const std::string& page, const std::string& out) {
  std::string browser;
  for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"})
    if (::access(path, X_OK) == 0) browser = path;
  if (browser.empty())
    return environment_error(out + ": a PNG needs Chromium", "apt-get install chromium, or write .html");
  std::string profile = fs::temp_directory_path() / fmt::format("tapemill-chart-{}", ::getpid());
  std::vector<std::string> words{browser,
                                 "--headless",
                                 "--no-sandbox",
                                 "--disable-gpu",
                                 "--disable-quic",
                                 "--no-first-run",
                                 "--disable-background-networking",
                                 "--disable-component-update",
                                 "--disable-sync",
                                 "--hide-scrollbars",
                                 "--window-size=1280,900",
                                 "--virtual-time-budget=3000",
                                 "--user-data-dir=" + profile,
                                 "--screenshot=" + fs::absolute(out).string(),
                                 "file://" + fs::absolute(page).string()};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
  pid_t child = 0;
  int failed = ::posix_spawn(&child, browser.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return errno_error(browser, failed);
  int ended = 0;
  ::waitpid(child, &ended, 0);
  std::error_code ignored;
  fs::remove_all(profile, ignored);
  if (!fs::exists(out, ignored)) return environment_error(browser + ": made no picture", "write .html instead");
  return Status::OK();
}

Status run(const pipeline::ChartOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  if (options.dividends && !options.adjusted)
    return usage_error("--dividends goes with --adjusted", "write --adjusted --dividends");
  std::string out = options.out;
  if (out.empty()) {
    out = options.symbol + ".html";
    for (char& c : out)
      if (c == '/' || c == ':') c = '_';
  }
  bool png = out.ends_with(".png");
  if (!png && !out.ends_with(".html")) return usage_error(out + ": a chart is written as .html or .png");
  ARROW_RETURN_NOT_OK(check_output(out));
  ARROW_ASSIGN_OR_RAISE(std::string page, pipeline::chart_page(lake, options, context.workers, png));
  std::string html =
      png ? (fs::temp_directory_path() / fmt::format("tapemill-chart-{}.html", ::getpid())).string() : out;
  ARROW_RETURN_NOT_OK(write_file_atomically(html, page));
  if (png) {
    Status taken = photograph(html, out);
    std::error_code ignored;
    fs::remove(html, ignored);
    ARROW_RETURN_NOT_OK(taken);
  }
  if (context.json) print(Json{{"file", out}, {"symbol", options.symbol}});
  else print(out + "\n");
  return Status::OK();
}

}  // namespace

Command chart_command() {
  return command<pipeline::ChartOptions>("chart", "Candles and indicators of one symbol, as a page or a picture",
                                         {"symbol"},
                                         "  tapemill chart AAPL --indicators SMA_50,SMA_200,RSI_14 --start "
                                         "2017-01-03\n  tapemill chart SPX --indicators BB_20,MACD --out spx.png",
                                         run);
}

}  // namespace tapemill::app
