#include "pipeline/stream_job.h"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>

#include <algorithm>
#include <chrono>

#include "core/document.h"
#include "core/json.h"
#include "core/time.h"
#include "core/workers.h"
#include "pipeline/stream_rows.h"
#include "pipeline/stream_window.h"
#include "sources/gzip.h"

namespace tapemill::pipeline {
namespace {

/// The files one after the other, as one stream.
class Files {
 public:
  Files(std::vector<std::string> paths, RowsIn in) : paths_(std::move(paths)), in_(std::move(in)) {
    if (paths_.empty()) paths_.push_back("-");
  }

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }  // after the first next()
  Result<Batch> next() {
    for (;;) {
      if (reader_ == nullptr) {
        if (at_ == paths_.size()) return Batch();
        ARROW_RETURN_NOT_OK(open(paths_[at_++]));
      }
      ARROW_ASSIGN_OR_RAISE(Batch rows, reader_->next());
      if (rows != nullptr) return rows;
      reader_.reset();
    }
  }

 private:
  Status open(const std::string& path) {
    const bool standard = path == "-";
    const std::string name = standard ? "standard input" : path;
    ReadBytes read = bytes_of_descriptor(0, name);
    if (!standard) {
      ARROW_ASSIGN_OR_RAISE(auto opened, sources::open_bytes(path));
      read = [file = std::shared_ptr<sources::Bytes>(std::move(opened))](char* out,
                                                                         std::size_t most) -> Result<std::int64_t> {
        if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
        ARROW_ASSIGN_OR_RAISE(std::size_t got, file->read(out, most));
        return static_cast<std::int64_t>(got);
      };
    }
    ARROW_ASSIGN_OR_RAISE(reader_, read_rows(std::move(read), name, in_));
    if (schema_ == nullptr) schema_ = reader_->schema();
    if (!schema_->Equals(*reader_->schema()))
      return data_error(fmt::format("{} has other columns or types than {}", name, paths_.front()),
                        "give types to columns whose first rows mislead: --types COLUMN=TYPE");
    return Status::OK();
  }

  std::vector<std::string> paths_;
  RowsIn in_;
  std::size_t at_ = 0;
  std::unique_ptr<RowReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
};

Result<WindowOptions> windows_of(const StreamOptions& options) {
  WindowOptions out;
  out.by = options.by, out.time = options.time;
  for (const std::string& text : options.values) {
    ARROW_ASSIGN_OR_RAISE(Aggregate one, Aggregate::parse(text));
    out.values.push_back(std::move(one));
  }
  const auto whole = [](const std::string& text) {
    return !text.empty() && text.size() < 16 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (whole(options.window)) {
    out.rows = std::stoll(options.window);
    if (out.rows == 0) return usage_error("--window 0: a window has at least one row");
    if (!options.every.empty() && !whole(options.every))
      return usage_error("--every " + options.every + ": windows of rows start every so many rows");
    if (!options.every.empty()) out.every = std::stoll(options.every);
  } else if (!options.window.empty()) {
    ARROW_ASSIGN_OR_RAISE(out.us, parse_duration(options.window));
    if (out.us <= 0) return usage_error("--window " + options.window + ": a window is longer than nothing");
    if (!options.every.empty()) { ARROW_ASSIGN_OR_RAISE(out.every, parse_duration(options.every)); }
    ARROW_ASSIGN_OR_RAISE(out.offset_us, parse_duration(options.offset));
    ARROW_ASSIGN_OR_RAISE(out.late_us, parse_duration(options.late));
  } else if (!options.every.empty()) {
    return usage_error("--every " + options.every + " without --window");
  }
  return out;
}

/// Hands the stage to its only worker, and keeps hold of it for what it has counted.
class Windows : public StageWorker {
 public:
  Windows(WindowOptions options, std::int64_t& late) : options_(std::move(options)), late_(late) {}
  Result<Batch> process(const Batch& rows) override {
    if (stage_ == nullptr) { ARROW_ASSIGN_OR_RAISE(stage_, WindowStage::make(*rows->schema(), options_)); }
    auto made = stage_->process(rows);
    late_ = stage_->late_rows();
    return made;
  }
  Result<Batch> finish() override { return stage_ == nullptr ? Result<Batch>(Batch()) : stage_->finish(); }

 private:
  WindowOptions options_;
  std::int64_t& late_;
  std::unique_ptr<WindowStage> stage_;
};

bool chooses(const StreamOptions& options) {
  return !options.where.empty() || !options.with.empty() || !options.columns.empty();
}

/// The columns of what leaves, without rows; null where a program makes them.
Result<Batch> nothing_of(const StreamOptions& options, const WindowOptions& windows,
                         const std::shared_ptr<arrow::Schema>& schema) {
  if (!options.through.empty()) return Batch();
  ARROW_ASSIGN_OR_RAISE(Batch rows, arrow::RecordBatch::MakeEmpty(schema));
  if (chooses(options)) {
    ARROW_ASSIGN_OR_RAISE(auto worker, rows_stage({options.where, options.with, options.columns}, 1).make());
    ARROW_ASSIGN_OR_RAISE(rows, worker->process(rows));
  }
  if (options.values.empty()) return rows;
  ARROW_ASSIGN_OR_RAISE(auto stage, WindowStage::make(*rows->schema(), windows));
  return arrow::RecordBatch::MakeEmpty(stage->schema());
}

/// One file's rows, aggregated; null where it has none.
Result<std::unique_ptr<WindowStage>> mapped(const StreamOptions& options, const WindowOptions& windows,
                                            const RowsIn& in, const std::string& path, std::int64_t& rows_in) {
  Files file({path}, in);
  std::unique_ptr<StageWorker> rows_worker;
  if (chooses(options)) {
    ARROW_ASSIGN_OR_RAISE(rows_worker, rows_stage({options.where, options.with, options.columns}, 1).make());
  }
  std::unique_ptr<WindowStage> out;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(Batch rows, file.next());
    if (rows == nullptr) return out;
    rows_in += rows->num_rows();
    if (rows_worker != nullptr) { ARROW_ASSIGN_OR_RAISE(rows, rows_worker->process(rows)); }
    if (out == nullptr) { ARROW_ASSIGN_OR_RAISE(out, WindowStage::make(*rows->schema(), windows)); }
    ARROW_RETURN_NOT_OK(out->process(rows).status());
  }
}

template <class M> bool given(const M& value) {
  if constexpr (std::is_same_v<M, ByteSize>) return value.bytes != 0;
  else return value != M{};
}

template <class M> void set_default(M& value, M standard) {
  if (!given(value)) value = std::move(standard);
}

}  // namespace

Result<StreamOptions> with_spec(const StreamOptions& asked) {
  StreamOptions out;
  if (!asked.spec.empty()) {
    ARROW_ASSIGN_OR_RAISE(Document document, Document::read(asked.spec));
    ARROW_RETURN_NOT_OK(read_config(document.root(), out));
  }
  std::apply(
      [&](const auto&... f) { ((given(asked.*f.member) ? void(out.*f.member = asked.*f.member) : void()), ...); },
      fields<StreamOptions>);
  set_default<std::string>(out.from, "csv");
  set_default<std::string>(out.to, "csv");
  set_default<std::string>(out.time, "time");
  set_default<std::string>(out.offset, "0s");
  set_default<std::string>(out.late, "0s");
  set_default(out.workers, 1);
  set_default(out.attempts, 1);
  set_default(out.block, ByteSize{1 << 20});
  set_default(out.buffer, ByteSize{64 << 20});
  return out;
}

Json StreamReport::json() const {
  Json list = Json::array();
  for (const StageFigures& one : stages) list.push_back(one.json());
  Json by_worker = Json::array();
  for (const WorkerFigures& one : workers)
    by_worker.push_back({{"files", one.shards}, {"failed", one.failed}, {"busy_s", one.busy_s}});
  return {{"rows_in", rows_in}, {"rows_out", rows_out}, {"late", late},
          {"seconds", seconds}, {"stages", list},       {"workers", by_worker}};
}

Status run_stream_job(const StreamOptions& options, const std::shared_ptr<arrow::io::OutputStream>& out,
                      StreamReport& report) {
  const auto begun = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(RowForm from, row_form(options.from));
  ARROW_ASSIGN_OR_RAISE(RowForm to, row_form(options.to));
  RowsIn in{from, 0, options.block.bytes, {}};
  ARROW_ASSIGN_OR_RAISE(in.types, type_names(options.types));
  if (!options.delimiter.empty()) {
    if (options.delimiter.size() != 1 && options.delimiter != "tab")
      return usage_error("--delimiter " + options.delimiter + " is no character", "one such as \";\", or tab");
    in.delimiter = options.delimiter == "tab" ? '\t' : options.delimiter[0];
  }
  ARROW_ASSIGN_OR_RAISE(WindowOptions windows, windows_of(options));
  if (options.values.empty() && (!options.window.empty() || !options.by.empty()))
    return usage_error("a window or groups without a value", "such as --values \"mean=mean(price)\" \"n=count()\"");
  std::unique_ptr<RowWriter> writer;
  std::shared_ptr<arrow::Schema> schema;  // of what came
  auto write = [&](const Batch& rows) -> Status {
    if (writer == nullptr) { ARROW_ASSIGN_OR_RAISE(writer, write_rows(out, to, rows->schema())); }
    report.rows_out += rows->num_rows();
    return writer->write(*rows);
  };
  Status status;
  const bool over_files =
      options.files.size() > 1 && !options.values.empty() && options.window.empty() && options.through.empty();
  if (over_files) {
    std::unique_ptr<WindowStage> whole;
    std::vector<std::int64_t> rows(options.files.size());
    status = map_reduce<std::unique_ptr<WindowStage>>(
        options.files.size(),
        [&](std::size_t i) { return mapped(options, windows, in, options.files[i], rows[i] = 0); },
        [&](std::size_t i, std::unique_ptr<WindowStage> part) -> Status {
          report.rows_in += rows[i];
          if (part == nullptr) return Status::OK();
          if (whole == nullptr) return whole = std::move(part), Status::OK();
          return prefixed(whole->merge(std::move(*part)), options.files[i]);
        },
        {options.workers, options.attempts, 64}, interrupt(), report.workers);
    if (status.ok() && whole != nullptr) {
      ARROW_ASSIGN_OR_RAISE(Batch rest, whole->finish());
      if (rest != nullptr) status = write(rest);
    }
  } else {
    Files files(options.files, in);
    std::vector<StreamStage> stages;
    if (chooses(options)) stages.push_back(rows_stage({options.where, options.with, options.columns}, options.workers));
    if (!options.through.empty())
      stages.push_back(program_stage(options.through, from, options.workers, options.attempts));
    if (!options.values.empty())
      stages.push_back({"window", 1, 1, [&]() -> Result<std::unique_ptr<StageWorker>> {
                          return std::make_unique<Windows>(windows, report.late);
                        }});
    status = run_stream([&] { return files.next(); }, stages, write, options.buffer.bytes, interrupt(), report.stages);
    report.rows_in = report.stages.empty() ? 0 : report.stages.front().rows_out;
    schema = files.schema();
  }
  if (status.ok() && writer == nullptr && schema != nullptr) {  // no row came out: the columns are said all the same
    ARROW_ASSIGN_OR_RAISE(Batch none, nothing_of(options, windows, schema));
    if (none != nullptr) { ARROW_ASSIGN_OR_RAISE(writer, write_rows(out, to, none->schema())); }
  }
  if (status.ok() && writer != nullptr) status = writer->close();
  if (status.ok() && report.late > report.rows_in / 2)
    status = data_error(
        fmt::format("{} of {} rows came too late for a window, or without a time", report.late, report.rows_in),
        "one instant far ahead ends the windows before it: look at the times; --late waits longer");
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return status;
}

}  // namespace tapemill::pipeline
