// V1 checkpoints (PROTOCOL.md, "Checkpoints"): one Parquet file, a row per action, a struct column per kind of action.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include "core/json.h"
#include "lake/files.h"
#include "lake/log.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kTombstonesKept = 7LL * 24 * 3600 * 1000;  // ms; delta.deletedFileRetentionDuration's default

std::shared_ptr<arrow::DataType> texts() { return arrow::map(arrow::utf8(), arrow::utf8()); }

std::shared_ptr<arrow::Schema> checkpoint_schema() {
  using arrow::field;
  const auto& text = arrow::utf8();
  const auto& whole = arrow::int64();
  auto txn = arrow::struct_({field("appId", text), field("version", whole), field("lastUpdated", whole)});
  auto add = arrow::struct_({field("path", text), field("partitionValues", texts()), field("size", whole),
                             field("modificationTime", whole), field("dataChange", arrow::boolean()),
                             field("stats", text), field("tags", texts())});
  auto remove = arrow::struct_({field("path", text), field("deletionTimestamp", whole),
                                field("dataChange", arrow::boolean()), field("extendedFileMetadata", arrow::boolean()),
                                field("partitionValues", texts()), field("size", whole)});
  auto format = arrow::struct_({field("provider", text), field("options", texts())});
  auto metadata =
      arrow::struct_({field("id", text), field("name", text), field("description", text), field("format", format),
                      field("schemaString", text), field("partitionColumns", arrow::list(text)),
                      field("configuration", texts()), field("createdTime", whole)});
  auto protocol =
      arrow::struct_({field("minReaderVersion", arrow::int32()), field("minWriterVersion", arrow::int32())});
  return arrow::schema({field("txn", txn), field("add", add), field("remove", remove), field("metaData", metadata),
                        field("protocol", protocol)});
}
enum Kind { kTxn, kAdd, kRemove, kMetaData, kProtocol, kKinds };

// --- writing ---
using Texts = std::map<std::string, std::string>;

// Fields of one struct in their order; the first error is kept by the caller's chain of ARROW_RETURN_NOT_OK.
class Row {
 public:
  explicit Row(arrow::ArrayBuilder* builder) : builder_(static_cast<arrow::StructBuilder*>(builder)) {
    status_ = builder_->Append();
  }
  Row& text(const std::string& value) {
    return add<arrow::StringBuilder>([&](auto& b) { return b.Append(value); });
  }
  Row& optional(const std::string& value) {
    return add<arrow::StringBuilder>([&](auto& b) { return value.empty() ? b.AppendNull() : b.Append(value); });
  }
  Row& whole(std::int64_t value) {
    return add<arrow::Int64Builder>([&](auto& b) { return b.Append(value); });
  }
  Row& number(int value) {
    return add<arrow::Int32Builder>([&](auto& b) { return b.Append(value); });
  }
  Row& yes(bool value) {
    return add<arrow::BooleanBuilder>([&](auto& b) { return b.Append(value); });
  }
  Row& map(const Texts& value, bool empty_is_null) {
    return add<arrow::MapBuilder>([&](auto& b) { return append_map(b, value, empty_is_null); });
  }
  Row& list(const std::vector<std::string>& values) {
    return add<arrow::ListBuilder>([&](auto& b) {
      ARROW_RETURN_NOT_OK(b.Append());
      for (const auto& value : values)
        ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(b.value_builder())->Append(value));
      return Status::OK();
    });
  }
  Row& format() {
    return add<arrow::StructBuilder>([](auto& b) {
      Row inner(&b);
      inner.text("parquet").map({}, false);
      return inner.status();
    });
  }
  const Status& status() const { return status_; }

 private:
  static Status append_map(arrow::MapBuilder& builder, const Texts& values, bool empty_is_null) {
    ARROW_RETURN_NOT_OK(builder.Append());
    for (const auto& [key, value] : values) {
      ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(builder.key_builder())->Append(key));
      auto* item = static_cast<arrow::StringBuilder*>(builder.item_builder());
      ARROW_RETURN_NOT_OK(empty_is_null && value.empty() ? item->AppendNull() : item->Append(value));
    }
    return Status::OK();
  }
  template <class Builder, class Append>
  Row& add(Append append) {
    if (status_.ok()) status_ = append(*static_cast<Builder*>(builder_->field_builder(next_)));
    ++next_;
    return *this;
  }
  arrow::StructBuilder* builder_;
  int next_ = 0;
  Status status_;
};

class CheckpointBuilder {
 public:
  Status open() {
    auto schema = checkpoint_schema();
    for (int kind = 0; kind < kKinds; ++kind) {
      ARROW_RETURN_NOT_OK(
          arrow::MakeBuilder(arrow::default_memory_pool(), schema->field(kind)->type(), &columns_[kind]));
    }
    return Status::OK();
  }
  Status row(Kind kind, const std::function<void(Row&)>& fill) {
    for (int other = 0; other < kKinds; ++other) {
      if (other != kind) ARROW_RETURN_NOT_OK(columns_[other]->AppendNull());
    }
    Row row(columns_[kind].get());
    fill(row);
    ++rows_;
    return row.status();
  }
  Result<std::shared_ptr<arrow::Table>> finish() {
    arrow::ArrayVector arrays(kKinds);
    for (int kind = 0; kind < kKinds; ++kind)
      ARROW_RETURN_NOT_OK(columns_[kind]->Finish(&arrays[static_cast<std::size_t>(kind)]));
    return arrow::Table::Make(checkpoint_schema(), arrays, rows_);
  }

 private:
  std::unique_ptr<arrow::ArrayBuilder> columns_[kKinds];
  std::int64_t rows_ = 0;
};

Result<std::shared_ptr<arrow::Table>> table_of(const LogState& state) {
  CheckpointBuilder out;
  ARROW_RETURN_NOT_OK(out.open());
  ARROW_RETURN_NOT_OK(
      out.row(kProtocol, [&](Row& row) { row.number(state.protocol.reader).number(state.protocol.writer); }));
  const MetaData& metadata = *state.metadata;
  ARROW_RETURN_NOT_OK(out.row(kMetaData, [&](Row& row) {
    row.text(metadata.id).optional(metadata.name).optional(metadata.description).format().text(metadata.schema);
    row.list(metadata.partitions).map(metadata.configuration, false).whole(metadata.created_ms);
  }));
  for (const auto& [application, txn] : state.txns) {
    const std::string& id = application;  // structured bindings cannot be captured
    const Txn& one = txn;
    ARROW_RETURN_NOT_OK(out.row(kTxn, [&](Row& row) { row.text(id).whole(one.version).whole(one.updated_ms); }));
  }
  for (const auto& entry : state.parts) {
    const Part& part = *entry.second;
    ARROW_RETURN_NOT_OK(out.row(kAdd, [&](Row& row) {
      row.text(url_encode(part.path)).map(part.partition, true).whole(part.size).whole(part.modified_ms);
      row.yes(false).optional(part.stats).map(part.tags, false);
    }));
  }
  for (const auto& entry : state.tombstones) {
    const Removal& removal = entry.second;
    if (removal.deleted_ms < state.timestamp_ms - kTombstonesKept) continue;
    ARROW_RETURN_NOT_OK(out.row(kRemove, [&](Row& row) {
      row.text(url_encode(removal.path))
          .whole(removal.deleted_ms)
          .yes(false)
          .yes(true)
          .map(removal.partition, true)
          .whole(removal.size);
    }));
  }
  return out.finish();
}

// --- reading ---
class Fields {
 public:
  Fields(const arrow::Table& table, const char* name) {
    auto column = table.GetColumnByName(name);
    if (column == nullptr || column->num_chunks() != 1) return;
    if (column->chunk(0)->type_id() == arrow::Type::STRUCT)
      rows_ = std::static_pointer_cast<arrow::StructArray>(column->chunk(0));
  }
  bool has(std::int64_t row) const { return rows_ != nullptr && rows_->IsValid(row); }
  std::string text(const char* name, std::int64_t row) const {
    auto array = field<arrow::StringArray>(name);
    return array != nullptr && array->IsValid(row) ? array->GetString(row) : std::string{};
  }
  std::int64_t whole(const char* name, std::int64_t row) const {
    if (auto array = field<arrow::Int64Array>(name)) return array->IsValid(row) ? array->Value(row) : 0;
    auto array = field<arrow::Int32Array>(name);
    return array != nullptr && array->IsValid(row) ? array->Value(row) : 0;
  }
  Texts map(const char* name, std::int64_t row) const {
    Texts out;
    auto array = field<arrow::MapArray>(name);
    if (array == nullptr || array->IsNull(row)) return out;
    auto keys = std::dynamic_pointer_cast<arrow::StringArray>(array->keys());
    auto items = std::dynamic_pointer_cast<arrow::StringArray>(array->items());
    if (keys == nullptr || items == nullptr) return out;
    for (std::int64_t i = array->value_offset(row); i < array->value_offset(row + 1); ++i) {
      out[keys->GetString(i)] = items->IsValid(i) ? items->GetString(i) : std::string{};
    }
    return out;
  }
  std::vector<std::string> list(const char* name, std::int64_t row) const {
    std::vector<std::string> out;
    auto array = field<arrow::ListArray>(name);
    if (array == nullptr || array->IsNull(row)) return out;
    auto values = std::dynamic_pointer_cast<arrow::StringArray>(array->values());
    if (values == nullptr) return out;
    for (std::int64_t i = array->value_offset(row); i < array->value_offset(row + 1); ++i)
      out.push_back(values->GetString(i));
    return out;
  }
  bool holds(const char* name, std::int64_t row) const {
    auto array = rows_->GetFieldByName(name);
    return array != nullptr && array->IsValid(row);
  }

 private:
  template <class Array>
  std::shared_ptr<Array> field(const char* name) const {
    return std::dynamic_pointer_cast<Array>(rows_->GetFieldByName(name));
  }
  std::shared_ptr<arrow::StructArray> rows_;
};

Status read_rows(const arrow::Table& table, Actions& out) {
  const Fields txn(table, "txn"), add(table, "add"), remove(table, "remove"), metadata(table, "metaData"),
      protocol(table, "protocol");
  for (std::int64_t row = 0; row < table.num_rows(); ++row) {
    if (add.has(row)) {
      if (add.holds("deletionVector", row))
        return data_error("the table uses deletion vectors, which Tapemill does not read");
      Part part;
      ARROW_ASSIGN_OR_RAISE(part.path, url_decode(add.text("path", row)));
      part.size = add.whole("size", row);
      part.modified_ms = add.whole("modificationTime", row);
      part.partition = add.map("partitionValues", row);
      part.stats = add.text("stats", row);
      part.tags = add.map("tags", row);
      part.rows = rows_of(part.stats);
      out.adds.push_back(std::move(part));
    } else if (remove.has(row)) {
      ARROW_ASSIGN_OR_RAISE(std::string path, url_decode(remove.text("path", row)));
      out.removes.push_back({path, remove.whole("deletionTimestamp", row), remove.whole("size", row),
                             remove.map("partitionValues", row)});
    } else if (txn.has(row)) {
      out.txns[txn.text("appId", row)] = {txn.whole("version", row), txn.whole("lastUpdated", row)};
    } else if (metadata.has(row)) {
      out.metadata = MetaData{metadata.text("id", row),
                              metadata.text("name", row),
                              metadata.text("description", row),
                              metadata.text("schemaString", row),
                              metadata.list("partitionColumns", row),
                              metadata.map("configuration", row),
                              metadata.whole("createdTime", row)};
    } else if (protocol.has(row)) {
      out.protocol = Protocol{static_cast<int>(protocol.whole("minReaderVersion", row)),
                              static_cast<int>(protocol.whole("minWriterVersion", row))};
      if (out.protocol->reader > 1) {
        return data_error(
            fmt::format("the table asks for Delta reader version {}; Tapemill reads version 1", out.protocol->reader));
      }
    }
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::Table>> read_parquet(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const std::string bytes, read_whole(path));
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(arrow::io::BufferReader::FromString(bytes)));
  ARROW_ASSIGN_OR_RAISE(auto reader, builder.Build());
  reader->set_use_threads(false);
  ARROW_ASSIGN_OR_RAISE(auto table, reader->ReadTable());
  return table->CombineChunks();
}

}  // namespace

Status write_checkpoint(const std::string& table_path, const LogState& state) {
  const std::string folder = log_folder(table_path);
  ARROW_ASSIGN_OR_RAISE(auto table, table_of(state));
  ARROW_ASSIGN_OR_RAISE(PendingFile file, PendingFile::create(folder));
  const int descriptor = ::dup(file.fd());  // the stream closes what it is given
  if (descriptor < 0) return errno_error("cannot write in " + folder, errno);
  ARROW_ASSIGN_OR_RAISE(auto sink, arrow::io::FileOutputStream::Open(descriptor));
  auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->build();
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, 1 << 20, properties));
  ARROW_RETURN_NOT_OK(sink->Close());
  ARROW_RETURN_NOT_OK(
      file.publish(checkpoint_name(state.version)).status());  // taken: another writer's, with the same content
  const Json last = {{"version", state.version}, {"size", table->num_rows()}};
  return replace_file(folder + "/_last_checkpoint", dump(last));
}

Result<LogState> read_checkpoint(const std::string& table_path, std::int64_t version) {
  const std::string path = log_folder(table_path) + "/" + checkpoint_name(version);
  auto table = read_parquet(path);
  if (!table.ok()) return prefixed(table.status(), path);
  Actions actions;
  Status status = read_rows(**table, actions);
  if (!status.ok()) return prefixed(status, path);
  LogState state;
  state.apply(std::move(actions), version);
  return state;
}

}  // namespace tapemill::lake
