#include "pipeline/generated/stocks.h"

#include <algorithm>
#include <set>

#include "pipeline/generated/random.h"

namespace tapemill::pipeline::generated {
namespace {

constexpr std::int64_t kPpm = 1'000'000, kFloor = 5'000, kCeiling = 90'000'000;  // 0.50 and 9,000 dollars

std::vector<std::string> make_tickers(std::uint64_t seed, int symbols) {
  Random random(seed, "tickers");
  std::set<std::string> names;
  while (static_cast<int>(names.size()) < symbols) {
    std::string name;
    for (std::int64_t n = random.between(2, 4); n > 0; --n) name += static_cast<char>('A' + random.below(26));
    names.insert(name);
  }
  return {names.begin(), names.end()};
}

/// Most prices lie on the cent, some between.
std::int64_t on_tick(Random& random, std::int64_t price) {
  std::int64_t step = random.chance(85, 100) ? 100 : random.chance(1, 2) ? 10 : 1;
  return std::max<std::int64_t>(step, (price + step / 2) / step * step);
}
std::int64_t moved(std::int64_t price, std::int64_t ppm) {
  return std::clamp(price + price / 100 * ppm / (kPpm / 100), kFloor, kCeiling);
}

void put_bar(std::string& out, const std::string& ticker, const Bar& bar, std::int64_t ns) {
  out += ticker, out += ',';
  put_decimal(out, bar.volume, 3, true), out += ',';
  for (std::int64_t price : {bar.open, bar.close, bar.high, bar.low}) put_decimal(out, price, 4, true), out += ',';
  put(out, ns), out += ',';
  put(out, bar.transactions), out += '\n';
}

const char kHeader[] = "ticker,volume,open,close,high,low,window_start,transactions\n";

}  // namespace

Stocks make_stocks(std::uint64_t seed, int symbols, const Calendar& calendar, const std::vector<Date>& sessions) {
  Stocks out;
  out.seed = seed;
  out.sessions = sessions;
  for (Date date : sessions) out.midnights.push_back(calendar.zone().at(date, 0));
  out.tickers = make_tickers(seed, symbols);
  const std::size_t days = sessions.size();
  out.halted = out.tickers.size() / 3;
  out.split = out.tickers.size() * 2 / 3;
  out.halt_from = days / 2;
  out.halt_until = std::min(days, out.halt_from + 5);
  out.split_at = days * 3 / 5;

  Random factor(seed, "market");
  std::vector<std::int64_t> market(days);
  std::vector<std::vector<std::int64_t>> sectors(8, std::vector<std::int64_t>(days));
  for (std::size_t d = 0; d < days; ++d) {
    market[d] = factor.normal(8'500);
    for (auto& sector : sectors) sector[d] = factor.normal(5'000);
  }
  // Whatever the seed drew, the market ends up a little: 4.5 hundredths of a percent a day.
  std::int64_t mean = 0;
  for (std::int64_t day : market) mean += day;
  mean /= static_cast<std::int64_t>(std::max<std::size_t>(1, days));
  for (std::int64_t& day : market) day += 450 - mean;
  out.bars.assign(out.tickers.size(), std::vector<Bar>(days));
  for (std::size_t s = 0; s < out.tickers.size(); ++s) {
    Random random(seed, "symbol", s);
    const auto& sector = sectors[static_cast<std::size_t>(random.below(8))];
    const std::int64_t beta = random.between(50, 160), sigma = random.between(7'000, 22'000);  // percent; ppm a day
    std::int64_t price = random.between(8, 30) * 20'000;  // one draw a statement: the order within one is nobody's
    price <<= random.below(4);
    price += random.below(10'000);
    const std::int64_t doubling = random.below(8);
    const std::int64_t usual = (30'000LL << doubling) + random.below(30'000LL << doubling);
    for (std::size_t d = 0; d < days; ++d) {
      const std::int64_t own = random.normal(sigma), gap = random.normal(sigma * 3 / 10);
      std::int64_t day = market[d] * beta / 100 + sector[d] + own;
      if (s == out.split && d == out.split_at) price /= 2;
      if (s == out.halted && d >= out.halt_from && d < out.halt_until) continue;
      const bool back = s == out.halted && d == out.halt_until && d > 0;
      std::int64_t open = moved(price, back ? -120'000 : gap), close = moved(open, day);
      Bar& bar = out.bars[s][d];
      bar.open = on_tick(random, open), bar.close = on_tick(random, close);
      auto wick = [&] { return std::abs(random.normal(sigma * 4 / 10)); };
      bar.high = std::max({bar.open, bar.close, on_tick(random, moved(std::max(open, close), wick()))});
      bar.low = std::min({bar.open, bar.close, on_tick(random, moved(std::min(open, close), -wick()))});
      std::int64_t shares = usual * random.between(60, 150) / 100;
      shares += shares * std::abs(day) / (3 * sigma);
      if (back) shares *= 4;
      if (s == out.split && d >= out.split_at) shares *= 2;
      bar.volume = shares * 1000 + (random.chance(1, 50) ? random.between(1, 7) * 125 : 0);
      bar.transactions = std::max<std::int64_t>(1, shares / random.between(60, 160));
      price = close;
    }
  }
  return out;
}

std::string day_file(const Stocks& stocks, std::size_t session, bool restated, std::int64_t& rows) {
  std::string out = kHeader;
  Random random(stocks.seed, "restated", session);
  rows = 0;
  for (std::size_t s = 0; s < stocks.tickers.size(); ++s) {
    Bar bar = stocks.bars[s][session];
    if (bar.volume == 0) continue;
    if (restated && random.chance(1, 20)) {  // late corrections move the close and the volume
      bar.close = bar.close + bar.close / 10'000 * 100 + 100;
      bar.high = std::max(bar.high, bar.close);
      bar.volume += 1'000'000;
      bar.transactions += 3;
    }
    put_bar(out, stocks.tickers[s], bar, stocks.midnights[session].us * 1000);
    ++rows;
  }
  return out;
}

std::string minute_file(const Stocks& stocks, std::size_t session, const Session& hours, int symbols,
                        std::int64_t& rows) {
  std::vector<std::size_t> chosen(stocks.tickers.size());
  for (std::size_t s = 0; s < chosen.size(); ++s) chosen[s] = s;
  auto first_volume = [&](std::size_t s) { return stocks.bars[s].front().volume; };
  std::stable_sort(chosen.begin(), chosen.end(),
                   [&](std::size_t a, std::size_t b) { return first_volume(a) > first_volume(b); });
  chosen.resize(std::min(chosen.size(), static_cast<std::size_t>(symbols)));
  std::sort(chosen.begin(), chosen.end());

  std::string out = kHeader;
  rows = 0;
  const std::int64_t minutes = (hours.close().us - hours.open().us) / kMinute;
  std::vector<std::int64_t> path(static_cast<std::size_t>(minutes) + 1);
  for (std::size_t s : chosen) {
    const Bar& day = stocks.bars[s][session];
    if (day.volume == 0) continue;
    Random random(stocks.seed, "minute", s * 100'000 + session);
    // A bridge from the day's open to its close inside its range; one minute touches the high, another the low.
    std::int64_t walk = 0;
    for (auto& point : path) point = walk, walk += random.normal(1000);
    const std::int64_t last = path.back(), width = std::max<std::int64_t>(1, day.high - day.low);
    for (std::int64_t m = 0; m <= minutes; ++m) {
      std::int64_t noise = path[static_cast<std::size_t>(m)] - last * m / minutes;
      std::int64_t level = day.open + (day.close - day.open) * m / minutes + noise * width / 60'000;
      path[static_cast<std::size_t>(m)] = std::clamp((level + 50) / 100 * 100, day.low, day.high);
    }
    path.front() = day.open, path.back() = day.close;
    const std::int64_t high_at = random.below(minutes), low_at = random.below(minutes);
    for (std::int64_t m = 0; m < minutes; ++m) {
      Bar bar;
      bar.open = path[static_cast<std::size_t>(m)], bar.close = path[static_cast<std::size_t>(m) + 1];
      const std::int64_t reach = random.below(width / 40 + 1) / 100 * 100;
      bar.high = m == high_at ? day.high : std::min(day.high, std::max(bar.open, bar.close) + reach);
      bar.low = m == low_at ? day.low : std::max(day.low, std::min(bar.open, bar.close) - reach);
      const std::int64_t edge = m < 30 || m >= minutes - 30 ? 2 : 1;
      bar.volume =
          std::max<std::int64_t>(1, day.volume / 1000 * edge / (minutes + 60) * random.between(40, 160) / 100) * 1000;
      bar.transactions = std::max<std::int64_t>(1, bar.volume / 1000 / random.between(60, 160));
      put_bar(out, stocks.tickers[s], bar, (hours.open().us + m * kMinute) * 1000);
      ++rows;
    }
  }
  return out;
}

}  // namespace tapemill::pipeline::generated
