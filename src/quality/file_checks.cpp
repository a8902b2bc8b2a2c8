// Checks that remember earlier rows of the file: sessions, moves. Duplicate keys: unique_key.cpp.
#include <arrow/api.h>

#include <cmath>
#include <unordered_map>

#include "quality/columns.h"
#include "quality/known_moves.h"
#include "quality/row_checks.h"

namespace tapemill::quality {
namespace {

class CalendarSession final : public Judge {
 public:
  CalendarSession(CheckSpec spec, const Dataset& dataset)
      : Judge(std::move(spec), "calendar_session"), calendar_(dataset.calendar), column_(dataset.session_column) {}
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    if (all_good(*batch.rows)) return Status::OK();
    auto sessions = numbers(*batch.rows, column_);
    each(batch, out, [&](std::size_t i) {
      if (std::isnan(sessions[i])) return;
      Date date{static_cast<std::int32_t>(sessions[i])};
      if (date.days != last_ || !known_) last_ = date.days, known_ = true, good_ = calendar_->is_session(date);
      if (!good_) object(batch, i, out, report, calendar_->session(date).status().message());
    });
    return Status::OK();
  }

 private:
  bool all_good(const arrow::RecordBatch& rows) {
    const arrow::Array& column = *rows.GetColumnByName(column_);
    if (column.type_id() != arrow::Type::DATE32 || column.null_count() > 0) return false;
    const auto* days = column.data()->GetValues<std::int32_t>(1);
    for (std::int64_t i = 0; i < rows.num_rows(); ++i) {
      if (days[i] == last_ && known_ && good_) continue;
      last_ = days[i], known_ = true, good_ = calendar_->is_session(Date{last_});
      if (!good_) return false;
    }
    return true;
  }

  std::shared_ptr<const Calendar> calendar_;
  std::string column_;
  std::int32_t last_ = 0;
  bool known_ = false, good_ = false;
};

/// Times outside of all hours in which the exchange trades: the calendar's extended hours, else the session's own. Of a date
/// that is no session calendar_session speaks.
class TradingHours final : public Judge {
 public:
  TradingHours(CheckSpec spec, const Dataset& dataset)
      : Judge(std::move(spec), "trading_hours"), calendar_(dataset.calendar), column_(dataset.session_column) {}
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    if (all_good(*batch.rows)) return Status::OK();
    const auto sessions = numbers(*batch.rows, column_), times = numbers(*batch.rows, "time");
    each(batch, out, [&](std::size_t i) {
      if (std::isnan(sessions[i]) || std::isnan(times[i])) return;
      const Instant time{static_cast<std::int64_t>(times[i])};
      if (good(static_cast<std::int32_t>(sessions[i]), time.us)) return;
      const Zone& zone = calendar_->zone();
      object(batch, i, out, report,
             fmt::format("{} {} lies outside {} to {}", zone.str(time), zone.abbreviation(time),
                         zone.str(open_.front().open), zone.str(open_.back().close)));
    });
    return Status::OK();
  }

 private:
  bool good(std::int32_t day, std::int64_t us) {
    if (day != last_ || !known_) {
      last_ = day, known_ = true;
      open_.clear();
      if (auto session = calendar_->session(Date{day}); session.ok())
        open_ = calendar_->has_extended() ? std::vector{calendar_->extended(*session)} : session->intervals;
    }
    if (open_.empty()) return true;
    for (const Interval& one : open_)
      if (us >= one.open.us && us < one.close.us) return true;
    return false;
  }
  bool all_good(const arrow::RecordBatch& rows) {
    const arrow::Array& column = *rows.GetColumnByName(column_);
    const auto* times = raw(rows, "time").integers;
    if (times == nullptr || column.type_id() != arrow::Type::DATE32 || column.null_count() > 0) return false;
    const auto* days = column.data()->GetValues<std::int32_t>(1);
    for (std::int64_t i = 0; i < rows.num_rows(); ++i)
      if (!good(days[i], times[i])) return false;
    return true;
  }

  std::shared_ptr<const Calendar> calendar_;
  std::string column_;
  std::vector<Interval> open_;  // of the session of last_
  std::int32_t last_ = 0;
  bool known_ = false;
};

/// Sessions of the calendar between an instrument's first and last row of the file on which it has none. Rows that were
/// refused for other reasons count as there: their session is not missing. A date that is no session bounds nothing: one row
/// of the year 9999 would make thousands of sessions missing.
class MissingSessions final : public Judge {
 public:
  MissingSessions(CheckSpec spec, const Dataset& dataset)
      : Judge(std::move(spec), "missing_sessions"), calendar_(dataset.calendar), column_(dataset.session_column) {}
  Status judge(const SourceBatch& batch, Verdicts&, Report&) override {
    auto sessions = numbers(*batch.rows, column_);
    auto ids = texts(*batch.rows, "instrument_id");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (std::isnan(sessions[i])) continue;
      auto day = static_cast<std::int32_t>(sessions[i]);
      if (day != last_ || !known_) last_ = day, known_ = true, good_ = calendar_->is_session(Date{day});
      if (!good_) continue;
      auto at = seen_.find(std::string(ids[i]));
      if (at == seen_.end())
        order_.push_back(&*seen_.emplace(std::string(ids[i]), std::vector<std::int32_t>{}).first),
            at = seen_.find(std::string(ids[i]));
      if (at->second.empty() || at->second.back() != day) at->second.push_back(day);
    }
    return Status::OK();
  }
  Status finish(Report& report) override {
    for (auto* entry : order_) {
      auto& days = entry->second;
      std::sort(days.begin(), days.end());
      days.erase(std::unique(days.begin(), days.end()), days.end());
      auto at = days.begin();
      for (Date date : calendar_->sessions(Date{days.front()}, Date{days.back()})) {
        while (at != days.end() && *at < date.days) ++at;
        if (at == days.end() || *at != date.days)
          warn_or_stop(report, fmt::format("{} has no row on {}", entry->first, date.str()));
      }
    }
    return Status::OK();
  }

 private:
  std::shared_ptr<const Calendar> calendar_;
  std::string column_;
  std::int32_t last_ = 0;
  bool known_ = false, good_ = false;
  std::unordered_map<std::string, std::vector<std::int32_t>> seen_;
  std::vector<std::pair<const std::string, std::vector<std::int32_t>>*> order_;  // of first appearance
};

/// abs(close / previous close - 1) > over; the previous close is the file's own column prev_close where there is one, else
/// the instrument's row before.
class Move final : public Judge {
 public:
  Move(CheckSpec spec, const Dataset& dataset)
      : Judge(std::move(spec), "move"),
        has_previous_(dataset.column("prev_close") != nullptr),
        has_symbol_(dataset.column("symbol") != nullptr),
        session_(dataset.session_column) {}
  void explain(std::shared_ptr<const MoveFactors> factors) {
    if (has_symbol_) factors_ = std::move(factors);
  }
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    auto close = numbers(*batch.rows, "close");
    auto previous = has_previous_ ? numbers(*batch.rows, "prev_close") : std::vector<double>(close.size(), NAN);
    auto ids = texts(*batch.rows, "instrument_id");
    const auto symbols = factors_ != nullptr ? texts(*batch.rows, "symbol") : decltype(ids){};
    const auto sessions = factors_ != nullptr ? numbers(*batch.rows, session_) : std::vector<double>();
    each(batch, out, [&](std::size_t i) {
      if (std::isnan(close[i])) return;
      double before = previous[i];
      if (!has_previous_) {
        auto [at, fresh] = last_.try_emplace(std::string(ids[i]), close[i]);
        before = fresh ? NAN : at->second;
        at->second = close[i];
      }
      if (before > 0 && std::fabs(close[i] / before - 1) > spec_.over &&
          (factors_ == nullptr || !explained(std::string(symbols[i]), sessions[i], close[i] / before)))
        object(batch, i, out, report,
               fmt::format("{} closed at {} after {}, {:+.1f} %", ids[i], close[i], before,
                           (close[i] / before - 1) * 100));
    });
    return Status::OK();
  }

 private:
  bool explained(const std::string& symbol, double session, double move) const {
    auto of_symbol = factors_->find(symbol);
    if (of_symbol == factors_->end() || std::isnan(session)) return false;
    auto factor = of_symbol->second.find(Date{static_cast<std::int32_t>(session)});
    return factor != of_symbol->second.end() && std::fabs(move / factor->second - 1) <= spec_.over;
  }
  bool has_previous_, has_symbol_;
  std::string session_;
  std::shared_ptr<const MoveFactors> factors_;
  std::unordered_map<std::string, double> last_;
};

}  // namespace

void explain_moves(const std::vector<std::unique_ptr<Check>>& checks,
                   const std::shared_ptr<const MoveFactors>& factors) {
  for (const auto& check : checks)
    if (auto* move = dynamic_cast<Move*>(check.get())) move->explain(factors);
}
std::unique_ptr<Check> make_calendar_session(const CheckSpec& spec, const Dataset& dataset) {
  return std::make_unique<CalendarSession>(spec, dataset);
}
std::unique_ptr<Check> make_trading_hours(const CheckSpec& spec, const Dataset& dataset) {
  return std::make_unique<TradingHours>(spec, dataset);
}
std::unique_ptr<Check> make_missing_sessions(const CheckSpec& spec, const Dataset& dataset) {
  return std::make_unique<MissingSessions>(spec, dataset);
}
std::unique_ptr<Check> make_move(const CheckSpec& spec, const Dataset& dataset) {
  return std::make_unique<Move>(spec, dataset);
}

}  // namespace tapemill::quality
