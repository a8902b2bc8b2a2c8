#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"
#include "lake/scan.h"
#include "pipeline/report_parts.h"

namespace tapemill::pipeline {
namespace {

using exports::Cell;
using exports::ColumnKind;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// A gain in percent as the table shows it: what is less than half of its last digit is none.
double shown(double ratio) { return std::round((ratio - 1) * 1e4) / 1e2 + 0.0; }

struct Year {
  int year = 0;
  double before = kNone, last = kNone;            // equity at the end of the year before, and of this one
  double held_before = kNone, held_last = kNone;  // the same of buying and holding
  double peak = 0, worst = 0;                     // within the year, its beginning included
  std::int64_t closed = 0;                        // trades
  double gain() const { return shown(last / before); }  // percent
};

/// What a series began from, out of its end and the gain over all of it.
double began(const std::vector<double>& values, double gain) {
  return values.empty() ? kNone : std::isfinite(gain) ? values.back() / (1 + gain / 100) : values.front();
}

std::vector<Year> years_of(const std::vector<double>& days, const std::vector<double>& equity,
                           const std::vector<double>& held, double capital, double held_from) {
  std::vector<Year> years;
  for (std::size_t i = 0; i < days.size(); ++i) {
    const int year = Date{static_cast<std::int32_t>(days[i])}.year();
    if (years.empty() || years.back().year != year) {
      Year next{year};
      next.before = next.peak = i == 0 ? capital : equity[i - 1];
      if (!held.empty()) next.held_before = i == 0 ? held_from : held[i - 1];
      years.push_back(next);
    }
    Year& one = years.back();
    one.last = equity[i];
    if (!held.empty()) one.held_last = held[i];
    one.peak = std::max(one.peak, equity[i]);
    one.worst = std::min(one.worst, equity[i] / one.peak - 1);
  }
  return years;
}

}  // namespace

Result<std::optional<exports::Table>> years_block(const backtest::RunResult& run) {
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*run.equity, "session"));
  ARROW_ASSIGN_OR_RAISE(auto equity, lake::doubles(*run.equity, "equity"));
  std::vector<double> held, exits;
  if (run.equity->GetColumnByName("buy_and_hold") != nullptr) {
    ARROW_ASSIGN_OR_RAISE(held, lake::doubles(*run.equity, "buy_and_hold"));
  }
  if (run.trades->GetColumnByName("ExitTime") != nullptr) {
    ARROW_ASSIGN_OR_RAISE(exits, lake::doubles(*run.trades, "ExitTime"));
  }
  std::vector<Year> years = years_of(days, equity, held, began(equity, backtest::figure(run.metrics, "Return [%]")),
                                     began(held, backtest::figure(run.metrics, "Buy & Hold Return [%]")));
  if (years.size() < 2) return std::nullopt;
  for (double us : exits) {
    if (std::isnan(us)) continue;
    const int year = Date{static_cast<std::int32_t>(std::floor(us / kDay))}.year();
    for (Year& one : years) one.closed += one.year == year;
  }
  exports::Table table;
  // A run that lost everything has years without a gain to name.
  std::vector<Year> ranked = years;
  std::erase_if(ranked, [](const Year& one) { return !std::isfinite(one.gain()); });
  if (ranked.empty()) return std::nullopt;
  const auto gains = std::count_if(years.begin(), years.end(), [](const Year& one) { return one.gain() > 0; });
  auto by_gain = [](const Year& a, const Year& b) { return a.gain() < b.gain(); };
  const Year& worst = *std::min_element(ranked.begin(), ranked.end(), by_gain);
  const Year& best = *std::max_element(ranked.begin(), ranked.end(), by_gain);
  table.caption = {
      fmt::format("{} of {} years with a gain; best {} ({}), worst {} ({})", gains, years.size(), best.year,
                  signed_percent(best.gain()), worst.year, signed_percent(worst.gain())),
      fmt::format("run {} over {}; the first and the last year as far as they were tested", run.run_id, run.table),
      "years-" + run.name};
  table.columns = {{"year"}, {"return", "%", ColumnKind::signed_number, 2}};
  if (!held.empty()) table.columns.push_back({"buy and hold", "%", ColumnKind::signed_number, 2});
  table.columns.push_back({"worst drawdown", "%", ColumnKind::number, 2});
  if (!exits.empty()) table.columns.push_back({"trades closed", "", ColumnKind::number, 0});
  auto real = [](double value) { return std::isfinite(value) ? Cell(value) : Cell(); };
  for (const Year& one : years) {
    std::vector<Cell> row{std::to_string(one.year), real(one.gain())};
    if (!held.empty()) row.push_back(real(shown(one.held_last / one.held_before)));
    row.push_back(real(one.worst * 100));
    if (!exits.empty()) row.emplace_back(one.closed);
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace tapemill::pipeline
