#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/feed_words.h"
#include "sources/form.h"
#include "sources/json_value.h"
#include "sources/records.h"
#include "sources/source.h"

namespace tapemill::sources {

/// A kind of feed: what tells its documents, and the records in one. Its Form reads the cells.
struct Feed {
  Form form;                                            // header: the cells' names, in order
  std::vector<std::string> csv;                         // header names of its CSV form; empty: JSON
  bool (*is)(const JsonValue& document) = nullptr;      // of JSON
  /// One document, or one row of its CSV as a map by header name.
  void (*read)(const JsonValue& document, const Dataset& dataset, const FeedWords& words, const Form& form,
               Records& out) = nullptr;
};

/// A file's name up to its first dot: what tells a file of many sessions from others.
std::string stem_of(const std::string& path);

/// Whether a data set's files are read record by record (source json, avro, protobuf, corporate_actions).
bool is_feed(const Dataset& dataset);
/// As inspect() of source.h, without hash, size and unit.
Status inspect_feed(const Dataset& dataset, FileInfo& info);
Result<std::unique_ptr<Source>> open_feed(const Dataset& dataset, const FileInfo& info, MemoryBudget& budget);

/// Feeds of `corporate_actions` (actions.cpp) and `json` (bars.cpp).
std::vector<Feed> action_feeds(const Dataset& dataset);
std::vector<Feed> json_feeds(const Dataset& dataset);

}  // namespace tapemill::sources
