#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/json/api.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/json.h"
#include "core/workers.h"
#include "pipeline/stream_rows.h"

namespace tapemill::pipeline {
namespace {

constexpr std::size_t kLongestLine = 64 << 20;

/// What a column is from now on, by what the first block's looked like.
std::shared_ptr<arrow::DataType> settled(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::NA: return arrow::utf8();
    case arrow::Type::TIMESTAMP:
      return arrow::timestamp(arrow::TimeUnit::MICRO, static_cast<const arrow::TimestampType&>(*type).timezone());
    default: return type;
  }
}
std::shared_ptr<arrow::Schema> settled(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (int i = 0; i < schema.num_fields(); ++i)
    fields.push_back(arrow::field(schema.field(i)->name(), settled(schema.field(i)->type())));
  return arrow::schema(std::move(fields));
}

Result<Batch> one_batch(const std::shared_ptr<arrow::Table>& table) { return table->CombineChunksToBatch(); }

Result<std::shared_ptr<arrow::Table>> parse_csv(std::string_view text, const arrow::Schema* schema, bool header,
                                                std::int64_t first_line) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = static_cast<std::int32_t>(std::min<std::size_t>(text.size() + 1, INT32_MAX));
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  if (schema != nullptr) {
    for (int i = 0; i < schema->num_fields(); ++i)
      convert.column_types[schema->field(i)->name()] = schema->field(i)->type();
    if (!header) read.column_names = schema->field_names();
  }
  auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(text)));
  auto made = [&]() -> Result<std::shared_ptr<arrow::Table>> {
    ARROW_ASSIGN_OR_RAISE(auto reader,
                          arrow::csv::TableReader::Make(arrow::io::default_io_context(), input, read, parse, convert));
    return reader->Read();
  }();
  if (!made.ok())
    return data_error(fmt::format("rows from line {} on: {}", first_line, made.status().message()),
                      "types are told from the first rows; name others with --types COLUMN=TYPE");
  return made;
}

Result<std::shared_ptr<arrow::Table>> parse_ndjson(std::string_view text, const std::shared_ptr<arrow::Schema>& schema,
                                                   std::int64_t first_line) {
  auto options = arrow::json::ParseOptions::Defaults();
  options.explicit_schema = schema;
  if (schema != nullptr) options.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::Error;
  auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(text)));
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = static_cast<std::int32_t>(std::min<std::size_t>(text.size() + 1, INT32_MAX));
  auto made = [&]() -> Result<std::shared_ptr<arrow::Table>> {
    ARROW_ASSIGN_OR_RAISE(auto reader,
                          arrow::json::TableReader::Make(arrow::default_memory_pool(), input, read, options));
    return reader->Read();
  }();
  if (!made.ok())
    return data_error(fmt::format("rows from line {} on: {}", first_line, made.status().message()),
                      "each line is one object; the first rows tell the fields and their types");
  return made;
}

/// What is there, at least a byte; 0 at the end. An interrupt is seen while nothing comes.
Result<std::int64_t> read_some(int fd, char* out, std::size_t most, const std::string& name) {
  for (;;) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    pollfd wait{fd, POLLIN, 0};
    if (const int ready = ::poll(&wait, 1, 200); ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = ::read(fd, out, most);
    if (got >= 0) return got;
    if (errno != EINTR && errno != EAGAIN) return errno_error("cannot read " + name, errno);
  }
}

/// Whole lines of a descriptor, as many as one read() brings.
class Lines {
 public:
  Lines(int fd, std::string name, std::int64_t block, bool quotes)
      : fd_(fd),
        name_(std::move(name)),
        block_(static_cast<std::size_t>(std::max<std::int64_t>(block, 1024))),
        quotes_(quotes) {}

  /// Empty at the end. The first line has number first_line().
  Result<std::string> next() {
    first_line_ += lines_;
    lines_ = 0;
    for (;;) {
      if (const std::size_t cut = last_line_end(); cut > 0) {
        std::string out = held_.substr(0, cut);
        held_.erase(0, cut), seen_ = 0, inside_ = false, end_ = 0;
        lines_ = std::count(out.begin(), out.end(), '\n');
        return out;
      }
      if (ended_) {
        if (inside_)
          return data_error(
              fmt::format("{}: the quotes that line {} or a later one opens are not closed", name_, first_line_));
        std::string out = std::exchange(held_, {});
        seen_ = 0, end_ = 0;
        return out;
      }
      if (held_.size() > kLongestLine)
        return data_error(fmt::format("{}:{}: a line of more than 64 MB", name_, first_line_));
      ARROW_RETURN_NOT_OK(read_more());
    }
  }
  std::int64_t first_line() const { return first_line_; }

 private:
  Status read_more() {
    const std::size_t before = held_.size();
    held_.resize(before + block_);
    ARROW_ASSIGN_OR_RAISE(std::int64_t got, read_some(fd_, held_.data() + before, block_, name_));
    held_.resize(before + static_cast<std::size_t>(got));
    ended_ = got == 0;
    return Status::OK();
  }

  /// Behind the last end of line that is in no quotes.
  std::size_t last_line_end() {
    for (; seen_ < held_.size(); ++seen_) {
      if (quotes_ && held_[seen_] == '"') inside_ = !inside_;
      else if (held_[seen_] == '\n' && !inside_) end_ = seen_ + 1;
    }
    return end_;
  }

  int fd_;
  std::string name_, held_;
  std::size_t block_, seen_ = 0, end_ = 0;
  bool quotes_, inside_ = false, ended_ = false;
  std::int64_t first_line_ = 1, lines_ = 0;
};

class LineReader : public RowReader {
 public:
  LineReader(int fd, const std::string& name, RowForm form, std::int64_t block, TypeNames types)
      : lines_(fd, name, block, form == RowForm::csv), name_(name), form_(form), types_(std::move(types)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Status open() {
    ARROW_ASSIGN_OR_RAISE(std::string text, lines_.next());
    // A header alone says no types: wait for the first row.
    while (form_ == RowForm::csv && !text.empty() && std::count(text.begin(), text.end(), '\n') < 2) {
      ARROW_ASSIGN_OR_RAISE(std::string more, lines_.next());
      if (more.empty()) break;
      text += more;
    }
    if (text.empty()) return data_error(name_ + " is empty", "a header and rows are expected");
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    ARROW_ASSIGN_OR_RAISE(auto table, parse(text, nullptr));
    auto schema = settled(*table->schema());
    ARROW_ASSIGN_OR_RAISE(schema, typed(*schema));
    if (schema->Equals(*table->schema())) {
      ARROW_ASSIGN_OR_RAISE(first_, one_batch(table));
    } else {
      ARROW_ASSIGN_OR_RAISE(auto again, parse(text, schema));
      ARROW_ASSIGN_OR_RAISE(first_, one_batch(again));
    }
    schema_ = std::move(schema);
    header_ = false;
    return Status::OK();
  }

  Result<Batch> next() override {
    if (first_ != nullptr) return std::exchange(first_, nullptr);
    ARROW_ASSIGN_OR_RAISE(std::string text, lines_.next());
    if (text.empty()) return Batch();
    ARROW_ASSIGN_OR_RAISE(auto table, parse(text, schema_));
    return one_batch(table);
  }

 private:
  Result<std::shared_ptr<arrow::Table>> parse(const std::string& text, const std::shared_ptr<arrow::Schema>& schema) {
    auto made = form_ == RowForm::csv ? parse_csv(text, schema.get(), header_, lines_.first_line())
                                      : parse_ndjson(text, schema, lines_.first_line());
    if (!made.ok()) return prefixed(made.status(), name_);
    return made;
  }

  Result<std::shared_ptr<arrow::Schema>> typed(const arrow::Schema& schema) const {
    std::shared_ptr<arrow::Schema> out = std::make_shared<arrow::Schema>(schema);
    for (const auto& [column, type] : types_) {
      const int at = schema.GetFieldIndex(column);
      if (at < 0) {
        const std::string near = nearest(column, schema.field_names());
        return usage_error(fmt::format("--types: {} has no column {}", name_, column),
                           near.empty() ? "" : "did you mean " + near + "?");
      }
      ARROW_ASSIGN_OR_RAISE(out, out->SetField(at, arrow::field(column, type)));
    }
    return out;
  }

  Lines lines_;
  std::string name_;
  RowForm form_;
  TypeNames types_;
  bool header_ = true;
  std::shared_ptr<arrow::Schema> schema_;
  Batch first_;
};

/// Arrow reads through it; a short read is the end.
class FdInput : public arrow::io::InputStream {
 public:
  explicit FdInput(int fd) : fd_(fd) {}
  Status Close() override { return closed_ = true, Status::OK(); }
  bool closed() const override { return closed_; }
  Result<std::int64_t> Tell() const override { return at_; }
  Result<std::int64_t> Read(std::int64_t bytes, void* out) override {
    std::int64_t done = 0;
    while (done < bytes) {
      ARROW_ASSIGN_OR_RAISE(std::int64_t got, read_some(fd_, static_cast<char*>(out) + done,
                                                        static_cast<std::size_t>(bytes - done), "the Arrow stream"));
      if (got == 0) break;
      done += got;
    }
    at_ += done;
    return done;
  }
  Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(bytes));
    ARROW_ASSIGN_OR_RAISE(std::int64_t got, Read(bytes, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

 private:
  int fd_;
  bool closed_ = false;
  std::int64_t at_ = 0;
};

class ArrowReader : public RowReader {
 public:
  explicit ArrowReader(std::shared_ptr<arrow::RecordBatchReader> reader)
      : reader_(std::move(reader)), schema_(reader_->schema()) {}
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<Batch> next() override { return reader_->Next(); }

 private:
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
};

Json json_of(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::INT64: return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::DOUBLE: return static_cast<const arrow::DoubleArray&>(array).Value(row);
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::STRING: return static_cast<const arrow::StringArray&>(array).GetString(row);
    default: {
      auto scalar = array.GetScalar(row);
      return scalar.ok() ? Json((*scalar)->ToString()) : Json();
    }
  }
}

class Writer : public RowWriter {
 public:
  Writer(std::shared_ptr<arrow::io::OutputStream> out, RowForm form, std::shared_ptr<arrow::Schema> schema)
      : out_(std::move(out)), form_(form), schema_(std::move(schema)) {}

  Status open() {
    if (form_ == RowForm::arrow) {
      ARROW_ASSIGN_OR_RAISE(ipc_, arrow::ipc::MakeStreamWriter(out_, schema_));
    } else if (form_ == RowForm::csv) {
      ARROW_ASSIGN_OR_RAISE(auto none, arrow::RecordBatch::MakeEmpty(schema_));
      ARROW_RETURN_NOT_OK(csv(*none, true));
    }
    return out_->Flush();
  }
  Status write(const arrow::RecordBatch& rows) override {
    if (ipc_ != nullptr) ARROW_RETURN_NOT_OK(ipc_->WriteRecordBatch(rows));
    else if (form_ == RowForm::csv) ARROW_RETURN_NOT_OK(csv(rows, false));
    else ARROW_RETURN_NOT_OK(ndjson(rows));
    return out_->Flush();
  }
  Status close() override { return ipc_ != nullptr ? ipc_->Close() : Status::OK(); }

 private:
  Status csv(const arrow::RecordBatch& rows, bool header) {
    auto options = arrow::csv::WriteOptions::Defaults();
    options.include_header = header;
    options.quoting_style = arrow::csv::QuotingStyle::Needed;
    const auto names = schema_->field_names();  // Arrow quotes all of a header, or nothing
    const bool plain = std::all_of(names.begin(), names.end(), [](const std::string& name) {
      return name.find_first_of(",\"\r\n") == std::string::npos;
    });
    options.quoting_header = plain ? arrow::csv::QuotingStyle::None : arrow::csv::QuotingStyle::Needed;
    return arrow::csv::WriteCSV(rows, options, out_.get());
  }
  Status ndjson(const arrow::RecordBatch& rows) {
    std::string text;
    for (std::int64_t row = 0; row < rows.num_rows(); ++row) {
      Json object = Json::object();
      for (int i = 0; i < rows.num_columns(); ++i)
        object[rows.schema()->field(i)->name()] = json_of(*rows.column(i), row);
      text += object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    return out_->Write(text.data(), static_cast<std::int64_t>(text.size()));
  }

  std::shared_ptr<arrow::io::OutputStream> out_;
  RowForm form_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> ipc_;
};

}  // namespace

Result<RowForm> row_form(const std::string& name) {
  if (name == "csv") return RowForm::csv;
  if (name == "ndjson" || name == "jsonl") return RowForm::ndjson;
  if (name == "arrow") return RowForm::arrow;
  return usage_error(fmt::format("there is no form {}", name), "csv, ndjson or arrow");
}

Result<TypeNames> type_names(const std::vector<std::string>& texts) {
  static const std::map<std::string, std::shared_ptr<arrow::DataType>> kTypes{
      {"double", arrow::float64()}, {"int64", arrow::int64()},
      {"string", arrow::utf8()},    {"bool", arrow::boolean()},
      {"date", arrow::date32()},    {"timestamp", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")}};
  TypeNames out;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    const auto type = kTypes.find(equals == std::string::npos ? "" : text.substr(equals + 1));
    if (type == kTypes.end())
      return usage_error("--types " + text + ": no type is named", "COLUMN=double|int64|string|bool|date|timestamp");
    out.emplace_back(text.substr(0, equals), type->second);
  }
  return out;
}

Result<std::unique_ptr<RowReader>> read_rows(int fd, const std::string& name, RowForm form, std::int64_t block,
                                             const TypeNames& types) {
  if (form == RowForm::arrow) {
    auto made = arrow::ipc::RecordBatchStreamReader::Open(std::make_shared<FdInput>(fd));
    if (!made.ok()) return data_error(fmt::format("{} is no Arrow stream: {}", name, made.status().message()));
    return std::make_unique<ArrowReader>(*made);
  }
  auto reader = std::make_unique<LineReader>(fd, name, form, block, types);
  ARROW_RETURN_NOT_OK(reader->open());
  return std::unique_ptr<RowReader>(std::move(reader));
}

Result<Batch> parse_rows(const std::string& text, RowForm form) {
  if (text.empty()) return Batch();
  if (form == RowForm::arrow) {
    auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(text));
    ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(input));
    ARROW_ASSIGN_OR_RAISE(auto table, reader->ToTable());
    return one_batch(table);
  }
  auto parse = [&](const std::shared_ptr<arrow::Schema>& schema) {
    return form == RowForm::csv ? parse_csv(text, schema.get(), true, 1) : parse_ndjson(text, schema, 1);
  };
  ARROW_ASSIGN_OR_RAISE(auto table, parse(nullptr));
  if (auto schema = settled(*table->schema()); !schema->Equals(*table->schema())) {
    ARROW_ASSIGN_OR_RAISE(table, parse(schema));
  }
  return one_batch(table);
}

Result<std::unique_ptr<RowWriter>> write_rows(const std::shared_ptr<arrow::io::OutputStream>& out, RowForm form,
                                              const std::shared_ptr<arrow::Schema>& schema) {
  auto writer = std::make_unique<Writer>(out, form, schema);
  ARROW_RETURN_NOT_OK(writer->open());
  return std::unique_ptr<RowWriter>(std::move(writer));
}

}  // namespace tapemill::pipeline
