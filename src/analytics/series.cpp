#include "analytics/series.h"

#include <cstring>

#include "analytics/look_back.h"
#include "analytics/program.h"
#include "indicators/tick.h"

namespace tapemill::analytics {
namespace {

constexpr std::string_view kMagic = "TMSERIES1";

void put(std::string& out, std::string_view bytes) {
  std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(bytes);
}

/// The next length-prefixed piece of `bytes`, which it is cut from; false at a torn end.
bool take(std::string_view& bytes, std::string_view& piece) {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof size) return false;
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  if (bytes.size() < size) return false;
  piece = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

class Tick final : public SeriesTick {
 public:
  explicit Tick(std::shared_ptr<const Series::Program> program) : program_(std::move(program)) {
    slots_.resize(static_cast<std::size_t>(program_->slots));
    for (const Step& step : program_->steps) {
      if (step.what == Step::What::constant) slots_[static_cast<std::size_t>(step.out)] = step.number;
      if (step.what == Step::What::function) functions_.push_back(step.function->make(step.period, step.ddof));
      if (step.what == Step::What::indicator) indicators_.emplace_back(*step.indicator);
    }
  }

  void update(const double* inputs, std::int64_t session, double* outputs) override {
    double* slots = slots_.data();
    for (const Step& step : program_->steps) {
      double* out = slots + step.out;
      const int* in = step.in.data();
      switch (step.what) {
        case Step::What::constant: break;
        case Step::What::input: *out = inputs[step.input]; break;
        case Step::What::session: *out = static_cast<double>(session); break;
        case Step::What::one: step.operation->one(slots + in[0], out, 1); break;
        case Step::What::two: step.operation->two(slots + in[0], slots + in[1], out, 1); break;
        case Step::What::function: {
          const double* arguments[2] = {slots + in[0], slots + in[step.in.size() - 1]};
          functions_[step.nth]->run(arguments, out, 1);
          break;
        }
        case Step::What::indicator: {
          double arguments[std::size(indicators::Spec{}.inputs)];
          for (std::size_t i = 0; i < step.in.size(); ++i) arguments[i] = slots[in[i]];
          indicators_[step.nth].update(arguments, out);
          break;
        }
      }
    }
    for (std::size_t j = 0; j < program_->outputs.size(); ++j)
      outputs[j] = arithmetic::finite(slots[program_->outputs[j]]);
  }

  const double* slots() const { return slots_.data(); }

  std::string save() const override {
    std::string out(kMagic);
    put(out, program_->fingerprint);
    put(out, functions_state());
    for (const auto& one : indicators_) put(out, one.save());
    return out;
  }

  Status load(std::string_view bytes) override {
    auto torn = [] { return data_error("state of a series: the bytes are torn", "replay from the beginning"); };
    if (bytes.substr(0, kMagic.size()) != kMagic)
      return data_error("state of a series: not the form TMSERIES1", "replay from the beginning");
    bytes.remove_prefix(kMagic.size());
    std::string_view id, functions;
    if (!take(bytes, id)) return torn();
    if (id != program_->fingerprint)
      return data_error("state of a series: it was saved by other expressions", "replay from the beginning");
    if (!take(bytes, functions) || functions.size() != functions_state().size()) return torn();
    std::vector<indicators::Tick> fresh;
    for (const auto& one : indicators_) {
      std::string_view piece;
      if (!take(bytes, piece)) return torn();
      fresh.emplace_back(one.resolved());
      ARROW_RETURN_NOT_OK(fresh.back().load(piece));
    }
    if (!bytes.empty()) return torn();
    std::vector<double> values(functions.size() / sizeof(double));
    if (!values.empty()) std::memcpy(values.data(), functions.data(), functions.size());
    StateArchive archive(values.data());
    for (const auto& one : functions_) one->state(archive);
    indicators_ = std::move(fresh);
    return Status::OK();
  }

 private:
  std::string functions_state() const {
    std::vector<double> values;
    StateArchive archive(values);
    for (const auto& one : functions_) one->state(archive);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)};
  }

  std::shared_ptr<const Series::Program> program_;
  std::vector<double> slots_;
  std::vector<std::unique_ptr<SeriesFunction>> functions_;  // in the order of their steps, as indicators_
  std::vector<indicators::Tick> indicators_;
};

}  // namespace

const std::vector<std::string>& Series::inputs() const { return program_->inputs; }
std::size_t Series::outputs() const { return program_->outputs.size(); }
std::vector<std::string> Series::resolved() const { return program_->resolved; }
int Series::warm_up() const { return program_->warm_up; }
const std::string& Series::id() const { return program_->id; }
bool Series::uses_session() const { return program_->session; }
std::unique_ptr<SeriesTick> Series::tick() const { return std::make_unique<Tick>(program_); }

std::vector<std::int64_t> Series::reach(const std::vector<std::span<const double>>& inputs,
                                        std::span<const std::int64_t> sessions, std::int64_t first,
                                        std::int64_t rows) const {
  Tick tick(program_);
  LookBack look_back(*program_);
  std::vector<double> in(inputs.size()), out(outputs());
  std::vector<std::int64_t> from(static_cast<std::size_t>(rows));
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto at = static_cast<std::size_t>(first + row);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = inputs[i][at];
    tick.update(in.data(), sessions.empty() ? 0 : sessions[at], out.data());
    from[static_cast<std::size_t>(row)] = look_back.update(row, tick.slots());
  }
  return from;
}

}  // namespace tapemill::analytics
