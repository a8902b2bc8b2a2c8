#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// An exact product, as its rounded value and what the rounding lost (Dekker; no fused multiply-add, design.md 4.4).
template <class L> struct Product {
  L value, rest;
};
template <class L> L upper_half(L x) {
  L scaled = 134217729.0 * x;  // 2^27 + 1
  return scaled - (scaled - x);
}
template <class L> Product<L> square(L x) {
  L high = upper_half(x), low = x - high, value = x * x;
  return {value, low * low - ((value - high * high) - (high + high) * low)};
}

/// Bollinger bands: mean of the last period values, plus and minus deviations times their standard deviation. Source: TA-Lib BBANDS.
/// Sums of values and of squares are kept to about 106 bits: a spike of a million leaves no trace once it left the window.
template <class L> class Bollinger {
 public:
  static constexpr Spec spec{
      .name = "bb",
      .title = "Bollinger bands",
      .parameters = {{"period", 2, 10'000, 20}, {"deviations", 0.001, 100, 2, nullptr, true}, {"ddof", 0, 1, 0}},
      .inputs = {{"x", "close"}},
      .outputs = {"upper", "middle", "lower", "percent_b", "width"},
      .formula =
          "middle = mean of period values; upper, lower = middle +- deviations * sqrt(sum((x - middle)^2) / (period - "
          "ddof)); percent_b = (x - lower) / (upper - lower), null where flat; width = (upper - lower) / middle",
      .source = "TA-Lib BBANDS with SMA (ddof 0); percent_b and width: Bollinger",
      .warm_up = "period - 1",
      .differs = "pandas' and many charts' deviation is the sample's: ddof=1",
      .measures = {Measure::level, Measure::level, Measure::level, Measure::number, Measure::number}};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]) - 1; }

  Bollinger(const double* parameters, Arena& arena)
      : period_(parameters[0]),
        inverse_(1.0 / period_),
        deviations_(parameters[1]),
        scale_(1.0 / (period_ * (period_ - parameters[2]))),
        ring_(static_cast<int>(period_), arena) {}

  Values<L, 5> update(L x) {
    L old = ring_.swap(x);
    sum_.add(x);
    sum_.add(-old);
    Product<L> in = square(x), out = square(old);
    squares_.add(in.value);
    squares_.add(-out.value);
    squares_.carry(in.rest - out.rest);
    same_ = x == last_ ? same_ + 1.0 : splat<L>(1.0);
    last_ = x;
    seen_ += 1.0;

    // period * sum of squares - square of the sum, both as exact products: their difference is what a deviation is made of
    L sum = sum_.value(), squares = squares_.value();
    Product<L> whole = square(sum);
    whole.rest += 2.0 * sum * sum_.rest();
    L high = upper_half(squares), scaled = period_ * squares;
    L scaled_rest = (period_ * high - scaled) + period_ * (squares - high) + period_ * squares_.rest();
    L spread = (scaled - whole.value) + (scaled_rest - whole.rest);

    auto flat = same_ >= period_;  // exactly, whatever the sums round to
    L band = flat ? L{} : deviations_ * root(larger(spread, L{}) * scale_);
    L middle = flat ? x : sum * inverse_;
    L upper = middle + band, lower = middle - band, range = upper - lower;
    auto ready = seen_ >= period_;
    L nothing = null<L>();
    L percent = range > kTiny ? (x - lower) / range : nothing;
    L width = magnitude(middle) > kTiny ? range / middle : nothing;
    return {{ready ? upper : nothing, ready ? middle : nothing, ready ? lower : nothing, ready ? percent : nothing,
             ready ? width : nothing}};
  }
  void state(Archive& archive) { archive.all(ring_, sum_, squares_, same_, last_, seen_); }

 private:
  double period_, inverse_, deviations_, scale_;
  Ring<L> ring_;
  Sum<L> sum_, squares_;
  L same_{}, last_{}, seen_{};
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
