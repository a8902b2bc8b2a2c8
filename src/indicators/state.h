#pragma once
#include <cstddef>

#include "indicators/lane.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Memory for windows, handed to constructors. Without memory it only counts what will be needed.
class Arena {
 public:
  explicit Arena(char* memory) : memory_(memory) {}
  template <class L> L* take(int count) {
    L* place = memory_ ? reinterpret_cast<L*>(memory_ + used_) : nullptr;
    used_ += sizeof(L) * static_cast<std::size_t>(count);
    return place;
  }
  std::size_t used() const { return used_; }

 private:
  char* memory_;
  std::size_t used_ = 0;
};

/// Visits the state of one lane: counts, saves or loads its doubles, in one order for every instruction set.
class Archive {
 public:
  enum class Mode { count, save, load };
  Archive(Mode mode, int lane, double* values) : mode_(mode), lane_(lane), values_(values) {}

  void operator()(double& x) { visit(x); }
  void operator()(Vector& x) {
    double value = x[lane_];
    visit(value);
    x[lane_] = value;
  }
  template <class Part> void operator()(Part& part) { part.state(*this); }
  template <class... Parts> void all(Parts&... parts) { ((*this)(parts), ...); }
  int count() const { return count_; }

 private:
  void visit(double& x) {
    if (mode_ == Mode::save) values_[count_] = x;
    if (mode_ == Mode::load) x = values_[count_];
    ++count_;
  }
  Mode mode_;
  int lane_;
  double* values_;
  int count_ = 0;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
