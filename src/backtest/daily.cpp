#include "backtest/daily.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/decimal.h"

namespace tapemill::backtest {
namespace {

struct Position {
  std::int64_t size = 0, price = 0, cost = 0, commission = 0, stop = 0, target = 0;
  std::size_t session = 0;
};

struct Book {
  std::size_t next = 0;               // first bar not yet seen
  std::optional<Position> position;
  bool enter = false, leave = false;  // orders for the next open
  bool held = false;                  // after the open, before stops and targets
  std::int64_t last_close = kNullPrice;
  Instant known;                      // latest available_at of the bars seen
};

class Replay {
 public:
  Replay(const DailyStrategy& plan, const DailyMarket& market)
      : plan_(plan), market_(market), books_(market.instruments.size()) {}

  Result<DailyResult> run() {
    ARROW_ASSIGN_OR_RAISE(out_.capital, plan_.capital.at(market_.scale));
    cash_ = out_.capital;
    equity_ = out_.capital;
    Date last{INT32_MIN};
    for (const Bars& bars : market_.instruments) {
      if (!bars.session.empty()) last = std::max(last, bars.session.back());
    }
    if (plan_.end) last = std::min(last, *plan_.end);
    for (std::size_t s = 0; s < market_.sessions.size() && market_.sessions[s].date <= last; ++s) {
      session_ = s;
      tested_ = !plan_.start || market_.sessions[s].date >= *plan_.start;
      ARROW_RETURN_NOT_OK(session());
    }
    if (out_.equity.empty())
      return data_error("no bars in the tested period", "widen date_range, or ingest more sessions");
    ARROW_RETURN_NOT_OK(finish());
    buy_and_hold();
    std::stable_sort(out_.trades.begin(), out_.trades.end(), [](const auto& a, const auto& b) {
      return std::tie(a.exit_time, a.instrument) < std::tie(b.exit_time, b.instrument);
    });
    return std::move(out_);
  }

 private:
  Status session() {
    for (std::size_t i = 0; i < books_.size(); ++i) {
      if (at_open(i) != kNullPrice) ARROW_RETURN_NOT_OK(leave(i));
    }
    for (std::size_t i = 0; i < books_.size(); ++i) ARROW_RETURN_NOT_OK(enter(i));
    for (std::size_t i = 0; i < books_.size(); ++i) ARROW_RETURN_NOT_OK(within(i));
    for (std::size_t i = 0; i < books_.size(); ++i) ARROW_RETURN_NOT_OK(close(i));
    return tested_ ? mark() : Status::OK();
  }

  const Bars& bars(std::size_t i) const { return market_.instruments[i]; }
  const Session& now() const { return market_.sessions[session_]; }
  bool trades_today(std::size_t i) const {
    const Book& book = books_[i];
    return book.next < bars(i).session.size() && bars(i).session[book.next] == now().date;
  }
  std::int64_t at_open(std::size_t i) const { return trades_today(i) ? bars(i).open[books_[i].next] : kNullPrice; }
  std::int64_t ordinal() const { return static_cast<std::int64_t>(out_.equity.size()); }

  Status leave(std::size_t i) {
    Book& book = books_[i];
    if (!book.position || !book.leave) return Status::OK();
    bool delayed = leave_session_[i] + 1 != session_;
    return sell(i, at_open(i), delayed ? "signal_delayed" : "signal", now().open());
  }

  Status enter(std::size_t i) {
    Book& book = books_[i];
    if (!book.enter) return Status::OK();
    book.enter = false;
    std::int64_t price = at_open(i);
    static_assert(kNullPrice < 0);
    if (price <= 0) return ++out_.entries_expired, Status::OK();
    ARROW_ASSIGN_OR_RAISE(std::int64_t target, scaled(equity_, plan_.size, 10'000));
    std::int64_t budget = std::min(target, cash_);
    // units * price * (1 + rate) <= budget, then down to what rounding of the commission leaves
    Wide units = static_cast<Wide>(budget) * (10'000 * kRateScale) /
                 (static_cast<Wide>(price) * (10'000 * kRateScale + plan_.commission));
    Position position;
    position.size = static_cast<std::int64_t>(units);
    for (; position.size > 0; --position.size) {
      ARROW_ASSIGN_OR_RAISE(position.cost, times(price, position.size));
      ARROW_ASSIGN_OR_RAISE(position.commission, of_basis_points(position.cost, plan_.commission));
      if (static_cast<Wide>(position.cost) + position.commission <= budget) break;
    }
    if (position.size == 0) return ++out_.entries_unaffordable, Status::OK();
    position.price = price;
    position.session = session_;
    entry_ordinal_[i] = ordinal();
    if (plan_.stop > 0) { ARROW_ASSIGN_OR_RAISE(position.stop, scaled(price, 10'000 - plan_.stop, 10'000)); }
    if (plan_.target > 0) { ARROW_ASSIGN_OR_RAISE(position.target, scaled(price, 10'000 + plan_.target, 10'000)); }
    cash_ -= position.cost + position.commission;
    book.position = position;
    return Status::OK();
  }

  /// Stops and targets from the session's low and high.
  Status within(std::size_t i) {
    Book& book = books_[i];
    book.held = book.position.has_value();
    if (!book.position || !trades_today(i)) return Status::OK();
    const Position& p = *book.position;
    std::int64_t open = bars(i).open[book.next], high = bars(i).high[book.next], low = bars(i).low[book.next];
    // A session that opens beyond the price fills at the open; when it was met otherwise a daily bar does not say.
    if (p.stop > 0 && low != kNullPrice && low <= p.stop) {
      const bool gap = open != kNullPrice && open <= p.stop;
      return sell(i, gap ? open : p.stop, "stop", gap ? now().open() : now().close());
    }
    if (p.target > 0 && high != kNullPrice && high >= p.target) {
      const bool gap = open >= p.target;  // a null open is the least of all
      return sell(i, gap ? open : p.target, "target", gap ? now().open() : now().close());
    }
    return Status::OK();
  }

  /// The bar becomes history; its signals become orders for the next open.
  Status close(std::size_t i) {
    Book& book = books_[i];
    if (!trades_today(i)) return Status::OK();
    std::size_t bar = book.next++;
    const Bars& b = bars(i);
    book.known = std::max(book.known, b.available_at[bar]);
    if (b.close[bar] != kNullPrice) {
      if (tested_) note_jump(b, bar, book);
      book.last_close = b.close[bar];
    }
    if (session_ + 1 >= market_.sessions.size()) return Status::OK();
    const Session& next = market_.sessions[session_ + 1];
    if (plan_.start && next.date < *plan_.start) return Status::OK();
    if (plan_.end && next.date > *plan_.end) return Status::OK();
    if (book.known >= next.open()) {
      return data_error(
          fmt::format("look-ahead: {} of {}, read for the open of {} at {}, is known only from {}", b.symbol,
                      b.session[bar].str(), next.date.str(), next.open().str(), book.known.str()),
          "a restated or late row: end date_range before it, or rebuild the table from the files as first received");
    }
    if (!book.position && b.enter[bar] != 0 && b.leave[bar] == 0) book.enter = true;
    if (book.position && b.leave[bar] != 0 && !book.leave) book.leave = true, leave_session_[i] = session_;
    return Status::OK();
  }

  void note_jump(const Bars& b, std::size_t bar, const Book& book) {
    if (book.last_close <= 0) return;
    const double move = static_cast<double>(b.close[bar]) / static_cast<double>(book.last_close) - 1;
    if (std::fabs(move) <= kJump) return;
    if (out_.jumps == 0 || (book.held && out_.jumps_held == 0))
      out_.first_jump =
          fmt::format("{} {} {}{:.1f} %", b.symbol, b.session[bar].str(), move < 0 ? "−" : "+", std::fabs(move) * 100);
    ++out_.jumps;
    out_.jumps_held += book.held;
  }

  Status sell(std::size_t i, std::int64_t price, const char* tag, Instant time) {
    Book& book = books_[i];
    const Position& p = *book.position;
    ARROW_ASSIGN_OR_RAISE(std::int64_t value, times(price, p.size));
    ARROW_ASSIGN_OR_RAISE(std::int64_t commission, of_basis_points(value, plan_.commission));
    cash_ += value - commission;
    DailyTrade trade;
    trade.instrument = i;
    trade.size = p.size, trade.entry_price = p.price, trade.exit_price = price, trade.stop = p.stop,
    trade.target = p.target;
    trade.commission = p.commission + commission;
    trade.pnl = value - p.cost - trade.commission;
    trade.entry_session = market_.sessions[p.session].date, trade.exit_session = now().date;
    trade.entry_time = market_.sessions[p.session].open(), trade.exit_time = time;
    trade.entry_bar = entry_ordinal_[i], trade.exit_bar = ordinal();
    trade.tag = tag;
    out_.trades.push_back(std::move(trade));
    book.position.reset();
    book.leave = false;
    return Status::OK();
  }

  Status mark() {
    EquityRow row;
    row.session = now().date, row.time = now().close(), row.cash = cash_;
    for (const Book& book : books_) {
      if (!book.position) continue;
      std::int64_t price = book.last_close == kNullPrice ? book.position->price : book.last_close;
      ARROW_ASSIGN_OR_RAISE(std::int64_t value, times(price, book.position->size));
      row.holdings += value;
      ++row.positions;
    }
    row.equity = equity_ = row.cash + row.holdings;
    out_.equity.push_back(row);
    return Status::OK();
  }

  Status finish() {
    EquityRow last = out_.equity.back();
    out_.equity.pop_back();  // sales at the close belong to the last session
    for (std::size_t i = 0; i < books_.size(); ++i) {
      if (!books_[i].position) continue;
      std::int64_t price = books_[i].last_close == kNullPrice ? books_[i].position->price : books_[i].last_close;
      ARROW_RETURN_NOT_OK(sell(i, price, "end_of_data", now().close()));
    }
    last.cash = last.equity = cash_;
    last.holdings = 0;
    out_.equity.push_back(last);
    return Status::OK();
  }

  void buy_and_hold() {
    std::vector<double> sum(out_.equity.size());
    int count = 0;
    for (const Bars& b : market_.instruments) {
      std::int64_t bought = kNullPrice, sold = kNullPrice;
      std::vector<double> gain(out_.equity.size());
      std::size_t k = 0;
      for (std::size_t day = 0; day < gain.size(); ++day) {
        for (; k < b.session.size() && b.session[k] <= out_.equity[day].session; ++k) {
          if (b.session[k] < out_.equity.front().session) continue;
          if (bought == kNullPrice) bought = b.open[k];
          if (b.close[k] != kNullPrice) sold = b.close[k];
        }
        if (bought > 0 && sold != kNullPrice) gain[day] = static_cast<double>(sold) / static_cast<double>(bought) - 1;
      }
      if (bought <= 0 || sold == kNullPrice) continue;
      for (std::size_t day = 0; day < gain.size(); ++day) sum[day] += gain[day];
      ++count;
    }
    const double capital = to_double(out_.capital, market_.scale);
    for (std::size_t day = 0; day < sum.size(); ++day)
      out_.equity[day].held = count > 0 ? capital * (1 + sum[day] / count) : std::nan("");
    if (count > 0) out_.buy_and_hold = sum.back() / count;
  }

  const DailyStrategy& plan_;
  const DailyMarket& market_;
  std::vector<Book> books_;
  std::vector<std::size_t> leave_session_ = std::vector<std::size_t>(books_.size());
  std::vector<std::int64_t> entry_ordinal_ = std::vector<std::int64_t>(books_.size());
  std::size_t session_ = 0;
  bool tested_ = false;
  std::int64_t cash_ = 0, equity_ = 0;
  DailyResult out_;
};

}  // namespace

Result<DailyResult> run_daily(const DailyStrategy& plan, const DailyMarket& market) {
  return Replay(plan, market).run();
}

}  // namespace tapemill::backtest
