#include "backtest/option.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backtest/evaluate.h"

namespace tapemill::backtest {
namespace {

struct Leg {
  enum class State { entering, open, exiting, closed };
  State state = State::entering;
  std::size_t contract = 0;
  OptionTrade trade;
  Instant due, until;                  // of the working order
  std::int64_t exited = 0;
  std::int64_t taken = INT64_MIN;      // time of the quote that filled it last
  bool live() const { return state != State::closed; }
};

struct Window {
  Instant start, end;
  int number = 0;
};

class DayRun {
 public:
  DayRun(const OptionStrategy& plan, const ChainDay& day)
      : plan_(plan), day_(day), evaluator_(plan, day), expiries_(choose_expiries(plan, day)) {
    auto at = [&](std::int64_t local) { return day.zone.at(day.session.date, local); };
    for (const TimeWindow& window : plan.windows)
      windows_.push_back({at(window.start), at(window.end), static_cast<int>(windows_.size())});
    last_decision_ = Instant{day.session.close().us - plan.latency - kSecond};
    exit_at_ = plan.exit_at ? at(*plan.exit_at) : Instant{INT64_MAX};
    std::vector<const Metric*> used;
    plan.leave.metrics(used);
    for (const Metric* metric : used)
      marks_ = marks_ || metric->id == Metric::Id::pnl || metric->id == Metric::Id::drawdown;
    out_.date = day.session.date;
  }

  Result<OptionDay> run() {
    for (const Interval& interval : day_.session.intervals) {
      for (Instant t = interval.open; t < interval.close; t.us += kSecond) {
        ARROW_RETURN_NOT_OK(work_orders(t));
        ARROW_RETURN_NOT_OK(decide(t));
      }
    }
    for (Leg& leg : legs_) {
      if (leg.live()) ARROW_RETURN_NOT_OK(close_at_end(leg));
    }
    auto key = [](const OptionTrade& t) { return std::tie(t.entry_time, t.leg, t.expiry, t.strike); };
    std::stable_sort(out_.trades.begin(), out_.trades.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    return std::move(out_);
  }

 private:
  const Contract& contract(const Leg& leg) const { return day_.contracts[leg.contract]; }
  bool flat() const {
    return std::none_of(legs_.begin(), legs_.end(), [](const Leg& leg) { return leg.live(); });
  }
  bool settles(const Leg& leg) const { return plan_.settle && contract(leg).expiry == day_.session.date; }

  Audit audit(const Quote* quote, Instant t) const {
    Audit a;
    a.spot = underlying(plan_, day_, t);
    a.unfit = unfit(plan_, quote, t);
    if (quote == nullptr) return a;
    a.quote_time = quote->time, a.bid = quote->bid[0], a.ask = quote->ask[0];
    a.bid_size = quote->bid_size[0], a.ask_size = quote->ask_size[0], a.age = t.us - quote->time.us;
    return a;
  }

  // --- orders ---
  Status work_orders(Instant t) {
    for (std::size_t i = 0; i < legs_.size(); ++i) {
      Leg& leg = legs_[i];
      if (leg.state == Leg::State::entering) ARROW_RETURN_NOT_OK(work_entry(leg, t));
      else if (leg.state == Leg::State::exiting && t >= leg.due) ARROW_RETURN_NOT_OK(work_exit(leg, t));
    }
    return Status::OK();
  }

  Result<Fill> take(Leg& leg, Instant t, bool buy, std::int64_t units) {
    const Quote* quote = as_of(contract(leg), t);
    if (unfit(plan_, quote, t) != 0 || quote->time.us == leg.taken) return Fill{};
    double rv = plan_.slip_rv > 0 ? evaluator_.realized(t, 10 * kSecond) : 0;
    ARROW_ASSIGN_OR_RAISE(Fill got, fill(plan_, day_, *quote, buy, units, leg.trade.lot, rv));
    if (got.units > 0) leg.taken = quote->time.us;
    return got;
  }

  Status work_entry(Leg& leg, Instant t) {
    OptionTrade& trade = leg.trade;
    if (t < leg.due) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(Fill got, take(leg, t, trade.buy, trade.wanted - trade.units));
    if (got.units > 0) {
      if (trade.units == 0) trade.entry_time = t, trade.entry = audit(as_of(contract(leg), t), t);
      trade.units += got.units, trade.entry_value += got.value, trade.slippage += got.slippage;
    }
    if (trade.units == trade.wanted) leg.state = Leg::State::open;
    else if (t >= leg.until) stop_entering(leg);
    return Status::OK();
  }

  /// What is filled is the position; nothing filled is no trade.
  void stop_entering(Leg& leg) {
    leg.state = leg.trade.units > 0 ? Leg::State::open : Leg::State::closed;
    if (leg.trade.units == 0) ++out_.missed;
  }

  Status work_exit(Leg& leg, Instant t) {
    OptionTrade& trade = leg.trade;
    ARROW_ASSIGN_OR_RAISE(Fill got, take(leg, t, !trade.buy, trade.units - leg.exited));
    if (got.units == 0) return Status::OK();
    leg.exited += got.units, trade.exit_value += got.value, trade.slippage += got.slippage;
    if (leg.exited < trade.units) return Status::OK();
    trade.exit = audit(as_of(contract(leg), t), t);
    return finish(leg, t, true);
  }

  Status order_exit(Leg& leg, Instant t, const char* reason) {
    if (leg.state == Leg::State::entering) stop_entering(leg);
    if (leg.state != Leg::State::open) return Status::OK();
    leg.state = Leg::State::exiting;
    leg.due = Instant{t.us + plan_.latency};
    leg.taken = INT64_MIN;
    leg.trade.reason = reason;
    return Status::OK();
  }

  Status finish(Leg& leg, Instant t, bool traded) {
    OptionTrade& trade = leg.trade;
    trade.exit_time = t;
    trade.pnl = trade.buy ? trade.exit_value - trade.entry_value : trade.entry_value - trade.exit_value;
    for (bool exit : {false, true}) {
      if (exit && !traded) continue;
      ARROW_ASSIGN_OR_RAISE(std::int64_t taxes,
                            of_basis_points(exit ? trade.exit_value : trade.entry_value, plan_.taxes));
      trade.fees += taxes + plan_.per_lot * (trade.units / trade.lot);
      bool sale = exit == trade.buy;
      if (plan_.stt && sale) {
        ARROW_ASSIGN_OR_RAISE(std::int64_t stt,
                              of_basis_points(exit ? trade.exit_value : trade.entry_value, day_.stt_sale));
        trade.fees += stt;
      }
    }
    if (plan_.stt && !traded && trade.buy) {
      ARROW_ASSIGN_OR_RAISE(std::int64_t stt, of_basis_points(trade.exit_value, day_.stt_exercise));
      trade.fees += stt;
    }
    out_.pnl += trade.pnl, out_.fees += trade.fees;
    leg.state = Leg::State::closed;
    realized_ += static_cast<double>(trade.pnl) / 100;
    out_.trades.push_back(trade);
    return Status::OK();
  }

  Status close_at_end(Leg& leg) {
    if (leg.state == Leg::State::entering) stop_entering(leg);
    if (!leg.live()) return Status::OK();
    const Contract& c = contract(leg);
    OptionTrade& trade = leg.trade;
    std::int64_t left = trade.units - leg.exited;
    Instant end = day_.session.close();
    if (c.expiry == day_.session.date) {
      if (std::int64_t price = settlement_price(day_); price != kNullPrice) {
        ARROW_ASSIGN_OR_RAISE(std::int64_t value, times(intrinsic(c, price), left));
        trade.exit_value += value;
        trade.reason = "settlement";
        trade.exit.spot = price;
        return finish(leg, end, leg.exited > 0);
      }
    }
    for (std::size_t known = c.quotes.known_at(end); known > 0; --known) {
      const Quote* quote = &c.quotes[known - 1];
      if ((unfit(plan_, quote, end) & ~unsigned{kStale}) != 0) continue;
      OptionStrategy whole = plan_;  // the mark of what is left: the best price of that quote, whatever it showed
      Quote deep = *quote;
      deep.bid_size[0] = deep.ask_size[0] = static_cast<std::int32_t>(std::min<std::int64_t>(left, INT32_MAX));
      ARROW_ASSIGN_OR_RAISE(Fill got, fill(whole, day_, deep, !trade.buy, left, trade.lot, 0));
      trade.exit_value += got.value, trade.slippage += got.slippage;
      trade.reason = "eod";
      trade.stale_exit = true;
      trade.exit = audit(quote, end);
      return finish(leg, end, true);
    }
    return data_error(fmt::format("{} on {}: a position in {} cannot be closed: no quote of the day is fit to trade",
                                  plan_.symbol, day_.session.date.str(), c.instrument));
  }

  // --- decisions ---
  const Window* window_at(Instant t) const {
    for (const Window& window : windows_) {
      if (t >= window.start && t < window.end) return &window;
    }
    return nullptr;
  }

  Status decide(Instant t) {
    if (!flat()) {
      mark(t);
      ARROW_ASSIGN_OR_RAISE(const char* reason, why_leave(t));
      if (reason != nullptr) {
        for (Leg& leg : legs_) {
          bool clock = std::string_view(reason) != "condition";
          if (leg.live() && !(clock && settles(leg))) ARROW_RETURN_NOT_OK(order_exit(leg, t, reason));
        }
      } else if (plan_.rebalance > 0 && t > entered_ && (t.us - window_->start.us) % plan_.rebalance == 0) {
        return rebalance(t);
      }
      return Status::OK();
    }
    const Window* window = window_at(t);
    if (window == nullptr || t >= exit_at_ || t >= last_decision_) return Status::OK();
    bool entered_before = window_ != nullptr && window_->number == window->number;
    if (entered_before && !plan_.repeat) return Status::OK();
    return try_enter(t, *window);
  }

  /// Why the position must go now, or null.
  Result<const char*> why_leave(Instant t) {
    if (t >= exit_at_) return "time";
    if (!plan_.exit_at && !plan_.settle && t >= window_->end) return "window_end";
    if (t >= last_decision_) return "eod";
    if (plan_.leave.empty()) return nullptr;
    ARROW_ASSIGN_OR_RAISE(auto leave, evaluator_.holds(plan_.leave, t, position()));
    return leave.value_or(false) ? "condition" : nullptr;
  }

  Status try_enter(Instant t, const Window& window) {
    std::int64_t since = t.us - window.start.us;
    if (plan_.enter.empty()) {  // at the window's start, or at an anchor after a miss
      if (plan_.rebalance > 0) since %= plan_.rebalance;
      if (since > plan_.patience) return Status::OK();
    }
    std::vector<std::size_t> chosen;
    std::int64_t price = underlying(plan_, day_, t);
    for (Date expiry : expiries_) {  // an expiry is traded with all of its legs or not at all
      std::vector<std::size_t> legs;
      for (const OptionLeg& leg : plan_.legs) {
        int found = choose_contract(plan_, day_, leg, expiry, price, t);
        if (found >= 0) legs.push_back(static_cast<std::size_t>(found));
      }
      if (legs.size() == plan_.legs.size()) chosen.insert(chosen.end(), legs.begin(), legs.end());
    }
    if (chosen.empty()) return Status::OK();
    if (!plan_.enter.empty()) {
      Position view;
      for (std::size_t i = 0; i < plan_.legs.size(); ++i) view.contracts.push_back(static_cast<int>(chosen[i]));
      ARROW_ASSIGN_OR_RAISE(auto enter, evaluator_.holds(plan_.enter, t, view));
      if (!enter.value_or(false)) return Status::OK();
    }
    window_ = &windows_[static_cast<std::size_t>(window.number)];
    entered_ = t;
    realized_ = peak_ = 0;
    legs_.clear();
    for (std::size_t i = 0; i < chosen.size(); ++i) open_leg(t, i % plan_.legs.size(), chosen[i]);
    return Status::OK();
  }

  void open_leg(Instant t, std::size_t number, std::size_t chosen) {
    const Contract& c = day_.contracts[chosen];
    Leg leg;
    leg.contract = chosen;
    leg.due = Instant{t.us + plan_.latency};
    leg.until = Instant{leg.due.us + plan_.patience};
    OptionTrade& trade = leg.trade;
    trade.date = day_.session.date, trade.leg = static_cast<int>(number), trade.window = window_->number;
    trade.instrument = c.instrument, trade.expiry = c.expiry, trade.strike = c.strike, trade.call = c.call,
    trade.lot = c.lot;
    trade.buy = plan_.legs[number].lots > 0;
    trade.wanted = std::abs(plan_.legs[number].lots) * c.lot;
    trade.decided = t;
    legs_.push_back(std::move(leg));
  }

  /// Strikes anew: a leg whose strike is no longer the one asked for rolls to what stands for it; where nothing with a fit
  /// quote does, it stays as it is.
  Status rebalance(Instant t) {
    std::int64_t price = underlying(plan_, day_, t);
    std::vector<std::pair<std::size_t, std::size_t>> rolls;  // leg number, contract
    for (Leg& leg : legs_) {
      if (leg.state != Leg::State::open) continue;
      auto number = static_cast<std::size_t>(leg.trade.leg);
      if (contract(leg).strike == wanted_strike(plan_, day_, plan_.legs[number], price)) continue;
      int found = choose_contract(plan_, day_, plan_.legs[number], contract(leg).expiry, price, t);
      if (found < 0 || static_cast<std::size_t>(found) == leg.contract) continue;
      ARROW_RETURN_NOT_OK(order_exit(leg, t, "rebalance"));
      rolls.emplace_back(number, static_cast<std::size_t>(found));
    }
    for (auto [number, chosen] : rolls) open_leg(t, number, chosen);
    return Status::OK();
  }

  Position position() const {
    Position p;
    p.contracts.assign(plan_.legs.size(), -1);
    for (const Leg& leg : legs_) {
      int& slot = p.contracts[static_cast<std::size_t>(leg.trade.leg)];
      if (leg.live() && slot < 0) slot = static_cast<int>(leg.contract);
    }
    p.pnl = pnl_;
    p.drawdown = peak_ - pnl_;
    return p;
  }

  /// PnL since the entry, before costs: what is closed, and what is open at the side it would close at; unknown (NaN)
  /// while a quote is unfit.
  void mark(Instant t) {
    if (!marks_) return;
    double open = 0;
    for (const Leg& leg : legs_) {
      if (!leg.live() || leg.trade.units == 0) continue;
      const Quote* quote = as_of(contract(leg), t);
      if (unfit(plan_, quote, t) != 0) {
        pnl_ = std::numeric_limits<double>::quiet_NaN();
        return;
      }
      std::int64_t price = leg.trade.buy ? quote->bid[0] : quote->ask[0];
      std::int64_t value = price * (leg.trade.units - leg.exited) + leg.trade.exit_value - leg.trade.entry_value;
      open += static_cast<double>(leg.trade.buy ? value : -value) / 100;
    }
    pnl_ = realized_ + open;
    peak_ = std::max(peak_, pnl_);
  }

  const OptionStrategy& plan_;
  const ChainDay& day_;
  Evaluator evaluator_;
  std::vector<Date> expiries_;
  std::vector<Window> windows_;
  std::vector<Leg> legs_;
  const Window* window_ = nullptr;   // of the last entry
  Instant entered_, exit_at_, last_decision_;
  bool marks_ = false;
  double realized_ = 0, pnl_ = 0, peak_ = 0;
  OptionDay out_;
};

}  // namespace

Result<OptionDay> run_option_day(const OptionStrategy& plan, const ChainDay& day) { return DayRun(plan, day).run(); }

}  // namespace tapemill::backtest
