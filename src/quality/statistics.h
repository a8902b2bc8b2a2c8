#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace tapemill::quality {

/// The last `length` values of a series, in their order and sorted. What it says depends on the series alone, not on how it
/// was cut into batches. Quantiles as NumPy's default (Hyndman and Fan's type 7).
class RollingWindow {
 public:
  explicit RollingWindow(std::size_t length) : length_(length) {}
  void add(double value);  // REQUIRES a finite value
  std::size_t size() const { return sorted_.size(); }
  double quantile(double share) const;  // REQUIRES size() > 0
  double mean() const;
  double deviation() const;                // of the sample (ddof 1); 0 where there is one value
  double absolute_deviation() const;  // median of |x - median|

 private:
  std::size_t length_, oldest_ = 0;
  std::vector<double> in_order_, sorted_;  // in_order_: a ring
};

/// Isolation forest (Liu, Ting and Zhou, 2008): trees of random cuts over samples without replacement, up to
/// ceil(log2(sample)) cuts deep; score = 2^(-mean path length / c(sample)). Near 1: isolated by few cuts; 0.5 and less: as
/// the rest. The same points and seed give the same scores on every machine: own generator (splitmix64), no library's.
class IsolationForest {
 public:
  /// `points`: rows of `features` finite values each, one behind the other. REQUIRES at least two rows.
  IsolationForest(const std::vector<double>& points, std::size_t features, std::size_t trees, std::uint64_t seed,
                  std::size_t sample = 256);
  double score(const double* point) const;

 private:
  struct Cut {
    std::int32_t feature = -1;  // -1: a leaf
    std::int32_t above = 0;     // its children: the next cut below, this one at or above
    double at = 0;              // the cut; of a leaf: what is left of the path, c(points in it)
  };
  std::vector<Cut> cuts_;
  std::vector<std::size_t> roots_;
  double average_ = 1;
};

/// c(n): mean path length of an unsuccessful search in a binary tree of n points.
double mean_path(std::size_t n);

}  // namespace tapemill::quality
