#pragma once
#include "core/spec.h"

namespace tapemill::indicators {

/// One series an indicator reads, and the column it is read from when a call names none.
struct Input {
  const char* name = nullptr;
  const char* column = nullptr;
};

/// What an output is measured in, as far as a picture must know to place it.
enum class Measure {
  number,  // without a unit: a ratio, an oscillator; an axis of its own
  level,   // among the values of the first input, in its unit: drawn over them
  change,  // in the unit of the first input, but about zero: an axis of its own
};

/// What an indicator says of itself; everything that lists, documents, parses or draws indicators reads it. Plain data:
/// lists end at the first entry without a name. Names and defaults of parameters are part of users' files: never change them.
struct Spec {
  const char* name;
  const char* title = "";
  Parameter parameters[6];
  Input inputs[6];
  const char* outputs[6];
  const char* formula = "";
  const char* source = "";   // whose definition it is
  const char* warm_up = "";  // how many bars are null, in words; the number is Kernel::warm_up
  const char* differs = "";  // where a well-known program answers otherwise; may be empty
  Measure measures[6] = {};  // of the outputs, in their order
  double levels[2] = {};     // guide lines of an oscillator, such as 30 and 70; none where both are 0
};

}  // namespace tapemill::indicators
