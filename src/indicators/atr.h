#pragma once
#include "indicators/exponential.h"
#include "indicators/spec.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Average true range: true range max(high - low, |high - last close|, |low - last close|), averaged. Source: TA-Lib ATR (Wilder).
template <class L> class Atr {
 public:
  static constexpr Spec spec{
      .name = "atr",
      .title = "Average true range",
      .parameters = {{"period", 1, 10'000, 14}, {"smoothing", 0, 1, 0, "wilder|span"}},
      .inputs = {{"high", "high"}, {"low", "low"}, {"close", "close"}},
      .outputs = {"atr"},
      .formula =
          "true range max(high - low, |high - c1|, |low - c1|) from the second bar; wilder: mean of the first period, "
          "then v += (x - v)/period; span: the first, then v += 2/(period+1) * (x - v)",
      .source = "TA-Lib ATR (wilder), pandas ewm(span, adjust=False) (span)",
      .warm_up = "period",
      .differs = "programs that take high - low as the first bar's true range begin a bar earlier",
      .measures = {Measure::change}};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]); }

  Atr(const double* parameters, Arena&)
      : period_(parameters[0]),
        average_(parameters[1] == 0 ? wilder_weight(period_) : span_weight(period_), static_cast<int>(period_),
                 parameters[1] == 0 ? Seed::sma : Seed::first, 1) {}

  L update(L high, L low, L close) {
    L range = larger(high - low, larger(magnitude(high - last_), magnitude(low - last_)));
    L average = average_.update(average_.seen() >= 0.0 ? range : L{});  // the first bar has no close before it
    last_ = close;
    return average_.seen() >= period_ ? average : null<L>();
  }
  void state(Archive& archive) { archive.all(last_, average_); }

 private:
  double period_;
  L last_{};
  Exponential<L> average_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
