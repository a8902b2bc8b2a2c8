#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/json/api.h>

#include <algorithm>

#include "core/text.h"
#include "pipeline/stream_rows.h"

namespace tapemill::pipeline {
namespace {

constexpr std::size_t kLongestLine = 64 << 20;

/// What a column is from now on, by what the first block's looked like.
std::shared_ptr<arrow::DataType> settled(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::NA: return arrow::utf8();
    case arrow::Type::INT64: return arrow::float64();  // 100 and then 100.5: whichever came first
    case arrow::Type::TIMESTAMP:
      return arrow::timestamp(arrow::TimeUnit::NANO, static_cast<const arrow::TimestampType&>(*type).timezone());
    default: return type;
  }
}
std::shared_ptr<arrow::Schema> settled(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (int i = 0; i < schema.num_fields(); ++i)
    fields.push_back(arrow::field(schema.field(i)->name(), settled(schema.field(i)->type())));
  return arrow::schema(std::move(fields));
}

/// Instants are read to the nanosecond and kept to the microsecond, as in the lake.
Result<Batch> one_batch(const std::shared_ptr<arrow::Table>& table) {
  ARROW_ASSIGN_OR_RAISE(Batch rows, table->CombineChunksToBatch());
  for (int i = 0; i < rows->num_columns(); ++i) {
    const auto type = rows->column(i)->type();
    if (type->id() != arrow::Type::TIMESTAMP) continue;
    const auto& instants = static_cast<const arrow::TimestampType&>(*type);
    if (instants.unit() == arrow::TimeUnit::MICRO) continue;
    arrow::compute::CastOptions options =
        arrow::compute::CastOptions::Unsafe(arrow::timestamp(arrow::TimeUnit::MICRO, instants.timezone()));
    ARROW_ASSIGN_OR_RAISE(auto cast, arrow::compute::Cast(rows->column(i), options));
    ARROW_ASSIGN_OR_RAISE(
        rows, rows->SetColumn(i, arrow::field(rows->schema()->field(i)->name(), options.to_type.GetSharedPtr()),
                              cast.make_array()));
  }
  return rows;
}

/// "Row #3: Expected 4 columns, got 3: ..." counts from the first line of its text.
Status csv_error(const Status& status, std::int64_t first_line) {
  const std::string& said = status.message();
  std::int64_t row = 1;
  const auto at = said.find("Row #");
  if (at != std::string::npos) row = leading_integer(std::string_view(said).substr(at + 5), row);
  const auto what = said.find(": ", at == std::string::npos ? 0 : at);
  return data_error(
      fmt::format("line {}: {}", first_line + row - 1, what == std::string::npos ? said : said.substr(what + 2)),
      said.find("Expected") != std::string::npos
          ? "each line has as many columns as the header; --delimiter says what parts them"
          : "types are told from the first rows; name others with --types COLUMN=TYPE");
}

Result<std::shared_ptr<arrow::Table>> parse_csv(std::string_view text, const arrow::Schema* schema, bool header,
                                                std::int64_t first_line, char delimiter) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = static_cast<std::int32_t>(std::min<std::size_t>(text.size() + 1, INT32_MAX));
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  parse.delimiter = delimiter;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.strings_can_be_null = true;
  convert.null_values = {""};  // NA and NULL are names of companies
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
  if (!made.ok()) return csv_error(made.status(), first_line);
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

/// Whole lines, as many as one read brings.
class Lines {
 public:
  Lines(ReadBytes bytes, std::string name, std::int64_t block, bool quotes)
      : bytes_(std::move(bytes)),
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
    ARROW_ASSIGN_OR_RAISE(std::int64_t got, bytes_(held_.data() + before, block_));
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

  ReadBytes bytes_;
  std::string name_, held_;
  std::size_t block_, seen_ = 0, end_ = 0;
  bool quotes_, inside_ = false, ended_ = false;
  std::int64_t first_line_ = 1, lines_ = 0;
};

/// What the header has most of.
char parted_by(const std::string& text) {
  const std::string_view header(text.data(), std::min(text.find('\n'), text.size()));
  char best = ',';
  for (char one : {';', '\t', '|'})
    if (std::count(header.begin(), header.end(), one) > std::count(header.begin(), header.end(), best)) best = one;
  return best;
}

class LineReader : public RowReader {
 public:
  LineReader(ReadBytes bytes, const std::string& name, const RowsIn& in)
      : lines_(std::move(bytes), name, in.block, in.form == RowForm::csv), name_(name), in_(in) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Status open() {
    ARROW_ASSIGN_OR_RAISE(std::string text, lines_.next());
    // A header alone says no types: wait for the first row.
    while (in_.form == RowForm::csv && !text.empty() && std::count(text.begin(), text.end(), '\n') < 2) {
      ARROW_ASSIGN_OR_RAISE(std::string more, lines_.next());
      if (more.empty()) break;
      text += more;
    }
    if (text.empty()) return data_error(name_ + " is empty", "a header and rows are expected");
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    if (std::find(text.begin(), text.end(), '\0') != text.end())
      return data_error(name_ + " holds bytes that are no text",
                        "packed files are read by their names, not on standard input");
    if (in_.delimiter == 0) in_.delimiter = parted_by(text);
    ARROW_ASSIGN_OR_RAISE(auto table, parse(text, nullptr));
    auto schema = settled(*table->schema());
    ARROW_ASSIGN_OR_RAISE(schema, typed(*schema));
    if (schema->Equals(*table->schema())) {
      ARROW_ASSIGN_OR_RAISE(first_, one_batch(table));
    } else {
      ARROW_ASSIGN_OR_RAISE(auto again, parse(text, schema));
      ARROW_ASSIGN_OR_RAISE(first_, one_batch(again));
    }
    parsed_ = std::move(schema);
    schema_ = first_->schema();
    header_ = false;
    return Status::OK();
  }

  Result<Batch> next() override {
    if (first_ != nullptr) return std::exchange(first_, nullptr);
    ARROW_ASSIGN_OR_RAISE(std::string text, lines_.next());
    if (text.empty()) return Batch();
    ARROW_ASSIGN_OR_RAISE(auto table, parse(text, parsed_));
    return one_batch(table);
  }

 private:
  Result<std::shared_ptr<arrow::Table>> parse(const std::string& text, const std::shared_ptr<arrow::Schema>& schema) {
    auto made = in_.form == RowForm::csv ? parse_csv(text, schema.get(), header_, lines_.first_line(), in_.delimiter)
                                         : parse_ndjson(text, schema, lines_.first_line());
    if (!made.ok()) return prefixed(made.status(), name_);
    return made;
  }

  Result<std::shared_ptr<arrow::Schema>> typed(const arrow::Schema& schema) const {
    std::shared_ptr<arrow::Schema> out = std::make_shared<arrow::Schema>(schema);
    for (const auto& [column, type] : in_.types) {
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
  RowsIn in_;
  bool header_ = true;
  std::shared_ptr<arrow::Schema> parsed_, schema_;  // as the text is read, as rows have it
  Batch first_;
};

/// Arrow reads through it; a short read is the end.
class BytesInput : public arrow::io::InputStream {
 public:
  explicit BytesInput(ReadBytes bytes) : bytes_(std::move(bytes)) {}
  Status Close() override { return closed_ = true, Status::OK(); }
  bool closed() const override { return closed_; }
  Result<std::int64_t> Tell() const override { return at_; }
  Result<std::int64_t> Read(std::int64_t bytes, void* out) override {
    std::int64_t done = 0;
    while (done < bytes) {
      ARROW_ASSIGN_OR_RAISE(std::int64_t got,
                            bytes_(static_cast<char*>(out) + done, static_cast<std::size_t>(bytes - done)));
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
  ReadBytes bytes_;
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
      {"date", arrow::date32()},    {"timestamp", arrow::timestamp(arrow::TimeUnit::NANO, "UTC")}};
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

Result<std::unique_ptr<RowReader>> read_rows(ReadBytes bytes, const std::string& name, const RowsIn& in) {
  if (in.form == RowForm::arrow) {
    auto made = arrow::ipc::RecordBatchStreamReader::Open(std::make_shared<BytesInput>(std::move(bytes)));
    if (made.status().IsCancelled()) return made.status();
    if (!made.ok()) return data_error(fmt::format("{} is no Arrow stream: {}", name, made.status().message()));
    return std::make_unique<ArrowReader>(*made);
  }
  auto reader = std::make_unique<LineReader>(std::move(bytes), name, in);
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
    return form == RowForm::csv ? parse_csv(text, schema.get(), true, 1, ',') : parse_ndjson(text, schema, 1);
  };
  ARROW_ASSIGN_OR_RAISE(auto table, parse(nullptr));
  if (auto schema = settled(*table->schema()); !schema->Equals(*table->schema())) {
    ARROW_ASSIGN_OR_RAISE(table, parse(schema));
  }
  return one_batch(table);
}

}  // namespace tapemill::pipeline
