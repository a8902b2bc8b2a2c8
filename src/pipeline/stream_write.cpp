#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>

#include "core/csv_rows.h"
#include "core/json.h"
#include "core/time.h"
#include "core/workers.h"
#include "pipeline/stream_rows.h"

namespace tapemill::pipeline {
namespace {

Json json_of(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL: return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::INT8: return static_cast<const arrow::Int8Array&>(array).Value(row);
    case arrow::Type::INT16: return static_cast<const arrow::Int16Array&>(array).Value(row);
    case arrow::Type::INT32: return static_cast<const arrow::Int32Array&>(array).Value(row);
    case arrow::Type::INT64: return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::UINT8: return static_cast<const arrow::UInt8Array&>(array).Value(row);
    case arrow::Type::UINT16: return static_cast<const arrow::UInt16Array&>(array).Value(row);
    case arrow::Type::UINT32: return static_cast<const arrow::UInt32Array&>(array).Value(row);
    case arrow::Type::UINT64: return static_cast<const arrow::UInt64Array&>(array).Value(row);
    case arrow::Type::FLOAT: return static_cast<const arrow::FloatArray&>(array).Value(row);
    case arrow::Type::DOUBLE: {
      const double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      if (value == std::floor(value) && std::fabs(value) < 9e15) return static_cast<std::int64_t>(value);
      return value;
    }
    default: {
      std::string text;
      append_exact(text, array, row);
      return text;
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
    std::string text;
    if (header) append_csv_header(text, *rows.schema());
    for (std::int64_t row = 0; row < rows.num_rows(); ++row) append_csv_row(text, rows, row);
    return out_->Write(text.data(), static_cast<std::int64_t>(text.size()));
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

ReadBytes bytes_of_descriptor(int fd, const std::string& name) {
  return [fd, name](char* out, std::size_t most) -> Result<std::int64_t> {
    for (;;) {
      if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
      pollfd wait{fd, POLLIN, 0};
      if (const int ready = ::poll(&wait, 1, 200); ready == 0 || (ready < 0 && errno == EINTR)) continue;
      const ssize_t got = ::read(fd, out, most);
      if (got >= 0) return got;
      if (errno != EINTR && errno != EAGAIN) return errno_error("cannot read " + name, errno);
    }
  };
}

Result<std::unique_ptr<RowWriter>> write_rows(const std::shared_ptr<arrow::io::OutputStream>& out, RowForm form,
                                              const std::shared_ptr<arrow::Schema>& schema) {
  auto writer = std::make_unique<Writer>(out, form, schema);
  ARROW_RETURN_NOT_OK(writer->open());
  return std::unique_ptr<RowWriter>(std::move(writer));
}

}  // namespace tapemill::pipeline
