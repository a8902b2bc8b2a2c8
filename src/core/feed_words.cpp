#include "core/feed_words.h"

#include "core/base64.h"
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
  if (const Node* protobuf = document->root().find("protobuf")) {
    words.message = std::string(protobuf->find("message") == nullptr ? "" : protobuf->find("message")->text);
    const Node* descriptor = protobuf->find("descriptor");
    if (descriptor != nullptr && descriptor->text.starts_with(kInline))
      words.descriptor = from_base64(std::string_view(descriptor->text).substr(kInline.size())).value_or("");
  }
  return words;
}

}  // namespace tapemill
