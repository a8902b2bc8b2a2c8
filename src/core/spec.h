#pragma once
#include <array>
#include <cstdint>

namespace tapemill {

/// What an indicator says of itself. Plain data, no containers: it is compiled into units of every instruction set.
struct Parameter {
  const char* name = nullptr;
  double least = 0, most = 0, standard = 0;   // range and default; a choice is numbered 0..n-1
  const char* choices = nullptr;              // "sma|first|adjusted": names of the numbers, or null for a number
  bool fractions = false;                     // else whole numbers only
};

}  // namespace tapemill
