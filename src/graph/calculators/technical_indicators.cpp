#include "analytics/requests.h"
#include "graph/by_ticker.h"
#include "graph/calculator.h"

namespace tapemill::graph {
struct TechnicalConfig {
  std::string calculator_class;
  std::vector<std::string> indicators = {"SMA_20", "RSI_14"};
  std::string price_column, volume_column = "volume", form = "talib", group_by = "ticker";
};
struct MacdConfig {
  int fast = 12, slow = 26, signal = 9;
};
struct CompleteConfig {
  std::string calculator_class;
  std::vector<int> sma_periods = {20, 50, 200}, ema_periods = {12, 26};
  int rsi_period = 14, bollinger_period = 20, atr_period = 14;
  MacdConfig macd_config;
  std::string lmdb_path, price_column, volume_column = "volume", form = "talib", group_by = "ticker";
};
}  // namespace tapemill::graph
namespace tapemill {
template <>
inline constexpr auto fields<graph::TechnicalConfig> =
    std::tuple{field("calculator_class", &graph::TechnicalConfig::calculator_class, "the class, by its last component"),
               field("indicators", &graph::TechnicalConfig::indicators,
                     "requests such as SMA_20, MACD, BB_20, or expressions such as rsi(close, period=14)"),
               field("price_column", &graph::TechnicalConfig::price_column,
                     "price that is computed with (empty: adj_close where rows have it, else close)"),
               field("volume_column", &graph::TechnicalConfig::volume_column, "volume that is computed with"),
               field("form", &graph::TechnicalConfig::form, "what an unqualified name means", "talib|columnar"),
               field("group_by", &graph::TechnicalConfig::group_by,
                     "column whose values have a series each (ticker: also instrument_id, symbol)")};
template <>
inline constexpr auto fields<graph::MacdConfig> =
    std::tuple{field("fast", &graph::MacdConfig::fast, "bars of the fast average", 2, 10000),
               field("slow", &graph::MacdConfig::slow, "bars of the slow average", 2, 10000),
               field("signal", &graph::MacdConfig::signal, "bars of the signal line", 1, 10000)};
template <>
inline constexpr auto fields<graph::CompleteConfig> =
    std::tuple{field("calculator_class", &graph::CompleteConfig::calculator_class, "the class, by its last component"),
               field("sma_periods", &graph::CompleteConfig::sma_periods, "simple averages"),
               field("ema_periods", &graph::CompleteConfig::ema_periods, "exponential averages"),
               field("rsi_period", &graph::CompleteConfig::rsi_period, "relative strength", 2, 10000),
               field("macd_config", &graph::CompleteConfig::macd_config, "fast, slow and signal of MACD"),
               field("bollinger_period", &graph::CompleteConfig::bollinger_period, "Bollinger bands", 2, 10000),
               field("atr_period", &graph::CompleteConfig::atr_period, "average true range", 1, 10000),
               field("lmdb_path", &graph::CompleteConfig::lmdb_path, "where results are shared; not in this version"),
               field("price_column", &graph::CompleteConfig::price_column,
                     "price that is computed with (empty: adj_close where rows have it, else close)"),
               field("volume_column", &graph::CompleteConfig::volume_column, "volume that is computed with"),
               field("form", &graph::CompleteConfig::form, "what an unqualified name means", "talib|columnar"),
               field("group_by", &graph::CompleteConfig::group_by,
                     "column whose values have a series each (ticker: also instrument_id, symbol)")};
}  // namespace tapemill

namespace tapemill::graph {
namespace {

const std::vector<std::string> kBar = {"open", "high", "low", "close", "volume"};

/// A compiled series per ticker, fed row by row: the tick path of design.md 4.
class TechnicalIndicators final : public Calculator {
 private:
  auto make() const {
    return [this] { return series_.tick(); };
  }

 public:
  TechnicalIndicators(analytics::Series series, std::size_t key, std::vector<std::size_t> inputs, int session)
      : series_(std::move(series)),
        key_(key),
        inputs_(std::move(inputs)),
        session_(session),
        in_(inputs_.size()),
        out_(series_.outputs()) {}

  Status process(const View& in, Block& out) override {
    for (std::size_t row = 0; row < in.rows; ++row) {
      for (std::size_t i = 0; i < inputs_.size(); ++i) in_[i] = in.number(inputs_[i], row);
      // Rows without a session of their own have that of their UTC day.
      const bool dated = session_ >= 0 && !in.null(static_cast<std::size_t>(session_), row);
      const std::int64_t session = dated ? in.integer(static_cast<std::size_t>(session_), row) : in.time[row] / kDay;
      tickers_.at(in.text(key_, row), make())->update(in_.data(), session, out_.data());
      for (std::size_t j = 0; j < out_.size(); ++j) out.columns[j].add(out_[j]);
    }
    return Status::OK();
  }
  void state(Archive& archive) override {
    archive.same(series_.id(), "set of indicators");
    tickers_.state(archive, make());
  }

 private:
  analytics::Series series_;
  std::size_t key_;
  std::vector<std::size_t> inputs_;
  int session_;
  std::vector<double> in_, out_;
  ByTicker<std::unique_ptr<analytics::SeriesTick>> tickers_;
};

/// The plan of a series; `at` is where its indicators are written.
Result<CalculatorPlan> plan_series(const Node& config, const Node& at,
                                   const std::vector<analytics::NamedExpression>& expressions, const Schema& in,
                                   const std::string& group_by) {
  ARROW_ASSIGN_OR_RAISE(std::size_t key, key_column(config, in, group_by));
  auto compiled = analytics::Series::compile(expressions, in.numeric());
  if (!compiled.ok()) return placed(at, compiled.status(), "indicators");
  CalculatorPlan plan;
  std::vector<std::size_t> inputs;
  for (const std::string& name : compiled->inputs()) inputs.push_back(static_cast<std::size_t>(in.find(name)));
  plan.depends = compiled->inputs();
  plan.depends.insert(plan.depends.begin(), in.fields[key].name);
  for (const auto& one : expressions) {
    if (in.find(one.name) >= 0 || plan.outputs.find(one.name) >= 0)
      return at.error(fmt::format("{} would be a second column of that name", one.name), "ask for it once");
    plan.outputs.fields.push_back({one.name, Kind::float64, 0});
  }
  int session = in.find("session");
  if (session >= 0 && in.fields[static_cast<std::size_t>(session)].kind != Kind::date) session = -1;
  for (const std::string& text : compiled->resolved()) plan.notes.push_back(text);
  plan.make = [series = *compiled, key, inputs, session] {
    return std::make_unique<TechnicalIndicators>(series, key, inputs, session);
  };
  return plan;
}

}  // namespace

std::vector<FieldInfo> technical_fields() { return describe<TechnicalConfig>(); }
std::vector<FieldInfo> complete_fields() { return describe<CompleteConfig>(); }

Result<CalculatorPlan> plan_technical(const Node& config, const Schema* in) {
  TechnicalConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  const Node* list = config.find("indicators");
  const Node& at = list != nullptr ? *list : config;
  if (options.indicators.empty()) return at.error("no indicator is named", "\"indicators\": [\"SMA_20\", \"RSI_14\"]");
  const std::vector<std::string> columns = in != nullptr ? in->numeric() : kBar;
  analytics::RequestOptions request{options.price_column, options.volume_column, options.form};
  for (std::size_t i = 0; i < options.indicators.size(); ++i) {  // one by one, for the place
    auto one = analytics::resolve_requests({options.indicators[i]}, columns, request);
    if (!one.ok()) return placed(at.is_list() ? at.items[i] : at, one.status(), "indicators");
    if (in == nullptr) continue;
    auto compiled = analytics::Series::compile(*one, columns);
    if (!compiled.ok()) return placed(at.is_list() ? at.items[i] : at, compiled.status(), "indicators");
  }
  if (in == nullptr) return CalculatorPlan{};
  ARROW_ASSIGN_OR_RAISE(auto expressions, analytics::resolve_requests(options.indicators, columns, request));
  return plan_series(config, at, expressions, *in, options.group_by);
}

Result<CalculatorPlan> plan_complete(const Node& config, const Schema* in) {
  CompleteConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  if (!options.lmdb_path.empty())
    return config.find("lmdb_path")->error("LMDB is not built in this version", "leave lmdb_path out");
  std::vector<std::string> requests;
  for (int n : options.sma_periods) requests.push_back(fmt::format("SMA_{}", n));
  for (int n : options.ema_periods) requests.push_back(fmt::format("EMA_{}", n));
  requests.push_back(fmt::format("RSI_{}", options.rsi_period));
  requests.push_back("MACD");
  requests.push_back(fmt::format("BB_{}", options.bollinger_period));
  requests.push_back(fmt::format("ATR_{}", options.atr_period));
  requests.insert(requests.end(), {"Volume_SMA_20", "Volume_Ratio"});
  const std::vector<std::string> columns = in != nullptr ? in->numeric() : kBar;
  const auto& macd = options.macd_config;
  const analytics::RequestOptions request{
      options.price_column, options.volume_column, options.form, {macd.fast, macd.slow, macd.signal}};
  auto expressions = analytics::resolve_requests(requests, columns, request);
  if (!expressions.ok()) return placed(config, expressions.status(), "indicators");
  if (in == nullptr) return CalculatorPlan{};
  return plan_series(config, config, *expressions, *in, options.group_by);
}

}  // namespace tapemill::graph
