#include "quality/row_checks.h"

#include <cmath>

#include "core/expression.h"
#include "quality/columns.h"
#include "quality/labels.h"

namespace tapemill::quality {

void Judge::object(const SourceBatch& batch, std::size_t row, Verdicts& out, Report& report, std::string reason) const {
  if (spec_.severity == CheckSpec::Severity::quarantine) return out.refuse(row, label_, std::move(reason));
  report.finding(label_, spec_.severity).add(fmt::format("line {}: {}", batch.lines[row], reason));
  report.stopped |= spec_.severity == CheckSpec::Severity::stop;
}
void Judge::warn_or_stop(Report& report, std::string example) const {
  report.finding(label_, spec_.severity).add(std::move(example));
  report.stopped |= spec_.severity == CheckSpec::Severity::stop;
}

namespace {

/// high >= max(open, close, low) and low <= min(open, close, high), where both sides are there.
class OhlcOrder final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    if (orderly(*batch.rows)) return Status::OK();
    auto open = numbers(*batch.rows, "open"), high = numbers(*batch.rows, "high"), low = numbers(*batch.rows, "low"),
         close = numbers(*batch.rows, "close");
    each(batch, out, [&](std::size_t i) {
      const char* what = high[i] < low[i] ? "low" : high[i] < open[i] ? "open" : high[i] < close[i] ? "close" : nullptr;
      double value = what == nullptr ? 0 : *what == 'l' ? low[i] : *what == 'o' ? open[i] : close[i];
      if (what != nullptr)
        return object(batch, i, out, report, fmt::format("high {} below {} {}", high[i], what, value));
      what = low[i] > open[i] ? "open" : low[i] > close[i] ? "close" : nullptr;
      if (what != nullptr)
        object(batch, i, out, report,
               fmt::format("low {} above {} {}", low[i], what, *what == 'o' ? open[i] : close[i]));
    });
    return Status::OK();
  }

 private:
  /// True: no row is out of order, by whole numbers of one scale.
  static bool orderly(const arrow::RecordBatch& rows) {
    const Raw open = raw(rows, "open"), high = raw(rows, "high"), low = raw(rows, "low"), close = raw(rows, "close");
    if (!open.integers || !high.integers || !low.integers || !close.integers) return false;
    if (open.scale != high.scale || low.scale != high.scale || close.scale != high.scale) return false;
    bool bad = false;
    for (std::int64_t i = 0; i < rows.num_rows(); ++i) {
      const std::int64_t o = open.integers[i], h = high.integers[i], l = low.integers[i], c = close.integers[i];
      bad |= (h < l) | (h < o) | (h < c) | (l > o) | (l > c);
    }
    return !bad;
  }
};

/// Whether a rule of one column holds for no row, where that can be told at one look.
template <class Objects>
bool none(const arrow::RecordBatch& rows, const std::string& name, Objects&& objects) {
  const Raw values = raw(rows, name);
  bool found = values.integers == nullptr && values.doubles == nullptr;
  if (values.integers != nullptr)
    for (std::int64_t i = 0; i < rows.num_rows(); ++i) found |= objects(values.integers[i]);
  if (values.doubles != nullptr)
    for (std::int64_t i = 0; i < rows.num_rows(); ++i) found |= objects(values.doubles[i]);
  return !found;
}

class Positive final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    for (const auto& name : spec_.columns) {
      if (none(*batch.rows, name, [](auto value) { return value <= 0; })) continue;
      auto values = numbers(*batch.rows, name);
      each(batch, out, [&](std::size_t i) {
        if (values[i] <= 0) object(batch, i, out, report, fmt::format("{} is {}, not above 0", name, values[i]));
      });
    }
    return Status::OK();
  }
};

class Range final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    for (const auto& name : spec_.columns) {
      auto values = numbers(*batch.rows, name);
      each(batch, out, [&](std::size_t i) {
        if (spec_.least && values[i] < *spec_.least)
          object(batch, i, out, report, fmt::format("{} is {}, below {}", name, values[i], *spec_.least));
        else if (spec_.most && values[i] > *spec_.most)
          object(batch, i, out, report, fmt::format("{} is {}, above {}", name, values[i], *spec_.most));
      });
    }
    return Status::OK();
  }
};

class ZeroVolume final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    if (none(*batch.rows, "volume", [](auto value) { return value == 0; })) return Status::OK();
    auto volume = numbers(*batch.rows, "volume");
    each(batch, out, [&](std::size_t i) {
      if (volume[i] == 0) object(batch, i, out, report, "volume is 0");
    });
    return Status::OK();
  }
};

/// A settlement close may lie outside the day's range; where there was no trade (no high) there is no range.
class CloseInRange final : public Judge {
 public:
  using Judge::Judge;
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    auto high = numbers(*batch.rows, "high"), low = numbers(*batch.rows, "low"), close = numbers(*batch.rows, "close");
    each(batch, out, [&](std::size_t i) {
      if (!(high[i] > 0) || !(low[i] > 0) || (close[i] <= high[i] && close[i] >= low[i])) return;
      object(batch, i, out, report, fmt::format("close {} outside low {} .. high {}", close[i], low[i], high[i]));
    });
    return Status::OK();
  }
};

/// A rule that is false refuses; one that is null (an operand is missing) says nothing.
class Rule final : public Judge {
 public:
  Rule(CheckSpec spec, std::string label, RowExpression rule)
      : Judge(std::move(spec), std::move(label)), rule_(std::move(rule)) {}
  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    ARROW_ASSIGN_OR_RAISE(auto values, rule_.evaluate(*batch.rows));
    each(batch, out, [&](std::size_t i) {
      if (values[i] == 0) object(batch, i, out, report, spec_.rule + " does not hold");
    });
    return Status::OK();
  }

 private:
  RowExpression rule_;
};

}  // namespace

std::unique_ptr<Check> make_ohlc_order(const CheckSpec& spec) {
  return std::make_unique<OhlcOrder>(spec, "ohlc_order");
}
std::unique_ptr<Check> make_positive(const CheckSpec& spec) { return std::make_unique<Positive>(spec, "positive"); }
std::unique_ptr<Check> make_range(const CheckSpec& spec) { return std::make_unique<Range>(spec, "range"); }
std::unique_ptr<Check> make_zero_volume(const CheckSpec& spec) {
  return std::make_unique<ZeroVolume>(spec, "zero_volume");
}
std::unique_ptr<Check> make_close_in_range(const CheckSpec& spec) {
  return std::make_unique<CloseInRange>(spec, "close_in_range");
}
Result<std::unique_ptr<Check>> make_expression(const CheckSpec& spec, const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(spec.rule, spec.where));
  ARROW_ASSIGN_OR_RAISE(auto rule, RowExpression::compile(parsed, *dataset.schema(), spec.where));
  return std::make_unique<Rule>(spec, label_of(spec), std::move(rule));
}

}  // namespace tapemill::quality
