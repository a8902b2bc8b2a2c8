// One definition: batch on any instruction set = tick by tick = resumed from a checkpoint, bit for bit, whatever the workers
// and the order of symbols; holes, nulls, infinities, flat runs and sessions included (design.md 4.4).
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <numeric>

#include "generated.h"
#include "indicators/tick.h"

namespace tapemill::indicators {
namespace {

using namespace testing;

/// Where two columns differ in their bits, in words; empty where nowhere.
std::string difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return "lengths";
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]))
      return fmt::format("row {}: {} and {}", i, a[i], b[i]);
  return {};
}

std::vector<Isa> instruction_sets() {
  std::vector<Isa> all;
  for (Isa isa : {Isa::base, Isa::avx2, Isa::avx512})
    if (supported(isa)) all.push_back(isa);
  return all;
}

BatchOptions options(Isa isa, const std::vector<std::string>* start, std::vector<std::string>* states) {
  BatchOptions all;
  all.isa = isa, all.start = start, all.states = states;
  return all;
}

std::vector<Symbol> symbols(Weather weather) {
  std::vector<Symbol> all;
  const std::size_t lengths[] = {0, 1, 2, 7, 63, 64, 65, 300, 300, 300, 411, 500, 8, 128, 640, 300, 300, 19, 700};
  for (std::size_t rows : lengths)
    all.push_back(generate(all.size() + 100 * static_cast<std::size_t>(weather), rows, weather));
  return all;
}

void read_row(const Symbol& s, const Resolved& resolved, std::size_t row, double* in) {
  const std::vector<double>* columns[] = {&s.open, &s.high, &s.low, &s.close, &s.volume, &s.session};
  const char* names[] = {"open", "high", "low", "close", "volume", "session"};
  for (std::size_t i = 0; i < resolved.inputs().size(); ++i)
    for (int c = 0; c < 6; ++c)
      if (resolved.inputs()[i] == names[c]) in[i] = (*columns[c])[row];
}

class SameBits : public ::testing::TestWithParam<Weather> {
 protected:
  SameBits()
      : input(symbols(GetParam())),
        panel(panel_of(input)),
        all(whole_catalogue()),
        outputs(output_count(all)),
        base(panel, outputs) {
    EXPECT_TRUE(run(all, panel, base.places, options(Isa::base, nullptr, &states)).ok());
  }
  /// Fails where `values` of symbol s are not the base run's.
  void expect_same(const Written& written, const std::string& what) {
    std::size_t failures = 0;
    for (std::size_t s = 0; s < input.size(); ++s) {
      std::size_t output = 0;
      for (const Resolved& resolved : all) {
        for (const char* name : resolved.outputs()) {
          std::string where = difference(base.values[s * outputs + output], written.values[s * outputs + output]);
          if (!where.empty() && ++failures < 10)
            ADD_FAILURE() << what << ": " << resolved.text() << " " << name << ", symbol " << s << ", " << where;
          ++output;
        }
      }
    }
    EXPECT_EQ(failures, 0u) << what;
  }

  std::vector<Symbol> input;
  Panel panel;
  std::vector<Resolved> all;
  std::size_t outputs;
  std::vector<std::string> states;
  Written base;
};

TEST_P(SameBits, InstructionSets) {
  for (Isa isa : instruction_sets()) {
    for (bool aligned : {false, true}) {  // written through the cache, and past it
      Written written(panel, outputs, aligned);
      std::vector<std::string> ends;
      ASSERT_TRUE(run(all, panel, written.places, options(isa, nullptr, &ends)).ok());
      expect_same(written, name(isa));
      EXPECT_EQ(ends, states) << name(isa);
    }
  }
}

TEST_P(SameBits, TickByTick) {
  for (Isa isa : instruction_sets()) {
    Written written(panel, outputs);
    for (std::size_t s = 0; s < input.size(); ++s) {
      std::size_t output = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        Tick tick(all[i], isa);
        double in[6], out[6];
        for (std::size_t row = 0; row < panel.rows[s]; ++row) {
          read_row(input[s], all[i], row, in);
          tick.update(in, out);
          for (std::size_t o = 0; o < all[i].outputs().size(); ++o)
            written.values[s * outputs + output + o][row] = out[o];
        }
        EXPECT_EQ(tick.save(), states[s * all.size() + i]) << all[i].text();
        output += all[i].outputs().size();
      }
    }
    expect_same(written, fmt::format("tick by tick, {}", name(isa)));
  }
}

// A batch to a random bar, then a tick from its checkpoint to another, then a batch from the tick's to the end.
TEST_P(SameBits, ResumedFromCheckpoints) {
  Random random(4711);
  for (Isa isa : instruction_sets()) {
    Written written(panel, outputs);
    Panel head = panel, tail = panel;
    std::vector<std::size_t> first, second;
    std::vector<double*> tail_places = written.places;
    for (std::size_t s = 0; s < input.size(); ++s) {
      first.push_back(random.below(panel.rows[s] + 1));
      second.push_back(first[s] + random.below(panel.rows[s] - first[s] + 1));
      head.rows[s] = first[s];
      tail.rows[s] = panel.rows[s] - second[s];
      for (std::size_t c = 0; c < panel.columns.size(); ++c) tail.values[s * panel.columns.size() + c] += second[s];
      for (std::size_t o = 0; o < outputs; ++o) tail_places[s * outputs + o] += second[s];
    }
    std::vector<std::string> middle, ends;
    ASSERT_TRUE(run(all, head, written.places, options(isa, nullptr, &middle)).ok());
    for (std::size_t s = 0; s < input.size(); ++s) {
      std::size_t output = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        Tick tick(all[i]);
        double in[6], out[6];
        ASSERT_TRUE(tick.load(middle[s * all.size() + i]).ok());
        for (std::size_t row = first[s]; row < second[s]; ++row) {
          read_row(input[s], all[i], row, in);
          tick.update(in, out);
          for (std::size_t o = 0; o < all[i].outputs().size(); ++o)
            written.values[s * outputs + output + o][row] = out[o];
        }
        middle[s * all.size() + i] = tick.save();
        output += all[i].outputs().size();
      }
    }
    ASSERT_TRUE(run(all, tail, tail_places, options(isa, &middle, &ends)).ok());
    expect_same(written, fmt::format("resumed, {}", name(isa)));
    EXPECT_EQ(ends, states) << name(isa);
  }
}

TEST_P(SameBits, WorkersAndOrderOfSymbols) {
  Random random(99);
  for (int threads : {1, 2, 5}) {
    std::vector<std::size_t> order(input.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    Written written(panel, outputs);
    Panel mixed{panel.columns, {}, {}};
    std::vector<double*> places;
    for (std::size_t s : order) {
      mixed.rows.push_back(panel.rows[s]);
      for (std::size_t c = 0; c < panel.columns.size(); ++c)
        mixed.values.push_back(panel.values[s * panel.columns.size() + c]);
      for (std::size_t o = 0; o < outputs; ++o) places.push_back(written.places[s * outputs + o]);
    }
    Workers workers(threads);
    BatchOptions shared;
    shared.workers = &workers;
    ASSERT_TRUE(run(all, mixed, places, shared).ok());
    expect_same(written, fmt::format("{} workers", threads));
  }
}

// Fused with others, or alone.
TEST_P(SameBits, AloneOrTogether) {
  Written written(panel, outputs);
  std::size_t output = 0;
  for (const Resolved& resolved : all) {
    std::vector<double*> places;
    for (std::size_t s = 0; s < input.size(); ++s)
      for (std::size_t o = 0; o < resolved.outputs().size(); ++o)
        places.push_back(written.places[s * outputs + output + o]);
    ASSERT_TRUE(run({resolved}, panel, places).ok());
    output += resolved.outputs().size();
  }
  expect_same(written, "alone");
}

// Null is one bit pattern, and nothing else that is not a number comes out.
TEST_P(SameBits, OutputsAreFiniteOrTheOneNull) {
  const std::uint64_t null = std::bit_cast<std::uint64_t>(kNaN);
  for (std::size_t s = 0; s < input.size(); ++s) {
    std::size_t output = 0;
    for (const Resolved& resolved : all)
      for (const char* name : resolved.outputs()) {
        std::span<double> column = base.values[s * outputs + output++];
        for (std::size_t row = 0; row < column.size(); ++row)
          ASSERT_TRUE(std::isfinite(column[row]) || std::bit_cast<std::uint64_t>(column[row]) == null)
              << resolved.text() << " " << name << ", symbol " << s << ", row " << row << ": " << column[row]
              << " is neither finite nor null<L>()";
      }
  }
}

// What is null to an indicator's inputs is null in its outputs, and leaves no trace: the same as rows that are not there.
TEST_P(SameBits, NullsAreNoBars) {
  std::size_t output = 0;
  for (const Resolved& resolved : all) {
    for (std::size_t s = 0; s < input.size(); ++s) {
      Tick tick(resolved);
      double in[6], out[6];
      for (std::size_t row = 0; row < panel.rows[s]; ++row) {
        read_row(input[s], resolved, row, in);
        bool bar = std::all_of(in, in + resolved.inputs().size(),
                               [](double x) { return std::isfinite(x) && std::abs(x) <= 1e18; });
        if (bar) tick.update(in, out);
        for (std::size_t o = 0; o < resolved.outputs().size(); ++o) {
          double got = base.values[s * outputs + output + o][row];
          if (!bar) ASSERT_TRUE(std::isnan(got)) << resolved.text();
          else ASSERT_EQ(std::bit_cast<std::uint64_t>(got), std::bit_cast<std::uint64_t>(out[o])) << resolved.text();
        }
      }
    }
    output += resolved.outputs().size();
  }
}

INSTANTIATE_TEST_SUITE_P(Weathers, SameBits, ::testing::Values(Weather::plain, Weather::holes, Weather::wild),
                         [](const auto& info) {
                           return info.param == Weather::plain   ? "plain"
                                  : info.param == Weather::holes ? "holes"
                                                                 : "wild";
                         });

// Long series: 300,000 bars later a window still answers as if it had just begun (no drift, nothing to rebase).
TEST(SameBitsLong, NoDrift) {
  std::vector<Symbol> one = {generate(5, 300'000, Weather::plain)};
  const Symbol& s = one.front();
  Resolved sma = resolve("sma", {{"period", 50.0}}).ValueOrDie(), bb = resolve("bb").ValueOrDie();
  Panel panel = panel_of(one);
  std::size_t outputs = output_count({sma, bb});
  Written written(panel, outputs);
  ASSERT_TRUE(run({sma, bb}, panel, written.places).ok());
  for (std::size_t row = s.close.size() - 1000; row < s.close.size(); ++row) {
    long double mean = 0, middle = 0, squares = 0;
    for (std::size_t i = row - 49; i <= row; ++i) mean += s.close[i];
    for (std::size_t i = row - 19; i <= row; ++i) middle += s.close[i];
    middle /= 20;
    for (std::size_t i = row - 19; i <= row; ++i) squares += (s.close[i] - middle) * (s.close[i] - middle);
    double upper = static_cast<double>(middle + 2 * std::sqrt(squares / 20));
    EXPECT_NEAR(written.values[0][row], static_cast<double>(mean / 50), 1e-13 * s.close[row]);
    EXPECT_NEAR(written.values[1][row], upper, 1e-12 * s.close[row]);
  }
}

}  // namespace
}  // namespace tapemill::indicators
