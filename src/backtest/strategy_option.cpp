#include <cmath>
#include <set>

#include "backtest/document.h"
#include "backtest/strategy_forms.h"
#include "core/json.h"

namespace tapemill::backtest {
namespace {

constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

Status read_time(const Node& node, const std::string& text, std::int64_t& out) {
  auto time = parse_time_of_day(text);
  if (!time.ok()) return placed(node, time.status());
  out = *time;
  return Status::OK();
}

Status add_window(const Node& node, const std::string& start, const std::string& end, std::vector<TimeWindow>& out) {
  TimeWindow window;
  ARROW_RETURN_NOT_OK(read_time(node, start, window.start));
  ARROW_RETURN_NOT_OK(read_time(node, end, window.end));
  if (window.start >= window.end)
    return node.error(fmt::format("the window {}-{} is empty", start, end),
                      "windows are half-open: its end is the first instant outside");
  if (!out.empty() && out.back().end > window.start) return node.error("windows overlap or are out of order");
  out.push_back(window);
  return Status::OK();
}

Status read_days(const Node& node, const std::vector<std::string>& days, std::vector<int>& out) {
  std::set<int> chosen;
  for (std::size_t i = 0; i < days.size(); ++i) {
    const Node& item = node.is_list() ? node.items[i] : node;
    ARROW_RETURN_NOT_OK(check_choice(item, days[i], "Mon|Tue|Wed|Thu|Fri|Sat|Sun"));
    for (int day = 0; day < 7; ++day) {
      if (days[i] == kDays[day]) chosen.insert(day);
    }
  }
  out.assign(chosen.begin(), chosen.end());
  return Status::OK();
}

/// Either dialect's dates, days and windows.
Status read_when(const Node& root, const OptionDocument& document, OptionStrategy& plan) {
  if (document.when && document.time)
    return at(root, {"time"}).error("when and time are two dialects of one thing", "keep one of them");
  plan.timezone = document.timezone;
  if (document.when) {
    const OptionWhen& when = *document.when;
    ARROW_RETURN_NOT_OK(read_dates(at(root, {"when", "date_range"}), when.date_range, plan.start, plan.end));
    ARROW_RETURN_NOT_OK(read_days(at(root, {"when", "days"}), when.days, plan.days));
    const Node& windows = at(root, {"when", "time_window"});
    for (std::size_t i = 0; i < when.time_window.size(); ++i) {
      ARROW_RETURN_NOT_OK(add_window(windows.is_list() ? windows.items[i] : windows, when.time_window[i].start,
                                     when.time_window[i].end, plan.windows));
    }
    if (!when.timezone.empty()) plan.timezone = when.timezone;
  } else if (document.time) {
    const OptionTime& time = *document.time;
    std::vector<std::string> range;
    if (!time.start.empty() || !time.end.empty()) range = {time.start, time.end};
    ARROW_RETURN_NOT_OK(read_dates(at(root, {"time", "start"}), range, plan.start, plan.end));
    ARROW_RETURN_NOT_OK(read_days(at(root, {"time", "days"}), time.days, plan.days));
    const Node& windows = at(root, {"time", "windows"});
    for (std::size_t i = 0; i < time.windows.size(); ++i) {
      const std::string& text = time.windows[i];
      auto dash = text.find('-');
      const Node& item = windows.is_list() ? windows.items[i] : windows;
      if (dash == std::string::npos) return item.error("a window is written \"09:15-09:20\"");
      ARROW_RETURN_NOT_OK(add_window(item, text.substr(0, dash), text.substr(dash + 1), plan.windows));
    }
    if (!time.timezone.empty()) plan.timezone = time.timezone;
  }
  if (plan.windows.empty())
    return root.error("no time window", "add when: {time_window: {start: \"09:15:00\", end: \"15:30:00\"}}");
  if (!plan.timezone.empty()) {
    auto zone = Zone::named(plan.timezone);
    if (!zone.ok()) return placed(at(root, {"timezone"}), zone.status());
  }
  return Status::OK();
}

Status read_expiries(const Node& node, const std::vector<std::string>& expiries, std::vector<std::string>& out) {
  for (std::size_t i = 0; i < expiries.size(); ++i) {
    const std::string& text = expiries[i];
    const Node& item = node.is_list() ? node.items[i] : node;
    if (text != "nearest" && text != "weekly" && text != "monthly" && text != "all" && !Date::parse(text).ok()) {
      std::string near = nearest(text, std::vector<std::string>{"nearest", "weekly", "monthly", "all"});
      return item.error(fmt::format("\"{}\" is no expiry", text),
                        (near.empty() ? std::string{} : fmt::format("did you mean \"{}\"? ", near)) +
                            "nearest, weekly, monthly, all, or a date");
    }
    out.push_back(text);
  }
  return out.empty() ? node.error("no expiry", "write expiries: nearest") : Status::OK();
}

Status read_legs(const Node& root, const OptionDocument& document, OptionStrategy& plan) {
  const Node& list = at(root, {"entry", "legs"});
  if (document.entry.legs.empty()) return list.error("no legs", "write legs: [{cp: CE, qty: -1, distance: 0}]");
  for (std::size_t i = 0; i < document.entry.legs.size(); ++i) {
    const LegText& leg = document.entry.legs[i];
    const Node& item = list.is_list() ? list.items[i] : list;
    if (leg.cp.empty()) return item.error("a leg needs cp", "CE or PE");
    if (leg.qty == 0) return item.error("a leg of 0 lots trades nothing", "qty: -1 sells one lot");
    plan.legs.push_back({leg.cp[0] == 'C', leg.qty, leg.distance});
  }
  return Status::OK();
}

Status check_conditions(const Node& root, const OptionStrategy& plan) {
  for (bool entry : {true, false}) {
    std::vector<const Metric*> used;
    (entry ? plan.enter : plan.leave).metrics(used);
    const Node& node = at(root, {entry ? "entry" : "exit", "when"});
    for (const Metric* metric : used) {
      if (entry && (metric->id == Metric::Id::pnl || metric->id == Metric::Id::drawdown)) {
        return node.error("PnL and Drawdown belong to an open position", "use them in exit.when");
      }
      if (!metric->underlying && metric->leg >= static_cast<int>(plan.legs.size())) {
        return node.error(fmt::format("there is no leg {}", metric->leg),
                          fmt::format("legs are numbered 0 to {}", plan.legs.size() - 1));
      }
    }
  }
  return Status::OK();
}

Json canonical_of(const OptionStrategy& plan, const OptionDocument& document) {
  Json days = Json::array(), windows = Json::array(), legs = Json::array();
  for (int day : plan.days) days.push_back(kDays[day]);
  for (const TimeWindow& w : plan.windows) windows.push_back({w.start / kSecond, w.end / kSecond});
  for (const OptionLeg& leg : plan.legs)
    legs.push_back({{"cp", leg.call ? "CE" : "PE"}, {"qty", leg.lots}, {"distance", leg.distance}});
  return {{"form", "option"},
          {"name", document.name},
          {"universe",
           {{"symbol", plan.symbol}, {"expiries", plan.expiries}, {"table", plan.table}, {"rules", plan.rules}}},
          {"time",
           {{"start", text_or_null(plan.start)},
            {"end", text_or_null(plan.end)},
            {"days", days},
            {"windows_seconds", windows},
            {"timezone", plan.timezone}}},
          {"capital", {{"amount", plan.capital.number}, {"currency", plan.capital.currency}}},
          {"entry",
           {{"selector", plan.selector},
            {"rebalance_seconds", plan.rebalance / kSecond},
            {"legs", legs},
            {"when", plan.enter.canonical()},
            {"repeat", plan.repeat}}},
          {"exit",
           {{"at", plan.settle    ? Json("settlement")
                   : plan.exit_at ? Json(*plan.exit_at / kSecond)
                                  : Json(nullptr)},
            {"when", plan.leave.canonical()}}},
          {"costs", {{"per_lot", plan.per_lot}, {"taxes_bps", document.costs.taxes_bps}, {"stt", plan.stt}}},
          {"slippage", {{"base", plan.slip_base}, {"alpha_spread", plan.slip_spread}, {"beta_rv", plan.slip_rv}}},
          {"fill", {{"mode", document.fill.mode}, {"latency_us", plan.latency}, {"patience_us", plan.patience}}},
          {"quality", {{"ttl_us", plan.ttl}, {"tolerance_us", plan.tolerance}, {"max_spread_bps", plan.max_spread}}},
          {"sampling", {{"first_trades", plan.samples}}}};
}

}  // namespace

Status read_option(const Node& root, Strategy& out) {
  OptionDocument document;
  ARROW_RETURN_NOT_OK(read_config(root, document));
  OptionStrategy plan;
  plan.table = document.universe.table, plan.symbol = document.universe.symbol, plan.rules = document.universe.rules;
  plan.session = session_hours(document.universe.session);
  ARROW_RETURN_NOT_OK(read_expiries(at(root, {"universe", "expiries"}), document.universe.expiries, plan.expiries));
  ARROW_RETURN_NOT_OK(read_when(root, document, plan));
  plan.selector = document.entry.selector;
  if (document.entry.rebalance != "none") {
    auto every = parse_duration(document.entry.rebalance);
    const Node& node = at(root, {"entry", "rebalance"});
    if (!every.ok()) return placed(node, every.status());
    if (*every < kSecond || *every % kSecond != 0) return node.error("strikes are chosen anew at most every second");
    plan.rebalance = *every;
  }
  ARROW_RETURN_NOT_OK(read_legs(root, document, plan));
  plan.enter = document.entry.when, plan.leave = document.exit.when, plan.repeat = document.entry.repeat;
  ARROW_RETURN_NOT_OK(check_conditions(root, plan));
  plan.settle = document.exit.at == "settlement";
  if (!document.exit.at.empty() && !plan.settle) {
    std::int64_t time = 0;
    ARROW_RETURN_NOT_OK(read_time(at(root, {"exit", "at"}), document.exit.at, time));
    plan.exit_at = time;
  }
  auto capital = parse_amount(document.capital);
  if (!capital.ok()) return placed(at(root, {"capital"}), capital.status());
  plan.capital = *capital;
  const OptionCosts& costs = document.costs;
  if (costs.per_lot && costs.brokerage_per_lot)
    return at(root, {"costs", "per_lot"}).error("per_lot and brokerage_per_lot are one thing", "keep one of them");
  double per_lot = costs.per_lot.value_or(costs.brokerage_per_lot.value_or(0));
  plan.per_lot = std::llround(per_lot * 100);
  if (per_lot < 0 || std::abs(per_lot * 100 - static_cast<double>(plan.per_lot)) > 1e-6) {
    return at(root, {"costs"}).error(fmt::format("{} is no amount in whole paise", per_lot));
  }
  ARROW_ASSIGN_OR_RAISE(plan.taxes, read_rate(at(root, {"costs", "taxes_bps"}), costs.taxes_bps));
  plan.stt = costs.stt;
  const OptionSlippage& slippage = document.slippage;
  if (slippage.base && slippage.ticks)
    return at(root, {"slippage", "base"}).error("base and ticks are one thing", "keep one of them");
  plan.slip_base = slippage.base.value_or(slippage.ticks.value_or(0));
  if (plan.slip_base < 0) return at(root, {"slippage"}).error("slippage is never a gain");
  plan.slip_spread = slippage.alpha_spread, plan.slip_rv = slippage.beta_rv;
  const std::string& mode = document.fill.mode;
  plan.fill = mode == "best"  ? FillMode::best
              : mode == "mid" ? FillMode::mid
              : mode == "bid" ? FillMode::bid
                              : FillMode::ask;
  plan.latency = document.fill.latency.us, plan.patience = document.fill.patience.us;
  if (plan.latency < kSecond) {
    return at(root, {"fill", "latency"})
        .error("an order decided in a second fills in the next one at the earliest", "latency: 1s");
  }
  plan.ttl = document.quality.ttl.us, plan.tolerance = document.quality.tolerance.us;
  if (!document.quality.max_spread.empty()) {
    auto share = parse_percent(document.quality.max_spread);
    if (!share.ok()) return placed(at(root, {"quality", "max_spread"}), share.status());
    plan.max_spread = *share;
  }
  plan.samples = document.sampling.first_trades.value_or(document.sampling.save_first_trades.value_or(100));
  warn(plan.enter, out.warnings);
  warn(plan.leave, out.warnings);
  out.name = document.name;
  out.canonical = canonical_of(plan, document);
  if (plan.session != SessionHours::regular) out.canonical["universe"]["session"] = name(plan.session);
  out.plan = std::move(plan);
  return Status::OK();
}

}  // namespace tapemill::backtest
