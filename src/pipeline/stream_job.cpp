#include "pipeline/stream_job.h"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/document.h"
#include "core/json.h"
#include "core/time.h"
#include "core/workers.h"
#include "pipeline/stream_rows.h"
#include "pipeline/stream_window.h"

namespace tapemill::pipeline {
namespace {

/// The files one after the other, as one stream.
class Files {
 public:
  Files(std::vector<std::string> paths, RowForm form, std::int64_t block, TypeNames types)
      : paths_(std::move(paths)), form_(form), block_(block), types_(std::move(types)) {
    if (paths_.empty()) paths_.push_back("-");
  }
  ~Files() { shut(); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  Result<Batch> next() {
    for (;;) {
      if (reader_ == nullptr) {
        if (at_ == paths_.size()) return Batch();
        ARROW_RETURN_NOT_OK(open(paths_[at_++]));
      }
      ARROW_ASSIGN_OR_RAISE(Batch rows, reader_->next());
      if (rows != nullptr) return rows;
      shut();
    }
  }

 private:
  Status open(const std::string& path) {
    fd_ = path == "-" ? ::dup(0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) return errno_error("cannot read " + path, errno);
    const std::string name = path == "-" ? "standard input" : path;
    ARROW_ASSIGN_OR_RAISE(reader_, read_rows(fd_, name, form_, block_, types_));
    if (schema_ == nullptr) schema_ = reader_->schema();
    if (!schema_->Equals(*reader_->schema()))
      return data_error(fmt::format("{} has other columns or types than {}", name, paths_.front()),
                        "give types to columns whose first rows mislead: --types COLUMN=TYPE");
    return Status::OK();
  }
  void shut() {
    reader_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  std::vector<std::string> paths_;
  RowForm form_;
  std::int64_t block_;
  TypeNames types_;
  std::size_t at_ = 0;
  int fd_ = -1;
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

/// One file's rows, aggregated; null where it has none.
Result<std::unique_ptr<WindowStage>> mapped(const StreamOptions& options, const WindowOptions& windows,
                                            const TypeNames& types, RowForm form, const std::string& path,
                                            std::int64_t& rows_in) {
  Files file({path}, form, options.block.bytes, types);
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

/// Where `here` differs from the default, `out` gets it.
template <class M>
void take(const StreamOptions& here, StreamOptions& out, M StreamOptions::* member) {
  static const StreamOptions kStandard;
  if constexpr (std::is_same_v<M, ByteSize>) {
    if ((here.*member).bytes != (kStandard.*member).bytes) out.*member = here.*member;
  } else if (here.*member != kStandard.*member) {
    out.*member = here.*member;
  }
}

}  // namespace

Result<StreamOptions> with_spec(const StreamOptions& asked) {
  if (asked.spec.empty()) return asked;
  StreamOptions out;
  ARROW_ASSIGN_OR_RAISE(Document document, Document::read(asked.spec));
  ARROW_RETURN_NOT_OK(read_config(document.root(), out));
  std::apply([&](const auto&... f) { (take(asked, out, f.member), ...); }, fields<StreamOptions>);
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
  ARROW_ASSIGN_OR_RAISE(TypeNames types, type_names(options.types));
  ARROW_ASSIGN_OR_RAISE(WindowOptions windows, windows_of(options));
  if (options.values.empty() && (!options.window.empty() || !options.by.empty()))
    return usage_error("a window or groups without a value", "such as --values \"mean=mean(price)\" \"n=count()\"");
  std::unique_ptr<RowWriter> writer;
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
        [&](std::size_t i) { return mapped(options, windows, types, from, options.files[i], rows[i] = 0); },
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
    Files files(options.files, from, options.block.bytes, types);
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
  }
  if (status.ok() && writer != nullptr) status = writer->close();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return status;
}

}  // namespace tapemill::pipeline
