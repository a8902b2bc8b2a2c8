#include "graph/run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <tuple>

#include "core/json.h"
#include "core/paths.h"
#include "core/progress.h"

namespace tapemill::graph {
namespace {

constexpr std::size_t kRound = 16'384;  // rows that are read, computed and written together; nothing depends on it

class Engine {
 public:
  Engine(const GraphDocument& graph, const Plan& plan, const Surroundings& around, const RunOptions& options)
      : graph_(graph),
        plan_(plan),
        around_(around),
        options_(options),
        workers_(around.workers != nullptr ? *around.workers : Workers(1)) {
    report_.graph = graph.name;
    report_.clones = plan.clones;
  }

  Result<RunReport> run() {
    const auto start = std::chrono::steady_clock::now();
    ARROW_RETURN_NOT_OK(open());
    Status status = rounds();
    if (!status.ok() || (interrupted_ && options_.checkpoint.empty())) {
      for (Output& output : outputs_) output.sink->abandon();
      if (!status.ok()) return status;
      return Status::Cancelled(
          fmt::format("{}: interrupted after {} rows; nothing was written", graph_.name, next_sequence_));
    }
    ARROW_RETURN_NOT_OK(finish());
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  struct Input {
    std::size_t node = 0;   // planned
    std::unique_ptr<Source> source;
    Block buffer;
    std::size_t at = 0;     // next row of the buffer
    std::int64_t taken = 0; // rows of the source that went on
    bool ended = false;
  };
  struct Message {
    std::size_t input, first, count;
  };
  struct Clone {
    std::unique_ptr<Partition> partition;
    std::vector<Block> rows;  // of each input, in this round
    std::vector<Message> messages;
  };
  struct Output {
    std::size_t node = 0;
    std::unique_ptr<Sink> sink;
    std::int64_t rows = 0;
  };
  struct Place {  // of a row in an outbox
    std::int64_t sequence;
    std::uint32_t stream, clone;
    std::size_t row;
    bool operator<(const Place& other) const {
      return std::tie(sequence, stream, clone, row) < std::tie(other.sequence, other.stream, other.clone, other.row);
    }
  };

  Status open() {
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const PlannedNode& node = plan_.nodes[i];
      const GraphNode& written = graph_.nodes[node.index];
      if (written.type == NodeType::subscriber) {
        Input& input = inputs_.emplace_back();
        input.node = i;
        ARROW_ASSIGN_OR_RAISE(input.source, node.source.open(around_));
        input.buffer = Block(node.source.schema);
      } else if (written.type == NodeType::publisher) {
        Output& output = outputs_.emplace_back();
        output.node = i;
        if (options_.capture || written.what.rfind("memory://", 0) == 0) {
          auto captured = std::make_shared<Captured>();
          captured->streams = node.streams;
          report_.captured[written.name] = captured;
          output.sink = memory_sink(std::move(captured), options_.capture ? "memory" : written.what);
        } else {
          ARROW_ASSIGN_OR_RAISE(output.sink, node.sink.open(options_.resume));
        }
      }
    }
    clones_.resize(static_cast<std::size_t>(plan_.clones));
    for (Clone& clone : clones_) {
      clone.partition = std::make_unique<Partition>(plan_, graph_);
      for (const Input& input : inputs_) clone.rows.emplace_back(plan_.nodes[input.node].source.schema);
    }
    ARROW_RETURN_NOT_OK(dead_letters());
    return options_.resume ? load() : Status::OK();
  }

  Status rounds() {
    std::int64_t all = 0;
    for (const Input& input : inputs_) all += input.source->rows() - input.taken;
    if (options_.most_rows > 0) all = std::min(all, options_.most_rows);
    Progress progress(graph_.name, all);
    for (;;) {
      if (options_.stop.stop_requested()) return interrupted_ = report_.stopped = true, Status::OK();
      ARROW_ASSIGN_OR_RAISE(std::size_t rows, read_round());
      if (rows == 0) return Status::OK();
      ARROW_RETURN_NOT_OK(workers_.each(clones_.size(), [this](std::size_t c) { return compute(c); }));
      for (Output& output : outputs_) ARROW_RETURN_NOT_OK(write(output));
      for (Clone& clone : clones_) clone.partition->clear_outboxes();
      progress.add(static_cast<std::int64_t>(rows), static_cast<std::int64_t>(rows));
    }
  }

  /// The input whose next row comes first; null where all have ended.
  Result<Input*> next_input() {
    Input* first = nullptr;
    for (Input& input : inputs_) {
      if (input.at == input.buffer.time.size() && !input.ended) {
        input.buffer.clear();
        input.at = 0;
        ARROW_ASSIGN_OR_RAISE(std::size_t rows, input.source->read(input.buffer, kRound));
        input.ended = rows == 0;
      }
      if (input.at == input.buffer.time.size()) continue;
      if (first == nullptr || input.buffer.time[input.at] < first->buffer.time[first->at]) first = &input;
    }
    return first;
  }

  bool in_window(const Input& input, std::int64_t time) {
    if ((!graph_.start_time && !graph_.duration) || !plan_.nodes[input.node].source.time_of_day) return true;
    if (!graph_.start_time) {
      if (!first_time_) first_time_ = time;
      return time < *first_time_ + *graph_.duration;
    }
    const std::int64_t since = plan_.zone.local_time(Instant{time}) - *graph_.start_time;
    return since >= 0 && (!graph_.duration || since < *graph_.duration);
  }

  Result<std::size_t> read_round() {
    for (Clone& clone : clones_) {
      clone.messages.clear();
      for (Block& block : clone.rows) block.clear();
    }
    std::size_t rows = 0;
    while (rows < kRound) {
      ARROW_ASSIGN_OR_RAISE(Input * input, next_input());
      if (input == nullptr) break;
      if (options_.most_rows > 0 && next_sequence_ - first_sequence_ >= options_.most_rows) {
        report_.stopped = true;
        break;
      }
      const std::size_t row = input->at++;
      ++input->taken;
      const std::int64_t time = input->buffer.time[row];
      if (!in_window(*input, time)) {
        ++report_.outside;
        continue;
      }
      const int key = plan_.nodes[input->node].key;
      std::size_t c = 0;
      if (clones_.size() > 1 && key >= 0) {
        const Column& keys = input->buffer.columns[static_cast<std::size_t>(key)];
        c = (murmur2(keys.null(row) ? std::string_view{} : keys.text(row)) & 0x7fffffffU) % clones_.size();
      }
      const auto i = static_cast<std::size_t>(input - inputs_.data());
      Block& to = clones_[c].rows[i];
      for (std::size_t column = 0; column < to.columns.size(); ++column)
        to.columns[column].add(input->buffer.columns[column], row);
      to.time.push_back(time);
      to.sequence.push_back(next_sequence_++);
      auto& messages = clones_[c].messages;
      if (!messages.empty() && messages.back().input == i && messages.back().count < options_.rows_per_message)
        ++messages.back().count;
      else messages.push_back({i, to.rows() - 1, 1});
      ++rows;
    }
    return rows;
  }

  Status compute(std::size_t c) {
    Clone& clone = clones_[c];
    for (const Message& message : clone.messages) {
      Status status =
          clone.partition->push(inputs_[message.input].node, clone.rows[message.input], message.first, message.count);
      if (!status.ok()) return prefixed(status, clone_name(graph_, c));
    }
    return Status::OK();
  }

  Status write(Output& output) {
    places_.clear();
    for (std::size_t c = 0; c < clones_.size(); ++c) {
      const auto& boxes = clones_[c].partition->outbox(output.node);
      for (std::size_t s = 0; s < boxes.size(); ++s)
        for (std::size_t row = 0; row < boxes[s].rows(); ++row)
          places_.push_back(
              {boxes[s].sequence[row], static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(c), row});
    }
    if (!std::is_sorted(places_.begin(), places_.end())) std::sort(places_.begin(), places_.end());
    for (const Place& place : places_)
      ARROW_RETURN_NOT_OK(output.sink->write(
          place.stream, clones_[place.clone].partition->outbox(output.node)[place.stream], place.row));
    output.rows += static_cast<std::int64_t>(places_.size());
    return Status::OK();
  }

  /// Rows that did not parse go beside the first file that is written.
  Status dead_letters() {
    std::string path, lines;
    if (!options_.capture)
      for (const Output& output : outputs_)
        if (path.empty()) path = output.sink->dead_letters();
    for (Input& input : inputs_) {
      for (const DeadRow& row : input.source->dead()) {
        ++report_.dead;
        if (report_.first_dead.size() < 5) report_.first_dead.push_back(row);
        const Json line = {{"node", graph_.nodes[plan_.nodes[input.node].index].name},
                           {"file", row.file},
                           {"line", row.line},
                           {"reason", row.reason},
                           {"raw", row.raw}};
        lines += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
      }
    }
    if (path.empty()) return Status::OK();
    if (lines.empty()) {  // none of an earlier run is to be taken for this one's
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
      return Status::OK();
    }
    report_.dead_files.push_back(path);
    return write_file_atomically(path, lines);
  }

  void state(Archive& archive) {
    archive.same("TMGRAPH1", "form");
    archive.same(plan_.hash, "document, table or program");
    archive(next_sequence_);
    std::int64_t first = first_time_.value_or(std::numeric_limits<std::int64_t>::min());
    archive(first);
    if (first != std::numeric_limits<std::int64_t>::min()) first_time_ = first;
    for (Input& input : inputs_) {
      archive.same(input.source->version(), "version of its source");
      archive(input.taken);
    }
    for (Clone& clone : clones_) clone.partition->state(archive);
    for (Output& output : outputs_) {
      archive(output.rows);
      if (Status status = output.sink->state(archive); !status.ok()) archive.fail(status);
    }
  }

  Status load() {
    ARROW_ASSIGN_OR_RAISE(std::string bytes, read_file(options_.checkpoint));
    Archive archive(bytes);
    state(archive);
    if (!archive.status().ok()) return prefixed(archive.status(), options_.checkpoint);
    if (!archive.ended())
      return data_error(options_.checkpoint + ": checkpoint: something stands behind its end",
                        "run the graph from its beginning");
    for (Input& input : inputs_) ARROW_RETURN_NOT_OK(prefixed(input.source->seek(input.taken), options_.checkpoint));
    first_sequence_ = next_sequence_;
    return Status::OK();
  }

  Status finish() {
    if (report_.stopped && !options_.checkpoint.empty()) {
      Archive archive;
      state(archive);
      ARROW_RETURN_NOT_OK(archive.status());
      ARROW_RETURN_NOT_OK(write_file_atomically(options_.checkpoint, archive.bytes()));
      report_.checkpoint = options_.checkpoint;
    } else {
      for (Output& output : outputs_) ARROW_RETURN_NOT_OK(output.sink->commit());
      if (!options_.checkpoint.empty()) {
        std::error_code ignored;
        std::filesystem::remove(options_.checkpoint, ignored);
      }
    }
    report_.rows = next_sequence_ - first_sequence_;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const GraphNode& node = graph_.nodes[plan_.nodes[i].index];
      NodeReport one{node.name, name(node.type), node.what, {}};
      for (const Clone& clone : clones_) one.metrics += clone.partition->metrics(i);
      report_.nodes.push_back(std::move(one));
    }
    for (const Clone& clone : clones_)
      if (std::int64_t clock = clone.partition->clock(); clock != std::numeric_limits<std::int64_t>::min())
        report_.clock = std::max(report_.clock.value_or(clock), clock);
    for (const Output& output : outputs_)
      report_.outputs.push_back(
          {graph_.nodes[plan_.nodes[output.node].index].name, output.sink->place(), output.rows, output.sink->bytes()});
    return Status::OK();
  }

  const GraphDocument& graph_;
  const Plan& plan_;
  const Surroundings& around_;
  const RunOptions& options_;
  Workers workers_;
  std::vector<Input> inputs_;
  std::vector<Clone> clones_;
  std::vector<Output> outputs_;
  std::vector<Place> places_;
  std::int64_t next_sequence_ = 0, first_sequence_ = 0;  // of the next row; of the first row of this run
  std::optional<std::int64_t> first_time_;               // of the window, where it begins with the first row
  bool interrupted_ = false;
  RunReport report_;
};

}  // namespace

Result<RunReport> run(const GraphDocument& graph, const Plan& plan, const Surroundings& around,
                      const RunOptions& options) {
  if (!plan.findings.empty()) return plan.findings.front().status;
  if (options.resume && options.checkpoint.empty())
    return usage_error("there is no checkpoint to go on from", "--checkpoint FILE names it");
  if (options.rows_per_message < 1) return usage_error("a message has at least one row");
  return Engine(graph, plan, around, options).run();
}

}  // namespace tapemill::graph
