#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/dataset.h"
#include "core/decimal.h"

namespace tapemill::graph {

/// A column of an event: name and kind. In memory: float64 as doubles (NaN is null), text as bytes, the others as int64
/// (decimals at 10^-scale, dates in days, timestamps in microseconds since 1970, booleans 0 or 1).
struct Field {
  std::string name;
  Kind kind = Kind::float64;
  int scale = 0;
  bool operator==(const Field&) const = default;
  std::string type() const;  // decimal(18,4), timestamp, ...
};
struct Schema {
  std::vector<Field> fields;
  bool operator==(const Schema&) const = default;
  int find(std::string_view name) const;      // -1: none
  std::vector<std::string> names() const;
  std::vector<std::string> numeric() const;   // columns that calculators can compute with
};

/// Values of one field, appended and cleared; clear() keeps the memory, so that a column in use allocates nothing.
class Column {
 public:
  explicit Column(const Field& field) : kind_(field.kind), scale_(field.scale) {
    if (kind_ == Kind::string) ends_.push_back(0);
  }
  Kind kind() const { return kind_; }
  int scale() const { return scale_; }
  std::size_t size() const { return kind_ == Kind::float64 ? doubles_.size() : valid_.size(); }
  void clear();
  void reserve(std::size_t rows);

  void add(double x) { doubles_.push_back(x); }         // REQUIRES kind float64
  void add(std::int64_t x) { valid_.push_back(1), integers_.push_back(x); }
  void add(std::string_view x);
  void add_null();
  void add(const Column& from, std::size_t row);        // REQUIRES the same kind

  bool null(std::size_t row) const { return kind_ == Kind::float64 ? std::isnan(doubles_[row]) : valid_[row] == 0; }
  std::int64_t integer(std::size_t row) const { return integers_[row]; }
  std::string_view text(std::size_t row) const { return {bytes_.data() + ends_[row], ends_[row + 1] - ends_[row]}; }
  /// As floating point: decimals by their one division, null as NaN. REQUIRES a number, date or timestamp.
  double number(std::size_t row) const {
    if (kind_ == Kind::float64) return doubles_[row];
    if (valid_[row] == 0) return std::numeric_limits<double>::quiet_NaN();
    return kind_ == Kind::decimal ? to_double(integers_[row], scale_) : static_cast<double>(integers_[row]);
  }

 private:
  Kind kind_;
  int scale_;
  std::vector<double> doubles_;
  std::vector<std::int64_t> integers_;
  std::vector<std::uint8_t> valid_;
  std::vector<std::size_t> ends_;  // of text row i: [ends_[i], ends_[i + 1])
  std::vector<char> bytes_;
};

/// Rows that somebody owns: columns, and of each row its place among all rows that the graph read (`sequence`, ascending)
/// and its event time (microseconds since 1970, UTC). Recycled: clear() keeps the memory.
struct Block {
  std::vector<Column> columns;
  std::vector<std::int64_t> sequence, time;

  Block() = default;
  explicit Block(const Schema& schema);
  std::size_t rows() const { return sequence.size(); }
  void clear();
  void reserve(std::size_t rows);
};

/// Rows as a node reads them: a range of columns that belong to the nodes before it, nothing copied. Valid in one cycle.
struct View {
  struct Part {
    const Column* column;
    std::size_t first;
  };
  std::vector<Part> columns;
  const std::int64_t* sequence = nullptr;
  const std::int64_t* time = nullptr;
  std::size_t rows = 0;

  bool null(std::size_t column, std::size_t row) const {
    return columns[column].column->null(columns[column].first + row);
  }
  double number(std::size_t column, std::size_t row) const {
    return columns[column].column->number(columns[column].first + row);
  }
  std::int64_t integer(std::size_t column, std::size_t row) const {
    return columns[column].column->integer(columns[column].first + row);
  }
  std::string_view text(std::size_t column, std::size_t row) const {
    return columns[column].column->text(columns[column].first + row);
  }

  void show(const Block& block, std::size_t first, std::size_t count);  // becomes rows [first, first + count) of it
  void append_row(std::size_t row, Block& out) const;                  // columns, sequence and time
};

}  // namespace tapemill::graph
