#include <set>

#include "analytics/series.h"
#include "backtest/document.h"
#include "backtest/strategy_forms.h"
#include "indicators/indicator.h"
#include "indicators/spec.h"

namespace tapemill::backtest {
namespace {

/// Checks an expression by itself; which columns there are is known when the table is.
Status read_expression(const Node& node, const std::string& text, std::string& canonical, std::string& place) {
  place = node.place();
  ARROW_ASSIGN_OR_RAISE(Expression expression, Expression::parse(text, place));
  std::vector<std::string> columns;
  expression.names(columns);
  for (const indicators::Spec* spec :
       indicators::catalogue())  // and those that an indicator reads where none are named
    for (const indicators::Input& input : indicators::inputs(*spec)) columns.emplace_back(input.column);
  canonical = expression.str();
  return analytics::Series::compile({{"when", canonical, place}}, columns).status();  // unknown indicators, look-ahead
}

Status read_share(const Node& node, const std::string& text, std::int64_t& out) {
  if (text.empty()) return Status::OK();
  auto share = parse_percent(text);
  if (!share.ok()) return placed(node, share.status());
  out = *share;
  return Status::OK();
}

}  // namespace

Status read_daily(const Node& root, Strategy& out) {
  DailyDocument document;
  ARROW_RETURN_NOT_OK(read_config(root, document));
  DailyStrategy plan;
  plan.table = document.universe.table;
  plan.adjusted = document.universe.adjusted;
  std::set<std::string> symbols(document.universe.symbols.begin(), document.universe.symbols.end());
  plan.symbols.assign(symbols.begin(), symbols.end());
  ARROW_RETURN_NOT_OK(read_dates(at(root, {"when", "date_range"}), document.when.date_range, plan.start, plan.end));
  auto capital = parse_amount(document.capital);
  if (!capital.ok()) return placed(at(root, {"capital"}), capital.status());
  plan.capital = *capital;
  if (document.entry.when.empty())
    return at(root, {"entry"})
        .error("the entry has no condition", "add when: \"crosses_above(sma(close, 50), sma(close, 200))\"");
  ARROW_RETURN_NOT_OK(read_expression(at(root, {"entry", "when"}), document.entry.when, plan.enter, plan.enter_place));
  if (!document.exit.when.empty()) {
    ARROW_RETURN_NOT_OK(read_expression(at(root, {"exit", "when"}), document.exit.when, plan.leave, plan.leave_place));
  }
  ARROW_RETURN_NOT_OK(read_share(at(root, {"entry", "size"}), document.entry.size, plan.size));
  ARROW_RETURN_NOT_OK(read_share(at(root, {"exit", "stop"}), document.exit.stop, plan.stop));
  ARROW_RETURN_NOT_OK(read_share(at(root, {"exit", "target"}), document.exit.target, plan.target));
  ARROW_ASSIGN_OR_RAISE(plan.commission,
                        read_rate(at(root, {"costs", "commission_bps"}), document.costs.commission_bps));
  if (plan.leave.empty() && plan.stop == 0 && plan.target == 0) {
    out.warnings.push_back("no exit: a position is held to the last session");
  }
  out.name = document.name;
  out.canonical = {
      {"form", "daily"},
      {"name", document.name},
      {"universe", {{"table", plan.table}, {"symbols", plan.symbols}}},
      {"when", {{"start", text_or_null(plan.start)}, {"end", text_or_null(plan.end)}}},
      {"capital", {{"amount", plan.capital.number}, {"currency", plan.capital.currency}}},
      {"entry", {{"when", plan.enter}, {"size_percent", static_cast<double>(plan.size) / 100}, {"at", "next_open"}}},
      {"exit",
       {{"when", plan.leave},
        {"at", "next_open"},
        {"stop_percent", static_cast<double>(plan.stop) / 100},
        {"target_percent", static_cast<double>(plan.target) / 100}}},
      {"costs", {{"commission_bps", document.costs.commission_bps}}}};
  if (plan.adjusted) out.canonical["universe"]["adjusted"] = true;  // left out otherwise: older hashes stay
  out.plan = std::move(plan);
  return Status::OK();
}

}  // namespace tapemill::backtest
