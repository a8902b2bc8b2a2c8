// Blocks whose lines are all alike, whole columns at a time: the same rows that table.cpp gives, where nothing is refused.
#include <arrow/api.h>

#include <algorithm>
#include <cstring>

#include "core/same_text.h"
#include "core/text.h"
#include "sources/table.h"

namespace tapemill::sources {

class RegularReader {
 public:
  RegularReader(TableSource& source, const Block& block)
      : s_(source), block_(block), text_(block.text->data()), rows_(block.lines), repeats_(block.width) {}

  /// False: something here is for the long way.
  Result<bool> read(SourceBatch& batch) {
    for (const Plan& plan : s_.guards_)
      if (!obeys(plan)) return false;
    if (!place()) return false;
    arrow::ArrayVector arrays;
    for (const Plan& plan : s_.plans_) {
      std::shared_ptr<arrow::Array> array;
      if (plan.column.name == s_.session_column_) {
        ARROW_ASSIGN_OR_RAISE(array, dates(s_.sessions_));
      } else if (plan.column.name == "time" && s_.time_) {
        ARROW_ASSIGN_OR_RAISE(array, wrap(plan.column, times_, nullptr, 0));
      } else if (plan.column.kind == Kind::string) {
        ARROW_ASSIGN_OR_RAISE(array, texts(plan));
      } else {
        ARROW_ASSIGN_OR_RAISE(array, numbers(plan));
      }
      if (array == nullptr) return false;
      arrays.push_back(std::move(array));
    }
    ARROW_ASSIGN_OR_RAISE(auto last, available());
    arrays.push_back(std::move(last));
    batch.rows = arrow::RecordBatch::Make(s_.schema_, static_cast<std::int64_t>(rows_), std::move(arrays));
    batch.lines.resize(rows_), batch.bytes.resize(rows_), batch.lengths.resize(rows_);
    const std::uint32_t* mark = block_.marks.data();
    for (std::size_t row = 0; row < rows_; ++row, mark += block_.width) {
      const std::uint32_t start = mark[0] + 1;
      batch.lines[row] = block_.first_line + static_cast<std::int64_t>(row);
      batch.bytes[row] = block_.at + start;
      batch.lengths[row] = static_cast<std::int32_t>(mark[block_.width] - start);
    }
    batch.rows_in = static_cast<std::int64_t>(rows_);
    batch.text = block_.text;
    batch.text_at = block_.at;
    return true;
  }

 private:
  std::string_view cell(std::size_t row, int field) const {
    if (field < 0) return {};
    const std::uint32_t* mark = block_.marks.data() + row * block_.width + static_cast<std::size_t>(field);
    const char* begin = text_ + static_cast<std::uint32_t>(mark[0] + 1);
    const char* end = text_ + mark[1];
    while (begin < end && (*begin == ' ' || *begin == '\t')) ++begin;
    while (begin < end && (end[-1] == ' ' || end[-1] == '\r' || end[-1] == '\t')) --end;
    return {begin, static_cast<std::size_t>(end - begin)};
  }

  Result<std::shared_ptr<arrow::Buffer>> buffer(std::size_t bytes) const {
    return arrow::AllocateBuffer(static_cast<std::int64_t>(bytes), s_.pool_);
  }

  /// Whether cells have the bytes of those above them; of a column whose first cells seldom have, said of none of the others.
  const std::vector<std::uint8_t>& repeats(int field) {
    auto& known = repeats_[static_cast<std::size_t>(field)];
    if (known.empty()) {
      known.resize(rows_);
      const std::uint32_t* mark = block_.marks.data() + static_cast<std::size_t>(field);
      std::string_view above;
      for (std::size_t i = 0; i < rows_; ++i, mark += block_.width) {
        const std::uint32_t begin = mark[0] + 1;
        const std::string_view here(text_ + begin, mark[1] - begin);
        known[i] = same_text(here, above);
        above = here;
        if (i == 255 && std::count(known.begin(), known.begin() + 256, 1) < 16) break;
      }
    }
    return known;
  }

  /// Into again_: rows that have in all these fields what the row before has. A field below 0 is no cell.
  void find_again(const std::vector<int>& fields) {
    again_.assign(rows_, 1), again_[0] = 0;
    for (const int field : fields) {
      if (field < 0) continue;
      const std::uint8_t* known = repeats(field).data();
      for (std::size_t row = 0; row < rows_; ++row) again_[row] &= known[row];
    }
  }

  using Cells = std::string_view[8];  // that a rule sees of one row
  void look(const Plan& plan, std::size_t row, Cells& cells) const {
    for (std::size_t i = 0; i < plan.fields.size(); ++i) cells[i] = cell(row, plan.fields[i]);
  }

  bool obeys(const Plan& plan) {
    Cells cells;
    std::int64_t ignored = 0;
    find_again(plan.fields);
    for (std::size_t row = 0; row < rows_; ++row) {
      if (again_[row]) continue;
      look(plan, row, cells);
      if (plan.take.integer(cells, plan.column, *s_.days_, ignored).why != nullptr) return false;
    }
    return true;
  }

  /// Values as the long way's read_integers() gives them; valid_ says where. False where a cell is refused.
  bool integers(const Plan& plan, std::int64_t* out) {
    valid_.assign(rows_, 0);
    if (plan.absent) {
      std::fill_n(out, rows_, 0);
      return true;
    }
    if (plan.take.fixed || plan.take.integer != nullptr || plan.fields[0] < 0) return by_rule(plan, out);
    const auto field = static_cast<std::size_t>(plan.fields[0]);
    const bool last = field + 1 == block_.width && block_.returns;
    const CellColumn cells{text_, block_.marks.data() + 1 + field, block_.width, rows_, last ? 1u : 0u};
    const CellKernels& kernels = cell_kernels();
    const int shift = plan.take.shift;
    std::size_t others = rows_;
    switch (plan.column.kind) {
      case Kind::decimal:
        if (plan.column.scale + shift <= 18)
          others = kernels.decimals(cells, plan.column.scale + shift, out, valid_.data());
        break;
      case Kind::int64: others = kernels.decimals(cells, shift, out, valid_.data()); break;
      case Kind::float64: others = kernels.doubles(cells, reinterpret_cast<double*>(out), valid_.data()); break;
      case Kind::timestamp:
        if (const std::int64_t unit = epoch_unit(plan.take.format); unit != 0) {
          others = kernels.integers(cells, out, valid_.data());
          if (!to_microseconds(unit, out)) return false;
        }
        break;
      default: break;
    }
    if (others == 0) return true;
    std::int64_t value = 0;
    bool valid = false, known = false;  // of the last cell that was read here
    std::size_t last_row = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
      if (valid_[row]) continue;
      if (!known || last_row + 1 != row || !repeats(plan.fields[0])[row]) {
        const std::string_view text = plain(plan, cell(row, plan.fields[0]));
        valid = !is_null(text, s_.form_.dash_is_null);
        value = 0;
        if (valid && read_field(text, plan.column, plan.take, *s_.days_, value).why != nullptr) return false;
      }
      known = true, last_row = row;
      out[row] = value;
      valid_[row] = valid;
    }
    return true;
  }

  /// Of cells that the kernel took; the others are left. False: a time that is none.
  bool to_microseconds(std::int64_t unit, std::int64_t* out) const {
    bool good = true;
    if (unit == 1) {
      for (std::size_t row = 0; row < rows_; ++row) out[row] /= 1000;
    } else {
      const std::int64_t factor = unit / 1000, most = INT64_MAX / factor;
      for (std::size_t row = 0; row < rows_; ++row) {
        good &= out[row] <= most || !valid_[row];
        out[row] = static_cast<std::int64_t>(static_cast<std::uint64_t>(out[row]) * static_cast<std::uint64_t>(factor));
      }
    }
    for (std::size_t row = 0; row < rows_; ++row) good &= Days::plausible(Instant{out[row]}) || !valid_[row];
    return good;
  }

  bool by_rule(const Plan& plan, std::int64_t* out) {
    Cells cells;
    Outcome outcome;
    std::int64_t value = 0;
    find_again(plan.take.fixed ? std::vector<int>() : plan.fields);
    for (std::size_t row = 0; row < rows_; ++row) {
      if (!again_[row]) {
        value = 0;
        look(plan, row, cells);
        if (plan.take.fixed) cells[0] = plan.take.constant;
        if (plan.take.integer != nullptr) outcome = plan.take.integer(cells, plan.column, *s_.days_, value);
        else if (is_null(plain(plan, cells[0]), s_.form_.dash_is_null)) outcome = Outcome::nothing();
        else outcome = read_field(plain(plan, cells[0]), plan.column, plan.take, *s_.days_, value);
        if (outcome.why != nullptr) return false;
      }
      out[row] = value;
      valid_[row] = !outcome.null;
    }
    return true;
  }

  bool all_valid() const { return std::memchr(valid_.data(), 0, rows_) == nullptr; }

  /// Every row's session, and its time where the form has one; all of them sessions that the file may hold.
  bool place() {
    auto& sessions = s_.sessions_;
    if (s_.time_) {
      auto made = buffer(rows_ * 8);
      if (!made.ok()) return false;
      times_ = *std::move(made);
      if (!integers(*s_.time_, time()) || !all_valid()) return false;
    }
    sessions.resize(rows_);
    if (s_.session_) {
      if (!integers(*s_.session_, sessions.data()) || !all_valid()) return false;
    } else if (!s_.time_) {
      std::fill(sessions.begin(), sessions.end(), s_.info_.session->days);
    } else {
      auto [least, most] = std::minmax_element(time(), time() + rows_);
      const Date first = s_.days_->local_date(Instant{*least});
      if (first == s_.days_->local_date(Instant{*most})) {
        std::fill(sessions.begin(), sessions.end(), first.days);
      } else {
        for (std::size_t row = 0; row < rows_; ++row) sessions[row] = s_.days_->local_date(Instant{time()[row]}).days;
      }
    }
    std::int64_t before = INT64_MIN;
    for (std::size_t row = 0; row < rows_; ++row) {
      if (sessions[row] == before) continue;
      before = sessions[row];
      const Date date{static_cast<std::int32_t>(before)};
      if (!s_.days_->known(date) || (s_.info_.session && date != *s_.info_.session)) return false;
    }
    return true;
  }
  std::int64_t* time() { return reinterpret_cast<std::int64_t*>(times_->mutable_data()); }

  Result<std::shared_ptr<arrow::Array>> wrap(const Column& column, std::shared_ptr<arrow::Buffer> values,
                                             std::shared_ptr<arrow::Buffer> bits, std::int64_t nulls) const {
    return arrow::MakeArray(arrow::ArrayData::Make(column.type(), static_cast<std::int64_t>(rows_),
                                                   {std::move(bits), std::move(values)}, nulls));
  }

  Result<std::shared_ptr<arrow::Array>> dates(const std::vector<std::int64_t>& days) const {
    ARROW_ASSIGN_OR_RAISE(auto values, buffer(rows_ * 4));
    auto* out = reinterpret_cast<std::int32_t*>(values->mutable_data());
    for (std::size_t row = 0; row < rows_; ++row) out[row] = static_cast<std::int32_t>(days[row]);
    return wrap(Column{.kind = Kind::date}, std::move(values), nullptr, 0);
  }

  /// Bits of valid_; null where all are.
  Result<std::shared_ptr<arrow::Buffer>> validity(std::int64_t& nulls) const {
    nulls = 0;
    if (all_valid()) return std::shared_ptr<arrow::Buffer>();
    nulls = std::count(valid_.begin(), valid_.end(), 0);
    ARROW_ASSIGN_OR_RAISE(auto bits, buffer((rows_ + 7) / 8));
    std::uint8_t* out = bits->mutable_data();
    std::memset(out, 0, (rows_ + 7) / 8);
    for (std::size_t row = 0; row < rows_; ++row)
      out[row >> 3] = static_cast<std::uint8_t>(out[row >> 3] | valid_[row] << (row & 7));
    return bits;
  }

  /// Null: a cell is refused.
  Result<std::shared_ptr<arrow::Array>> numbers(const Plan& plan) {
    ARROW_ASSIGN_OR_RAISE(auto values, buffer(rows_ * 8));
    auto* wide = reinterpret_cast<std::int64_t*>(values->mutable_data());
    if (!integers(plan, wide)) return nullptr;
    std::int64_t nulls = 0;
    ARROW_ASSIGN_OR_RAISE(auto bits, validity(nulls));
    if (plan.column.kind == Kind::int32 || plan.column.kind == Kind::date) {
      ARROW_ASSIGN_OR_RAISE(auto narrow, buffer(rows_ * 4));
      auto* out = reinterpret_cast<std::int32_t*>(narrow->mutable_data());
      for (std::size_t row = 0; row < rows_; ++row) out[row] = static_cast<std::int32_t>(wide[row]);
      values = std::move(narrow);
    } else if (plan.column.kind == Kind::boolean) {
      ARROW_ASSIGN_OR_RAISE(auto packed, buffer((rows_ + 7) / 8));
      std::memset(packed->mutable_data(), 0, (rows_ + 7) / 8);
      for (std::size_t row = 0; row < rows_; ++row)
        if (wide[row] != 0) packed->mutable_data()[row >> 3] |= static_cast<std::uint8_t>(1u << (row & 7));
      values = std::move(packed);
    }
    return wrap(plan.column, std::move(values), std::move(bits), nulls);
  }

  /// The text of a row out of its cells; false: null. `why` is set where it is refused.
  bool compose(const Plan& plan, const Cells& cells, std::string_view& out, Complaint& why) const {
    if (plan.take.fixed) return out = plan.take.constant, !out.empty();
    out = cells[0];
    if (plan.exact) return !out.empty() && (out.remove_prefix(1), true);
    if (plan.take.text != nullptr) {
      const Outcome outcome = plan.take.text(cells, out);
      why = outcome.why;
      if (outcome.null) return false;
    }
    return !is_null(out, s_.form_.dash_is_null);
  }
  bool compose_pattern(const Plan& plan, std::size_t row, std::string& out) const {
    out.clear();
    for (const auto& [literal, index] : plan.pieces) {
      out += literal;
      if (index < 0) continue;
      std::string_view part = cell(row, index);
      if (s_.exact_[static_cast<std::size_t>(index)] && !part.empty()) part.remove_prefix(1);
      if (is_null(part, s_.form_.dash_is_null)) return false;  // an id with a hole in it is none
      out += part;
    }
    return !out.empty();
  }
  /// How long a column's texts are together, or a little less than that.
  std::size_t length_of(const Plan& plan) const {
    std::size_t sum = plan.take.fixed ? rows_ * plan.take.constant.size() : 0;
    auto add = [&](int field) {
      const std::uint32_t* mark = block_.marks.data() + static_cast<std::size_t>(field);
      for (std::size_t row = 0; row < rows_; ++row, mark += block_.width)
        sum += mark[1] - static_cast<std::uint32_t>(mark[0] + 1);
    };
    for (const auto& [literal, index] : plan.pieces)
      if (sum += rows_* literal.size(); index >= 0) add(index);
    if (!plan.fields.empty() && plan.fields[0] >= 0) add(plan.fields[0]);
    return sum;
  }

  /// Null: a cell is refused. What a row has of the row before it is not made again.
  Result<std::shared_ptr<arrow::Array>> texts(const Plan& plan) {
    constexpr std::size_t wide = 32;  // copied at once: shorter texts lie in a longer stretch
    valid_.assign(rows_, 0);
    ARROW_ASSIGN_OR_RAISE(auto offsets, buffer((rows_ + 1) * 4));
    auto* offset = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
    ARROW_ASSIGN_OR_RAISE(auto data,
                          arrow::AllocateResizableBuffer(static_cast<std::int64_t>(length_of(plan) + wide), s_.pool_));
    auto room = static_cast<std::size_t>(data->size());
    std::size_t used = 0;
    std::string made(64, '\0');
    std::string_view value;  // of `made`, of the block, or of something that lasts
    bool there = false;
    Cells cells;
    std::vector<int> fields = plan.take.fixed ? std::vector<int>() : plan.fields;
    for (const auto& [literal, index] : plan.pieces) fields.push_back(index);
    find_again(fields);
    const char* const last_wide = block_.text->size() < wide ? nullptr : text_ + (block_.text->size() - wide);
    for (std::size_t row = 0; row < rows_; ++row) {
      offset[row] = static_cast<std::int32_t>(used);
      if (plan.absent) continue;
      if (again_[row]) {
      } else if (!plan.pieces.empty()) {
        there = compose_pattern(plan, row, made), value = made;
      } else {
        look(plan, row, cells);
        Complaint why = nullptr;
        there = compose(plan, cells, value, why);
        if (why != nullptr) return nullptr;
      }
      valid_[row] = there;
      if (!there) continue;
      if (used + value.size() + wide > room) {
        room = std::max(room * 2, used + value.size() + wide);
        ARROW_RETURN_NOT_OK(data->Resize(static_cast<std::int64_t>(room), false));
      }
      const bool roomy = value.data() == made.data() || (value.data() >= text_ && value.data() <= last_wide);
      if (value.size() <= wide && roomy) std::memcpy(data->mutable_data() + used, value.data(), wide);
      else std::memcpy(data->mutable_data() + used, value.data(), value.size());
      used += value.size();
    }
    offset[rows_] = static_cast<std::int32_t>(used);
    ARROW_RETURN_NOT_OK(data->Resize(static_cast<std::int64_t>(used), false));
    std::int64_t nulls = 0;
    ARROW_ASSIGN_OR_RAISE(auto bits, validity(nulls));
    return arrow::MakeArray(arrow::ArrayData::Make(arrow::utf8(), static_cast<std::int64_t>(rows_),
                                                   {std::move(bits), std::move(offsets), std::move(data)}, nulls));
  }

  Result<std::shared_ptr<arrow::Array>> available() {
    ARROW_ASSIGN_OR_RAISE(auto values, buffer(rows_ * 8));
    auto* out = reinterpret_cast<std::int64_t*>(values->mutable_data());
    if (s_.bar_close_) {
      for (std::size_t row = 0; row < rows_; ++row) out[row] = time()[row] + s_.available_after_;
    } else {
      for (std::size_t row = 0; row < rows_; ++row)
        out[row] = row > 0 && s_.sessions_[row] == s_.sessions_[row - 1] ? out[row - 1] : s_.available(row);
    }
    return wrap(Column{.kind = Kind::timestamp}, std::move(values), nullptr, 0);
  }

  TableSource& s_;
  const Block& block_;
  const char* text_;
  std::size_t rows_;
  std::shared_ptr<arrow::Buffer> times_;
  std::vector<std::uint8_t> valid_;
  std::vector<std::vector<std::uint8_t>> repeats_;  // by field
  std::vector<std::uint8_t> again_;  // of find_again()
};

Result<bool> TableSource::read_regular(SourceBatch& batch) {
  const Block& block = rows_.block;
  if (block.high && !valid_utf8(std::string_view(*block.text).substr(0, block.size))) return false;
  if (!form_.exact.empty() && std::memchr(block.text->data(), '\\', block.size) != nullptr) return false;
  return RegularReader(*this, block).read(batch);
}

}  // namespace tapemill::sources
