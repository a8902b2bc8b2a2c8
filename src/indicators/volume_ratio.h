#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Volume against its own average: volume / (mean of the last period volumes + add).
template <class L> class VolumeRatio {
 public:
  static constexpr Spec spec{
      .name = "volume_ratio",
      .title = "Volume against its average",
      .parameters = {{"period", 1, 10'000, 20}, {"add", 0, 1e9, 1, nullptr, true}},
      .inputs = {{"volume", "volume"}},
      .outputs = {"volume_ratio"},
      .formula = "volume / (mean of the last period volumes, this one among them, + add); null where that is 0",
      .source = "pandas rolling(period).mean()",
      .warm_up = "period - 1",
      .differs = "relative volume without the added share: add=0"};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]) - 1; }

  VolumeRatio(const double* parameters, Arena& arena)
      : period_(parameters[0]), add_(parameters[1]), mean_(static_cast<int>(period_), arena) {}
  L update(L volume) {
    seen_ += 1.0;
    L base = mean_.update(volume) + add_;
    L ratio = base > kTiny ? volume / base : null<L>();
    return seen_ >= period_ ? ratio : null<L>();
  }
  void state(Archive& archive) { archive.all(seen_, mean_); }

 private:
  double period_, add_;
  L seen_{};
  WindowMean<L> mean_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
