// Cases computed by hand: flat series, silent volume, sessions, spikes; and what a tick promises beside values.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "generated.h"
#include "indicators/tick.h"

namespace {
thread_local long allocations = 0;
}
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size ? size : 1);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace tapemill::indicators {
namespace {

using testing::kNaN;
using Rows = std::vector<std::vector<double>>;

/// One output for each row of inputs.
std::vector<double> feed(const Resolved& resolved, const Rows& rows, std::size_t output = 0) {
  Tick tick(resolved);
  std::vector<double> values;
  for (const auto& row : rows) {
    double out[6];
    tick.update(row.data(), out);
    values.push_back(out[output]);
  }
  return values;
}
Resolved of(const char* name, const std::vector<Argument>& arguments = {}) {
  return resolve(name, arguments).ValueOrDie();
}

void expect(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i])) EXPECT_TRUE(std::isnan(got[i])) << i << ": " << got[i];
    else EXPECT_NEAR(got[i], expected[i], 1e-12) << i;
  }
}

TEST(Sma, MeanOfTheWindow) {
  expect(feed(of("sma", {{"period", 3.0}}), {{1}, {2}, {6}, {1}, {-1}}), {kNaN, kNaN, 3, 3, 2});
}

TEST(Ema, EachSeed) {
  Rows rows = {{2}, {4}, {6}, {10}};  // period 3: weight 1/2
  expect(feed(of("ema", {{"period", 3.0}}), rows), {kNaN, kNaN, 4, 7});
  expect(feed(of("ema", {{"period", 3.0}, {"seed", "first"}}), rows), {kNaN, kNaN, 4.5, 7.25});
  expect(feed(of("ema", {{"period", 3.0}, {"seed", "adjusted"}}), rows), {kNaN, kNaN, 34.0 / 7, 114.0 / 15});
}

TEST(Rsi, FlatIsFifty) {
  for (const char* smoothing : {"wilder", "span", "simple"}) {
    std::vector<double> values = feed(of("rsi", {{"period", 3.0}, {"smoothing", smoothing}}), Rows(6, {42.5}));
    expect(values, {kNaN, kNaN, kNaN, 50, 50, 50});
  }
}

TEST(Rsi, OneDirection) {
  expect(feed(of("rsi", {{"period", 2.0}}), {{1}, {2}, {3}, {4}}), {kNaN, kNaN, 100, 100});
  expect(feed(of("rsi", {{"period", 2.0}}), {{4}, {3}, {2}, {1}}), {kNaN, kNaN, 0, 0});
  expect(feed(of("rsi", {{"period", 2.0}}), {{4}, {5}, {4}, {4}}), {kNaN, kNaN, 50, 50});
}

// A price that stands still for ten thousand bars ends at 50, not in denormal numbers.
TEST(Rsi, StandsStillForLong) {
  Rows rows = {{1}, {2}, {3}, {2}};
  rows.resize(20'000, {2});
  EXPECT_EQ(feed(of("rsi"), rows).back(), 50);
}

// Cutler's window forgets exactly: after a fall, flat bars are flat.
TEST(Rsi, SimpleForgets) {
  Rows rows = {{0.1}, {0.3}, {1e9}, {0.7}, {0.7}, {0.7}, {0.7}};
  EXPECT_EQ(feed(of("rsi", {{"period", 3.0}, {"smoothing", "simple"}}), rows).back(), 50);
}

TEST(Bollinger, ByHand) {
  Resolved bb = of("bb", {{"period", 2.0}, {"deviations", 2.0}});  // of 1 and 3: mean 2, deviation 1
  Rows rows = {{1}, {3}};
  expect(feed(bb, rows, 0), {kNaN, 4});
  expect(feed(bb, rows, 1), {kNaN, 2});
  expect(feed(bb, rows, 2), {kNaN, 0});
  expect(feed(bb, rows, 3), {kNaN, 0.75});
  expect(feed(bb, rows, 4), {kNaN, 2});
  expect(feed(of("bb", {{"period", 2.0}, {"ddof", 1.0}}), rows, 0), {kNaN, 2 + 2 * std::sqrt(2.0)});
}

// No 1e-10 in a denominator: flat bands have no percent_b, and no width.
TEST(Bollinger, Flat) {
  Rows rows(5, {0.1});
  Resolved bb = of("bb", {{"period", 4.0}});
  for (std::size_t output : {0, 1, 2}) EXPECT_EQ(feed(bb, rows, output).back(), 0.1);
  EXPECT_TRUE(std::isnan(feed(bb, rows, 3).back()));
  EXPECT_EQ(feed(bb, rows, 4).back(), 0);
  EXPECT_TRUE(std::isnan(feed(bb, Rows(5, {0.0}), 4).back()));  // and a width needs a middle
}

// A spike of nine digits leaves no trace in mean or deviation once it left the window.
TEST(Bollinger, SpikeLeavesNoTrace) {
  Rows spiked = {{1.01}, {1.02}, {987'654'321.09}, {1.03}}, calm;
  for (int i = 0; i < 30; ++i) calm.push_back({1.0 + 0.01 * (i % 7)});
  spiked.insert(spiked.end(), calm.begin(), calm.end());
  for (std::size_t output = 0; output < 5; ++output)
    EXPECT_NEAR(feed(of("bb"), spiked, output).back(), feed(of("bb"), calm, output).back(), 1e-12);
  EXPECT_NEAR(feed(of("sma"), spiked).back(), feed(of("sma"), calm).back(), 1e-15);
}

TEST(Atr, ByHand) {  // true ranges from the second bar: 3 (gap up), 2, 4 (gap down)
  Rows rows = {{10, 9, 9.5}, {12.5, 11, 12}, {13, 11, 12}, {9, 8, 8.5}};
  expect(feed(of("atr", {{"period", 2.0}}), rows), {kNaN, kNaN, 2.5, 3.25});
  expect(feed(of("atr", {{"period", 3.0}, {"smoothing", "span"}}), rows), {kNaN, kNaN, kNaN, 3.25});
}

TEST(Vwap, SessionsAndSilence) {  // high, low, close, volume, session
  Rows rows = {{3, 3, 3, 0, 1}, {6, 6, 6, 10, 1}, {9, 9, 9, 30, 1}, {1, 1, 1, 0, 2}, {2, 2, 2, 5, 2}, {4, 4, 4, 0, 2}};
  expect(feed(of("vwap"), rows), {kNaN, 6, 8.25, kNaN, 2, 2});
}

TEST(Obv, ByHand) { expect(feed(of("obv"), {{5, 100}, {6, 10}, {6, 7}, {4, 50}}), {100, 110, 110, 60}); }

TEST(Stochastic, FlatRangeIsZero) {  // as TA-Lib
  expect(feed(of("stoch", {{"fast_k", 2.0}, {"slow_k", 1.0}, {"slow_d", 1.0}}), {{2, 2, 2}, {2, 2, 2}, {4, 2, 3}}),
         {kNaN, 0, 50});
}

TEST(VolumeRatio, AddedShare) {
  Rows rows = {{1}, {3}, {0}, {0}};
  expect(feed(of("volume_ratio", {{"period", 2.0}}), rows), {kNaN, 1, 0, 0});
  expect(feed(of("volume_ratio", {{"period", 2.0}, {"add", 0.0}}), rows), {kNaN, 1.5, 0, kNaN});
}

TEST(Tick, NullLeavesTheState) {
  expect(feed(of("sma", {{"period", 2.0}}), {{kNaN}, {1}, {kNaN}, {3}, {INFINITY}, {1e19}, {5}}),
         {kNaN, kNaN, kNaN, 2, kNaN, kNaN, 4});
}

TEST(Tick, UpdateAllocatesNothing) {
  for (const Spec* spec : catalogue()) {
    Tick tick(of(spec->name));
    double in[6] = {101, 99, 100, 5000, 1}, out[6];
    long before = allocations;
    for (int i = 0; i < 200; ++i) {
      in[2] = 100 + i % 7;
      tick.update(in, out);
    }
    EXPECT_EQ(allocations, before) << spec->name;
  }
}

TEST(Tick, ResetBeginsAnew) {
  Tick tick(of("sma", {{"period", 2.0}}));
  double one = 1, out;
  tick.update(&one, &out);
  tick.update(&one, &out);
  EXPECT_EQ(out, 1);
  tick.reset();
  tick.update(&one, &out);
  EXPECT_TRUE(std::isnan(out));
}

TEST(Checkpoint, OfAnotherIndicatorIsRefused) {
  Tick a(of("sma", {{"period", 20.0}})), b(of("sma", {{"period", 50.0}}));
  Status status = b.load(a.save());
  EXPECT_EQ(exit_code(status), 1);
  EXPECT_NE(render(status, false).find("state of sma(period=20) given to sma(period=50)"), std::string::npos);
}

// Cut or changed anywhere in its frame: an error, never a crash or another state.
TEST(Checkpoint, DamageIsRefused) {
  Tick tick(of("rsi"));
  std::string bytes = tick.save();
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(tick.load(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(tick.load(bytes + "x").ok());
  std::size_t frame = bytes.find(')') + 5;
  for (std::size_t at = 0; at < frame; ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 0x80);
    EXPECT_FALSE(tick.load(bad).ok()) << at;
  }
  EXPECT_EQ(tick.save(), bytes);
}

TEST(Batch, UnknownColumn) {
  Panel panel{{"open", "close"}, {0}, {nullptr, nullptr}};
  std::vector<double*> out(1);
  Status status = run({resolve("sma", {}, {"clsoe"}).ValueOrDie()}, panel, out);
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_NE(render(status, false).find("did you mean close?"), std::string::npos);
}

TEST(Batch, NothingToDo) {
  EXPECT_TRUE(run({}, Panel{{"close"}, {}, {}}, {}).ok());
  EXPECT_TRUE(run({of("sma")}, Panel{{"close"}, {}, {}}, {}).ok());
}

TEST(Batch, DamagedStartIsAnError) {
  double close[] = {1, 2}, out[2];
  std::vector<std::string> start = {"nonsense"};
  BatchOptions options;
  options.start = &start;
  EXPECT_EQ(exit_code(run({of("sma")}, Panel{{"close"}, {2}, {close}}, {out}, options)), 1);
}

}  // namespace
}  // namespace tapemill::indicators
