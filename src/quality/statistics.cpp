#include "quality/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tapemill::quality {

void RollingWindow::add(double value) {
  if (in_order_.size() < length_) {
    in_order_.push_back(value);
  } else {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), in_order_[oldest_]));
    in_order_[oldest_] = value;
    oldest_ = (oldest_ + 1) % length_;
  }
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
}

double RollingWindow::quantile(double share) const {
  const double at = share * static_cast<double>(sorted_.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted_.size()) return sorted_.back();
  return sorted_[below] + (at - static_cast<double>(below)) * (sorted_[below + 1] - sorted_[below]);
}

double RollingWindow::mean() const {
  return std::accumulate(sorted_.begin(), sorted_.end(), 0.0) / static_cast<double>(sorted_.size());
}

double RollingWindow::deviation() const {
  if (sorted_.size() < 2) return 0;
  const double middle = mean();
  double sum = 0;
  for (double x : sorted_) sum += (x - middle) * (x - middle);
  return std::sqrt(sum / static_cast<double>(sorted_.size() - 1));
}

double RollingWindow::absolute_deviation() const {
  const double middle = quantile(0.5);
  std::vector<double> away;
  away.reserve(sorted_.size());
  for (double x : sorted_) away.push_back(std::fabs(x - middle));
  const std::size_t half = away.size() / 2;
  std::nth_element(away.begin(), away.begin() + static_cast<std::ptrdiff_t>(half), away.end());
  if (away.size() % 2 == 1) return away[half];
  return (away[half] + *std::max_element(away.begin(), away.begin() + static_cast<std::ptrdiff_t>(half))) / 2;
}

double mean_path(std::size_t n) {
  if (n < 2) return 0;
  if (n == 2) return 1;
  constexpr double kEuler = 0.57721566490153286;
  const auto x = static_cast<double>(n - 1);
  return 2 * (std::log(x) + kEuler) - 2 * x / static_cast<double>(n);
}

namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  double share() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)

 private:
  std::uint64_t state_;
};

}  // namespace

IsolationForest::IsolationForest(const std::vector<double>& points, std::size_t features, std::size_t trees,
                                 std::uint64_t seed, std::size_t sample) {
  const std::size_t rows = points.size() / features;
  sample = std::min(sample, rows);
  average_ = std::max(mean_path(sample), 1e-9);
  const auto deepest = static_cast<int>(std::ceil(std::log2(static_cast<double>(std::max<std::size_t>(sample, 2)))));
  Random random(seed);
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  struct Open {
    std::size_t from, to, parent;  // of `order`; parent: the cut whose `above` this is, else cuts_.size()
    int depth;
  };
  constexpr auto kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> wide;
  for (std::size_t tree = 0; tree < trees; ++tree) {
    for (std::size_t i = 0; i < sample; ++i) std::swap(order[i], order[i + random.below(rows - i)]);
    roots_.push_back(cuts_.size());
    std::vector<Open> open{{0, sample, kNone, 0}};
    while (!open.empty()) {
      const Open node = open.back();
      open.pop_back();
      const std::size_t at = cuts_.size();
      cuts_.emplace_back();
      if (node.parent != kNone) cuts_[node.parent].above = static_cast<std::int32_t>(at);
      const auto value = [&](std::size_t i, std::size_t feature) { return points[order[i] * features + feature]; };
      wide.clear();  // features in which these points differ: others cannot be cut
      for (std::size_t f = 0; f < features && node.depth < deepest; ++f)
        for (std::size_t i = node.from + 1; i < node.to; ++i)
          if (value(i, f) != value(node.from, f)) {
            wide.push_back(f);
            break;
          }
      if (wide.empty()) {
        cuts_[at].at = mean_path(node.to - node.from);
        continue;
      }
      const std::size_t feature = wide[random.below(wide.size())];
      double low = value(node.from, feature), high = low;
      for (std::size_t i = node.from + 1; i < node.to; ++i)
        low = std::min(low, value(i, feature)), high = std::max(high, value(i, feature));
      double cut = low + random.share() * (high - low);
      if (!(cut > low)) cut = high;  // the lowest point must stand below it
      std::size_t split = node.from;  // by hand: the order that is left decides the next tree's sample
      for (std::size_t i = node.from; i < node.to; ++i)
        if (value(i, feature) < cut) std::swap(order[i], order[split++]);
      cuts_[at].feature = static_cast<std::int32_t>(feature), cuts_[at].at = cut;
      open.push_back({split, node.to, at, node.depth + 1});
      open.push_back({node.from, split, kNone, node.depth + 1});  // the next cut
    }
  }
}

double IsolationForest::score(const double* point) const {
  double paths = 0;
  for (std::size_t root : roots_) {
    std::size_t at = root;
    while (cuts_[at].feature >= 0) {
      paths += 1;
      at = point[cuts_[at].feature] < cuts_[at].at ? at + 1 : static_cast<std::size_t>(cuts_[at].above);
    }
    paths += cuts_[at].at;
  }
  return std::exp2(-paths / (static_cast<double>(roots_.size()) * average_));
}

}  // namespace tapemill::quality
