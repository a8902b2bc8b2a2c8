#include "pipeline/chart_panes.h"

#include <algorithm>

#include "core/expression.h"
#include "indicators/indicator.h"

namespace tapemill::pipeline {
namespace {

using indicators::Measure;

struct Declared {
  const indicators::Spec* spec = nullptr;  // null: the expression is no call of an indicator
  std::size_t output = 0;
  bool of_prices = false;  // whether its first input is one
  Measure measure() const { return spec->measures[output]; }
};

bool is_price(std::string_view column) {
  constexpr std::string_view kPrices[] = {"open", "high", "low", "close", "adj_close"};
  return std::ranges::find(kPrices, column) != std::end(kPrices);
}

Declared declared(const Expression& e) {
  Declared found;
  if (e.type != Expression::Type::call) return found;
  found.spec = indicators::find(e.text == "mean" ? "sma" : e.text);
  if (found.spec == nullptr) return found;
  const indicators::Input& first = indicators::inputs(*found.spec)[0];
  found.of_prices = is_price(first.column);
  if (!e.args.empty() && e.args[0].type != Expression::Type::number)
    found.of_prices = e.args[0].type == Expression::Type::name && is_price(e.args[0].text);
  const auto outputs = indicators::outputs(*found.spec);
  for (const auto& [name, value] : e.named) {
    if (name == first.name) found.of_prices = is_price(value.text);
    if (name == "output")
      found.output = static_cast<std::size_t>(std::ranges::find(outputs, value.text) - outputs.begin());
  }
  return found;
}

std::string title_of(const indicators::Spec& spec) {
  std::string title = spec.name;
  for (char& c : title) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return title;
}

}  // namespace

Status place(exports::Candles& candles, exports::Series series, const std::string& expression) {
  ARROW_ASSIGN_OR_RAISE(Expression parsed, Expression::parse(expression, series.name));
  const Declared what = declared(parsed);
  exports::Pane own;
  if (what.spec != nullptr) {
    if (what.of_prices && what.measure() != Measure::number) series.unit = candles.unit;
    if (what.of_prices && what.measure() == Measure::level) {
      std::erase_if(parsed.named, [](const auto& one) { return one.name == "output"; });
      if (indicators::outputs(*what.spec).size() > 1) series.family = parsed.str();
      return candles.overlays.push_back(std::move(series)), Status::OK();
    }
    if (series.name.ends_with("histogram") || parsed.str().find("output=histogram") != std::string::npos)
      series.style = exports::SeriesStyle::bars;
    const auto outputs = indicators::outputs(*what.spec);
    const bool together = std::none_of(what.spec->measures, what.spec->measures + outputs.size(),
                                       [](Measure one) { return one == Measure::level; });
    if (together) {
      own.title = title_of(*what.spec);
      own.unit = series.unit;
      for (exports::Pane& pane : candles.panes)
        if (pane.title == own.title && pane.unit == own.unit)
          return pane.series.push_back(std::move(series)), Status::OK();
      if (what.spec->levels[0] != what.spec->levels[1])
        own.levels.assign(std::begin(what.spec->levels), std::end(what.spec->levels));
    }
  }
  own.series.push_back(std::move(series));
  candles.panes.push_back(std::move(own));
  return Status::OK();
}

}  // namespace tapemill::pipeline
