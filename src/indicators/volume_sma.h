#pragma once
#include "indicators/sma.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Simple moving average of volume: Sma, fed with another column.
template <class L> class VolumeSma : public Sma<L> {
 public:
  static constexpr Spec spec{.name = "volume_sma",
                             .title = "Average volume",
                             .parameters = {{"period", 1, 10'000, 20}},
                             .inputs = {{"volume", "volume"}},
                             .outputs = {"volume_sma"},
                             .formula = "mean of the last period volumes",
                             .source = "TA-Lib SMA",
                             .warm_up = "period - 1",
                             .differs = "",
                             .measures = {Measure::level}};
  using Sma<L>::Sma;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
