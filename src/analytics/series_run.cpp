#include <algorithm>
#include <numeric>

#include "analytics/program.h"
#include "indicators/batch.h"

namespace tapemill::analytics {
namespace {

constexpr std::size_t kSymbols = 8;      // of a shard: the widest vector's lanes
constexpr std::int64_t kChunk = 4096;    // rows of a symbol that are computed before the next step; states go on

/// Steps that can run together: rows are computed one after the other by some, then all indicators of the stage in one pass.
struct Stage {
  std::vector<const Step*> steps, indicators;
};

/// An indicator's stage lies behind those of its inputs; other steps stand in the first stage that has their inputs.
std::vector<Stage> stages(const Series::Program& program) {
  std::vector<std::size_t> ready(static_cast<std::size_t>(program.slots));  // the stage from which a slot can be read
  std::vector<Stage> out(1);
  for (const Step& step : program.steps) {
    std::size_t at = 0;
    for (int in : step.in) at = std::max(at, ready[static_cast<std::size_t>(in)]);
    bool indicator = step.what == Step::What::indicator;
    if (out.size() < at + 1 + indicator) out.resize(at + 1 + indicator);
    (indicator ? out[at].indicators : out[at].steps).push_back(&step);
    for (int i = 0; i < step.width; ++i) ready[static_cast<std::size_t>(step.out + i)] = at + indicator;
  }
  return out;
}

/// The first output that asks for each slot, else -1: what computes the slot then writes there at once. Inputs and
/// constants are copied.
std::vector<int> destinations(const Series::Program& program) {
  std::vector<int> out(static_cast<std::size_t>(program.slots), -1);
  for (std::size_t j = program.outputs.size(); j-- > 0;)
    out[static_cast<std::size_t>(program.outputs[j])] = static_cast<int>(j);
  for (const Step& step : program.steps)
    if (step.what == Step::What::input || step.what == Step::What::session || step.what == Step::What::constant)
      out[static_cast<std::size_t>(step.out)] = -1;
  return out;
}

struct Call {
  const Series::Program& program;
  const std::vector<Stage>& stages;
  const std::vector<int>& destinations;
  const std::vector<std::span<const double>>& inputs;
  std::span<const std::int64_t> sessions, starts;
  const std::vector<std::span<double>>& outputs;
};

/// Up to kSymbols symbols, chunk by chunk.
class Shard {
 public:
  Shard(const Call& call, const std::size_t* symbols, std::size_t count) : call_(call), program_(call.program) {
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < count; ++i)
      longest = std::max(longest, call.starts[symbols[i] + 1] - call.starts[symbols[i]]);
    rows_ = static_cast<std::size_t>(std::min(longest, kChunk));
    chunks_ = longest > kChunk;
    // A line more than the rows: columns whose distance is a power of two would share few places of the cache.
    stride_ = (rows_ + 7) / 8 * 8 + 8;
    lanes_.resize(count);
    memory_.resize((count * static_cast<std::size_t>(program_.slots) + 1) * stride_);
    double* place = memory_.data() + (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) / sizeof(double) % 8;
    for (std::size_t i = 0; i < count; ++i) {
      Lane& lane = lanes_[i];
      lane.symbol = symbols[i];
      for (int slot = 0; slot < program_.slots; ++slot) lane.own.push_back(place), place += stride_;
      lane.slots.assign(lane.own.begin(), lane.own.end());
      for (const Step& step : program_.steps) {
        if (step.what == Step::What::function) lane.functions.push_back(step.function->make(step.period, step.ddof));
        if (step.what == Step::What::constant)
          std::fill_n(lane.own[static_cast<std::size_t>(step.out)], rows_, step.number);
      }
    }
    states_.resize(call.stages.size());
  }

  Status run() {
    for (std::int64_t from = 0;; from += kChunk) {
      bool live = false;
      for (Lane& lane : lanes_) {
        std::int64_t begin = call_.starts[lane.symbol], end = call_.starts[lane.symbol + 1];
        lane.first = static_cast<std::size_t>(begin + std::min(from, end - begin));
        lane.rows = static_cast<std::size_t>(std::clamp<std::int64_t>(end - begin - from, 0, kChunk));
        live = live || lane.rows > 0;
        for (std::size_t slot = 0; slot < call_.destinations.size(); ++slot)
          if (int j = call_.destinations[slot]; j >= 0)
            lane.slots[slot] = lane.own[slot] = call_.outputs[static_cast<std::size_t>(j)].data() + lane.first;
      }
      if (!live) return Status::OK();
      if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
      for (std::size_t s = 0; s < call_.stages.size(); ++s) {
        for (const Step* step : call_.stages[s].steps)
          for (Lane& lane : lanes_) row_step(*step, lane);
        ARROW_RETURN_NOT_OK(indicators(call_.stages[s], states_[s]));
      }
      for (const Lane& lane : lanes_) store(lane);
    }
  }

 private:
  struct Lane {
    std::size_t symbol = 0, first = 0, rows = 0;  // rows [first, first + rows) of the columns
    std::vector<double*> own;  // memory of each slot
    std::vector<const double*> slots;  // where each slot is read: its own, or the column itself
    std::vector<std::unique_ptr<SeriesFunction>> functions;
  };

  void row_step(const Step& step, Lane& lane) {
    double* out = lane.own[static_cast<std::size_t>(step.out)];
    auto in = [&](std::size_t i) { return lane.slots[static_cast<std::size_t>(step.in[i])]; };
    switch (step.what) {
      case Step::What::input:
        lane.slots[static_cast<std::size_t>(step.out)] =
            call_.inputs[static_cast<std::size_t>(step.input)].data() + lane.first;
        break;
      case Step::What::session:
        for (std::size_t i = 0; i < lane.rows; ++i) out[i] = static_cast<double>(call_.sessions[lane.first + i]);
        break;
      case Step::What::one: step.operation->one(in(0), out, lane.rows); break;
      case Step::What::two: step.operation->two(in(0), in(1), out, lane.rows); break;
      case Step::What::function: {
        const double* arguments[2] = {in(0), in(step.in.size() - 1)};
        lane.functions[step.nth]->run(arguments, out, lane.rows);
        break;
      }
      case Step::What::constant:
      case Step::What::indicator: break;
    }
  }

  Status indicators(const Stage& stage, std::vector<std::string>& states) {
    if (stage.indicators.empty()) return Status::OK();
    std::vector<int> columns;
    std::vector<indicators::Resolved> jobs;
    for (const Step* step : stage.indicators) {
      jobs.push_back(*step->indicator);
      for (int in : step->in)
        if (std::find(columns.begin(), columns.end(), in) == columns.end()) columns.push_back(in);
    }
    indicators::Panel panel;
    std::vector<double*> out;
    for (int column : columns) panel.columns.push_back(slot_name(column));
    for (const Lane& lane : lanes_) {
      panel.rows.push_back(lane.rows);
      for (int column : columns) panel.values.push_back(lane.slots[static_cast<std::size_t>(column)]);
      for (const Step* step : stage.indicators)
        for (int i = 0; i < step->width; ++i) out.push_back(lane.own[static_cast<std::size_t>(step->out + i)]);
    }
    std::vector<std::string> next;
    indicators::BatchOptions options;
    if (!states.empty()) options.start = &states;
    if (chunks_) options.states = &next;
    ARROW_RETURN_NOT_OK(indicators::run(jobs, panel, out, options));
    states = std::move(next);
    return Status::OK();
  }

  void store(const Lane& lane) {
    for (std::size_t j = 0; j < program_.outputs.size(); ++j) {
      const double* from = lane.slots[static_cast<std::size_t>(program_.outputs[j])];
      double* to = call_.outputs[j].data() + lane.first;
      if (from == to) continue;
      for (std::size_t i = 0; i < lane.rows; ++i) to[i] = arithmetic::finite(from[i]);
    }
  }

  const Call& call_;
  const Series::Program& program_;
  std::size_t rows_ = 0, stride_ = 0;
  bool chunks_ = false;  // whether states must go on to another chunk
  std::vector<double> memory_;
  std::vector<Lane> lanes_;
  std::vector<std::vector<std::string>> states_;  // of each stage's indicators, per symbol, after the chunk before
};

}  // namespace

Status Series::run(const std::vector<std::span<const double>>& inputs, std::span<const std::int64_t> sessions,
                   std::span<const std::int64_t> starts, const std::vector<std::span<double>>& outputs,
                   const Workers& workers) const {
  const std::vector<Stage> order = stages(*program_);
  const std::vector<int> places = destinations(*program_);
  Call call{*program_, order, places, inputs, sessions, starts, outputs};
  std::vector<std::size_t> symbols(starts.empty() ? 0 : starts.size() - 1);
  std::iota(symbols.begin(), symbols.end(), std::size_t{0});
  std::stable_sort(symbols.begin(), symbols.end(),
                   [&](std::size_t a, std::size_t b) { return starts[a + 1] - starts[a] > starts[b + 1] - starts[b]; });
  return workers.each((symbols.size() + kSymbols - 1) / kSymbols,
                      [&](std::size_t g) {
                        std::size_t first = g * kSymbols;
                        return Shard(call, &symbols[first], std::min(kSymbols, symbols.size() - first)).run();
                      },
                      interrupt());
}

}  // namespace tapemill::analytics
