#pragma once
#include "indicators/atr.h"
#include "indicators/bb.h"
#include "indicators/ema.h"
#include "indicators/macd.h"
#include "indicators/obv.h"
#include "indicators/rsi.h"
#include "indicators/sma.h"
#include "indicators/stoch.h"
#include "indicators/volume_ratio.h"
#include "indicators/volume_sma.h"
#include "indicators/vwap.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

template <template <class> class... Indicators> struct List {};

/// Every indicator there is. Names, help, expressions, graph nodes, columns and tests come from this list.
using Catalogue = List<Sma, Ema, Rsi, Macd, Bollinger, Atr, Vwap, Obv, Stochastic, VolumeSma, VolumeRatio>;

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
