#pragma once
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

enum class Seed { sma, first, adjusted };  // the order of the choices "sma|first|adjusted"

/// v += weight * (x - v), begun by seed:
///   sma       the mean of the first `period` values (TA-Lib),
///   first     the first value (pandas ewm(adjust=False)),
///   adjusted  weights scaled by their sum so far (pandas ewm(adjust=True)).
/// `delay` first values must be zeros and do not count: what is averaged begins later than its series.
template <class L> class Exponential {
 public:
  Exponential(double weight, int period, Seed seed, int delay = 0)
      : weight_(weight), period_(period), inverse_(1.0 / period), seed_(seed), seen_(splat<L>(-delay)) {}

  L update(L x) {
    seen_ += 1.0;
    x += kFloor;
    if (seed_ == Seed::adjusted) {
      value_ = x + (1.0 - weight_) * value_;
      weights_ = 1.0 + (1.0 - weight_) * weights_;
      return value_ / weights_;
    }
    L step = weight_ * (x - value_);
    if (seed_ == Seed::sma) step = seen_ <= period_ ? x * inverse_ : step;
    else step = seen_ <= 1.0 ? x : step;
    value_ += step;
    return magnitude(value_) > kTiny ? value_ : L{};
  }
  L seen() const { return seen_; }
  void state(Archive& archive) { archive.all(seen_, value_, weights_); }

 private:
  // Too small to change any number above kTiny, large enough that an average of zeros never gets to denormal numbers, which
  // are slow. (To cut the average itself would lengthen the chain from bar to bar, which is what an EMA's time goes into.)
  static constexpr double kFloor = 1e-120;

  double weight_, period_, inverse_;
  Seed seed_;
  L seen_, value_{}, weights_{};
};

inline double span_weight(double period) { return 2.0 / (period + 1.0); }
inline double wilder_weight(double period) { return 1.0 / period; }

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
