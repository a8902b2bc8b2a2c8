#include "pipeline/stream_rows.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/io/memory.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "core/arithmetic.h"
#include "core/expression.h"
#include "core/workers.h"

extern char** environ;

namespace tapemill::pipeline {
namespace {

class RowsWorker : public StageWorker {
 public:
  explicit RowsWorker(const RowsOptions& options) : options_(options) {}

  Result<Batch> process(const Batch& rows) override {
    if (out_ == nullptr) ARROW_RETURN_NOT_OK(compile(*rows->schema()));
    Batch kept = rows;
    if (where_) { ARROW_ASSIGN_OR_RAISE(kept, chosen(rows)); }
    std::vector<std::shared_ptr<arrow::Array>> columns = kept->columns();
    for (const RowExpression& one : with_) {
      ARROW_ASSIGN_OR_RAISE(auto values, one.evaluate(*kept));
      arrow::DoubleBuilder builder;
      ARROW_RETURN_NOT_OK(builder.Reserve(kept->num_rows()));
      for (double value : values)
        if (arithmetic::is_null(value)) builder.UnsafeAppendNull();
        else builder.UnsafeAppend(value);
      ARROW_ASSIGN_OR_RAISE(auto made, builder.Finish());
      columns.push_back(std::move(made));
    }
    std::vector<std::shared_ptr<arrow::Array>> wanted;
    for (int at : wanted_) wanted.push_back(columns[static_cast<std::size_t>(at)]);
    return arrow::RecordBatch::Make(out_, kept->num_rows(), std::move(wanted));
  }

 private:
  Status compile(const arrow::Schema& in) {
    if (!options_.where.empty()) {
      ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(options_.where, "where"));
      ARROW_ASSIGN_OR_RAISE(where_, RowExpression::compile(parsed, in, "where"));
    }
    arrow::FieldVector fields = in.fields();
    for (const std::string& text : options_.with) {
      const auto equals = text.find('=');
      if (equals == std::string::npos || equals == 0 || text[equals + 1] == '=')
        return usage_error(fmt::format("with {}: it has no name", text),
                           "write NAME=EXPRESSION, such as notional=price * qty");
      const std::string name = text.substr(0, equals);
      if (in.GetFieldIndex(name) >= 0 ||
          std::any_of(fields.begin(), fields.end(), [&](auto& f) { return f->name() == name; }))
        return usage_error(fmt::format("with {}: there is a column {} already", text, name));
      ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(text.substr(equals + 1), "with " + name));
      ARROW_ASSIGN_OR_RAISE(auto compiled, RowExpression::compile(parsed, in, "with " + name));
      with_.push_back(std::move(compiled));
      fields.push_back(arrow::field(name, arrow::float64()));
    }
    const arrow::Schema all(fields);
    if (options_.columns.empty())
      for (int i = 0; i < all.num_fields(); ++i) wanted_.push_back(i);
    for (const std::string& name : options_.columns) {
      const int at = all.GetFieldIndex(name);
      const std::string near = nearest(name, all.field_names());
      if (at < 0)
        return usage_error(fmt::format("there is no column {}", name),
                           near.empty() ? fmt::format("columns: {}", fmt::join(all.field_names(), ", "))
                                        : "did you mean " + near + "?");
      wanted_.push_back(at);
    }
    arrow::FieldVector out;
    for (int at : wanted_) out.push_back(fields[static_cast<std::size_t>(at)]);
    out_ = arrow::schema(std::move(out));
    return Status::OK();
  }

  Result<Batch> chosen(const Batch& rows) const {
    ARROW_ASSIGN_OR_RAISE(auto truth, where_->evaluate(*rows));
    arrow::Int64Builder builder;
    for (std::size_t i = 0; i < truth.size(); ++i)
      if (!arithmetic::is_null(truth[i]) && truth[i] != 0)
        ARROW_RETURN_NOT_OK(builder.Append(static_cast<std::int64_t>(i)));
    if (builder.length() == rows->num_rows()) return rows;
    ARROW_ASSIGN_OR_RAISE(auto indices, builder.Finish());
    ARROW_ASSIGN_OR_RAISE(auto picked,
                          arrow::compute::Take(rows, indices, arrow::compute::TakeOptions::NoBoundsCheck()));
    return picked.record_batch();
  }

  RowsOptions options_;
  std::optional<RowExpression> where_;
  std::vector<RowExpression> with_;
  std::vector<int> wanted_;
  std::shared_ptr<arrow::Schema> out_;
};

struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  explicit Descriptor(int one) : fd(one) {}
  Descriptor(Descriptor&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
};

/// A socket pair, for what a pipe cannot do: send() without SIGPIPE where the program no longer reads.
Status pair(Descriptor& ours, Descriptor& theirs) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return errno_error("cannot start a program", errno);
  ours.fd = fds[0], theirs.fd = fds[1];
  return Status::OK();
}

/// `sh -c command` over `input`: what it printed.
Result<std::string> answer(const std::string& command, std::string_view input) {
  Descriptor in, in_theirs, out, out_theirs, said, said_theirs;
  ARROW_RETURN_NOT_OK(pair(in, in_theirs));
  ARROW_RETURN_NOT_OK(pair(out, out_theirs));
  ARROW_RETURN_NOT_OK(pair(said, said_theirs));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in_theirs.fd, 0);
  posix_spawn_file_actions_adddup2(&actions, out_theirs.fd, 1);
  posix_spawn_file_actions_adddup2(&actions, said_theirs.fd, 2);
  posix_spawnattr_t attributes;  // a group of its own: what it starts ends with it
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string shell = "sh", option = "-c", text = command;
  char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return errno_error("cannot start " + command, failed);
  in_theirs.close(), out_theirs.close(), said_theirs.close();

  std::string printed, complaint;
  bool interrupted = false;
  if (input.empty()) ::shutdown(in.fd, SHUT_WR);
  while (out.fd >= 0 || said.fd >= 0) {
    pollfd wait[] = {{input.empty() ? -1 : in.fd, POLLOUT, 0}, {out.fd, POLLIN, 0}, {said.fd, POLLIN, 0}};
    if (::poll(wait, 3, 200) < 0 && errno != EINTR) break;
    if (interrupt().stop_requested()) {
      interrupted = true;
      ::kill(-child, SIGKILL);
      break;
    }
    if (wait[0].revents != 0) {
      const ssize_t sent = ::send(in.fd, input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
      else if (errno != EAGAIN && errno != EINTR)
        input = {};  // it wants no more: its exit status says whether that is well
      if (input.empty()) ::shutdown(in.fd, SHUT_WR);
    }
    auto read_from = [](Descriptor& from, short events, std::string& into) {
      if (events == 0) return;
      char block[65536];
      const ssize_t got = ::read(from.fd, block, sizeof block);
      if (got > 0) into.append(block, static_cast<std::size_t>(got));
      else if (got == 0 || errno != EINTR) from.close();
    };
    read_from(out, wait[1].revents, printed);
    read_from(said, wait[2].revents, complaint);
  }
  in.close(), out.close(), said.close();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (interrupted) return Status::Cancelled("interrupted");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return printed;
  while (!complaint.empty() && complaint.back() == '\n') complaint.pop_back();
  const auto line = complaint.rfind('\n');
  return data_error(
      fmt::format("{}: {}{}", command,
                  WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                                      : fmt::format("exit status {}", WEXITSTATUS(status)),
                  complaint.empty() ? "" : ": " + complaint.substr(line == std::string::npos ? 0 : line + 1)),
      "it is given rows on its standard input and has to print rows; --attempts gives a batch to it again");
}

/// The columns that the first answer of any worker had.
struct Agreed {
  std::mutex mutex;
  std::shared_ptr<arrow::Schema> schema;
};

class ProgramWorker : public StageWorker {
 public:
  ProgramWorker(std::string command, RowForm form, std::shared_ptr<Agreed> agreed)
      : command_(std::move(command)), form_(form), agreed_(std::move(agreed)) {}

  Result<Batch> process(const Batch& rows) override {
    ARROW_ASSIGN_OR_RAISE(auto text, arrow::io::BufferOutputStream::Create());
    ARROW_ASSIGN_OR_RAISE(auto writer, write_rows(text, form_, rows->schema()));
    ARROW_RETURN_NOT_OK(writer->write(*rows));
    ARROW_RETURN_NOT_OK(writer->close());
    ARROW_ASSIGN_OR_RAISE(auto input, text->Finish());
    ARROW_ASSIGN_OR_RAISE(std::string printed, answer(command_, std::string_view(*input)));
    auto made = parse_rows(printed, form_);
    if (!made.ok()) return prefixed(made.status(), "what " + command_ + " printed");
    if (*made == nullptr || (*made)->num_rows() == 0) return Batch();
    std::lock_guard lock(agreed_->mutex);
    if (agreed_->schema == nullptr) agreed_->schema = (*made)->schema();
    if (!agreed_->schema->Equals(*(*made)->schema()))
      return data_error(fmt::format("{} printed columns ({}) first, and then ({})", command_,
                                    one_line(*agreed_->schema), one_line(*(*made)->schema())),
                        "its columns and their types have to stay: --form arrow says them exactly");
    return made;
  }

 private:
  static std::string one_line(const arrow::Schema& schema) {
    std::string out;
    for (int i = 0; i < schema.num_fields(); ++i)
      out += fmt::format("{}{} {}", i == 0 ? "" : ", ", schema.field(i)->name(), schema.field(i)->type()->ToString());
    return out;
  }
  std::string command_;
  RowForm form_;
  std::shared_ptr<Agreed> agreed_;
};

}  // namespace

StreamStage rows_stage(const RowsOptions& options, int workers) {
  return {"rows", workers, 1,
          [options]() -> Result<std::unique_ptr<StageWorker>> { return std::make_unique<RowsWorker>(options); }};
}

StreamStage program_stage(const std::string& command, RowForm form, int workers, int attempts) {
  return {"program", workers, attempts,
          [command, form, agreed = std::make_shared<Agreed>()]() -> Result<std::unique_ptr<StageWorker>> {
            return std::make_unique<ProgramWorker>(command, form, agreed);
          }};
}

}  // namespace tapemill::pipeline
