// What names mean: parameters, defaults, errors, and what the catalogue says of itself.
#include "indicators/indicator.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "core/expression.h"
#include "core/json.h"
#include "indicators/describe.h"

namespace tapemill::indicators {
namespace {

std::string text_of(const std::string& call) {
  auto expression = Expression::parse(call);
  if (!expression.ok()) return render(expression.status(), false);
  auto resolved = resolve(*expression);
  return resolved.ok() ? resolved->text() : render(resolved.status(), false);
}

TEST(Resolve, PrintsWhatANameMeans) {
  EXPECT_EQ(text_of("rsi(close, period=14)"), "rsi(period=14, smoothing=wilder)");
  EXPECT_EQ(text_of("rsi"), "rsi(period=14, smoothing=wilder)");
  EXPECT_EQ(text_of("sma(close, 200)"), "sma(period=200)");
  EXPECT_EQ(text_of("sma(volume, 20)"), "sma(volume, period=20)");
  EXPECT_EQ(text_of("bb(ddof=1)"), "bb(period=20, deviations=2, ddof=1)");
  EXPECT_EQ(text_of("bb(close, 10, 1.5)"), "bb(period=10, deviations=1.5, ddof=0)");
  EXPECT_EQ(text_of("ema(seed=\"first\", period=5)"), "ema(period=5, seed=first)");
  EXPECT_EQ(text_of("macd()"), "macd(fast=12, slow=26, signal=9, seed=sma)");
  EXPECT_EQ(text_of("vwap()"), "vwap()");
  EXPECT_EQ(text_of("atr(high, low, adjusted_close)"), "atr(high, low, adjusted_close, period=14, smoothing=wilder)");
}

TEST(Resolve, TextResolvesToItself) {
  for (const Spec* spec : catalogue()) {
    std::string text = resolve(spec->name).ValueOrDie().text();
    EXPECT_EQ(text_of(text), text);
  }
}

TEST(Resolve, ErrorsSayWhatAndWhatToDo) {
  auto says = [](const std::string& call, const std::string& what, const std::string& hint) {
    auto expression = Expression::parse(call).ValueOrDie();
    Status status = resolve(expression).status();
    EXPECT_FALSE(status.ok()) << call;
    EXPECT_EQ(exit_code(status), 2) << call;
    std::string all = render(status, false);
    EXPECT_NE(all.find(what), std::string::npos) << all;
    EXPECT_NE(all.find(hint), std::string::npos) << all;
  };
  says("rsy(close)", "unknown indicator \"rsy\"", "did you mean rsi?");
  says("supertrendline(close)", "unknown indicator \"supertrendline\"", "stoch, volume_sma");
  says("rsi(close, perod=14)", "rsi: unknown parameter \"perod\"", "did you mean period?");
  says("sma(close, smoothing=wilder)", "sma: unknown parameter \"smoothing\"", "period");
  says("vwap(period=3)", "vwap: unknown parameter \"period\"", "it takes none");
  says("sma(period=0)", "sma: period 0 is out of range", "from 1 to 10000");
  says("sma(period=10001)", "out of range", "from 1 to 10000");
  says("bb(period=1)", "bb: period 1 is out of range", "from 2");
  says("sma(period=2.5)", "not a whole number", "");
  says("ema(seed=last)", "ema: seed has no choice \"last\"", "sma, first, adjusted");
  says("ema(seed=frist)", "ema: seed has no choice \"frist\"", "did you mean first?");
  says("ema(seed=1)", "ema: seed is a word", "sma, first, adjusted");
  says("sma(period=\"ten\")", "sma: period is a number", "period=20");
  says("sma(close, 20, 30)", "more than 1 parameter", "period");
  says("sma(close, 20, period=30)", "period is given twice", "leave one out");
  says("sma(open, close)", "sma: 2 inputs given", "it reads 1");
  says("sma(close + 1, 5)", "a number or a word", "");
}

TEST(Resolve, NumbersThatAreNone) {
  EXPECT_FALSE(resolve("sma", {{"period", std::numeric_limits<double>::quiet_NaN()}}).ok());
  EXPECT_FALSE(resolve("sma", {{"period", std::numeric_limits<double>::infinity()}}).ok());
  EXPECT_FALSE(resolve("sma", {{"period", -5.0}}).ok());
}

// What a new indicator does not say is empty, and then EverySpecIsComplete names it; nothing ends the program.
TEST(Catalogue, ASpecThatSaysLittleIsDescribed) {
  static constexpr Spec kLittle{.name = "little", .title = "Says little", .inputs = {{"close"}}, .outputs = {"little"}};
  for (const char* text : {kLittle.formula, kLittle.source, kLittle.warm_up, kLittle.differs}) EXPECT_STREQ(text, "");
}

// Forms, graph editors and reference pages are made of this alone.
TEST(Catalogue, EverySpecIsComplete) {
  std::set<std::string> names;
  for (const Spec* spec : catalogue()) {
    SCOPED_TRACE(spec->name);
    EXPECT_TRUE(names.insert(spec->name).second) << "name taken";
    EXPECT_EQ(find(spec->name), spec);
    for (const char* text : {spec->title, spec->formula, spec->source, spec->warm_up, spec->differs})
      ASSERT_NE(text, nullptr);
    EXPECT_GT(std::string_view(spec->title).size(), 5u);
    EXPECT_GT(std::string_view(spec->formula).size(), 10u);
    EXPECT_FALSE(std::string_view(spec->source).empty());
    EXPECT_FALSE(inputs(*spec).empty());
    EXPECT_FALSE(outputs(*spec).empty());
    for (const Parameter& parameter : parameters(*spec)) {
      EXPECT_LE(parameter.least, parameter.standard) << parameter.name;
      EXPECT_LE(parameter.standard, parameter.most) << parameter.name;
      EXPECT_EQ(choices(parameter).size(), parameter.choices ? static_cast<std::size_t>(parameter.most) + 1 : 0u)
          << parameter.name;
    }
    Json json = describe(*spec);
    EXPECT_EQ(json["name"], spec->name);
    EXPECT_EQ(json["outputs"].size(), outputs(*spec).size());
    EXPECT_EQ(json["parameters"].size(), parameters(*spec).size());
    EXPECT_NE(explain(*spec).find(spec->formula), std::string::npos);
  }
}

TEST(Isa, EnvironmentChooses) {
  ::unsetenv("TAPEMILL_ISA");
  Isa widest = chosen_isa().ValueOrDie();
  EXPECT_TRUE(supported(widest));
  ::setenv("TAPEMILL_ISA", "base", 1);
  EXPECT_EQ(chosen_isa().ValueOrDie(), Isa::base);
  ::setenv("TAPEMILL_ISA", "sse9", 1);
  Status status = chosen_isa().status();
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_NE(render(status, false).find("sse9"), std::string::npos);
  ::unsetenv("TAPEMILL_ISA");
}

}  // namespace
}  // namespace tapemill::indicators
