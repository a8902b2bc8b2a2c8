#pragma once
#include <string>
#include <string_view>

#include "core/dataset.h"

namespace tapemill {

/// Words of a spec about how its feed writes, which few ask for.
struct FeedWords {
  bool floats_rounded = false;  // floats: round. Decimals that the feed sends as binary floating point
  bool split_adjusted = false;  // prices: split_adjusted. The file's prices have splits applied already
  std::string descriptor;       // of protobuf: a FileDescriptorSet, as its bytes
  std::string message;          // of protobuf: the full name of the message that a row is
  std::string records;          // where a JSON document keeps its rows: "data.bars"; empty: at its top
};
/// Before bytes that a spec's text holds itself, as base64, instead of the name of a file.
inline constexpr std::string_view kInline = "base64:";
FeedWords feed_words(const Dataset& dataset);

}  // namespace tapemill
