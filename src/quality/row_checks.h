#pragma once
#include "quality/check.h"

namespace tapemill::quality {

/// What a check does with a row it objects to: warns, refuses it, or stops the file.
class Judge : public Check {
 public:
  explicit Judge(CheckSpec spec, std::string label) : spec_(std::move(spec)), label_(std::move(label)) {}

 protected:
  /// Visits the rows this check speaks of: a warning counts over all of the file's rows, a refusal over those still standing.
  template <class Visit>
  void each(const SourceBatch& batch, const Verdicts& out, Visit&& visit) const {
    const bool all = spec_.severity == CheckSpec::Severity::warn || out.none();
    for (std::size_t i = 0; i < batch.lines.size(); ++i)
      if (all || !out.refused(i)) visit(i);
  }
  void object(const SourceBatch& batch, std::size_t row, Verdicts& out, Report& report, std::string reason) const;
  void warn_or_stop(Report& report, std::string example) const;  // of what is no single row
  CheckSpec spec_;
  std::string label_;  // "ohlc_order", "expression: volume >= 0"
};

std::unique_ptr<Check> make_ohlc_order(const CheckSpec& spec);
std::unique_ptr<Check> make_positive(const CheckSpec& spec);
std::unique_ptr<Check> make_range(const CheckSpec& spec);
std::unique_ptr<Check> make_zero_volume(const CheckSpec& spec);
std::unique_ptr<Check> make_close_in_range(const CheckSpec& spec);
Result<std::unique_ptr<Check>> make_expression(const CheckSpec& spec, const Dataset& dataset);
std::unique_ptr<Check> make_unique_key(const CheckSpec& spec, const Dataset& dataset);
std::unique_ptr<Check> make_calendar_session(const CheckSpec& spec, const Dataset& dataset);
std::unique_ptr<Check> make_trading_hours(const CheckSpec& spec, const Dataset& dataset);
std::unique_ptr<Check> make_missing_sessions(const CheckSpec& spec, const Dataset& dataset);
Result<std::unique_ptr<Check>> make_distance(const CheckSpec& spec, const Dataset& dataset);  // iqr, zscore, mad
Result<std::unique_ptr<Check>> make_isolation_forest(const CheckSpec& spec, const Dataset& dataset);
Result<std::unique_ptr<Check>> make_monotonic_time(const CheckSpec& spec, const Dataset& dataset);
Result<std::unique_ptr<Check>> make_quote_age(const CheckSpec& spec, const Dataset& dataset);
Result<std::unique_ptr<Check>> make_crossed_spread(const CheckSpec& spec, const Dataset& dataset);
Result<std::unique_ptr<Check>> make_completeness(const CheckSpec& spec, const Dataset& dataset);
Result<std::unique_ptr<Check>> make_share(const CheckSpec& spec, const Dataset& dataset);  // null, duplicate, outlier
std::unique_ptr<Check> make_price_anomaly(const CheckSpec& spec);
std::unique_ptr<Check> make_finite(const CheckSpec& spec);
std::unique_ptr<Check> make_move(const CheckSpec& spec, const Dataset& dataset);

}  // namespace tapemill::quality
