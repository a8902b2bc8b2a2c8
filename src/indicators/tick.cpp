#include "indicators/tick.h"

#include <algorithm>
#include <limits>

namespace tapemill::indicators {

Tick::Tick(Resolved resolved, Isa isa)
    : resolved_(std::move(resolved)),
      kernel_(&kernels(isa).kernels[resolved_.index()]),
      state_(allocate(kernel_->scalar.bytes(resolved_.parameters().data()))) {
  reset();
}

void Tick::reset() { kernel_->scalar.create(state_.get(), resolved_.parameters().data()); }

void Tick::update(const double* in, double* out) {
  if (std::all_of(in, in + kernel_->inputs, usable)) {
    kernel_->tick(state_.get(), in, out);
  } else {
    std::fill(out, out + kernel_->outputs, std::numeric_limits<double>::quiet_NaN());
  }
}

std::string Tick::save() const {
  std::vector<double> state(static_cast<std::size_t>(kernel_->scalar.size(state_.get())));
  kernel_->scalar.save(state_.get(), 0, state.data());
  return pack(resolved_, state);
}

Status Tick::load(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(auto state,
                        unpack(resolved_, bytes, static_cast<std::size_t>(kernel_->scalar.size(state_.get()))));
  kernel_->scalar.load(state_.get(), 0, state.data());
  return Status::OK();
}

}  // namespace tapemill::indicators
