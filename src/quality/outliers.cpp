// Statistical checks. Each row is judged by what came before it in the file, never by what comes after: a row's verdict
// depends on the rows above it alone, so it is the same for every size of batch and number of threads.
#include <cmath>
#include <unordered_map>
#include <utility>

#include "core/expression.h"
#include "quality/columns.h"
#include "quality/labels.h"
#include "quality/row_checks.h"
#include "quality/statistics.h"

namespace tapemill::quality {
namespace {

struct Value {
  std::string name;  // as it was written
  RowExpression of;
};

Result<std::vector<Value>> values_of(const CheckSpec& spec, const Dataset& dataset) {
  std::vector<Value> values;
  std::vector<std::string> wanted = spec.columns;
  wanted.insert(wanted.end(), spec.of.begin(), spec.of.end());
  for (const std::string& text : wanted) {
    ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(text, spec.where));
    ARROW_ASSIGN_OR_RAISE(auto compiled, RowExpression::compile(parsed, *dataset.schema(), spec.where));
    values.push_back({text, std::move(compiled)});
  }
  return values;
}

/// iqr, zscore, mad: a value far from the last `window` ones of its instrument.
class Distance final : public Judge {
 public:
  Distance(const CheckSpec& spec, std::vector<Value> values, std::string by)
      : Judge(spec, label_of(spec)), values_(std::move(values)), by_(std::move(by)) {
    if (spec_.over == 0) spec_.over = spec_.name == "iqr" ? 1.5 : spec_.name == "zscore" ? 3 : 3.5;
    if (spec_.window == 0) spec_.window = 100;
    if (spec_.after == 0) spec_.after = std::min<std::int64_t>(20, spec_.window);
    series_.resize(values_.size());
  }

  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    const auto groups = by_.empty() ? std::vector<std::string_view>(batch.lines.size()) : texts(*batch.rows, by_);
    for (std::size_t v = 0; v < values_.size(); ++v) {
      ARROW_ASSIGN_OR_RAISE(auto values, values_[v].of.evaluate(*batch.rows));
      each(batch, out, [&](std::size_t i) { look(batch, i, groups[i], v, values[i], out, report); });
    }
    return Status::OK();
  }

 private:
  struct Series {
    RollingWindow window;
    double before = NAN;
  };

  void look(const SourceBatch& batch, std::size_t row, std::string_view group, std::size_t v, double value,
            Verdicts& out, Report& report) {
    if (!std::isfinite(value)) return;
    auto found = series_[v].find(std::string(group));
    if (found == series_[v].end())
      found = series_[v]
                  .try_emplace(std::string(group), Series{RollingWindow(static_cast<std::size_t>(spec_.window))})
                  .first;
    Series& series = found->second;
    if (spec_.change) {
      const double before = std::exchange(series.before, value);
      if (!(before > 0)) return;
      value = value / before - 1;
    }
    if (series.window.size() >= static_cast<std::size_t>(spec_.after)) {
      const std::string reason = against(series.window, value);
      if (!reason.empty())
        object(batch, row, out, report,
               fmt::format("{}{}{}{} {}", group, group.empty() ? "" : " ", values_[v].name,
                           spec_.change ? " changed by" : "", reason));
    }
    series.window.add(
        value);  // also of one that is objected to: a level that changed for good is objected to for a while
  }

  /// Empty where the value is as the others. A window without any spread says nothing.
  std::string against(const RollingWindow& window, double value) const {
    const auto of = fmt::format("the {} before", window.size());
    if (spec_.name == "iqr") {
      const double low = window.quantile(0.25), high = window.quantile(0.75), reach = spec_.over * (high - low);
      if (!(reach > 0) || (value >= low - reach && value <= high + reach)) return {};
      return fmt::format("{:.6g} lies outside {:.6g} .. {:.6g}: quartiles of {} and {} times their distance", value,
                         low - reach, high + reach, of, spec_.over);
    }
    const bool mad = spec_.name == "mad";
    const double middle = mad ? window.quantile(0.5) : window.mean(),
                 spread = mad ? window.absolute_deviation() / 0.6745 : window.deviation();
    // A spread that is rounding only is none.
    if (!(spread > 1e-12 * std::fabs(middle)) || std::fabs(value - middle) <= spec_.over * spread) return {};
    return fmt::format("{:.6g} is {:.1f} {} from {:.6g}, the {} of {}", value, std::fabs(value - middle) / spread,
                       mad ? "scaled MADs" : "standard deviations", middle, mad ? "median" : "mean", of);
  }

  std::vector<Value> values_;
  std::string by_;
  std::vector<std::unordered_map<std::string, Series>> series_;  // per value, by group
};

/// Rows in blocks of `window`: each block is scored by a forest that the block before it grew. The first is not judged.
class Isolation final : public Judge {
 public:
  Isolation(const CheckSpec& spec, std::vector<Value> values)
      : Judge(spec, label_of(spec)), values_(std::move(values)) {
    if (spec_.over == 0) spec_.over = 0.65;
    if (spec_.window == 0) spec_.window = 4096;
    if (spec_.trees == 0) spec_.trees = 100;
  }

  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    std::vector<std::vector<double>> columns;
    for (const Value& value : values_) {
      ARROW_ASSIGN_OR_RAISE(auto one, value.of.evaluate(*batch.rows));
      columns.push_back(std::move(one));
    }
    std::vector<double> point(columns.size());
    each(batch, out, [&](std::size_t i) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        point[c] = columns[c][i];
        if (!std::isfinite(point[c])) return;
      }
      if (forest_) {
        const double score = forest_->score(point.data());
        if (score > spec_.over) {
          std::string shown;
          for (std::size_t c = 0; c < point.size(); ++c)
            shown += fmt::format("{}{} {:.6g}", c > 0 ? ", " : "", values_[c].name, point[c]);
          object(batch, i, out, report,
                 fmt::format("isolation score {:.3f} above {} among the {} rows before: {}", score, spec_.over,
                             spec_.window, shown));
        }
      }
      block_.insert(block_.end(), point.begin(), point.end());
      if (block_.size() < static_cast<std::size_t>(spec_.window) * point.size()) return;
      forest_.emplace(block_, point.size(), static_cast<std::size_t>(spec_.trees),
                      static_cast<std::uint64_t>(spec_.seed) * 0x9e3779b97f4a7c15ULL + blocks_++);
      block_.clear();
    });
    return Status::OK();
  }

 private:
  std::vector<Value> values_;
  std::vector<double> block_;
  std::optional<IsolationForest> forest_;
  std::uint64_t blocks_ = 0;
};

}  // namespace

Result<std::unique_ptr<Check>> make_distance(const CheckSpec& spec, const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(auto values, values_of(spec, dataset));
  std::string by = spec.by == "none" ? "" : spec.by;
  if (spec.by.empty() && dataset.column("instrument_id") != nullptr) by = "instrument_id";
  if (spec.window == 1) return usage_error(spec.where + ": a window of one row has no spread", "window: 100");
  if (spec.window > 0 && spec.after > spec.window)
    return usage_error(
        fmt::format("{}: after: {} is never reached in a window of {}", spec.where, spec.after, spec.window),
        "let after be at most the window");
  return std::make_unique<Distance>(spec, std::move(values), std::move(by));
}

Result<std::unique_ptr<Check>> make_isolation_forest(const CheckSpec& spec, const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(auto values, values_of(spec, dataset));
  if (spec.over < 0 || spec.over >= 1)
    return usage_error(spec.where + ": a score lies between 0 and 1", "over: 0.65 is a start");
  if (spec.window == 1) return usage_error(spec.where + ": a forest needs two rows at least", "window: 4096");
  return std::make_unique<Isolation>(spec, std::move(values));
}

}  // namespace tapemill::quality
