#pragma once
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "analytics/series.h"

namespace tapemill::analytics {

inline const std::vector<std::string> kBarColumns = {"open", "high", "low", "close", "volume"};

/// Seeded bars of some symbols, with nulls and flat stretches.
struct Bars {
  std::vector<std::vector<double>> columns = std::vector<std::vector<double>>(5);
  std::vector<std::int64_t> sessions, starts{0};
  std::size_t rows() const { return sessions.size(); }

  static Bars random(std::uint64_t seed, const std::vector<int>& lengths, double nulls) {
    std::mt19937_64 engine(seed);
    std::uniform_real_distribution<double> unit(0, 1);
    Bars bars;
    for (int length : lengths) {
      double price = 10 + 90 * unit(engine);
      for (int i = 0; i < length; ++i) {
        bool flat = i / 40 % 4 == 3;
        double open = price;
        if (!flat) price *= 1 + 0.04 * (unit(engine) - 0.5);
        price = std::round(price * 100) / 100;
        double high = std::max(open, price) + (flat ? 0 : std::round(100 * unit(engine)) / 100);
        double low = std::min(open, price) - (flat ? 0 : std::round(100 * unit(engine)) / 100);
        double values[] = {open, high, low, price, flat ? 0 : std::floor(1e6 * unit(engine))};
        for (int c = 0; c < 5; ++c) bars.columns[c].push_back(unit(engine) < nulls ? std::nan("") : values[c]);
        bars.sessions.push_back(18'000 + i / 7);
      }
      bars.starts.push_back(static_cast<std::int64_t>(bars.sessions.size()));
    }
    return bars;
  }

  std::vector<std::span<const double>> inputs(const Series& series) const {
    std::vector<std::span<const double>> spans;
    for (const std::string& name : series.inputs())
      for (std::size_t c = 0; c < 5; ++c)
        if (kBarColumns[c] == name) spans.emplace_back(columns[c]);
    return spans;
  }
};

using Columns = std::vector<std::vector<double>>;

inline Columns run_batch(const Series& series, const Bars& bars, int threads = 1) {
  Columns out(series.outputs(), std::vector<double>(bars.rows()));
  std::vector<std::span<double>> spans(out.begin(), out.end());
  Status status = series.run(bars.inputs(series), bars.sessions, bars.starts, spans, Workers(threads));
  if (!status.ok()) out.clear();
  return out;
}

/// Tick by tick; after every `restart` bars the state is saved and a new object goes on from it (0: never).
inline Columns run_ticks(const Series& series, const Bars& bars, int restart = 0) {
  Columns out(series.outputs(), std::vector<double>(bars.rows()));
  auto inputs = bars.inputs(series);
  std::vector<double> in(inputs.size()), values(out.size());
  for (std::size_t s = 0; s + 1 < bars.starts.size(); ++s) {
    auto tick = series.tick();
    for (std::int64_t row = bars.starts[s]; row < bars.starts[s + 1]; ++row) {
      auto r = static_cast<std::size_t>(row);
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = inputs[i][r];
      tick->update(in.data(), bars.sessions[r], values.data());
      for (std::size_t j = 0; j < out.size(); ++j) out[j][r] = values[j];
      if (restart > 0 && row % restart == 0) {
        auto next = series.tick();
        if (!next->load(tick->save()).ok()) return {};
        tick = std::move(next);
      }
    }
  }
  return out;
}

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace tapemill::analytics
