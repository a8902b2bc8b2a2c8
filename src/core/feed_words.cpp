#include "core/feed_words.h"

#include "core/document.h"

namespace tapemill {

FeedWords feed_words(const Dataset& dataset) {
  FeedWords words;
  auto document = Document::parse_yaml(dataset.text, dataset.path);
  if (!document.ok()) return words;  // made by hand, in a test
  auto text = [&](const char* key) {
    const Node* node = document->root().find(key);
    return node == nullptr ? std::string() : node->text;
  };
  words.floats_rounded = text("floats") == "round", words.split_adjusted = text("prices") == "split_adjusted";
  words.records = text("records");
  return words;
}

}  // namespace tapemill
