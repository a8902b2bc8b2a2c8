#include "indicators/batch.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "indicators/tables.h"

namespace tapemill::indicators {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// One indicator of a run: where its inputs and outputs are.
struct Job {
  const Resolved* resolved;
  const Kernel* kernel;
  std::size_t index;                  // among the run's indicators
  std::vector<std::size_t> columns;   // of the panel, one per input
  std::size_t first_output;           // among the run's outputs
};

/// A symbol in a lane of one pass: its columns and outputs, by the panel's and the run's numbers.
struct Lane {
  std::size_t symbol = 0, rows = 0;
  std::vector<const double*> in;
  std::vector<double*> out;
};

struct Run {
  const KernelTable& table;
  const Panel& panel;
  const std::vector<double*>& out;
  const BatchOptions& options;
  std::vector<Job> jobs;
  std::size_t outputs;

  std::size_t width() const { return static_cast<std::size_t>(table.lanes); }
};

/// States of some jobs, a lane per symbol.
class States {
 public:
  States(const Run& run, const std::vector<const Job*>& jobs) : run_(run), jobs_(jobs) {
    std::size_t total = 0;
    for (const Job* job : jobs) {
      offsets_.push_back(total);
      total += job->kernel->vector.bytes(job->resolved->parameters().data());
    }
    memory_ = allocate(total);
    for (std::size_t i = 0; i < jobs.size(); ++i)
      jobs[i]->kernel->vector.create(at(i), jobs[i]->resolved->parameters().data());
  }
  void* at(std::size_t job) const { return static_cast<char*>(memory_.get()) + offsets_[job]; }

  Status load(std::size_t lane, std::size_t symbol) {
    if (!run_.options.start) return Status::OK();
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const std::string& bytes = (*run_.options.start)[symbol * run_.jobs.size() + jobs_[i]->index];
      if (bytes.empty()) continue;
      const LaneForm& form = jobs_[i]->kernel->vector;
      ARROW_ASSIGN_OR_RAISE(auto state, unpack(*jobs_[i]->resolved, bytes, static_cast<std::size_t>(form.size(at(i)))));
      form.load(at(i), static_cast<int>(lane), state.data());
    }
    return Status::OK();
  }
  void save(std::size_t lane, std::size_t symbol) const {
    if (!run_.options.states) return;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const LaneForm& form = jobs_[i]->kernel->vector;
      std::vector<double> state(static_cast<std::size_t>(form.size(at(i))));
      form.save(at(i), static_cast<int>(lane), state.data());
      (*run_.options.states)[symbol * run_.jobs.size() + jobs_[i]->index] = pack(*jobs_[i]->resolved, state);
    }
  }

 private:
  const Run& run_;
  const std::vector<const Job*>& jobs_;
  std::vector<std::size_t> offsets_;
  Block memory_;
};

/// Runs jobs over lanes without nulls, tile by tile. A lane that has ended reads zeros and writes where nobody looks.
Status pass(const Run& run, const std::vector<const Job*>& jobs, const std::vector<Lane>& lanes) {
  const std::size_t width = run.width();
  std::vector<std::size_t> columns;
  for (const Job* job : jobs)
    for (std::size_t column : job->columns)
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);

  States states(run, jobs);
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    ARROW_RETURN_NOT_OK(states.load(lane, lanes[lane].symbol));
    if (lanes[lane].rows == 0) states.save(lane, lanes[lane].symbol);
  }

  alignas(kAlignment) static constexpr std::array<double, kTile> kZeros{};
  alignas(kAlignment) std::array<double, kTile> unseen;
  const std::size_t tile_doubles = kTile * width;
  Block memory = allocate(columns.size() * tile_doubles * sizeof(double));
  std::vector<const void*> tiles(run.panel.columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i)
    tiles[columns[i]] = static_cast<double*>(memory.get()) + i * tile_doubles;

  std::vector<const double*> from(width, kZeros.data());
  std::vector<double*> to(std::size(Spec{}.outputs) * width), staged(to.size());
  Block stage = allocate(staged.size() * kTile * sizeof(double));
  for (std::size_t place = 0; place < staged.size(); ++place)
    staged[place] = static_cast<double*>(stage.get()) + place * kTile;
  std::vector<const void*> inputs(std::size(Spec{}.inputs));
  for (std::size_t at = 0;;) {
    std::size_t bars = kTile - at % kTile;  // tiles keep their places, and outputs their alignment
    bool live = false;
    for (const Lane& lane : lanes) {
      if (lane.rows <= at) continue;
      live = true;
      bars = std::min(bars, lane.rows - at);
    }
    if (!live) break;

    for (std::size_t column : columns) {
      for (std::size_t lane = 0; lane < lanes.size(); ++lane)
        from[lane] = lanes[lane].rows > at ? lanes[lane].in[column] + at : kZeros.data();
      run.table.load(from.data(), static_cast<int>(bars), const_cast<void*>(tiles[column]));
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const Job& job = *jobs[i];
      const std::size_t places = static_cast<std::size_t>(job.kernel->outputs) * width;
      bool aligned = true;
      for (std::size_t place = 0; place < places; ++place) {
        std::size_t lane = place % width;
        bool runs = lane < lanes.size() && lanes[lane].rows > at;
        to[place] = runs ? lanes[lane].out[job.first_output + place / width] + at : unseen.data();
        aligned = aligned && reinterpret_cast<std::uintptr_t>(to[place]) % kAlignment == 0;
      }
      for (std::size_t input = 0; input < job.columns.size(); ++input) inputs[input] = tiles[job.columns[input]];
      job.kernel->tile(states.at(i), inputs.data(), static_cast<int>(bars), aligned ? to.data() : staged.data(),
                       aligned);
      for (std::size_t place = 0; !aligned && place < places; ++place)
        run.table.drain(staged[place], static_cast<int>(bars), to[place]);
    }
    at += bars;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane)
      if (lanes[lane].rows == at) states.save(lane, lanes[lane].symbol);
  }
  __builtin_ia32_sfence();  // what was written past the cache is there before another thread is told so
  return Status::OK();
}

/// A lane without the rows at which one of `columns` is null: they are no bars to these jobs.
class Compacted {
 public:
  Lane lane;  // what pass() is to run

  Compacted(const std::vector<const Job*>& jobs, const Lane& whole) : lane(whole), jobs_(jobs), whole_(whole) {
    const std::vector<std::size_t>& columns = jobs.front()->columns;
    for (std::size_t row = 0; row < whole.rows; ++row)
      if (std::all_of(columns.begin(), columns.end(), [&](std::size_t c) { return usable(whole.in[c][row]); }))
        rows_.push_back(row);
    if (rows_.size() == whole.rows) return;
    std::size_t count = columns.size();
    for (const Job* job : jobs) count += static_cast<std::size_t>(job->kernel->outputs);
    memory_.resize(count * rows_.size());
    double* place = memory_.data();
    auto next = [&] { return std::exchange(place, place + rows_.size()); };
    for (std::size_t column : columns) {
      double* values = next();
      for (std::size_t i = 0; i < rows_.size(); ++i) values[i] = whole.in[column][rows_[i]];
      lane.in[column] = values;
    }
    for (const Job* job : jobs)
      for (int output = 0; output < job->kernel->outputs; ++output)
        lane.out[job->first_output + static_cast<std::size_t>(output)] = next();
    lane.rows = rows_.size();
  }
  /// Values to their rows, nulls between them.
  void spread() const {
    if (rows_.size() == whole_.rows) return;
    for (const Job* job : jobs_) {
      for (int o = 0; o < job->kernel->outputs; ++o) {
        std::size_t output = job->first_output + static_cast<std::size_t>(o);
        std::fill_n(whole_.out[output], whole_.rows, kNothing);
        for (std::size_t i = 0; i < rows_.size(); ++i) whole_.out[output][rows_[i]] = lane.out[output][i];
      }
    }
  }

 private:
  const std::vector<const Job*>& jobs_;
  const Lane& whole_;
  std::vector<std::size_t> rows_;
  std::vector<double> memory_;
};

/// As many symbols as there are lanes: in one pass where no column holds a null, else in one per set of inputs, since what is
/// no bar to one indicator may be one to another.
Status group(const Run& run, const std::size_t* symbols, std::size_t count) {
  const std::size_t columns = run.panel.columns.size();
  std::vector<Lane> lanes(count);
  std::vector<bool> read(columns);
  for (const Job& job : run.jobs)
    for (std::size_t column : job.columns) read[column] = true;
  bool clean = true;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t symbol = symbols[i];
    Lane& lane = lanes[i];
    lane.symbol = symbol;
    lane.rows = run.panel.rows[symbol];
    lane.in.assign(&run.panel.values[symbol * columns], &run.panel.values[symbol * columns] + columns);
    lane.out.assign(&run.out[symbol * run.outputs], &run.out[symbol * run.outputs] + run.outputs);
    for (std::size_t c = 0; clean && c < columns; ++c) clean = !read[c] || run.table.clean(lane.in[c], lane.rows);
  }
  std::vector<std::vector<const Job*>> sets;
  for (const Job& job : run.jobs) {
    auto same = [&](const auto& set) { return clean || set.front()->columns == job.columns; };
    auto set = std::find_if(sets.begin(), sets.end(), same);
    if (set == sets.end()) sets.push_back({&job});
    else set->push_back(&job);
  }
  for (const auto& jobs : sets) {
    if (clean) {
      ARROW_RETURN_NOT_OK(pass(run, jobs, lanes));
      continue;
    }
    std::vector<Compacted> compacted;
    std::vector<Lane> shorter;
    compacted.reserve(count);
    shorter.reserve(count);
    for (const Lane& lane : lanes) shorter.push_back(compacted.emplace_back(jobs, lane).lane);
    ARROW_RETURN_NOT_OK(pass(run, jobs, shorter));
    for (const Compacted& lane : compacted) lane.spread();
  }
  return Status::OK();
}

Result<Run> prepare(const std::vector<Resolved>& indicators, const Panel& in, const std::vector<double*>& out,
                    const BatchOptions& options, Isa isa) {
  Run run{kernels(isa), in, out, options, {}, output_count(indicators)};
  std::size_t output = 0;
  for (const Resolved& resolved : indicators) {
    Job job{&resolved, &run.table.kernels[resolved.index()], run.jobs.size(), {}, output};
    for (const std::string& name : resolved.inputs()) {
      auto at = std::find(in.columns.begin(), in.columns.end(), name);
      if (at == in.columns.end()) {
        std::string near = nearest(name, in.columns);
        return usage_error(fmt::format("{} reads \"{}\", and there is no such column", resolved.text(), name),
                           near.empty() ? fmt::format("there are {}", fmt::join(in.columns, ", "))
                                        : fmt::format("did you mean {}?", near));
      }
      job.columns.push_back(static_cast<std::size_t>(at - in.columns.begin()));
    }
    output += static_cast<std::size_t>(job.kernel->outputs);
    run.jobs.push_back(std::move(job));
  }
  return run;
}

}  // namespace

std::size_t output_count(const std::vector<Resolved>& indicators) {
  std::size_t count = 0;
  for (const Resolved& resolved : indicators) count += resolved.outputs().size();
  return count;
}

Status run(const std::vector<Resolved>& indicators, const Panel& in, const std::vector<double*>& out,
           const BatchOptions& options) {
  Isa isa = Isa::base;
  if (options.isa) {
    isa = *options.isa;
  } else {
    ARROW_ASSIGN_OR_RAISE(isa, chosen_isa());
  }
  ARROW_ASSIGN_OR_RAISE(Run run, prepare(indicators, in, out, options, isa));
  if (indicators.empty()) return Status::OK();
  if (options.states) options.states->assign(in.rows.size() * indicators.size(), {});

  std::vector<std::size_t> order(in.rows.size());  // lanes beside each other end together
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return in.rows[a] > in.rows[b]; });
  const std::size_t width = run.width(), groups = (order.size() + width - 1) / width;
  auto body = [&](std::size_t g) { return group(run, &order[g * width], std::min(width, order.size() - g * width)); };
  if (options.workers) return options.workers->each(groups, body);
  for (std::size_t g = 0; g < groups; ++g) ARROW_RETURN_NOT_OK(body(g));
  return Status::OK();
}

}  // namespace tapemill::indicators
