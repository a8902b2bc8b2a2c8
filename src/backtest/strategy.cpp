#include "backtest/strategy.h"

#include <cmath>

#include "backtest/document.h"
#include "backtest/strategy_forms.h"
#include "core/hash.h"
#include "core/json_schema.h"
#include "core/paths.h"

namespace tapemill::backtest {

const Node& at(const Node& root, std::initializer_list<const char*> path) {
  const Node* node = &root;
  for (const char* key : path) {
    const Node* next = node->is_map() ? node->find(key) : nullptr;
    if (next == nullptr) break;
    node = next;
  }
  return *node;
}

Status placed(const Node& node, const Status& status) {
  if (status.ok()) return status;
  const auto* detail = dynamic_cast<const ErrorDetail*>(status.detail().get());
  return node.error(status.message(), detail == nullptr ? std::string{} : detail->hint);
}

Status read_dates(const Node& node, const std::vector<std::string>& range, std::optional<Date>& start,
                  std::optional<Date>& end) {
  if (range.empty()) return Status::OK();
  if (range.size() != 2)
    return node.error("date_range is a first and a last session", "write [2024-01-01, 2024-12-31]");
  for (int i = 0; i < 2; ++i) {
    auto date = Date::parse(range[static_cast<std::size_t>(i)]);
    if (!date.ok()) return placed(node.is_list() ? node.items[static_cast<std::size_t>(i)] : node, date.status());
    (i == 0 ? start : end) = *date;
  }
  if (*start > *end) return node.error(fmt::format("{} lies after {}", start->str(), end->str()));
  return Status::OK();
}

Result<std::int64_t> read_rate(const Node& node, double bps) {
  double scaled = bps * static_cast<double>(kRateScale);
  auto rate = static_cast<std::int64_t>(std::llround(scaled));
  if (std::abs(scaled - static_cast<double>(rate)) > 1e-6) {
    return node.error(fmt::format("{} has more than four decimals", bps), "basis points are kept to 0.0001");
  }
  return rate;
}

Json text_or_null(const std::optional<Date>& date) { return date ? Json(date->str()) : Json(nullptr); }

namespace {

Result<Strategy> parse(const Document& document, std::string text, const std::string& file) {
  const Node& root = document.root();
  Strategy strategy;
  strategy.path = file;
  strategy.text = std::move(text);
  ARROW_ASSIGN_OR_RAISE(const Node* universe, root.need("universe"));
  if (const Node* sweep = root.find("sweep")) {
    return sweep->error("a sweep is a set of strategies, and this command runs one",
                        "write the values into the document and run it for each");
  }
  bool option = universe->is_map() && universe->find("symbol") != nullptr;
  if (!option && universe->is_map() && universe->find("table") == nullptr) {
    return universe->error(
        "the universe names neither a table nor a symbol",
        "daily bars: {table: sp500_index, symbols: [SPX]}; options: {symbol: NIFTY, expiries: nearest}");
  }
  ARROW_RETURN_NOT_OK(option ? read_option(root, strategy) : read_daily(root, strategy));
  if (strategy.name.empty()) return root.error("the strategy has no name", "add name: ...");
  strategy.hash = sha256(strategy.canonical.dump());
  return strategy;
}

}  // namespace

Result<Strategy> parse_strategy(std::string text, const std::string& file) {
  bool json = file.ends_with(".json");
  ARROW_ASSIGN_OR_RAISE(Document document, json ? Document::parse_json(text, file) : Document::parse_yaml(text, file));
  return parse(document, std::move(text), file);
}

Result<Strategy> read_strategy(const std::string& path) {
  auto text = read_file(path);
  if (!text.ok() && exit_code(text.status()) == exit_code(usage_error("")))
    return usage_error(text.status().message(),
                       "give a strategy document, YAML or JSON, such as strategies/index_cross.yaml");
  ARROW_RETURN_NOT_OK(text.status());
  return parse_strategy(*std::move(text), path);
}

Json strategy_schema() {
  Json daily = json_schema<DailyDocument>(), option = json_schema<OptionDocument>();
  daily["title"] = "daily bars";
  option["title"] = "one-second options";
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "Tapemill strategy"},
          {"anyOf", {daily, option}}};
}

}  // namespace tapemill::backtest
