#pragma once
#include <deque>

#include "sources/days.h"
#include "sources/form.h"
#include "sources/source.h"
#include "sources/text.h"

namespace tapemill::sources {

/// The rows of one block while they become columns.
struct Rows {
  Block block;
  std::vector<const Record*> records;         // those with as many fields as the header
  std::vector<std::uint8_t> refused;          // per record
  std::vector<Refused> refusals;
  std::deque<std::string> spare;              // unescaped fields

  void refuse(std::size_t row, const char* check, std::string reason);
  void clear();
};

inline std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view{}
                                         : text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}
/// Whether a field says nothing.
inline bool is_null(std::string_view text, bool dash) { return text.empty() || (dash && text == "-"); }
/// One field by its column's type.
Outcome read_field(std::string_view text, const Column& column, const Take& take, Days& days, std::int64_t& out);
/// Nanoseconds of "epoch_ns", "epoch_us", ...; 0 where `format` is none of them.
std::int64_t epoch_unit(const std::string& format);

/// A column on its way: which fields, and how they are read.
struct Plan {
  Column column;
  Take take;
  std::vector<int> fields;                    // of take.from in this file; -1 where it has none
  std::vector<std::pair<std::string, int>> pieces;  // of a pattern: literal, then field (or -1)
  bool absent = false;                        // this file says nothing of it: null
  bool exact = false;                         // its one field is of Form::exact
};

/// What a number, date or time is read from, of a cell without escapes.
inline std::string_view plain(const Plan& plan, std::string_view cell) {
  return plan.exact && !cell.empty() ? trimmed(cell.substr(1)) : cell;
}

/// Turns the records of a text file into batches, as a Form declares (form.h). One per file; not thread-safe.
class TableSource final : public Source {
 public:
  /// `form` with every take that the data set's columns want. Errors: columns that the form cannot yield (usage).
  static Result<std::unique_ptr<TableSource>> make(const Dataset& dataset, const Form& form, const Header& header,
                                                   const FileInfo& info, std::unique_ptr<Bytes> bytes,
                                                   std::size_t block_size, arrow::MemoryPool* pool);
  Result<std::optional<SourceBatch>> next(std::stop_token stop) override;
  std::int64_t bytes_read() const override { return reader_.bytes_read(); }

  /// The first session that a row says; nullopt where no row says one, `why` the first refusal then, empty where there are
  /// no rows. Afterwards the source is used up.
  Result<std::optional<Date>> probe(std::string& why);

 private:
  TableSource(std::unique_ptr<Bytes> bytes, std::size_t block_size, bool multiline)
      : reader_(std::move(bytes), block_size, multiline) {}
  Result<Plan> plan(const Column& column, const Take& take, const Header& header) const;
  bool split(Rows& rows) const;
  void guard(Rows& rows);
  void place(Rows& rows);  // sessions_ and times_
  template <class Read>
  void read_numbers(const Plan& plan, Rows& rows, std::vector<std::int64_t>& values, std::vector<std::uint8_t>& valid,
                    Read&& read);
  void read_integers(const Plan& plan, Rows& rows, std::vector<std::int64_t>& values, std::vector<std::uint8_t>& valid);
  /// A null text has a null data pointer.
  void read_texts(const Plan& plan, Rows& rows, std::vector<std::string_view>& values);
  std::int64_t available(std::size_t row);
  /// A block whose lines are alike, in whole columns (regular.cpp). False where anything in it is refused: that is for the
  /// long way, which knows why.
  Result<bool> read_regular(SourceBatch& batch);
  friend class RegularReader;

  TextReader reader_;
  Rows rows_;
  Form form_;
  FileInfo info_;
  std::string session_column_;
  bool bar_close_ = false;
  bool stated_ = false;  // available_at is a column that the form yields
  std::int64_t available_after_ = 0;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<Days> days_;
  arrow::MemoryPool* pool_ = nullptr;
  std::size_t width_ = 0;                     // fields of the header
  std::vector<bool> exact_;                   // per field: of Form::exact
  std::vector<Plan> plans_;
  std::optional<Plan> session_, time_;
  std::vector<Plan> guards_;
  std::vector<std::int64_t> sessions_, times_;
  std::vector<std::vector<std::int64_t>> integers_;   // per plan, reused from block to block
  std::vector<std::vector<std::uint8_t>> valid_;
  std::vector<std::vector<std::string_view>> texts_;
  std::deque<std::string> made_;              // texts of patterns, one arena per column
};

}  // namespace tapemill::sources
