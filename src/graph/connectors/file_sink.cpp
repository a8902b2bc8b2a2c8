#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/json.h"
#include "core/output_file.h"
#include "core/paths.h"
#include "graph/connectors/connector.h"

namespace fs = std::filesystem;
namespace tapemill::graph {
struct FileSinkConfig {
  std::string destination, format;
};
struct MemorySinkConfig {
  std::string destination;
};
}  // namespace tapemill::graph
namespace tapemill {
template <>
inline constexpr auto fields<graph::FileSinkConfig> =
    std::tuple{field("destination", &graph::FileSinkConfig::destination, "file://PATH"),
               field("format", &graph::FileSinkConfig::format,
                     "jsonl: a JSON object a line; csv: with a header (empty: by the path's ending)", "|jsonl|csv")};
template <>
inline constexpr auto fields<graph::MemorySinkConfig> =
    std::tuple{field("destination", &graph::MemorySinkConfig::destination, "memory://NAME")};
}  // namespace tapemill

namespace tapemill::graph {
namespace {

constexpr std::size_t kBuffer = 1 << 20;

void quote_json(std::string_view text, std::string& out) {
  auto plain = [](char c) { return c >= ' ' && c < 127 && c != '"' && c != '\\'; };
  if (std::all_of(text.begin(), text.end(), plain)) out.append("\"").append(text).append("\"");
  else out += Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void quote_csv(std::string_view text, std::string& out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return void(out.append(text));
  out += '"';
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

/// A value that is not null. Doubles by the shortest digits that read back as the same bits.
void put(const Column& column, std::size_t row, bool json, std::string& out) {
  auto text = [&](std::string_view one) { json ? quote_json(one, out) : quote_csv(one, out); };
  switch (column.kind()) {
    case Kind::float64: fmt::format_to(std::back_inserter(out), "{}", column.number(row)); break;
    case Kind::boolean: out += column.integer(row) != 0 ? "true" : "false"; break;
    case Kind::int32:
    case Kind::int64: fmt::format_to(std::back_inserter(out), "{}", column.integer(row)); break;
    case Kind::decimal: out += format_decimal(column.integer(row), column.scale()); break;
    case Kind::date: text(Date{static_cast<std::int32_t>(column.integer(row))}.str()); break;
    case Kind::timestamp: text(Instant{column.integer(row)}.str()); break;
    case Kind::string: text(column.text(row)); break;
  }
}

/// Writes to PATH.partial, which becomes PATH at commit: PATH is never half a file.
class FileSink final : public Sink {
 public:
  FileSink(std::string path, bool json, std::vector<Stream> streams, int fd)
      : path_(std::move(path)), partial_(path_ + ".partial"), json_(json), streams_(std::move(streams)), fd_(fd) {}
  ~FileSink() override {
    if (fd_ >= 0) ::close(fd_);
  }

  Status write(std::size_t stream, const Block& rows, std::size_t row) override {
    const auto& fields = streams_[stream].schema.fields;
    if (!json_ && written_ + static_cast<std::int64_t>(buffer_.size()) == 0) header();
    if (json_) {
      buffer_ += '{';
      if (streams_.size() > 1) buffer_ += "\"origin\":", quote_json(streams_[stream].origin, buffer_);
    }
    for (std::size_t c = 0; c < fields.size(); ++c) {
      const Column& column = rows.columns[c];
      if (json_) {
        if (buffer_.back() != '{') buffer_ += ',';
        quote_json(fields[c].name, buffer_);
        buffer_ += ':';
      } else if (c > 0) {
        buffer_ += ',';
      }
      if (!column.null(row)) put(column, row, json_, buffer_);
      else if (json_) buffer_ += "null";
    }
    buffer_ += json_ ? "}\n" : "\n";
    return buffer_.size() < kBuffer ? Status::OK() : flush();
  }

  Status state(Archive& archive) override {
    if (!archive.loading()) {
      ARROW_RETURN_NOT_OK(flush());
      if (::fsync(fd_) != 0) return errno_error(partial_, errno);
    }
    archive(written_);
    if (!archive.loading() || !archive.status().ok()) return Status::OK();
    if (auto size = ::lseek(fd_, 0, SEEK_END); size < written_)
      return data_error(fmt::format("{}: has {} bytes, the checkpoint says {}", partial_, size, written_),
                        "run the graph from its beginning");
    if (::ftruncate(fd_, written_) != 0 || ::lseek(fd_, written_, SEEK_SET) < 0) return errno_error(partial_, errno);
    return Status::OK();
  }

  Status commit() override {
    if (!json_ && written_ + static_cast<std::int64_t>(buffer_.size()) == 0) header();
    ARROW_RETURN_NOT_OK(flush());
    if (::fsync(fd_) != 0) return errno_error(partial_, errno);
    ::close(fd_);
    fd_ = -1;
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return errno_error(path_, errno);
    const std::string folder = fs::path(path_).parent_path().string();
    if (int at = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); at >= 0)
      ::fsync(at), ::close(at);
    return Status::OK();
  }
  void abandon() override { ::unlink(partial_.c_str()); }
  std::int64_t bytes() const override { return written_; }
  std::string place() const override { return path_; }
  std::string dead_letters() const override { return path_ + ".dead.jsonl"; }

 private:
  void header() {
    const auto& fields = streams_[0].schema.fields;
    for (std::size_t c = 0; c < fields.size(); ++c) {
      if (c > 0) buffer_ += ',';
      quote_csv(fields[c].name, buffer_);
    }
    buffer_ += '\n';
  }
  Status flush() {
    for (std::size_t at = 0; at < buffer_.size();) {
      ssize_t n = ::write(fd_, buffer_.data() + at, buffer_.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(partial_, errno, "what was there before is as it was");
      at += static_cast<std::size_t>(n);
    }
    written_ += static_cast<std::int64_t>(buffer_.size());
    buffer_.clear();
    return Status::OK();
  }

  std::string path_, partial_;
  bool json_;
  std::vector<Stream> streams_;
  int fd_;
  std::int64_t written_ = 0;
  std::string buffer_;
};

Result<std::unique_ptr<Sink>> open_file_sink(const std::string& path, bool json, const std::vector<Stream>& streams,
                                             bool resume) {
  ARROW_RETURN_NOT_OK(check_output(path));
  const std::string partial = path + ".partial";
  int fd = ::open(partial.c_str(), O_RDWR | O_CLOEXEC | (resume ? 0 : O_CREAT | O_TRUNC), 0644);
  if (fd < 0)
    return errno_error(
        partial, errno,
        resume ? "the run that left the checkpoint also left this file; without it, run the graph from its beginning"
               : "");
  return std::make_unique<FileSink>(path, json, streams, fd);
}

}  // namespace

Result<SinkPlan> plan_file_sink(const Node& config, const Address& address, const std::vector<Stream>* streams) {
  FileSinkConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  const std::string& path = address.path;
  if (path.empty() || path.back() == '/')
    return address.at->error("the destination names no file", "file://results.jsonl, or file:///absolute/results.csv");
  if (std::error_code ignored; fs::is_directory(path, ignored))
    return address.at->error(fmt::format("{} is a folder", path), "name a file in it");
  if (path.find_first_of("*?[") != std::string::npos)
    return address.at->error("a destination is one file, not a pattern");
  const std::string ending = fs::path(path).extension().string();
  bool json = options.format == "jsonl" ||
              (options.format.empty() && (ending == ".jsonl" || ending == ".ndjson" || ending == ".json"));
  if (options.format.empty() && !json && ending != ".csv")
    return address.at->error(fmt::format("what is to be written into {} cannot be told by its ending", path),
                             "end it in .jsonl or .csv, or say \"format\": \"jsonl\"");
  if (!json && streams != nullptr)
    for (const Stream& stream : *streams)
      if (!(stream.schema == streams->front().schema))
        return address.at->error(
            fmt::format("rows of different columns come here, from {} and from {}: a CSV has one header",
                        streams->front().origin, stream.origin),
            "write .jsonl, where each row names its origin");
  SinkPlan plan;
  plan.note = json ? "JSON lines" : "CSV";
  if (streams != nullptr)
    plan.open = [path, json, streams = *streams](bool resume) { return open_file_sink(path, json, streams, resume); };
  return plan;
}

Result<SinkPlan> plan_sink(const Node& config, const Address& address, const std::vector<Stream>* streams) {
  if (!address.built(false)) return address.absent(false);
  if (address.scheme == "file") return plan_file_sink(config, address, streams);
  MemorySinkConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  if (address.path.empty()) return address.at->error("the destination has no name", "memory://results");
  return SinkPlan{"memory", {}};  // the run keeps it
}

}  // namespace tapemill::graph
