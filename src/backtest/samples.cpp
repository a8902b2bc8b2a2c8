#include "backtest/samples.h"

#include "backtest/tables.h"
#include "core/decimal.h"
#include "core/json.h"

namespace tapemill::backtest {
namespace {

Json money(std::int64_t paise) { return paise == kNullPrice ? Json(nullptr) : Json(format_decimal(paise, 2)); }
Json price(std::int32_t paise) { return paise == kNoPrice ? Json(nullptr) : Json(format_decimal(paise, 2)); }

Json audit_json(const Audit& audit, const OptionStrategy& plan) {
  if (audit.quote_time.us == 0) return {{"spot", money(audit.spot)}};
  return {{"quote_time", audit.quote_time.str()},
          {"spot", money(audit.spot)},
          {"bid", price(audit.bid)},
          {"ask", price(audit.ask)},
          {"spread", price(audit.ask - audit.bid)},
          {"bid_size", audit.bid_size},
          {"ask_size", audit.ask_size},
          {"age_us", audit.age},
          {"ttl_ok", audit.age <= plan.ttl},
          {"unfit", unfit_names(audit.unfit)}};
}

Json trade_json(const OptionTrade& t, const OptionStrategy& plan) {
  return {{"date", t.date.str()},
          {"leg_id", t.leg},
          {"window_id", t.window},
          {"option", option_name(plan.symbol, t)},
          {"instrument_id", t.instrument},
          {"side", t.buy ? "buy" : "sell"},
          {"lots", t.units / t.lot},
          {"lot", t.lot},
          {"decided", t.decided.str()},
          {"ts_entry", t.entry_time.str()},
          {"entry_value", money(t.entry_value)},
          {"ts_exit", t.exit_time.str()},
          {"exit_value", money(t.exit_value)},
          {"slippage", money(t.slippage)},
          {"fees", money(t.fees)},
          {"pnl", money(t.pnl)},
          {"rule", t.reason},
          {"stale_exit", t.stale_exit},
          {"at_entry", audit_json(t.entry, plan)},
          {"at_exit", audit_json(t.exit, plan)}};
}

}  // namespace

void add_samples(const std::vector<OptionDay>& days, const OptionStrategy& plan, RunFiles& files) {
  auto most = static_cast<std::size_t>(std::max(plan.samples, 0));
  Json first = Json::array();
  for (const OptionDay& day : days) {
    Json sample = Json::array();
    for (const OptionTrade& trade : day.trades) {
      if (sample.size() >= most) break;
      sample.push_back(trade_json(trade, plan));
      if (first.size() < most) first.push_back(sample.back());
    }
    files.emplace_back("samples/sample_" + day.date.str() + ".json", sample.dump(1) + "\n");
  }
  files.emplace_back("samples/first_trades.json", first.dump(1) + "\n");
}

}  // namespace tapemill::backtest
