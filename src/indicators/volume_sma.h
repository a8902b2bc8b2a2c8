#pragma once
#include "indicators/spec.h"
#include "indicators/window.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Simple moving average of volume.
template <class L> class VolumeSma {
 public:
  static constexpr Spec spec{.name = "volume_sma",
                             .title = "Average volume",
                             .parameters = {{"period", 1, 10'000, 20}},
                             .inputs = {{"volume", "volume"}},
                             .outputs = {"volume_sma"},
                             .formula = "mean of the last period volumes",
                             .source = "TA-Lib SMA",
                             .warm_up = "period - 1",
                             .differs = ""};
  static int warm_up(const double* parameters) { return static_cast<int>(parameters[0]) - 1; }

  VolumeSma(const double* parameters, Arena& arena) : period_(parameters[0]), mean_(static_cast<int>(period_), arena) {}
  L update(L volume) {
    seen_ += 1.0;
    L mean = mean_.update(volume);
    return seen_ >= period_ ? mean : null<L>();
  }
  void state(Archive& archive) { archive.all(seen_, mean_); }

 private:
  double period_;
  L seen_{};
  WindowMean<L> mean_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
