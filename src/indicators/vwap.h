#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Volume-weighted average price since the session began, of typical prices (high + low + close) / 3.
template <class L> class Vwap {
 public:
  static constexpr Spec spec{
      .name = "vwap",
      .title = "Volume-weighted average price",
      .parameters = {},
      .inputs = {{"high", "high"}, {"low", "low"}, {"close", "close"}, {"volume", "volume"}, {"session", "session"}},
      .outputs = {"vwap"},
      .formula =
          "sum((high + low + close) / 3 * volume) / sum(volume) since session last changed; null while no volume",
      .source = "pandas-ta vwap(anchor=D); TA-Lib has none",
      .warm_up = "0",
      .differs = "programs that never reset agree in the first session; a daily bar's is its typical price",
      .measures = {Measure::level}};
  static int warm_up(const double*) { return 0; }

  Vwap(const double*, Arena&) {}
  L update(L high, L low, L close, L volume, L session) {
    auto begins = session != session_;
    session_ = session;
    value_.clear_where(begins);
    volume_.clear_where(begins);
    value_.add((high + low + close) * volume);
    volume_.add(volume);
    L traded = volume_.value();
    return traded > kTiny ? value_.value() / (3.0 * traded) : null<L>();
  }
  void state(Archive& archive) { archive.all(session_, value_, volume_); }

 private:
  L session_{};
  Sum<L> value_, volume_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
