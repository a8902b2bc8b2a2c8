#include "analytics/signals.h"
#include "graph/by_ticker.h"
#include "graph/calculator.h"

namespace tapemill::graph {
struct SignalConfig : analytics::SignalOptions {
  std::string calculator_class, group_by = "ticker";
};
}  // namespace tapemill::graph
namespace tapemill {
/// Those of analytics::SignalOptions, for the struct that has them.
template <>
inline constexpr auto fields<graph::SignalConfig> = std::tuple{
    field("calculator_class", &graph::SignalConfig::calculator_class, "the class, by its last component"),
    field<graph::SignalConfig, std::vector<std::string>>(
        "strategies", &graph::SignalConfig::strategies,
        "momentum, mean_reversion, trend_following, volatility_breakout, in the order in which equal confidences win"),
    field<graph::SignalConfig, double>("min_confidence", &graph::SignalConfig::min_confidence,
                                       "weaker signals are dropped before the vote", 0.0, 1.0),
    field<graph::SignalConfig, double>("risk_per_trade", &graph::SignalConfig::risk_per_trade,
                                       "share of equity that a position loses at its stop", 0.0, 1.0),
    field<graph::SignalConfig, int>("breakout_lag", &graph::SignalConfig::breakout_lag,
                                    "bars by which average range and volume lie behind the breakout bar", 0.0, 100.0),
    field<graph::SignalConfig, std::string>("price_column", &graph::SignalConfig::price_column,
                                            "price that is judged (empty: adj_close where rows have it, else close)"),
    field<graph::SignalConfig, std::string>("volume_column", &graph::SignalConfig::volume_column,
                                            "volume that is judged"),
    field("group_by", &graph::SignalConfig::group_by,
          "column whose values have a series each (ticker: also instrument_id, symbol)")};
}  // namespace tapemill

namespace tapemill::graph {
namespace {

/// A row for every bar in which the strategies agree on a side (spec B4).
class SignalDetectorCalculator final : public Calculator {
 private:
  auto make() const {
    return [this] { return std::make_unique<analytics::SignalDetector::Tick>(*detector_); };
  }

 public:
  SignalDetectorCalculator(std::shared_ptr<const analytics::SignalDetector> detector, std::size_t key,
                           std::vector<std::size_t> inputs)
      : detector_(std::move(detector)), key_(key), inputs_(std::move(inputs)), in_(inputs_.size()) {}

  Status process(const View& in, Block& out) override {
    for (std::size_t row = 0; row < in.rows; ++row) {
      for (std::size_t i = 0; i < inputs_.size(); ++i) in_[i] = in.number(inputs_[i], row);
      auto signal = tickers_.at(in.text(key_, row), make())->update(in_.data());
      if (!signal) continue;
      agree_.clear();
      for (const std::string& name : signal->consensus) agree_ += (agree_.empty() ? "" : ",") + name;
      std::size_t c = 0;
      auto add = [&](auto value) { out.columns[c++].add(value); };
      add(in.text(key_, row));
      add(in.time[row]);
      add(std::string_view(analytics::name(signal->side)));
      add(std::string_view(analytics::name(signal->strength)));
      add(std::string_view(signal->strategy));
      add(signal->entry_price);
      add(signal->stop_loss);
      add(signal->take_profit);
      add(signal->confidence);
      add(signal->atr);
      add(analytics::Signal::kRewardRisk);
      add(std::string_view(agree_));
      out.sequence.push_back(in.sequence[row]);
      out.time.push_back(in.time[row]);
    }
    return Status::OK();
  }
  void state(Archive& archive) override {
    archive.same(detector_->series().id(), "set of strategies");
    tickers_.state(archive, make());
  }

 private:
  std::shared_ptr<const analytics::SignalDetector> detector_;
  std::size_t key_;
  std::vector<std::size_t> inputs_;
  std::vector<double> in_;
  std::string agree_;
  ByTicker<std::unique_ptr<analytics::SignalDetector::Tick>> tickers_;
};

}  // namespace

std::vector<FieldInfo> signals_fields() { return describe<SignalConfig>(); }

Result<CalculatorPlan> plan_signals(const Node& config, const Schema* in) {
  SignalConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  const Node* list = config.find("strategies");
  const Node& at = list != nullptr ? *list : config;
  if (options.strategies.empty())
    return at.error("no strategy is named", "momentum, mean_reversion, trend_following or volatility_breakout");
  for (std::size_t i = 0; i < options.strategies.size(); ++i) {
    auto known = analytics::SignalDetector::requests({options.strategies[i]});
    if (!known.ok()) return placed(at.is_list() ? at.items[i] : at, known.status(), "strategies");
  }
  CalculatorPlan plan;
  if (in == nullptr) return plan;
  ARROW_ASSIGN_OR_RAISE(std::size_t key, key_column(config, *in, options.group_by));
  auto made = analytics::SignalDetector::make(options, in->numeric());
  if (!made.ok()) return placed(at, made.status(), "signals");
  auto detector = std::make_shared<const analytics::SignalDetector>(*std::move(made));
  std::vector<std::size_t> inputs;
  for (const std::string& name : detector->inputs()) inputs.push_back(static_cast<std::size_t>(in->find(name)));
  plan.depends = detector->inputs();
  plan.depends.insert(plan.depends.begin(), in->fields[key].name);
  plan.keeps_rows = false;
  plan.outputs.fields = {{"ticker", Kind::string},
                         {"timestamp", Kind::timestamp},
                         {"signal_type", Kind::string},
                         {"strength", Kind::string},
                         {"strategy", Kind::string},
                         {"entry_price"},
                         {"stop_loss"},
                         {"take_profit"},
                         {"confidence"},
                         {"atr"},
                         {"risk_reward_ratio"},
                         {"consensus_strategies", Kind::string}};
  for (const auto& rule : detector->rules()) plan.notes.push_back(rule.name + ": " + rule.text);
  plan.make = [detector, key, inputs] { return std::make_unique<SignalDetectorCalculator>(detector, key, inputs); };
  return plan;
}

}  // namespace tapemill::graph
