// Checks of quotes and of time: what an instrument's rows say one after the other.
#include <arrow/api.h>

#include <cmath>
#include <map>
#include <unordered_map>

#include "core/time.h"
#include "quality/columns.h"
#include "quality/row_checks.h"

namespace tapemill::quality {
namespace {

std::string instrument_column(const CheckSpec& spec, const Dataset& dataset) {
  if (!spec.by.empty()) return spec.by == "none" ? "" : spec.by;
  return dataset.column("instrument_id") != nullptr ? "instrument_id" : "";
}
std::vector<std::string_view> groups_of(const SourceBatch& batch, const std::string& by) {
  return by.empty() ? std::vector<std::string_view>(batch.lines.size()) : texts(*batch.rows, by);
}
std::string shown(double instant) { return Instant{static_cast<std::int64_t>(instant)}.str(); }

/// Time must not go back among an instrument's rows (`by: none`: of the file).
class MonotonicTime final : public Judge {
 public:
  MonotonicTime(CheckSpec spec, std::string column, std::string by)
      : Judge(std::move(spec), "monotonic_time"), column_(std::move(column)), by_(std::move(by)) {}
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    const auto times = numbers(*batch.rows, column_);
    const auto groups = groups_of(batch, by_);
    each(batch, out, [&](std::size_t i) {
      if (std::isnan(times[i])) return;
      auto [last, fresh] = last_.try_emplace(std::string(groups[i]), times[i]);
      if (!fresh && times[i] < last->second)
        return object(batch, i, out, report,
                      fmt::format("{}{}{} {} comes after {}", groups[i], groups[i].empty() ? "" : " ", column_,
                                  shown(times[i]), shown(last->second)));
      last->second = times[i];
    });
    return Status::OK();
  }

 private:
  std::string column_, by_;
  std::unordered_map<std::string, double> last_;
};

/// How old a quote is: by a column that says when it was made, or since the instrument's row before in the same session.
class QuoteAge final : public Judge {
 public:
  QuoteAge(CheckSpec spec, std::string time, std::string quoted, std::string session, std::string by)
      : Judge(std::move(spec), "quote_age"),
        time_(std::move(time)),
        quoted_(std::move(quoted)),
        session_(std::move(session)),
        by_(std::move(by)) {}
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    const auto times = numbers(*batch.rows, time_), sessions = numbers(*batch.rows, session_);
    const auto quoted = quoted_.empty() ? std::vector<double>{} : numbers(*batch.rows, quoted_);
    const auto groups = groups_of(batch, by_);
    each(batch, out, [&](std::size_t i) {
      if (std::isnan(times[i])) return;
      double made = quoted_.empty() ? NAN : quoted[i];
      if (quoted_.empty()) {
        Last& last = last_[std::string(groups[i])];
        if (last.session == sessions[i]) made = last.time;
        last = {times[i], sessions[i]};
      }
      const double age = times[i] - made;  // NaN: not known
      if (age > static_cast<double>(spec_.within))
        object(batch, i, out, report,
               fmt::format("{}{}at {} the quote is {:g} s old, over {:g} s", groups[i], groups[i].empty() ? "" : " ",
                           shown(times[i]), age / static_cast<double>(kSecond),
                           static_cast<double>(spec_.within) / static_cast<double>(kSecond)));
    });
    return Status::OK();
  }

 private:
  struct Last {
    double time = NAN, session = NAN;
  };
  std::string time_, quoted_, session_, by_;
  std::unordered_map<std::string, Last> last_;
};

/// bid > ask where both are there (above 0).
class CrossedSpread final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    const auto bid = numbers(*batch.rows, spec_.columns[0]), ask = numbers(*batch.rows, spec_.columns[1]);
    each(batch, out, [&](std::size_t i) {
      if (bid[i] > 0 && ask[i] > 0 && bid[i] > ask[i])
        object(batch, i, out, report,
               fmt::format("{} {} above {} {}", spec_.columns[0], bid[i], spec_.columns[1], ask[i]));
    });
    return Status::OK();
  }
};

/// abs(close / open - 1) > over: a bar that moved further than is likely.
class PriceAnomaly final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    const auto open = numbers(*batch.rows, "open"), close = numbers(*batch.rows, "close");
    each(batch, out, [&](std::size_t i) {
      if (open[i] > 0 && std::fabs(close[i] / open[i] - 1) > spec_.over)
        object(
            batch, i, out, report,
            fmt::format("opened at {} and closed at {}, {:+.1f} %", open[i], close[i], (close[i] / open[i] - 1) * 100));
    });
    return Status::OK();
  }
};

/// NaN and infinity are no numbers; a null is another matter.
class Finite final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    for (const auto& name : spec_.columns) {
      const arrow::Array& column = *batch.rows->GetColumnByName(name);
      if (column.type_id() != arrow::Type::DOUBLE) continue;
      const auto& values = static_cast<const arrow::DoubleArray&>(column);
      each(batch, out, [&](std::size_t i) {
        const auto row = static_cast<std::int64_t>(i);
        if (values.IsValid(row) && !std::isfinite(values.Value(row)))
          object(batch, i, out, report, fmt::format("{} is {}", name, values.Value(row)));
      });
    }
    return Status::OK();
  }
};

/// The bars that an instrument has of each session's regular hours, against those that the calendar has room for; of daily
/// bars the sessions it has, against the calendar's from its first to its last in the file.
class Completeness final : public Judge {
 public:
  Completeness(CheckSpec spec, const Dataset& dataset, std::string by)
      : Judge(std::move(spec), "completeness"),
        calendar_(dataset.calendar),
        session_(dataset.session_column),
        by_(std::move(by)),
        bar_(dataset.bar) {}
  Status judge(const SourceBatch& batch, Verdicts&, Report&) override {
    const auto sessions = numbers(*batch.rows, session_);
    const auto times = bar_ < kDay ? numbers(*batch.rows, "time") : std::vector<double>{};
    const auto groups = groups_of(batch, by_);
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      if (std::isnan(sessions[i]) || (bar_ < kDay && std::isnan(times[i]))) continue;
      if (bar_ < kDay && !calendar_->in_session(Instant{static_cast<std::int64_t>(times[i])})) continue;
      const Date date{static_cast<std::int32_t>(sessions[i])};
      if (bar_ == kDay && !calendar_->is_session(date)) continue;
      Seen& seen = seen_[std::string(groups[i])][date];
      if (seen.bars == 0 || bar_ == kDay || times[i] != seen.last) ++seen.bars;  // a bar told twice is one
      if (bar_ < kDay) seen.last = times[i];
    }
    return Status::OK();
  }
  Status finish(Report& report) override {
    for (const auto& [group, days] : seen_) {
      const std::string who = group.empty() ? "the file" : group;
      if (bar_ >= kDay) {
        const Date first = days.begin()->first, last = days.rbegin()->first;
        const auto room = calendar_->sessions(first, last).size();
        tell(report, days.size(), room, fmt::format("{} from {} to {}", who, first.str(), last.str()), "sessions");
        continue;
      }
      for (const auto& [date, seen] : days) {
        ARROW_ASSIGN_OR_RAISE(Session session, calendar_->session(date));
        std::int64_t room = 0;
        for (const Interval& one : session.intervals) room += (one.close.us - one.open.us) / bar_;
        tell(report, static_cast<std::size_t>(seen.bars), static_cast<std::size_t>(room),
             fmt::format("{} on {}", who, date.str()), "bars");
      }
    }
    return Status::OK();
  }

 private:
  struct Seen {
    std::int64_t bars = 0;
    double last = NAN;
  };
  void tell(Report& report, std::size_t have, std::size_t room, const std::string& of, const char* what) const {
    if (static_cast<double>(have) < *spec_.least * static_cast<double>(room))
      warn_or_stop(report, fmt::format("{} has {} of {} {}", of, have, room, what));
  }
  std::shared_ptr<const Calendar> calendar_;
  std::string session_, by_;
  std::int64_t bar_;
  std::map<std::string, std::map<Date, Seen>> seen_;
};

/// null_share, duplicate_share, outlier_share: a limit of a share of the whole file, judged at its end.
class Share final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts&, Report&) override {
    nulls_.resize(spec_.columns.size());
    for (std::size_t c = 0; c < spec_.columns.size(); ++c)
      nulls_[c] += batch.rows->GetColumnByName(spec_.columns[c])->null_count();
    rows_ += batch.rows->num_rows();
    return Status::OK();
  }
  Status finish(Report& report) override {
    for (std::size_t c = 0; c < nulls_.size(); ++c) tell(report, nulls_[c], rows_, "rows without " + spec_.columns[c]);
    if (spec_.name == "null_share") return Status::OK();
    std::int64_t found = 0;
    for (const Finding& one : report.findings) {
      const bool counts = spec_.name == "duplicate_share"
                              ? one.check == "unique_key"
                              : one.check.starts_with("iqr:") || one.check.starts_with("zscore:") ||
                                    one.check.starts_with("mad:") || one.check.starts_with("isolation_forest:");
      if (counts) found += one.count;
    }
    tell(report, found, report.rows_in, spec_.name == "duplicate_share" ? "duplicates" : "outliers");
    return Status::OK();
  }

 private:
  void tell(Report& report, std::int64_t found, std::int64_t of, const std::string& what) const {
    if (of > 0 && static_cast<double>(found) > spec_.over * static_cast<double>(of))
      warn_or_stop(report, fmt::format("{} {} among {}: {:.2f} %, over {:g} %", found, what, of,
                                       100.0 * static_cast<double>(found) / static_cast<double>(of), spec_.over * 100));
  }
  std::vector<std::int64_t> nulls_;
  std::int64_t rows_ = 0;
};

/// A finding of no single row cannot quarantine one.
Status of_no_row(const CheckSpec& spec) {
  if (spec.severity != CheckSpec::Severity::quarantine) return Status::OK();
  return usage_error(fmt::format("{}: {} speaks of a whole file and can quarantine no row", spec.where, spec.name),
                     "let it say warn or stop");
}
Status is_time(const CheckSpec& spec, const Dataset& dataset, const std::string& name) {
  const Column* column = dataset.column(name);
  if (column != nullptr && column->kind == Kind::timestamp) return Status::OK();
  return usage_error(fmt::format("{}: {} needs a timestamp, and {} has none called \"{}\"", spec.where, spec.name,
                                 dataset.table, name),
                     "name it: columns: [time]");
}

}  // namespace

Result<std::unique_ptr<Check>> make_monotonic_time(const CheckSpec& spec, const Dataset& dataset) {
  const std::string time = spec.columns.empty() ? "time" : spec.columns.front();
  ARROW_RETURN_NOT_OK(is_time(spec, dataset, time));
  return std::make_unique<MonotonicTime>(spec, time, instrument_column(spec, dataset));
}
Result<std::unique_ptr<Check>> make_quote_age(const CheckSpec& spec, const Dataset& dataset) {
  const std::string time = spec.columns.empty() ? "time" : spec.columns[0];
  const std::string quoted = spec.columns.size() < 2 ? "" : spec.columns[1];
  ARROW_RETURN_NOT_OK(is_time(spec, dataset, time));
  if (!quoted.empty()) ARROW_RETURN_NOT_OK(is_time(spec, dataset, quoted));
  if (spec.within <= 0)
    return usage_error(spec.where + ": quote_age does not say how old is too old", "add within: 2s");
  return std::make_unique<QuoteAge>(spec, time, quoted, dataset.session_column, instrument_column(spec, dataset));
}
Result<std::unique_ptr<Check>> make_crossed_spread(const CheckSpec& spec, const Dataset&) {
  if (spec.columns.size() != 2)
    return usage_error(spec.where + ": crossed_spread is of two columns, the bid and the ask", "columns: [bid, ask]");
  return std::make_unique<CrossedSpread>(spec, "crossed_spread");
}
Result<std::unique_ptr<Check>> make_completeness(const CheckSpec& spec, const Dataset& dataset) {
  ARROW_RETURN_NOT_OK(of_no_row(spec));
  if (!spec.least || *spec.least <= 0 || *spec.least > 1)
    return usage_error(spec.where + ": completeness does not say how much is enough", "add least: 0.95");
  if (dataset.bar < kDay) ARROW_RETURN_NOT_OK(is_time(spec, dataset, "time"));
  return std::make_unique<Completeness>(spec, dataset, instrument_column(spec, dataset));
}
Result<std::unique_ptr<Check>> make_share(const CheckSpec& spec, const Dataset&) {
  ARROW_RETURN_NOT_OK(of_no_row(spec));
  CheckSpec filled = spec;
  if (filled.over == 0) filled.over = spec.name == "null_share" ? 0.1 : spec.name == "duplicate_share" ? 0.05 : 0.01;
  if (filled.over < 0 || filled.over >= 1)
    return usage_error(spec.where + ": a share lies between 0 and 1", "over: 0.1");
  return std::make_unique<Share>(filled, spec.name);
}
std::unique_ptr<Check> make_price_anomaly(const CheckSpec& spec) {
  CheckSpec filled = spec;
  if (filled.over == 0) filled.over = 0.5;
  return std::make_unique<PriceAnomaly>(filled, "price_anomaly");
}
std::unique_ptr<Check> make_finite(const CheckSpec& spec) { return std::make_unique<Finite>(spec, "finite"); }

}  // namespace tapemill::quality
