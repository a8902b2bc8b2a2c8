#include "sources/table.h"

#include <bit>
#include <cstring>

#include "core/text.h"
#include "sources/arrays.h"

namespace tapemill::sources {
namespace {

bool ascii(std::string_view text) {
  std::uint64_t bits = 0;
  std::size_t i = 0;
  for (std::uint64_t eight; i + 8 <= text.size(); i += 8) std::memcpy(&eight, text.data() + i, 8), bits |= eight;
  for (; i < text.size(); ++i) bits |= static_cast<unsigned char>(text[i]);
  return (bits & 0x8080808080808080u) == 0;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t most = 60;
  return text.size() <= most ? fmt::format("\"{}\"", text)
                             : fmt::format("\"{}...\" ({} bytes)", text.substr(0, most), text.size());
}

Outcome complaint_of(Complaint why) { return why == nullptr ? Outcome::ok() : Outcome::refuse(why); }

/// A number times `unit` nanoseconds since the epoch.
Outcome read_epoch(std::string_view text, std::int64_t unit, std::int64_t& out) {
  std::int64_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc::result_out_of_range) return Outcome::refuse("is no plausible time");
  if (failed != std::errc{} || end != text.data() + text.size()) return Outcome::refuse("is no time");
  if (unit < 1000) {
    out = value / (1000 / unit);
  } else if (value > INT64_MAX / (unit / 1000) || value < INT64_MIN / (unit / 1000)) {
    return Outcome::refuse("is no plausible time");
  } else {
    out = value * (unit / 1000);
  }
  return Outcome::ok();
}

Outcome read_time(std::string_view text, const std::string& format, Days& days, std::int64_t& out) {
  if (const std::int64_t unit = epoch_unit(format); unit != 0) return read_epoch(text, unit, out);
  if (format == "local") {
    Instant t;
    if (!days.wall_clock(text, t)) return Outcome::refuse("is no time");
    return out = t.us, Outcome::ok();
  }
  auto instant = Instant::parse(text);
  if (!instant.ok()) return Outcome::refuse("is no time");
  return out = instant->us, Outcome::ok();
}

}  // namespace

std::int64_t epoch_unit(const std::string& format) {
  if (!format.starts_with("epoch_")) return 0;
  return format == "epoch_ns"   ? 1
         : format == "epoch_us" ? 1'000
         : format == "epoch_ms" ? 1'000'000
         : format == "epoch_s"  ? 1'000'000'000
                                : 0;
}

Outcome read_field(std::string_view text, const Column& column, const Take& take, Days& days, std::int64_t& out) {
  switch (column.kind) {
    case Kind::decimal: return complaint_of(read_decimal(text, column.scale, take.shift, out));
    case Kind::int64:
      return complaint_of(take.shift == 0 ? read_integer(text, out) : read_decimal(text, 0, take.shift, out));
    case Kind::int32: {
      Complaint why = read_integer(text, out);
      if (why == nullptr && (out > INT32_MAX || out < INT32_MIN)) why = "is out of range";
      return complaint_of(why);
    }
    case Kind::float64: {
      double value = 0;
      Complaint why = read_double(text, value);
      out = std::bit_cast<std::int64_t>(value);
      return complaint_of(why);
    }
    case Kind::boolean: {
      bool yes = text == "1" || text == "true" || text == "TRUE" || text == "True";
      bool no = text == "0" || text == "false" || text == "FALSE" || text == "False";
      out = yes;
      return yes || no ? Outcome::ok() : Outcome::refuse("is neither true nor false");
    }
    case Kind::date: {
      Date date;
      if (!days.parse(text, take.format, date)) return Outcome::refuse("is no date");
      out = date.days;
      return Days::plausible(date) ? Outcome::ok() : Outcome::refuse("is no plausible date");
    }
    case Kind::timestamp: {
      Outcome outcome = read_time(text, take.format, days, out);
      if (outcome.why == nullptr && !Days::plausible(Instant{out})) return Outcome::refuse("is no plausible time");
      return outcome;
    }
    case Kind::string: break;
  }
  return Outcome::refuse("is a text");
}

/// How a date or time of this column is written.
static std::string wanted(const Plan& plan, std::string_view why) {
  if (plan.take.integer != nullptr || (why != "is no date" && why != "is no time")) return {};
  const std::string& format = plan.take.format;
  if (plan.column.kind == Kind::date) return " of the form " + (format.empty() ? "%Y-%m-%d" : format);
  if (format == "local") return " of the form 2024-10-28 09:15:00, on the exchange's clock";
  return " of the form " + (format.empty() ? "2024-10-28T09:15:00Z" : format);
}

void Rows::clear() { block.clear(), records.clear(), refused.clear(), refusals.clear(), spare.clear(); }

void Rows::refuse(std::size_t row, const char* check, std::string reason) {
  if (refused[row]) return;
  refused[row] = 1;
  const Record& r = *records[row];
  refusals.push_back({r.line, block.at + r.start, std::string(block.raw(r)), check, std::move(reason)});
}

/// Sorts records into rows and lines that are none.
bool TableSource::split(Rows& rows) const {
  Block& block = rows.block;
  for (Unreadable& u : block.unreadable)
    rows.refusals.push_back({u.line, u.byte, std::move(u.raw), "columns", std::move(u.reason)});
  block.list_records();
  const std::string_view text = std::string_view(*block.text).substr(0, block.size);
  const bool nul = std::memchr(text.data(), 0, text.size()) != nullptr;
  const bool plain = ascii(text);
  rows.records.reserve(block.records.size());
  for (const Record& r : block.records) {
    std::string_view raw = block.raw(r);
    const char* check = nullptr;
    std::string why;
    if (r.fields != width_) {
      check = "columns";
      why = fmt::format("{} columns, the header has {}", r.fields, width_);
    } else if (nul && std::memchr(raw.data(), 0, raw.size()) != nullptr) {
      check = "parse", why = "the line holds a NUL byte";
    } else if (!plain && !valid_utf8(raw)) {
      check = "parse", why = "the line is not UTF-8";
    }
    if (check == nullptr) {
      rows.records.push_back(&r);
    } else {
      rows.refusals.push_back({r.line, block.at + r.start, std::string(raw), check, std::move(why)});
    }
  }
  rows.refused.assign(rows.records.size(), 0);
  return !rows.records.empty();
}

/// The columns that files are full of: one field, one parser chosen outside the loop.
template <class Read>
void TableSource::read_numbers(const Plan& plan, Rows& rows, std::vector<std::int64_t>& values,
                               std::vector<std::uint8_t>& valid, Read&& read) {
  const auto field = static_cast<std::uint32_t>(plan.fields[0]);
  for (std::size_t row = 0; row < rows.records.size(); ++row) {
    if (rows.refused[row]) continue;
    std::string_view text = rows.block.field(*rows.records[row], field, rows.spare);
    if (is_null(text, form_.dash_is_null)) continue;
    Complaint why = read(text, values[row]);
    valid[row] = why == nullptr;
    if (why != nullptr) rows.refuse(row, "parse", fmt::format("{}: {} {}", plan.column.name, quoted(text), why));
  }
}

void TableSource::read_integers(const Plan& plan, Rows& rows, std::vector<std::int64_t>& values,
                                std::vector<std::uint8_t>& valid) {
  const std::size_t n = rows.records.size();
  values.resize(n);
  valid.assign(n, 0);
  if (plan.absent) return;
  if (!plan.take.fixed && plan.take.integer == nullptr && plan.fields[0] >= 0) {
    const int scale = plan.column.scale, shift = plan.take.shift;
    if (plan.column.kind == Kind::decimal)
      return read_numbers(plan, rows, values, valid, [=](std::string_view text, std::int64_t& out) {
        return read_decimal(text, scale, shift, out);
      });
    if (plan.column.kind == Kind::int64 && shift == 0)
      return read_numbers(plan, rows, values, valid,
                          [](std::string_view text, std::int64_t& out) { return read_integer(text, out); });
    if (plan.column.kind == Kind::float64)
      return read_numbers(plan, rows, values, valid, [](std::string_view text, std::int64_t& out) {
        double value = 0;
        Complaint why = read_double(text, value);
        out = std::bit_cast<std::int64_t>(value);
        return why;
      });
  }
  std::string_view texts[8];
  for (std::size_t row = 0; row < n; ++row) {
    if (rows.refused[row]) continue;
    const std::size_t count = plan.fields.size();
    texts[0] = plan.take.constant;
    for (std::size_t i = 0; i < count; ++i)
      texts[i] = plan.fields[i] < 0
                     ? std::string_view{}
                     : rows.block.field(*rows.records[row], static_cast<std::uint32_t>(plan.fields[i]), rows.spare);
    if (plan.exact) texts[0] = trimmed(text_of_exact(texts[0], rows.spare));
    Outcome outcome;
    if (plan.take.integer != nullptr) outcome = plan.take.integer(texts, plan.column, *days_, values[row]);
    else if (is_null(texts[0], form_.dash_is_null)) outcome = Outcome::nothing();
    else outcome = read_field(texts[0], plan.column, plan.take, *days_, values[row]);
    valid[row] = outcome.why == nullptr && !outcome.null;
    if (outcome.why != nullptr)
      rows.refuse(
          row, outcome.check,
          fmt::format("{}: {} {}{}", plan.column.name, quoted(texts[0]), outcome.why, wanted(plan, outcome.why)));
  }
}

void TableSource::read_texts(const Plan& plan, Rows& rows, std::vector<std::string_view>& values) {
  const std::size_t n = rows.records.size();
  values.assign(n, std::string_view{});
  if (plan.absent) return;
  if (plan.take.fixed) {
    if (!plan.take.constant.empty()) values.assign(n, plan.take.constant);
    return;
  }
  auto field = [&](std::size_t row, int index) {
    return index < 0 ? std::string_view{}
                     : rows.block.field(*rows.records[row], static_cast<std::uint32_t>(index), rows.spare);
  };
  auto text_or_null = [&](std::string_view text) {
    return is_null(text, form_.dash_is_null) ? std::string_view{} : text;
  };
  if (!plan.pieces.empty()) {
    std::string& arena = made_.emplace_back();
    std::vector<std::size_t> ends(n);
    for (std::size_t row = 0; row < n; ++row) {
      std::size_t begin = arena.size();
      for (const auto& [literal, index] : plan.pieces) {
        arena += literal;
        if (index < 0 || rows.refused[row]) continue;
        std::string_view part = text_or_null(field(row, index));
        if (exact_[static_cast<std::size_t>(index)]) part = text_of_exact(part, rows.spare);
        if (part.empty()) {  // an id with a hole in it is none
          arena.resize(begin);
          break;
        }
        arena += part;
      }
      ends[row] = arena.size();
    }
    for (std::size_t row = 0, begin = 0; row < n; begin = ends[row], ++row)
      if (ends[row] > begin) values[row] = std::string_view(arena).substr(begin, ends[row] - begin);
    return;
  }
  std::string_view texts[8];
  for (std::size_t row = 0; row < n; ++row) {
    if (rows.refused[row]) continue;
    for (std::size_t i = 0; i < plan.fields.size(); ++i) texts[i] = field(row, plan.fields[i]);
    std::string_view text = texts[0];
    if (plan.exact) {
      values[row] = text_of_exact(text, rows.spare);
      continue;
    }
    if (plan.take.text != nullptr) {
      Outcome outcome = plan.take.text(texts, text);
      if (outcome.why != nullptr)
        rows.refuse(row, outcome.check, fmt::format("{}: {} {}", plan.column.name, quoted(texts[0]), outcome.why));
      if (outcome.null) text = {};
    }
    values[row] = text_or_null(text);
  }
}

void TableSource::guard(Rows& rows) {
  std::vector<std::int64_t> values;
  std::vector<std::uint8_t> valid;
  for (const Plan& plan : guards_) read_integers(plan, rows, values, valid);
}

/// Every row gets its session, and its time where the form has one; a row that belongs to another session is refused.
void TableSource::place(Rows& rows) {
  const std::size_t n = rows.records.size();
  std::vector<std::uint8_t> timed, dated;
  if (time_) {
    read_integers(*time_, rows, times_, timed);
    for (std::size_t row = 0; row < n; ++row)
      if (!timed[row]) rows.refuse(row, "null", "time is null");
  }
  if (session_) {
    read_integers(*session_, rows, sessions_, dated);
    for (std::size_t row = 0; row < n; ++row)
      if (!dated[row]) rows.refuse(row, "null", session_column_ + " is null");
  } else {
    sessions_.assign(n, info_.session ? info_.session->days : 0);
    if (time_)
      for (std::size_t row = 0; row < n; ++row)
        if (!rows.refused[row]) sessions_[row] = days_->local_date(Instant{times_[row]}).days;
  }
  for (std::size_t row = 0; row < n; ++row) {
    Date date{static_cast<std::int32_t>(sessions_[row])};
    if (rows.refused[row]) continue;
    if (!days_->known(date))
      rows.refuse(row, "session",
                  fmt::format("{}: {} lies outside the calendar ({})", session_column_, date.str(), days_->range()));
    else if (info_.session && date != *info_.session)
      rows.refuse(row, "session",
                  fmt::format("{}: {} in the file of {}", session_column_, date.str(), info_.session->str()));
  }
}

std::int64_t TableSource::available(std::size_t row) {
  if (bar_close_) return times_[row] + available_after_;
  return days_->close(Date{static_cast<std::int32_t>(sessions_[row])}).us + available_after_;
}

Result<std::optional<Date>> TableSource::probe(std::string& why) {
  for (;;) {
    Rows rows;
    ARROW_ASSIGN_OR_RAISE(bool more, reader_.next(rows.block));
    if (!more) return std::nullopt;
    if (split(rows)) guard(rows), place(rows);
    for (std::size_t row = 0; row < rows.records.size(); ++row)
      if (!rows.refused[row]) return Date{static_cast<std::int32_t>(sessions_[row])};
    if (why.empty() && !rows.refusals.empty()) {
      const Refused& first = rows.refusals.front();
      why = fmt::format("line {}: {}", first.line, first.reason);
    }
  }
}

Result<std::optional<SourceBatch>> TableSource::next(std::stop_token stop) {
  if (stop.stop_requested()) return Status::Cancelled("interrupted");
  Rows& rows = rows_;
  rows.clear();
  ARROW_ASSIGN_OR_RAISE(bool more, reader_.next(rows.block));
  if (!more) return std::nullopt;
  if (rows.block.width == width_ && !stated_) {
    SourceBatch batch;
    ARROW_ASSIGN_OR_RAISE(bool done, read_regular(batch));
    if (done) return batch;
  }
  made_.clear();
  if (split(rows)) guard(rows), place(rows);
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    if (rows.records.empty()) break;
    const Plan& plan = plans_[i];
    if (plan.column.kind == Kind::string) read_texts(plan, rows, texts_[i]);
    else if (plan.column.name != session_column_ && plan.column.name != "time")
      read_integers(plan, rows, integers_[i], valid_[i]);
  }
  std::vector<std::uint32_t> kept;
  kept.reserve(rows.records.size());
  for (std::uint32_t row = 0; row < rows.records.size(); ++row)
    if (!rows.refused[row]) kept.push_back(row);

  const std::vector<std::uint8_t> all(rows.records.size(), 1);
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    const Plan& plan = plans_[i];
    std::shared_ptr<arrow::Array> array;
    if (plan.column.kind == Kind::string) {
      ARROW_ASSIGN_OR_RAISE(array, build_array(texts_[i], kept, pool_));
    } else if (plan.column.name == session_column_) {
      ARROW_ASSIGN_OR_RAISE(array, build_array(plan.column, sessions_, all, kept, pool_));
    } else if (plan.column.name == "time" && time_) {
      ARROW_ASSIGN_OR_RAISE(array, build_array(plan.column, times_, all, kept, pool_));
    } else {
      ARROW_ASSIGN_OR_RAISE(array, build_array(plan.column, integers_[i], valid_[i], kept, pool_));
    }
    arrays.push_back(std::move(array));
  }
  if (!stated_) {
    std::vector<std::int64_t> instants(rows.records.size());
    for (std::uint32_t row : kept) instants[row] = available(row);
    Column available_at{.name = "available_at", .kind = Kind::timestamp};
    ARROW_ASSIGN_OR_RAISE(auto last, build_array(available_at, instants, all, kept, pool_));
    arrays.push_back(std::move(last));
  }

  SourceBatch batch;
  batch.rows = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(kept.size()), std::move(arrays));
  batch.lines.reserve(kept.size()), batch.bytes.reserve(kept.size()), batch.lengths.reserve(kept.size());
  for (std::uint32_t row : kept) {
    const Record& r = *rows.records[row];
    batch.lines.push_back(r.line);
    batch.bytes.push_back(rows.block.at + r.start);
    batch.lengths.push_back(static_cast<std::int32_t>(r.length));
  }
  std::stable_sort(rows.refusals.begin(), rows.refusals.end(),
                   [](const Refused& a, const Refused& b) { return a.line < b.line; });
  batch.refused = std::move(rows.refusals);
  batch.rows_in = static_cast<std::int64_t>(kept.size() + batch.refused.size());
  batch.text = std::move(rows.block.text);
  batch.text_at = rows.block.at;
  return batch;
}

}  // namespace tapemill::sources
