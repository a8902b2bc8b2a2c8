#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/feed_words.h"
#include "sources/form.h"
#include "sources/json_value.h"
#include "sources/source.h"

namespace tapemill::sources {

/// The records that a stretch of a feed's file gives, on their way to a TableSource: a table of texts, and where each record
/// stood. A line of a file may give several records (a subject of two actions), and a document thousands.
class Records {
 public:
  /// `text`: the stretch as it stands in the (inflated) file, from byte `at` and line `line` on.
  void begin(std::shared_ptr<const std::string> text, std::int64_t at, std::int64_t line, const Form& form);
  /// Cells in the order of form.header. `raw` lies in the text of begin().
  void add(std::string_view raw, std::vector<std::string> cells);
  /// Cells by the names of `header`; those that are not there are empty.
  void add(std::string_view raw, const std::vector<std::string>& header,
           const std::map<std::string_view, std::string>& cells);
  void refuse(std::string_view raw, const char* check, std::string reason);

  /// Cells with more decimals than their scale (-1: none) are rounded to the nearest, ties to even: floats: round. A cell
  /// called "rounded" says how many.
  void round_to(std::vector<int> scales);

  const std::string& table() const { return table_; }
  std::size_t count() const { return places_.size(); }
  std::vector<Refused> take_refusals() { return std::move(refused_); }
  /// A batch of the TableSource over table(), as of the file itself.
  void put_back(SourceBatch& batch) const;

 private:
  struct Place {
    std::int64_t line, byte;
    std::int32_t length;
  };
  Place place_of(std::string_view raw);
  std::shared_ptr<const std::string> text_;
  std::int64_t at_ = 0, line_ = 1;
  std::size_t counted_ = 0;      // bytes of the text whose line ends are counted
  std::int64_t counted_line_ = 1;
  std::string table_;
  bool narrow_ = false;          // one column: an empty cell must not look like a blank line
  std::vector<int> scales_;
  int count_cell_ = -1;          // the cell that says how many of its record were rounded
  std::vector<Place> places_;
  std::vector<Refused> refused_;
};

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

/// Whether a data set's files are feeds (source json, corporate_actions).
bool is_feed(const Dataset& dataset);
/// As inspect() of source.h, without hash, size and unit.
Status inspect_feed(const Dataset& dataset, FileInfo& info);
Result<std::unique_ptr<Source>> open_feed(const Dataset& dataset, const FileInfo& info, MemoryBudget& budget);

/// "244.47000122070312" at scale 4 -> "244.4700", to the nearest, ties to even. False, and unchanged: it has no more digits,
/// or is no plain decimal.
bool round_decimal(std::string& text, int scale);

/// Feeds of `corporate_actions` (actions.cpp) and `json` (bars.cpp).
std::vector<Feed> action_feeds(const Dataset& dataset);
std::vector<Feed> json_feeds(const Dataset& dataset);

}  // namespace tapemill::sources
