#include "graph/block.h"

namespace tapemill::graph {

std::string Field::type() const {
  switch (kind) {
    case Kind::boolean: return "boolean";
    case Kind::int32: return "int32";
    case Kind::int64: return "int64";
    case Kind::float64: return "double";
    case Kind::decimal: return fmt::format("decimal(18,{})", scale);
    case Kind::string: return "string";
    case Kind::date: return "date";
    case Kind::timestamp: return "timestamp";
  }
  return {};
}

int Schema::find(std::string_view name) const {
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == name) return static_cast<int>(i);
  return -1;
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> out;
  for (const Field& field : fields) out.push_back(field.name);
  return out;
}

std::vector<std::string> Schema::numeric() const {
  std::vector<std::string> out;
  for (const Field& field : fields)
    if (field.kind == Kind::int32 || field.kind == Kind::int64 || field.kind == Kind::float64 ||
        field.kind == Kind::decimal)
      out.push_back(field.name);
  return out;
}

void Column::clear() {
  doubles_.clear();
  integers_.clear();
  valid_.clear();
  bytes_.clear();
  if (kind_ == Kind::string) ends_.resize(1);
}

void Column::reserve(std::size_t rows) {
  if (kind_ == Kind::float64) return doubles_.reserve(rows);
  valid_.reserve(rows);
  if (kind_ == Kind::string) ends_.reserve(rows + 1), bytes_.reserve(rows * 16);
  else integers_.reserve(rows);
}

void Column::add(std::string_view x) {
  valid_.push_back(1);
  bytes_.insert(bytes_.end(), x.begin(), x.end());
  ends_.push_back(bytes_.size());
}

void Column::add_null() {
  if (kind_ == Kind::float64) return add(std::numeric_limits<double>::quiet_NaN());
  valid_.push_back(0);
  if (kind_ == Kind::string) ends_.push_back(bytes_.size());
  else integers_.push_back(0);
}

void Column::add(const Column& from, std::size_t row) {
  if (kind_ == Kind::float64) return add(from.doubles_[row]);
  if (from.valid_[row] == 0) return add_null();
  if (kind_ == Kind::string) return add(from.text(row));
  add(from.integers_[row]);
}

Block::Block(const Schema& schema) {
  for (const Field& field : schema.fields) columns.emplace_back(field);
}

void Block::clear() {
  for (Column& column : columns) column.clear();
  sequence.clear();
  time.clear();
}

void Block::reserve(std::size_t rows) {
  for (Column& column : columns) column.reserve(rows);
  sequence.reserve(rows);
  time.reserve(rows);
}

void View::show(const Block& block, std::size_t first, std::size_t count) {
  columns.clear();
  for (const Column& column : block.columns) columns.push_back({&column, first});
  sequence = block.sequence.data() + first;
  time = block.time.data() + first;
  rows = count;
}

void View::append_row(std::size_t row, Block& out) const {
  for (std::size_t c = 0; c < columns.size(); ++c) out.columns[c].add(*columns[c].column, columns[c].first + row);
  out.sequence.push_back(sequence[row]);
  out.time.push_back(time[row]);
}

}  // namespace tapemill::graph
