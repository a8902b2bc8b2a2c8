#pragma once
#include <string>

#include "core/dataset.h"

namespace tapemill {

/// Words of a spec about how its feed writes, which few ask for.
struct FeedWords {
  bool floats_rounded = false;  // floats: round. Decimals that the feed sends as binary floating point
  bool split_adjusted = false;  // prices: split_adjusted. The file's prices have splits applied already
  std::string records;          // where a JSON document keeps its rows: "data.bars"; empty: at its top
};
FeedWords feed_words(const Dataset& dataset);

}  // namespace tapemill
