#pragma once
// Generated panels for the property tests: seeded, the same on every machine.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "indicators/batch.h"

namespace tapemill::indicators::testing {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint64_t next() {  // splitmix64
    std::uint64_t x = state_ += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// What a symbol's series is made of besides an ordinary walk.
enum class Weather { plain, holes, wild };

struct Symbol {
  std::vector<double> open, high, low, close, volume, session;
};

/// plain: a walk in cents with flat runs. holes: some values of some columns null, sometimes a column for long. wild: also
/// infinities, huge, tiny and negative values, bars whose high is below their low, zero volumes.
inline Symbol generate(std::uint64_t seed, std::size_t rows, Weather weather) {
  Random random(seed);
  Symbol s;
  double price = 10.0 + 490.0 * random.unit();
  std::size_t flat = 0, hole = 0, session = random.below(5), hole_column = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if (flat == 0 && random.below(60) == 0) flat = 1 + random.below(60);
    if (flat > 0) --flat;
    else price = std::max(0.05, std::round(price * (1.0 + 0.04 * (random.unit() - 0.5)) * 100.0) / 100.0);
    if (random.below(30) == 0) ++session;
    double spread = flat ? 0.0 : std::round(random.unit() * 200.0) / 100.0;
    double row[6] = {price,
                     price + spread,
                     price - spread / 2,
                     price,
                     static_cast<double>(random.below(100'000)),
                     static_cast<double>(session)};
    if (weather != Weather::plain) {
      if (hole == 0 && random.below(150) == 0) hole = 1 + random.below(90), hole_column = random.below(6);
      if (hole > 0) --hole, row[hole_column] = kNaN;
      if (random.below(25) == 0) row[random.below(6)] = kNaN;
      if (random.below(80) == 0) std::fill(row, row + 6, kNaN);
    }
    if (weather == Weather::wild && random.below(20) == 0) {
      static constexpr double kOdd[] = {std::numeric_limits<double>::infinity(),
                                        -std::numeric_limits<double>::infinity(),
                                        1e300,
                                        1e18,
                                        -1e18,
                                        9.99e17,
                                        1e-300,
                                        5e-324,
                                        0.0,
                                        -0.0,
                                        -12.5,
                                        1e6,
                                        1.0000001e18};
      row[random.below(6)] = kOdd[random.below(std::size(kOdd))];
    }
    if (weather == Weather::wild && random.below(10) == 0) row[4] = 0.0;
    std::vector<double>* columns[] = {&s.open, &s.high, &s.low, &s.close, &s.volume, &s.session};
    for (int c = 0; c < 6; ++c) columns[c]->push_back(row[c]);
  }
  return s;
}

inline Panel panel_of(const std::vector<Symbol>& symbols) {
  Panel panel;
  panel.columns = {"open", "high", "low", "close", "volume", "session"};
  for (const Symbol& s : symbols) {
    panel.rows.push_back(s.close.size());
    for (const auto* column : {&s.open, &s.high, &s.low, &s.close, &s.volume, &s.session})
      panel.values.push_back(column->data());
  }
  return panel;
}

/// Where a run writes: values[symbol * outputs + output]; every column on 64 bytes, or none.
struct Written {
  std::vector<std::vector<double>> memory;
  std::vector<std::span<double>> values;
  std::vector<double*> places;
  Written(const Panel& panel, std::size_t outputs, bool aligned = false) {
    memory.reserve(panel.rows.size() * outputs);
    for (std::size_t rows : panel.rows) {
      for (std::size_t o = 0; o < outputs; ++o) {
        std::vector<double>& column = memory.emplace_back(rows + 16, -777.0);  // whatever is not written shows
        std::size_t to_aligned = (64 - reinterpret_cast<std::uintptr_t>(column.data()) % 64) % 64 / 8;
        values.emplace_back(column.data() + (aligned ? to_aligned : (to_aligned + 1) % 8), rows);
        places.push_back(values.back().data());
      }
    }
  }
};

/// Every indicator with its defaults, and with each choice and some other numbers of each parameter.
inline std::vector<Resolved> whole_catalogue() {
  std::vector<Resolved> all;
  for (const Spec* spec : catalogue()) {
    all.push_back(resolve(spec->name).ValueOrDie());
    for (const Parameter& parameter : parameters(*spec)) {
      for (const std::string& choice : choices(parameter))
        all.push_back(resolve(spec->name, {{parameter.name, choice}}).ValueOrDie());
      if (parameter.choices) continue;
      for (double value : {parameter.least, 3.0, 70.0}) {
        if (value < parameter.least || value > parameter.most) continue;
        all.push_back(resolve(spec->name, {{parameter.name, value}}).ValueOrDie());
      }
    }
  }
  return all;
}

}  // namespace tapemill::indicators::testing
