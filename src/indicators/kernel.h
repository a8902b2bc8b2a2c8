#pragma once
#include <cstddef>

#include "indicators/spec.h"

namespace tapemill::indicators {

inline constexpr int kTile =
    64;       // bars that are computed per call; a tile of six columns stays in the first-level cache
inline constexpr int kAlignment = 64;  // of states and tiles

/// One indicator in one lane form (double, or a vector of symbols). A state is a block of `bytes` bytes aligned to kAlignment.
struct LaneForm {
  std::size_t (*bytes)(const double* parameters);
  void (*create)(void* state, const double* parameters);
  int (*size)(void* state);  // doubles of a saved state
  void (*save)(void* state, int lane, double* to);
  void (*load)(void* state, int lane, const double* from);
};

/// One indicator as one instruction set runs it: plain functions, called once per tile, never per bar.
struct Kernel {
  const Spec* spec;
  int inputs, outputs;
  int (*warm_up)(const double* parameters);  // bars that are null before the first value
  LaneForm scalar, vector;
  void (*tick)(void* state, const double* in, double* out);
  /// columns[i]: input i as load() made it. out[output * lanes + lane]: where that lane's bars go, written past the cache
  /// where `aligned`: then all of them must lie on 64 bytes.
  void (*tile)(void* state, const void* const* columns, int bars, double* const* out, bool aligned);
};

struct KernelTable {
  const Kernel* kernels;
  int count, lanes;
  /// Lays `bars` values of each lane side by side: column[bar][lane].
  void (*load)(const double* const* lanes, int bars, void* column);
  /// Copies past the cache, but for the ends of what lies across lines of 64 bytes.
  void (*drain)(const double* from, int count, double* to);
  /// Whether no value is null: see usable() in indicators/tables.h.
  bool (*clean)(const double* values, std::size_t count);
};

/// Tables of the instruction sets, all with the catalogue's order. Run only what the processor has.
const KernelTable& base_kernels();
const KernelTable& avx2_kernels();
const KernelTable& avx512_kernels();

/// A value that is not finite, or beyond any DECIMAL(18), counts as null.
inline constexpr double kMost = 1e18;

}  // namespace tapemill::indicators
