#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// On-balance volume: running volume, signed by the change of price. Source: TA-Lib OBV.
template <class L> class Obv {
 public:
  static constexpr Spec spec{.name = "obv",
                             .title = "On-balance volume",
                             .parameters = {},
                             .inputs = {{"x", "close"}, {"volume", "volume"}},
                             .outputs = {"obv"},
                             .formula = "the first bar's volume; then plus volume where x rose, minus where it fell",
                             .source = "TA-Lib OBV",
                             .warm_up = "0",
                             .differs = "programs that begin at 0 differ by the first bar's volume"};
  static int warm_up(const double*) { return 0; }

  Obv(const double*, Arena&) {}
  L update(L x, L volume) {
    L signed_volume = x > last_ ? volume : (x < last_ ? -volume : L{});
    sum_.add(seen_ > 0.0 ? signed_volume : volume);
    last_ = x;
    seen_ = splat<L>(1.0);
    return sum_.value();
  }
  void state(Archive& archive) { archive.all(last_, seen_, sum_); }

 private:
  L last_{}, seen_{};
  Sum<L> sum_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
