#pragma once
#include "core/spec.h"

namespace tapemill::indicators {

/// One series an indicator reads, and the column it is read from when a call names none.
struct Input {
  const char* name = nullptr;
  const char* column = nullptr;
};

/// What an indicator says of itself; everything that lists, documents, parses or draws indicators reads it. Plain data:
/// lists end at the first entry without a name. Names and defaults of parameters are part of users' files: never change them.
struct Spec {
  const char* name;
  const char* title;
  Parameter parameters[6];
  Input inputs[6];
  const char* outputs[6];
  const char* formula;
  const char* source;   // whose definition it is
  const char* warm_up;  // how many bars are null, in words; the number is Kernel::warm_up
  const char* differs;  // where a well-known program answers otherwise; may be empty
};

}  // namespace tapemill::indicators
