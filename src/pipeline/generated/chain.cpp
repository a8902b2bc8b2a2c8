#include "pipeline/generated/chain.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "pipeline/generated/random.h"

namespace tapemill::pipeline::generated {
namespace {

constexpr std::int64_t kTick = 5, kStart = 24'500'00;  // paise

const std::string& header() {
  static const std::string line = [] {
    std::string text =
        "timestamp,price,qty,avgPrice,volume,bQty,sQty,open,high,low,close,changeper,lastTradeTime,oi,oiHigh,oiLow";
    for (int level = 0; level < 5; ++level)
      for (const char* name : {"bq", "bp", "bo"}) text += fmt::format(",{}{}", name, level);
    for (int level = 0; level < 5; ++level)
      for (const char* name : {"sq", "sp", "so"}) text += fmt::format(",{}{}", name, level);
    return text + ",ts,symbol,opt_type,strike,year,month\n";
  }();
  return line;
}

void put_two(std::string& out, std::int64_t value) {
  out += static_cast<char>('0' + value / 10), out += static_cast<char>('0' + value % 10);
}

/// 2024-08-22T09:15:01Z: the wall clock with a mark that is wrong.
void put_time(std::string& out, const std::string& date, std::int64_t second_of_day) {
  out += date, out += 'T';
  put_two(out, second_of_day / 3600), out += ':', put_two(out, second_of_day / 60 % 60), out += ':',
      put_two(out, second_of_day % 60), out += 'Z';
}
constexpr const char* kNoTime = "1970-01-01T05:30:00Z";

struct Depth {
  std::int64_t quantity = 0, price = 0, orders = 0;
};

/// What a contract has shown since its session began.
struct State {
  std::int64_t price = 0, quantity = 0, volume = 0, turnover = 0, open = 0, high = 0, low = 0, close = 0, traded_at = 0;
  std::int64_t interest = 0, interest_high = 0, interest_low = 0;
  std::array<Depth, 5> bids, asks;

  void trade(std::int64_t at, std::int64_t price_now, std::int64_t lots) {
    price = price_now, quantity = lots * kLot, traded_at = at;
    volume += quantity, turnover += price * quantity;
    open = open == 0 ? price : open;
    high = std::max(high, price), low = low == 0 ? price : std::min(low, price);
  }
};

struct Names {
  std::string date, symbol, type, strike, month_and_year;
  std::int64_t open_at = 0;  // second of the day
};

void put_row(std::string& out, const Names& names, const State& s, std::int64_t second, bool ts_is_lost) {
  const std::int64_t at = names.open_at + second;
  put_time(out, names.date, at);
  auto number = [&](std::int64_t value) { out += ',', put(out, value); };
  auto paise = [&](std::int64_t value) { out += ',', put_decimal(out, value, 2, true); };
  std::int64_t bid_total = 0, ask_total = 0;
  for (const Depth& d : s.bids) bid_total += d.quantity;
  for (const Depth& d : s.asks) ask_total += d.quantity;
  paise(s.price), number(s.quantity), paise(s.volume == 0 ? 0 : s.turnover / s.volume), number(s.volume);
  number(bid_total * 4), number(ask_total * 4);
  paise(s.open), paise(s.high), paise(s.low), paise(s.close);
  paise(s.close == 0 ? 0 : (s.price - s.close) * 10'000 / s.close);
  out += ',';
  if (s.traded_at == 0) out += kNoTime;
  else put_time(out, names.date, names.open_at + s.traded_at);
  number(s.interest), number(s.interest_high), number(s.interest_low);
  for (const auto* side : {&s.bids, &s.asks})
    for (const Depth& d : *side) number(d.quantity), paise(d.price), number(d.orders);
  out += ',';
  if (ts_is_lost) out += kNoTime;
  else put_time(out, names.date, at);
  out += ',', out += names.symbol, out += ',', out += names.type, out += ',', out += names.strike;
  out += ts_is_lost ? ",1970,1" : names.month_and_year;
  out += '\n';
}

Names names_of(const Chain& chain, std::size_t session, std::string symbol, std::string type, std::string strike) {
  const Date date = chain.sessions[session].date;
  Names names{date.str(),
              std::move(symbol),
              std::move(type),
              std::move(strike),
              fmt::format(",{},{}", date.year(), date.month()),
              0};
  names.open_at = chain.zone.local_time(chain.sessions[session].open()) / kSecond;
  return names;
}

std::int64_t on_tick(double paise) {
  return std::max<std::int64_t>(kTick, static_cast<std::int64_t>(paise / kTick + 0.5) * kTick);
}

double fair_value(const Chain& chain, std::size_t session, std::size_t second, std::int64_t strike, bool call) {
  const double spot = static_cast<double>(chain.spot[session][second]),
               distance = spot - static_cast<double>(strike * 100);
  const double days = chain.expiry.days - chain.sessions[session].date.days + 1 - static_cast<double>(second) / 22'500;
  const double at_the_money = 0.4 * 0.14 * spot * std::sqrt(days / 365);
  const double value = (distance + std::sqrt(distance * distance + 4 * at_the_money * at_the_money)) / 2;
  return call ? value : value - distance;
}

/// Five levels around a mid price; wider the dearer and the further from the money.
void quote(State& s, Random& random, double mid, std::int64_t steps_away) {
  const std::int64_t half = kTick * (1 + static_cast<std::int64_t>(mid) / 12'000 + steps_away / 2 + random.below(2));
  for (std::size_t level = 0; level < 5; ++level) {
    const std::int64_t out = half + static_cast<std::int64_t>(level) * kTick * (1 + steps_away / 3);
    auto depth = [&](std::int64_t price) {
      return Depth{price <= 0 ? 0 : random.between(1, 40) * kLot, std::max<std::int64_t>(0, price),
                   price <= 0 ? 0 : random.between(1, 12)};
    };
    s.bids[level] = depth(on_tick(mid) - out);
    s.asks[level] = depth(on_tick(mid) + out);
  }
}

}  // namespace

Chain make_chain(std::uint64_t seed, const Calendar& calendar, const std::vector<Session>& sessions, Date expiry,
                 int strikes) {
  Chain chain;
  chain.seed = seed, chain.sessions = sessions, chain.zone = calendar.zone(), chain.expiry = expiry;
  Random random(seed, "spot");
  chain.previous_close = (kStart + random.normal(3'000)) / kTick * kTick;
  std::int64_t level = chain.previous_close, centre = 0;
  for (const Session& session : sessions) {
    level += random.normal(3'000);  // overnight
    if (centre == 0) centre = level;
    auto& path = chain.spot.emplace_back(static_cast<std::size_t>((session.close().us - session.open().us) / kSecond));
    for (std::size_t t = 0; t < path.size(); ++t) {
      path[t] = (level + kTick / 2) / kTick * kTick;
      level += random.normal(t < 1'800 ? 95 : 50) - (level - centre) / 40'000;
    }
  }
  const std::int64_t middle = (centre / 100 + kStrikeStep / 2) / kStrikeStep * kStrikeStep;
  for (int i = -(strikes / 2); i <= strikes / 2; ++i) chain.strikes.push_back(middle + i * kStrikeStep);
  return chain;
}

std::vector<ContractFile> option_files(const Chain& chain, std::size_t strike, bool call) {
  const std::int64_t rupees = chain.strikes[strike];
  const auto away = std::abs(static_cast<std::int64_t>(strike) - static_cast<std::int64_t>(chain.strikes.size() / 2));
  const std::int64_t activity = away <= 1 ? 60 : away <= 3 ? 35 : 15;  // rows in a hundred seconds
  constexpr const char* months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
  const std::string name = fmt::format("tape{:02}{}{}{}", chain.expiry.year() % 100, months[chain.expiry.month() - 1],
                                       rupees, call ? "ce" : "pe");
  Random random(chain.seed, call ? "call" : "put", strike);
  State carried;
  carried.close = on_tick(fair_value(chain, 0, 0, rupees, call) * 1.01);
  carried.interest = random.between(2'000, 20'000) * kLot;
  std::vector<ContractFile> files;
  for (std::size_t session = 0; session < chain.sessions.size(); ++session) {
    const Names names = names_of(chain, session, kUnderlying, call ? "CE" : "PE", std::to_string(rupees));
    State s;
    s.close = carried.close, s.interest = s.interest_high = s.interest_low = carried.interest;
    ContractFile file{name, header(), 0, {}};
    const auto seconds = static_cast<std::int64_t>(chain.spot[session].size());
    const std::int64_t reset_at = away == 4 && call && session == 0 ? seconds / 3 : -1;
    for (std::int64_t t = 0; t < seconds; ++t) {
      if (t == reset_at) s.volume = s.turnover = 0;  // a feed does that; it stays as it is
      if (t > 0 && t + 1 < seconds && !random.chance(activity, 100)) continue;
      const double mid =
          fair_value(chain, session, static_cast<std::size_t>(t), rupees, call) + static_cast<double>(random.normal(4));
      quote(s, random, mid, away);
      const bool trades = random.chance(activity / 3 + 1, 100) && t > away * 2;
      if (trades) {
        const bool at_bid =
            random.chance(1, 2) && s.bids[0].price > 0;  // one draw a statement: the order of arguments is nobody's
        s.trade(t, at_bid ? s.bids[0].price : s.asks[0].price, random.between(1, 12));
        s.interest = std::max<std::int64_t>(0, s.interest + random.between(-3, 4) * kLot);
        s.interest_high = std::max(s.interest_high, s.interest), s.interest_low = std::min(s.interest_low, s.interest);
      }
      put_row(file.text, names, s, t, random.chance(1, 400));
      ++file.rows;
    }
    if (s.price > 0) carried.close = s.price;
    carried.interest = s.interest;
    files.push_back(std::move(file));
  }
  return files;
}

std::vector<ContractFile> spot_files(const Chain& chain) {
  std::vector<ContractFile> files;
  std::int64_t close = chain.previous_close;
  Random random(chain.seed, "spot rows");
  for (std::size_t session = 0; session < chain.sessions.size(); ++session) {
    const Names names = names_of(chain, session, kUnderlying, "", "");
    State s;
    s.close = close;
    ContractFile file{"tape", header(), 0, {}};
    for (std::size_t t = 0; t < chain.spot[session].size(); ++t) {
      const std::int64_t price = chain.spot[session][t];
      s.price = price, s.traded_at = static_cast<std::int64_t>(t);
      s.open = s.open == 0 ? price : s.open;
      s.high = std::max(s.high, price), s.low = s.low == 0 ? price : std::min(s.low, price);
      put_row(file.text, names, s, static_cast<std::int64_t>(t), random.chance(1, 400));
      ++file.rows;
    }
    close = chain.spot[session].back();
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace tapemill::pipeline::generated
