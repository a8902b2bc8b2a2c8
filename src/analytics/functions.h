#pragma once
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace tapemill::analytics {

/// Visits the doubles that make up a state, in one order: appends them, or takes them back.
class StateArchive {
 public:
  explicit StateArchive(std::vector<double>& save) : save_(&save) {}
  explicit StateArchive(const double* load) : load_(load) {}
  void operator()(double& x) {
    if (save_ != nullptr) save_->push_back(x);
    else x = *load_++;
  }
  template <class... Doubles>
  void all(Doubles&... doubles) {
    ((*this)(doubles), ...);
  }

 private:
  std::vector<double>* save_ = nullptr;
  const double* load_ = nullptr;
};

/// A function of a series whose value in a bar depends on earlier bars: one symbol's state. A null (NaN) bar yields null
/// and leaves the state, except for ref, which counts bars.
class SeriesFunction {
 public:
  virtual ~SeriesFunction() = default;
  /// n bars; in[i] is argument i. `out` is none of the inputs.
  virtual void run(const double* const* in, double* out, std::size_t n) = 0;
  virtual void state(StateArchive& archive) = 0;  // always the same number of doubles
};

/// ref(x, n): x n bars before. sum, std, min, max(x, n): of the last n values that are not null, null before n of them;
/// std is the population's, ddof=1 the sample's. crosses_above(a, b): 1 in a bar where a > b and in the last bar that had
/// both a <= b, else 0; null in the first bar that has both. crosses_below likewise.
struct SeriesFunctionSpec {
  const char* name;
  int series;          // arguments that are series
  int least = 0;       // period; 0: it has none
  bool ddof = false;
  const char* help;
  int (*warm_up)(int period);  // bars that are null at first
  std::unique_ptr<SeriesFunction> (*make)(int period, int ddof);
};
inline constexpr int kLongestPeriod = 10'000;

const std::vector<SeriesFunctionSpec>& series_functions();
const SeriesFunctionSpec* find_series_function(std::string_view name);

}  // namespace tapemill::analytics
