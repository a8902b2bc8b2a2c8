#pragma once
#include "indicators/exponential.h"
#include "indicators/spec.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Relative strength index: 100 * gains / (gains + losses), each averaged over period changes. Source: TA-Lib RSI (Wilder).
template <class L> class Rsi {
 public:
  static constexpr Spec spec{
      .name = "rsi",
      .title = "Relative strength index",
      .parameters = {{"period", 1, 10'000, 14}, {"smoothing", 0, 2, 0, "wilder|span|simple"}},
      .inputs = {{"x", "close"}},
      .outputs = {"rsi"},
      .formula =
          "100 * G / (G + L); G, L: averages of rises and falls; wilder: mean of the first period changes, then "
          "v += (x - v)/period; span: first change, then v += 2/(period+1) * (x - v); simple: mean of the last period "
          "changes; 50 where nothing moved",
      .source = "TA-Lib RSI (wilder), pandas ewm (span), Cutler (simple)",
      .warm_up = "period",
      .differs = "TA-Lib answers 0 where nothing moved yet; here 50",
      .levels = {30, 70}};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]); }

  Rsi(const double* parameters, Arena& arena)
      : period_(parameters[0]),
        smoothing_(static_cast<Smoothing>(static_cast<int>(parameters[1]))),
        rises_(weight(), static_cast<int>(period_), seed(), 1),
        falls_(weight(), static_cast<int>(period_), seed(), 1),
        window_(smoothing_ == Smoothing::simple ? static_cast<int>(period_) : 1, arena) {}

  L update(L x) {
    L change = seen_ > 0.0 ? x - last_ : L{};  // the first bar has no change; a zero does not move the averages
    last_ = x;
    seen_ += 1.0;
    L rise = larger(change, L{}), fall = larger(-change, L{});
    if (smoothing_ == Smoothing::simple) {
      L old = window_.swap(change);
      still_ = change == 0.0 ? still_ + 1.0 : L{};
      rise_sum_.add(rise);
      rise_sum_.add(-larger(old, L{}));
      fall_sum_.add(fall);
      fall_sum_.add(-larger(-old, L{}));
      rise = larger(rise_sum_.value(), L{});
      fall = larger(fall_sum_.value(), L{});
      auto flat = still_ >= period_;  // exactly, whatever the sums round to
      rise = flat ? L{} : rise;
      fall = flat ? L{} : fall;
    } else {
      rise = rises_.update(rise);
      fall = falls_.update(fall);
    }
    L both = rise + fall;
    L value = both > kTiny ? 100.0 * rise / both : splat<L>(50.0);
    return seen_ > period_ ? value : null<L>();
  }
  void state(Archive& archive) { archive.all(last_, seen_, rises_, falls_, window_, still_, rise_sum_, fall_sum_); }

 private:
  enum class Smoothing { wilder, span, simple };
  double weight() const { return smoothing_ == Smoothing::span ? span_weight(period_) : wilder_weight(period_); }
  Seed seed() const { return smoothing_ == Smoothing::span ? Seed::first : Seed::sma; }

  double period_;
  Smoothing smoothing_;
  L last_{}, seen_{}, still_{};
  Exponential<L> rises_, falls_;
  Ring<L> window_;
  Sum<L> rise_sum_, fall_sum_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
