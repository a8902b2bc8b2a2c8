#include "analytics/functions.h"

#include <cmath>

#include "core/arithmetic.h"

namespace tapemill::analytics {
namespace {

using arithmetic::finite;
using arithmetic::is_null;
using arithmetic::kNull;

/// The last n values, oldest first when saved.
class Ring {
 public:
  Ring(int size, double fill) : values_(static_cast<std::size_t>(size), fill) {}
  double swap(double x) {
    double old = values_[at_];
    values_[at_] = x;
    at_ = at_ + 1 == values_.size() ? 0 : at_ + 1;
    return old;
  }
  void state(StateArchive& archive) {
    for (std::size_t i = 0; i < values_.size(); ++i) archive(values_[(at_ + i) % values_.size()]);
  }

 private:
  std::vector<double> values_;
  std::size_t at_ = 0;
};

/// Running sum by Knuth's two-sum: adding and removing for years does not drift, and nothing is summed anew.
class Sum {
 public:
  void add(double x) {
    double total = sum_ + x, part = total - sum_;
    carry_ += (sum_ - (total - part)) + (x - part);
    sum_ = total;
  }
  void carry(double x) { carry_ += x; }
  double value() const { return sum_ + carry_; }
  double rest() const {  // what value() rounds away
    double total = sum_ + carry_, part = total - sum_;
    return (sum_ - (total - part)) + (carry_ - part);
  }
  void state(StateArchive& archive) { archive.all(sum_, carry_); }

 private:
  double sum_ = 0, carry_ = 0;
};

/// x * x as its rounded value and what the rounding lost (Dekker; no fused multiply-add, design.md 4.4).
struct Square {
  explicit Square(double x) : value(x * x) {
    double scaled = 134217729.0 * x, high = scaled - (scaled - x), low = x - high;  // 2^27 + 1
    rest = low * low - ((value - high * high) - (high + high) * low);
  }
  double value, rest;
};

/// One argument; a null bar is no update.
template <class Own>
class OneSeries : public SeriesFunction {
 public:
  void run(const double* const* in, double* out, std::size_t n) override {
    for (std::size_t i = 0; i < n; ++i) {
      double x = finite(in[0][i]);
      out[i] = is_null(x) ? kNull : static_cast<Own*>(this)->update(x);
    }
  }
};

class Reference final : public SeriesFunction {
 public:
  Reference(int period, int) : ring_(period, kNull) {}
  void run(const double* const* in, double* out, std::size_t n) override {
    for (std::size_t i = 0; i < n; ++i) out[i] = ring_.swap(finite(in[0][i]));
  }
  void state(StateArchive& archive) override { ring_.state(archive); }

 private:
  Ring ring_;
};

class RollingSum final : public OneSeries<RollingSum> {
 public:
  RollingSum(int period, int) : period_(period), ring_(period, 0) {}
  double update(double x) {
    double old = ring_.swap(x);
    sum_.add(x);
    sum_.add(-old);
    seen_ += 1;
    return seen_ >= period_ ? finite(sum_.value()) : kNull;
  }
  void state(StateArchive& archive) override { ring_.state(archive), sum_.state(archive), archive(seen_); }

 private:
  double period_, seen_ = 0;
  Ring ring_;
  Sum sum_;
};

/// Sums of values and of squares are kept to about 106 bits, so that a spike leaves no trace once it left the window.
class RollingDeviation final : public OneSeries<RollingDeviation> {
 public:
  RollingDeviation(int period, int ddof) : period_(period), divisor_(period_ * (period_ - ddof)), ring_(period, 0) {}
  double update(double x) {
    double old = ring_.swap(x);
    sum_.add(x);
    sum_.add(-old);
    Square in(x), out(old);
    squares_.add(in.value);
    squares_.add(-out.value);
    squares_.carry(in.rest - out.rest);
    same_ = x == last_ ? same_ + 1 : 1;
    last_ = x;
    seen_ += 1;
    if (seen_ < period_) return kNull;
    if (same_ >= period_) return 0;  // exactly, whatever the sums round to
    // period * sum of squares - square of the sum, both as exact products
    Square whole(sum_.value());
    double squares = squares_.value(), scaled_half = 134217729.0 * squares,
           high = scaled_half - (scaled_half - squares);
    double scaled = period_ * squares;
    double rest = (period_ * high - scaled) + period_ * (squares - high) + period_ * squares_.rest();
    double spread = (scaled - whole.value) + (rest - (whole.rest + 2.0 * sum_.value() * sum_.rest()));
    return finite(std::sqrt((spread > 0 ? spread : 0) / divisor_));
  }
  void state(StateArchive& archive) override {
    ring_.state(archive), sum_.state(archive), squares_.state(archive), archive.all(same_, last_, seen_);
  }

 private:
  double period_, divisor_, same_ = 0, last_ = kNull, seen_ = 0;
  Ring ring_;
  Sum sum_, squares_;
};

/// Smallest of the last n values, by a queue of those that can still become it; `Sign` -1 makes it the largest.
template <int Sign>
class RollingLeast final : public OneSeries<RollingLeast<Sign>> {
 public:
  RollingLeast(int period, int) : period_(period), queue_(static_cast<std::size_t>(period)) {}
  double update(double x) {
    x *= Sign;
    while (size_ > 0 && back().value >= x) --size_;
    if (size_ > 0 && queue_[first_].bar <= seen_ - period_) drop();
    queue_[(first_ + size_++) % queue_.size()] = {x, seen_};
    seen_ += 1;
    return seen_ >= period_ ? queue_[first_].value * Sign : kNull;
  }
  void state(StateArchive& archive) override {
    double size = static_cast<double>(size_);
    archive.all(seen_, size);
    size_ = static_cast<std::size_t>(size);
    for (std::size_t i = 0; i < queue_.size(); ++i) {  // what lies beyond size_ is saved as nothing
      Entry& entry = queue_[(first_ + i) % queue_.size()];
      if (i >= size_) entry = {};
      archive.all(entry.value, entry.bar);
    }
  }

 private:
  struct Entry {
    double value = 0, bar = 0;
  };
  Entry& back() { return queue_[(first_ + size_ - 1) % queue_.size()]; }
  void drop() { first_ = (first_ + 1) % queue_.size(), --size_; }
  double period_, seen_ = 0;
  std::vector<Entry> queue_;  // values rise from first_ on
  std::size_t first_ = 0, size_ = 0;
};

template <int Sign>
class Cross final : public SeriesFunction {
 public:
  Cross(int, int) {}
  void run(const double* const* in, double* out, std::size_t n) override {
    for (std::size_t i = 0; i < n; ++i) {
      double a = finite(in[0][i]) * Sign, b = finite(in[1][i]) * Sign;
      out[i] = kNull;
      if (is_null(a) || is_null(b)) continue;
      double side = a > b ? 1 : 0;
      if (!is_null(before_)) out[i] = side > before_ ? 1 : 0;
      before_ = side;
    }
  }
  void state(StateArchive& archive) override { archive(before_); }

 private:
  double before_ = kNull;  // 1 where a was above b, 0 where not
};

template <class F>
std::unique_ptr<SeriesFunction> make(int period, int ddof) {
  return std::make_unique<F>(period, ddof);
}
int window(int period) { return period - 1; }

}  // namespace

const std::vector<SeriesFunctionSpec>& series_functions() {
  static const std::vector<SeriesFunctionSpec> list = {
      {"ref", 1, 1, false, "ref(x, n): x n bars before", [](int n) { return n; }, make<Reference>},
      {"sum", 1, 1, false, "sum(x, n): of the last n values", window, make<RollingSum>},
      {"std", 1, 2, true, "std(x, n, ddof=0): standard deviation of the last n values", window, make<RollingDeviation>},
      {"min", 1, 1, false, "min(x, n): smallest of the last n values", window, make<RollingLeast<1>>},
      {"max", 1, 1, false, "max(x, n): largest of the last n values", window, make<RollingLeast<-1>>},
      {"crosses_above", 2, 0, false, "crosses_above(a, b): 1 in the bar in which a rises above b",
       [](int) { return 1; }, make<Cross<1>>},
      {"crosses_below", 2, 0, false, "crosses_below(a, b): 1 in the bar in which a falls below b",
       [](int) { return 1; }, make<Cross<-1>>},
  };
  return list;
}

const SeriesFunctionSpec* find_series_function(std::string_view name) {
  for (const auto& one : series_functions())
    if (name == one.name) return &one;
  return nullptr;
}

}  // namespace tapemill::analytics
