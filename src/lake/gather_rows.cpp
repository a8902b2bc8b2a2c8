#include <arrow/api.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>

#include "lake/read_values.h"
#include "lake/rows.h"
#include "lake/second_thread.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kPastCache = 4 << 20;     // bytes of a column
constexpr std::int64_t kWorthThreads = 1 << 17;  // values; below, starting a thread costs more than it saves

int width_of(const arrow::DataType& type) {
  if (type.id() == arrow::Type::BOOL) return 1;
  if (type.id() == arrow::Type::STRING) return 0;
  return arrow::is_fixed_width(type.id()) ? type.bit_width() / 8 : -1;
}

// A column while it is gathered.
struct Target {
  std::shared_ptr<arrow::Field> field;
  int width = 0;                           // bytes a row; 0: texts
  std::shared_ptr<arrow::Buffer> values;
  std::shared_ptr<arrow::Buffer> present;  // a byte a row; null: no row can be null
  std::vector<std::shared_ptr<const TextRuns>> texts;  // by group
};

class Gather {
 public:
  Gather(const std::vector<ChosenRows>& groups, arrow::MemoryPool* pool) : groups_(groups), pool_(pool) {
    for (const ChosenRows& group : groups) rows_ += group.rows();
  }
  Status prepare(const arrow::Schema& schema, const std::vector<std::string>& columns);
  Status run(const Workers& workers);
  Result<std::shared_ptr<arrow::Table>> finish(const Workers& workers);
  std::int64_t bytes_read() const { return bytes_read_; }

 private:
  Status run_with_second_thread();
  Status read(std::size_t group, std::size_t column, const PartFile& file, Scratch& scratch);
  Status read_column(std::size_t group, std::size_t column, const PartFile& file, Scratch& scratch);
  Status fill(const ChosenRows& chosen, const std::string& text, Target& target);
  Result<std::shared_ptr<arrow::Array>> array_of(Target& target);
  Result<std::shared_ptr<arrow::Array>> texts_of(const Target& target);
  std::unique_ptr<Scratch> borrow();
  void give_back(std::unique_ptr<Scratch> scratch);
  const std::vector<ChosenRows>& groups_;
  arrow::MemoryPool* pool_;
  std::int64_t rows_ = 0;
  std::vector<Target> targets_;
  std::atomic<std::int64_t> bytes_read_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> spare_;
};

// Large columns in large pages, where the system gives them on request: a fault for every 4 KiB costs as much as decoding.
void large_pages(arrow::Buffer& buffer) {
  constexpr std::uintptr_t kLarge = 2 << 20;
  const auto begin = (reinterpret_cast<std::uintptr_t>(buffer.mutable_data()) + kLarge - 1) / kLarge * kLarge;
  const auto end =
      (reinterpret_cast<std::uintptr_t>(buffer.mutable_data()) + static_cast<std::uintptr_t>(buffer.size())) / kLarge *
      kLarge;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

Status Gather::prepare(const arrow::Schema& schema, const std::vector<std::string>& columns) {
  for (const std::string& name : columns) {
    Target target;
    target.field = schema.GetFieldByName(name);
    target.width = width_of(*target.field->type());
    if (target.width < 0 || target.width > 8) return Status::NotImplemented("a type of another writer");
    bool nulls = false;
    for (const ChosenRows& chosen : groups_) {
      const RowGroup& group = *chosen.group;
      auto own = group.part->partition.find(name);
      const int column = group.open->column(name);
      if (own != group.part->partition.end()) {
        nulls = nulls || own->second.empty();
      } else if (column < 0) {
        nulls = true;
      } else {
        const auto& stored = group.open->types[static_cast<std::size_t>(column)];
        if (group.chunk(column).form == ColumnChunk::Form::other || stored == nullptr ||
            !stored->Equals(target.field->type()))
          return Status::NotImplemented("a column of another writer");
        nulls = nulls || group.chunk(column).nulls != 0;
      }
    }
    target.texts.resize(groups_.size());
    if (target.width > 0) {
      ARROW_ASSIGN_OR_RAISE(target.values, arrow::AllocateBuffer(rows_ * target.width, pool_));
      large_pages(*target.values);
    }
    if (target.width > 0 && nulls) {
      ARROW_ASSIGN_OR_RAISE(target.present, arrow::AllocateBuffer(rows_, pool_));
      std::fill_n(target.present->mutable_data(), rows_, 1);
    }
    targets_.push_back(std::move(target));
  }
  return Status::OK();
}

std::unique_ptr<Scratch> Gather::borrow() {
  std::lock_guard lock(mutex_);
  if (spare_.empty()) return std::make_unique<Scratch>(pool_);
  auto one = std::move(spare_.back());
  spare_.pop_back();
  return one;
}

void Gather::give_back(std::unique_ptr<Scratch> scratch) {
  std::lock_guard lock(mutex_);
  spare_.push_back(std::move(scratch));
}

// A partition's value, or null, in all rows of a group.
Status Gather::fill(const ChosenRows& chosen, const std::string& text, Target& target) {
  if (text.empty()) {
    for (const Segment& one : chosen.segments) {
      const auto count = static_cast<std::size_t>(one.last - one.first);
      std::memset(target.present->mutable_data() + one.out, 0, count);
      std::memset(target.values->mutable_data() + one.out * target.width, 0,
                  count * static_cast<std::size_t>(target.width));
    }
    return Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(auto scalar, arrow::Scalar::Parse(target.field->type(), text));
  std::uint8_t value[8] = {};
  if (target.field->type()->id() == arrow::Type::BOOL) {
    value[0] = static_cast<const arrow::BooleanScalar&>(*scalar).value;
  } else {
    const auto view = static_cast<const arrow::internal::PrimitiveScalarBase&>(*scalar).view();
    if (view.size() != static_cast<std::size_t>(target.width))
      return Status::NotImplemented("a partition of another kind");
    std::memcpy(value, view.data(), view.size());
  }
  for (const Segment& one : chosen.segments) {
    for (std::int64_t row = one.out; row < one.out + (one.last - one.first); ++row)
      std::memcpy(target.values->mutable_data() + row * target.width, value, static_cast<std::size_t>(target.width));
  }
  return Status::OK();
}

Status Gather::read(std::size_t group, std::size_t column, const PartFile& file, Scratch& scratch) {
  try {
    return in_part(groups_[group].group->path, read_column(group, column, file, scratch));
  } catch (const std::bad_alloc&) {  // of a container that takes from the pool
    return Status::OutOfMemory("no memory");
  }
}

Status Gather::read_column(std::size_t index, std::size_t column, const PartFile& file, Scratch& scratch) {
  const ChosenRows& chosen = groups_[index];
  const RowGroup& group = *chosen.group;
  Target& target = targets_[column];
  const std::string& name = target.field->name();
  auto own = group.part->partition.find(name);
  const int at = group.open->column(name);
  const bool constant = own != group.part->partition.end();
  if (constant && target.width == 0 && !own->second.empty()) {
    auto runs = std::make_shared<TextRuns>(pool_);
    runs->fill(own->second, static_cast<std::uint32_t>(group.open->groups[static_cast<std::size_t>(group.index)].rows));
    target.texts[index] = std::move(runs);
    return Status::OK();
  }
  if (constant || at < 0) return target.width == 0 ? Status::OK() : fill(chosen, constant ? own->second : "", target);
  const ColumnChunk& chunk = group.chunk(at);
  const std::int64_t rows = group.open->groups[static_cast<std::size_t>(group.index)].rows;
  ChunkReader reader(file, chunk, rows, chosen.segments, scratch);
  if (target.width == 0) {
    auto runs = std::make_shared<TextRuns>(pool_);
    ARROW_RETURN_NOT_OK(runs->read(reader));
    // Of a few rows a few texts, though the part's dictionary has those of all: a scan may read many parts.
    target.texts[index] = chosen.rows() * 8 < rows ? runs->within(chosen.segments, pool_) : std::move(runs);
  } else {
    ARROW_RETURN_NOT_OK(read_values(
        reader, chunk, chosen.segments, scratch, target.width, target.values->mutable_data(),
        target.present == nullptr ? nullptr : target.present->mutable_data(), rows_ * target.width > kPastCache));
  }
  bytes_read_ += reader.bytes_read();
  return Status::OK();
}

Status Gather::run_with_second_thread() {
  const std::size_t columns = targets_.size(), shards = groups_.size() * columns;
  std::atomic<std::size_t> next = 0;
  Status first;
  with_second_thread([&] {
    Status status;
    auto scratch = borrow();
    std::optional<PartFile> file;
    std::size_t opened = 0;
    for (std::size_t shard = next++; shard < shards && status.ok(); shard = next++) {
      const std::size_t group = shard / columns;
      const std::string& path = groups_[group].group->path;
      if (!file || opened != group) {
        file.reset();
        auto one = PartFile::open(path);
        status = one.status();
        if (one.ok()) file.emplace(*std::move(one)), opened = group;
      }
      if (file) status = read(group, shard % columns, *file, *scratch);
    }
    give_back(std::move(scratch));
    std::lock_guard lock(mutex_);
    if (first.ok()) first = status;
  });
  return first;
}

Status Gather::run(const Workers& workers) {
  // Few values: group by group on this thread, with another that waits for such work; each file is opened once. Many: every column of every group is a shard.
  const std::size_t columns = targets_.size();
  const bool threads = workers.threads() > 1 && rows_ * static_cast<std::int64_t>(columns) > kWorthThreads;
  if (!threads && (workers.threads() == 1 || groups_.size() * columns < 4)) {
    Scratch scratch(pool_);
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      ARROW_ASSIGN_OR_RAISE(auto file, PartFile::open(groups_[group].group->path));
      for (std::size_t column = 0; column < columns; ++column) ARROW_RETURN_NOT_OK(read(group, column, file, scratch));
    }
    return Status::OK();
  }
  if (!threads) return run_with_second_thread();
  return workers.each(groups_.size() * columns, [&](std::size_t shard) -> Status {
    const std::size_t group = shard / columns, column = shard % columns;
    ARROW_ASSIGN_OR_RAISE(auto file, PartFile::open(groups_[group].group->path));
    auto scratch = borrow();
    Status status = read(group, column, file, *scratch);
    give_back(std::move(scratch));
    return status;
  });
}

// Rows of a byte each to bits.
std::shared_ptr<arrow::Buffer> bits(const std::uint8_t* bytes, std::int64_t rows, std::shared_ptr<arrow::Buffer> into,
                                    std::int64_t& ones) {
  std::uint8_t* out = into->mutable_data();
  ones = 0;
  for (std::int64_t row = 0; row < rows; row += 8) {
    std::uint8_t packed = 0;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(8, rows - row); ++i) {
      packed = static_cast<std::uint8_t>(packed | bytes[row + i] << i);
      ones += bytes[row + i];
    }
    out[row / 8] = packed;
  }
  return into;
}

Result<std::shared_ptr<arrow::Array>> Gather::array_of(Target& target) {
  if (target.width == 0) return texts_of(target);
  std::int64_t ones = rows_;
  std::shared_ptr<arrow::Buffer> validity;
  if (target.present != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto room, arrow::AllocateBuffer((rows_ + 7) / 8, pool_));
    validity = bits(target.present->data(), rows_, std::move(room), ones);
    if (ones == rows_) validity = nullptr;
    target.present = nullptr;
  }
  if (target.field->type()->id() == arrow::Type::BOOL) {
    std::int64_t ignored = 0;
    ARROW_ASSIGN_OR_RAISE(auto room, arrow::AllocateBuffer((rows_ + 7) / 8, pool_));
    target.values = bits(target.values->data(), rows_, std::move(room), ignored);
  }
  return arrow::MakeArray(arrow::ArrayData::Make(target.field->type(), rows_, {validity, target.values}, rows_ - ones));
}

// Where a group's texts are written next.
struct Cursor {
  std::size_t group, segment, run;
};

Result<std::shared_ptr<arrow::Array>> Gather::texts_of(const Target& target) {
  std::vector<std::pair<std::size_t, const Segment*>> order;  // all segments by their place
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (const Segment& one : groups_[group].segments) order.emplace_back(group, &one);
  }
  auto by_place = [](const auto& a, const auto& b) { return a.second->out < b.second->out; };
  if (!std::is_sorted(order.begin(), order.end(), by_place)) std::sort(order.begin(), order.end(), by_place);
  // visit(rows, text, whether there is one) for every run of every segment
  auto each = [&](auto visit) {
    std::vector<std::size_t> at(groups_.size(), 0);
    for (const auto& [group, one] : order) {
      const TextRuns* runs = target.texts[group].get();
      if (runs == nullptr) {
        visit(one->last - one->first, std::string_view{}, false);
        continue;
      }
      std::size_t i = at[group];
      if (i >= runs->size() || runs->run(i).first > one->first || runs->end(i) <= one->first) {
        if (i + 1 < runs->size() && runs->run(i + 1).first <= one->first && runs->end(i + 1) > one->first) ++i;
        else i = runs->find(one->first);
      }
      for (; i < runs->size() && runs->run(i).first < one->last; ++i) {
        const std::uint32_t first = std::max(one->first, runs->run(i).first), last = std::min(one->last, runs->end(i));
        const bool there = runs->run(i).value < TextRuns::kNotRead;
        visit(last - first, there ? runs->text(runs->run(i).value) : std::string_view{}, there);
        at[group] = i;
      }
    }
  };
  std::int64_t bytes = 0, nulls = 0;
  each([&](std::uint32_t rows, std::string_view text, bool there) {
    bytes += static_cast<std::int64_t>(text.size()) * rows;
    nulls += there ? 0 : rows;
  });
  if (bytes > INT32_MAX - 1) return Status::NotImplemented("texts of more than 2 GB");
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets, arrow::AllocateBuffer((rows_ + 1) * 4, pool_));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> data, arrow::AllocateBuffer(bytes, pool_));
  std::shared_ptr<arrow::Buffer> validity;
  if (nulls > 0) { ARROW_ASSIGN_OR_RAISE(validity, arrow::AllocateEmptyBitmap(rows_, pool_)); }
  auto* offset = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  char* to = reinterpret_cast<char*>(data->mutable_data());
  std::int32_t position = 0;
  std::int64_t row = 0;
  each([&](std::uint32_t rows, std::string_view text, bool there) {
    const auto size = static_cast<std::int32_t>(text.size());
    for (std::uint32_t i = 0; i < rows; ++i) *offset++ = position + static_cast<std::int32_t>(i) * size;
    const std::size_t whole = text.size() * rows;
    if (whole > 0) {  // the text, then twice as much of what is there already
      std::memcpy(to + position, text.data(), text.size());
      for (std::size_t done = text.size(); done < whole;) {
        const std::size_t more = std::min(done, whole - done);
        std::memcpy(to + position + done, to + position, more);
        done += more;
      }
    }
    position += static_cast<std::int32_t>(whole);
    for (std::uint32_t i = 0; there && validity != nullptr && i < rows; ++i)
      validity->mutable_data()[(row + i) >> 3] |= static_cast<std::uint8_t>(1 << ((row + i) & 7));
    row += rows;
  });
  *offset = position;
  if (row != rows_) return data_error("a column has fewer rows than its row group");
  return arrow::MakeArray(arrow::ArrayData::Make(arrow::utf8(), rows_, {validity, offsets, data}, nulls));
}

Result<std::shared_ptr<arrow::Table>> Gather::finish(const Workers& workers) {
  arrow::ArrayVector arrays(targets_.size());
  arrow::FieldVector fields;
  std::vector<std::size_t> slow;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    fields.push_back(targets_[i].field);
    const bool work =
        targets_[i].width == 0 || targets_[i].present != nullptr || fields.back()->type()->id() == arrow::Type::BOOL;
    if (work) {
      slow.push_back(i);
    } else {
      ARROW_ASSIGN_OR_RAISE(arrays[i], array_of(targets_[i]));
    }
  }
  const Workers some(rows_ > kWorthThreads ? workers.threads() : 1);
  ARROW_RETURN_NOT_OK(
      some.each(slow.size(), [&](std::size_t i) { return array_of(targets_[slow[i]]).Value(&arrays[slow[i]]); }));
  return arrow::Table::Make(arrow::schema(fields), arrays, rows_);
}

}  // namespace

Result<std::shared_ptr<arrow::Table>> gather_rows(const std::vector<ChosenRows>& groups, const arrow::Schema& schema,
                                                  const std::vector<std::string>& columns, const Workers& workers,
                                                  arrow::MemoryPool* pool, std::int64_t* bytes_read) {
  Gather gather(groups, pool);
  ARROW_RETURN_NOT_OK(gather.prepare(schema, columns));
  ARROW_RETURN_NOT_OK(gather.run(workers));
  *bytes_read += gather.bytes_read();
  return gather.finish(workers);
}

}  // namespace tapemill::lake
