#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/dataset.h"
#include "sources/form.h"

namespace tapemill::sources {

/// The records that a stretch of a feed's file gives, on their way to a TableSource: a table of texts, and where each record
/// stood. A line of a file may give several records (a subject of two actions), and a document thousands.
class Records {
 public:
  /// `text`: the stretch as it stands in the (inflated) file, from byte `at` and line `line` on.
  void begin(std::shared_ptr<const std::string> text, std::int64_t at, std::int64_t line, const Form& form);
  /// The same for a file without lines: each record, added or refused, is the next line.
  void begin_numbered(std::shared_ptr<const std::string> text, std::int64_t at, std::int64_t first, const Form& form);
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
  bool numbered_ = false;
  std::size_t counted_ = 0;      // bytes of the text whose line ends are counted
  std::int64_t counted_line_ = 1;
  std::string table_;
  bool narrow_ = false;          // one column: an empty cell must not look like a blank line
  std::vector<int> scales_;
  int count_cell_ = -1;          // the cell that says how many of its record were rounded
  std::vector<Place> places_;
  std::vector<Refused> refused_;
};

/// Per cell of the form the scale of the decimal column that it is read into; -1: none.
std::vector<int> scales_of(const Dataset& dataset, const Form& form);

/// "244.47000122070312" at scale 4 -> "244.4700", to the nearest, ties to even. False, and unchanged: it has no more digits,
/// or is no plain decimal.
bool round_decimal(std::string& text, int scale);

/// A file cut into stretches of whole records.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  virtual Result<bool> next(Records& out) = 0;  // false at the end
  virtual const Form& form() const = 0;         // its header: the cells' names
  virtual std::int64_t bytes_read() const = 0;  // of the file as received
};

}  // namespace tapemill::sources
