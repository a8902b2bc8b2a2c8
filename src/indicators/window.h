#pragma once
#include "indicators/state.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// Running sum by Knuth's two-sum: adding and removing for years does not drift, so nothing needs a periodic rebase
/// that a resumed state would time differently.
template <class L> class Sum {
 public:
  void add(L x) {
    L total = sum_ + x, part = total - sum_;
    carry_ += (sum_ - (total - part)) + (x - part);
    sum_ = total;
  }
  void carry(L x) { carry_ += x; }
  L value() const { return sum_ + carry_; }
  /// The part of the sum that value() rounds away.
  L rest() const {
    L total = sum_ + carry_, part = total - sum_;
    return (sum_ - (total - part)) + (carry_ - part);
  }
  template <class M> void clear_where(M mask) {
    sum_ = mask ? L{} : sum_;
    carry_ = mask ? L{} : carry_;
  }
  void state(Archive& archive) { archive.all(sum_, carry_); }

 private:
  L sum_{}, carry_{};
};

/// The last `size` values. All lanes stand at one slot: whoever feeds them leaves out null bars.
template <class L> class Ring {
 public:
  Ring(int size, Arena& arena, double fill = 0) : values_(arena.take<L>(size)), size_(size) {
    if (values_)
      for (int i = 0; i < size; ++i) values_[i] = splat<L>(fill);
  }
  L swap(L x) {  // the oldest goes, x comes
    L old = values_[at_];
    values_[at_] = x;
    at_ = at_ + 1 == size_ ? 0 : at_ + 1;
    return old;
  }
  int size() const { return size_; }
  L operator[](int slot) const { return values_[slot]; }  // in no order
  void state(Archive& archive) {                          // oldest first
    for (int i = 0; i < size_; ++i) archive(values_[at_ + i < size_ ? at_ + i : at_ + i - size_]);
  }

 private:
  L* values_;
  int size_, at_ = 0;
};

/// Mean of the last `period` values; of fewer, their sum over the period (callers hide it).
template <class L> class WindowMean {
 public:
  WindowMean(int period, Arena& arena) : ring_(period, arena), inverse_(1.0 / period) {}
  L update(L x) {
    L old = ring_.swap(x);
    sum_.add(x);
    sum_.add(-old);
    return sum_.value() * inverse_;
  }
  void state(Archive& archive) { archive.all(ring_, sum_); }

 private:
  Ring<L> ring_;
  Sum<L> sum_;
  double inverse_;
};

/// Largest of the last `size` values. Looked for anew only when the largest of some lane leaves its window.
template <class L> class WindowMax {
 public:
  static constexpr double kLeast = -1e300;
  WindowMax(int size, Arena& arena) : ring_(size, arena, kLeast), largest_(splat<L>(kLeast)) {}
  L update(L x) {
    L old = ring_.swap(x);
    largest_ = larger(largest_, x);
    if (any_at_least(old, largest_)) {
      largest_ = ring_[0];
      for (int i = 1; i < ring_.size(); ++i) largest_ = larger(largest_, ring_[i]);
    }
    return largest_;
  }
  void state(Archive& archive) { archive.all(ring_, largest_); }

 private:
  Ring<L> ring_;
  L largest_;
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
