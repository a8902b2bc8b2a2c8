#pragma once
#include <cstdint>

#include "indicators/catalogue.h"
#include "indicators/kernel.h"
#include "indicators/transpose.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Where a state is built. A type of this namespace, so that no unit shares the operator with another.
struct Place {
  void* memory;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators

inline void* operator new(std::size_t, tapemill::indicators::Place place) noexcept { return place.memory; }

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

template <class Entry> consteval int named(const Entry* entries, int most) {
  int count = 0;
  while (count < most && entries[count].name) ++count;
  return count;
}
consteval int named(const char* const* names, int most) {
  int count = 0;
  while (count < most && names[count]) ++count;
  return count;
}

template <int... I> struct Indices {};
template <int N, int... I> struct Count : Count<N - 1, N - 1, I...> {};
template <int... I> struct Count<0, I...> {
  using type = Indices<I...>;
};

/// The state of indicator I over lanes L: the object, and behind it the memory of its windows.
template <template <class> class I, class L> struct State {
  static constexpr std::size_t kObject = (sizeof(I<L>) + kAlignment - 1) / kAlignment * kAlignment;

  static std::size_t bytes(const double* parameters) {
    Arena arena(nullptr);
    I<L> probe(parameters, arena);
    return kObject + (arena.used() + kAlignment - 1) / kAlignment * kAlignment;
  }
  static void create(void* memory, const double* parameters) {
    Arena arena(static_cast<char*>(memory) + kObject);
    new (Place{memory}) I<L>(parameters, arena);
  }
  static int size(void* memory) {
    Archive archive(Archive::Mode::count, 0, nullptr);
    static_cast<I<L>*>(memory)->state(archive);
    return archive.count();
  }
  static void save(void* memory, int lane, double* to) {
    Archive archive(Archive::Mode::save, lane, to);
    static_cast<I<L>*>(memory)->state(archive);
  }
  static void load(void* memory, int lane, const double* from) {
    Archive archive(Archive::Mode::load, lane, const_cast<double*>(from));
    static_cast<I<L>*>(memory)->state(archive);
  }
  static constexpr LaneForm form{bytes, create, size, save, load};
};

/// Bars that a lane's output gets at once: a cache line, whatever the lanes, or writing past the cache would write halves.
inline constexpr int kStep = 8;

inline void write_step(Vector* results, double* const* lanes, int bar, bool aligned) {
  for (int part = 0; part < kStep; part += kLanes) transpose(results + part);
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int part = 0; part < kStep; part += kLanes) {
      if (aligned) write_past_cache(lanes[lane] + bar + part, results[part + lane]);
      else write(lanes[lane] + bar + part, results[part + lane]);
    }
  }
}
inline void write_rest(const Vector* results, double* const* lanes, int bar, int left) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < left; ++i) lanes[lane][bar + i] = results[i][lane];
}

template <template <class> class I> struct Runner {
  static constexpr int kInputs = named(I<double>::spec.inputs, 6), kOutputs = named(I<double>::spec.outputs, 6);
  using All = typename Count<kInputs>::type;

  template <class L, int... i> static void step(I<L>& state, const L* in, L* out, Indices<i...>) {
    if constexpr (kOutputs == 1) {
      *out = state.update(in[i]...);
    } else {
      Values<L, kOutputs> values = state.update(in[i]...);
      for (int output = 0; output < kOutputs; ++output) out[output] = values.value[output];
    }
  }

  static void tick(void* state, const double* in, double* out) {
    step(*static_cast<I<double>*>(state), in, out, All{});
  }

  // kStep bars at a time are transposed and written at once: the stores drain while the next bars are computed.
  static void tile(void* memory, const void* const* columns, int bars, double* const* to, bool aligned) {
    I<Vector> state = *static_cast<I<Vector>*>(memory);  // a copy, so that it may live in registers
    Vector results[kOutputs][kStep];
    for (int bar = 0; bar < bars; bar += kStep) {
      const int left = bars - bar < kStep ? bars - bar : kStep;
      for (int i = 0; i < left; ++i) {
        Vector in[kInputs], out[kOutputs];
        for (int input = 0; input < kInputs; ++input) in[input] = static_cast<const Vector*>(columns[input])[bar + i];
        step(state, in, out, All{});
        for (int output = 0; output < kOutputs; ++output) results[output][i] = out[output];
      }
      for (int output = 0; output < kOutputs; ++output) {
        if (left == kStep) write_step(results[output], to + output * kLanes, bar, aligned);
        else write_rest(results[output], to + output * kLanes, bar, left);
      }
    }
    *static_cast<I<Vector>*>(memory) = state;
  }

  static constexpr Kernel kernel{&I<double>::spec,       kInputs, kOutputs, I<double>::warm_up, State<I, double>::form,
                                 State<I, Vector>::form, tick,    tile};
};

inline void load(const double* const* lanes, int bars, void* column) {
  Vector* to = static_cast<Vector*>(column);
  int bar = 0;
  for (; bar + kLanes <= bars; bar += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) to[bar + lane] = read(lanes[lane] + bar);
    transpose(to + bar);
  }
  for (; bar < bars; ++bar)
    for (int lane = 0; lane < kLanes; ++lane) to[bar][lane] = lanes[lane][bar];
}

inline void drain(const double* from, int count, double* to) {
  constexpr std::uintptr_t kLine = 64;
  int i = 0;
  for (; i < count && reinterpret_cast<std::uintptr_t>(to + i) % kLine != 0; ++i) to[i] = from[i];
  for (; i + kStep <= count; i += kStep)
    for (int part = 0; part < kStep; part += kLanes) write_past_cache(to + i + part, read(from + i + part));
  for (; i < count; ++i) to[i] = from[i];
}

inline bool clean(const double* values, std::size_t count) {
  const Vector most = splat<Vector>(kMost), least = -most;
  auto good = most == most;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Vector x = read(values + i);
    good &= (x <= most) & (x >= least);
  }
  for (int lane = 0; lane < kLanes; ++lane)
    if (!good[lane]) return false;
  for (; i < count; ++i)
    if (!(values[i] <= kMost && values[i] >= -kMost)) return false;
  return true;
}

template <class Indicators> struct Table;
template <template <class> class... I> struct Table<List<I...>> {
  static constexpr Kernel kernels[] = {Runner<I>::kernel...};
  static constexpr KernelTable table{kernels, sizeof...(I), kLanes, load, drain, clean};
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
