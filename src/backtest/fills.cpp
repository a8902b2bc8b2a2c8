#include "backtest/fills.h"

#include <algorithm>
#include <cmath>

namespace tapemill::backtest {

Result<Fill> fill(const OptionStrategy& plan, const ChainDay& day, const Quote& quote, bool buy, std::int64_t units,
                  std::int64_t lot, double rv) {
  const std::int32_t* prices = buy ? quote.ask : quote.bid;
  const std::int32_t* sizes = buy ? quote.ask_size : quote.bid_size;
  int levels = plan.fill == FillMode::best ? kDepth : 1;
  std::int64_t shown = 0;
  for (int level = 0; level < levels && prices[level] > 0 && sizes[level] > 0; ++level) shown += sizes[level];
  Fill out;
  out.units = std::min(units, shown / lot * lot);

  double spread = static_cast<double>(quote.ask[0] - quote.bid[0]) / static_cast<double>(day.tick);
  double ticks =
      plan.slip_base + plan.slip_spread * spread + (plan.slip_rv > 0 && !std::isnan(rv) ? plan.slip_rv * rv : 0);
  std::int64_t worse = static_cast<std::int64_t>(std::ceil(ticks - 1e-9)) * day.tick;
  std::int64_t left = out.units;
  for (int level = 0; level < levels && left > 0; ++level) {
    std::int64_t taken = std::min<std::int64_t>(left, sizes[level]);
    std::int64_t price = prices[level];
    if (plan.fill == FillMode::bid) price = quote.bid[0];
    if (plan.fill == FillMode::ask) price = quote.ask[0];
    if (plan.fill == FillMode::mid) {
      std::int64_t twice = static_cast<std::int64_t>(quote.bid[0]) + quote.ask[0];
      price = buy ? (twice + 1) / 2 : twice / 2;
    }
    std::int64_t paid = buy ? price + worse : std::max(price - worse, std::min(price, day.tick));
    ARROW_ASSIGN_OR_RAISE(std::int64_t value, times(paid, taken));
    out.value += value;
    out.slippage += std::abs(paid - price) * taken;
    left -= taken;
  }
  return out;
}

std::int64_t intrinsic(const Contract& contract, std::int64_t settlement) {
  return std::max<std::int64_t>(0, contract.call ? settlement - contract.strike : contract.strike - settlement);
}

std::int64_t settlement_price(const ChainDay& day) {
  Instant from{day.session.close().us - day.settlement_window};
  std::int64_t sum = 0, count = 0;
  for (const SpotPrice& spot : day.spot) {
    if (spot.time < from || spot.time >= day.session.close() || spot.price == kNullPrice) continue;
    sum += spot.price;
    ++count;
  }
  return count == 0 ? kNullPrice : (2 * sum + count) / (2 * count);
}

}  // namespace tapemill::backtest
