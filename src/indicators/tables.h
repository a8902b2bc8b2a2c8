#pragma once
// What tick and batch share: tables of instruction sets, memory of states, and a state as bytes.
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "indicators/indicator.h"
#include "indicators/kernel.h"

namespace tapemill::indicators {

const KernelTable& kernels(Isa isa);

/// Null: NaN, infinite, or beyond any DECIMAL(18).
inline bool usable(double x) { return x <= kMost && x >= -kMost; }

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Block = std::unique_ptr<void, Free>;
Block allocate(std::size_t bytes);  // zeroed, aligned to kAlignment

/// A state as bytes (docs/formats/indicator-state.md): "TMI1", length and text of what it is a state of, count, doubles;
/// all integers uint32, little-endian. The same from a tick, a lane, and any instruction set.
std::string pack(const Resolved& resolved, std::span<const double> state);
/// Data error where the bytes are damaged or of another indicator.
Result<std::vector<double>> unpack(const Resolved& resolved, std::string_view bytes, std::size_t size);

}  // namespace tapemill::indicators
