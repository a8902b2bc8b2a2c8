#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analytics/functions.h"
#include "analytics/series.h"
#include "core/operators.h"
#include "indicators/indicator.h"

namespace tapemill::analytics {

/// One computation of a compiled Series. Values live in numbered slots; a step reads slots of earlier steps only.
struct Step {
  enum class What { constant, input, session, one, two, function, indicator };
  What what = What::constant;
  std::vector<int> in = {};
  int out = 0, width = 1;                     // slots [out, out + width)
  double number = 0;                          // of a constant
  int input = 0;                              // column of an input
  const Operation* operation = nullptr;       // of one and two
  const SeriesFunctionSpec* function = nullptr;
  int period = 0, ddof = 0;                   // of a function
  std::size_t nth = 0;                        // function among the functions, indicator among the indicators
  std::optional<indicators::Resolved> indicator = {};  // its inputs are named slot_name(in[i])
  int warm_up = 0;                            // bars before its value can be non-null
};

std::string slot_name(int slot);

/// Equal steps are shared by all expressions.
struct Series::Program {
  std::vector<std::string> inputs;
  std::vector<Step> steps;
  std::vector<int> outputs;                   // slot of each expression
  int slots = 0, warm_up = 0;
  std::size_t functions = 0, indicators = 0;  // how many steps of these there are
  bool session = false;                       // whether a step reads it
  std::vector<std::string> resolved;
  std::string id;                             // names every step
  std::string fingerprint;                    // its hash: what a saved state must match
};

}  // namespace tapemill::analytics
