#include "analytics/look_back.h"

#include <algorithm>
#include <string_view>

namespace tapemill::analytics {

bool is_windowed(std::string_view indicator) {
  constexpr std::string_view known[] = {"sma", "bb", "stoch", "volume_sma", "volume_ratio"};
  return std::find(std::begin(known), std::end(known), indicator) != std::end(known);
}

std::int64_t LookBack::Least::add(std::int64_t number) {
  while (!queue.empty() && queue.back().second >= number) queue.pop_back();
  queue.emplace_back(seen++, number);
  if (size > 0 && queue.front().first <= seen - 1 - size) queue.pop_front();
  return queue.front().second;
}

LookBack::LookBack(const Series::Program& program)
    : program_(program), from_(static_cast<std::size_t>(program.slots)), memory_(program.steps.size()) {
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    const Step& step = program.steps[i];
    bool windowed = step.what == Step::What::function ||
                    (step.what == Step::What::indicator && is_windowed(step.indicator->spec().name));
    if (windowed) memory_[i].least.size = step.warm_up + 1;
  }
}

std::int64_t LookBack::step(const Step& step, Memory& memory, std::int64_t row, const double* slots) const {
  std::int64_t from = row;
  bool null = false;
  for (int in : step.in) {
    from = std::min(from, from_[static_cast<std::size_t>(in)]);
    null = null || arithmetic::is_null(arithmetic::finite(slots[in]));
  }
  if (step.what != Step::What::function && step.what != Step::What::indicator) return from;
  if (step.function != nullptr && step.function->name == std::string_view("ref")) {  // counts all bars
    memory.bars.push_back(from);
    from = memory.bars.front();
    if (static_cast<int>(memory.bars.size()) > step.period) memory.bars.pop_front();
    return from;
  }
  if (null) return from;
  if (step.indicator && step.indicator->spec().name == std::string_view("vwap")) {
    const double session = slots[step.in.back()];
    if (session != memory.session) memory.least = {};
    memory.session = session;
  }
  return memory.least.add(from);
}

std::int64_t LookBack::update(std::int64_t row, const double* slots) {
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    const Step& one = program_.steps[i];
    const std::int64_t from = step(one, memory_[i], row, slots);
    std::fill_n(from_.begin() + one.out, one.width, from);
  }
  std::int64_t from = row;
  for (int slot : program_.outputs) from = std::min(from, from_[static_cast<std::size_t>(slot)]);
  return from;
}

}  // namespace tapemill::analytics
