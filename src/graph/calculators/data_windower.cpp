#include "graph/calculator.h"

namespace tapemill::graph {
struct WindowerConfig {
  std::string calculator_class;
  int window_size = 252;
  std::string window_type = "trading_days", group_by = "ticker";
};
}  // namespace tapemill::graph
namespace tapemill {
template <>
inline constexpr auto fields<graph::WindowerConfig> =
    std::tuple{field("calculator_class", &graph::WindowerConfig::calculator_class, "the class, by its last component"),
               field("window_size", &graph::WindowerConfig::window_size, "how many", 1, 1000000),
               field("window_type", &graph::WindowerConfig::window_type, "of what", "trading_days|rows"),
               field("group_by", &graph::WindowerConfig::group_by,
                     "column whose values have a window each (ticker: also instrument_id, symbol)")};
}  // namespace tapemill

namespace tapemill::graph {
namespace {

/// Passes rows on. The calculators after it keep their own windows, one state per ticker (design.md 4): nothing is stored twice.
class DataWindower final : public Calculator {
 public:
  Status process(const View&, Block&) override { return Status::OK(); }
  void state(Archive&) override {}
};

}  // namespace

std::vector<FieldInfo> windower_fields() { return describe<WindowerConfig>(); }

Result<CalculatorPlan> plan_windower(const Node& config, const Schema* in) {
  WindowerConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  CalculatorPlan plan;
  if (in == nullptr) return plan;
  ARROW_ASSIGN_OR_RAISE(std::size_t key, key_column(config, *in, options.group_by));
  plan.depends = {in->fields[key].name};
  plan.notes = {fmt::format("window of {} {} by {}", options.window_size,
                            options.window_type == "rows" ? "rows" : "trading days", in->fields[key].name)};
  plan.make = [] { return std::make_unique<DataWindower>(); };
  return plan;
}

}  // namespace tapemill::graph
