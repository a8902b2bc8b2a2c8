#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "backtest/columns.h"
#include "backtest/load.h"
#include "core/workers.h"
#include "lake/about.h"
#include "lake/scan_batches.h"

namespace tapemill::backtest {
namespace {

constexpr const char* kBase[] = {"instrument_id", "underlying",   "expiry", "strike", "option_type",
                                 "time",          "available_at", "price",  "volume", "oi"};

std::vector<std::string> columns_read() {
  std::vector<std::string> names(std::begin(kBase), std::end(kBase));
  for (int level = 0; level < kDepth; ++level) {
    for (const char* prefix : {"bp", "bq", "sp", "sq"}) names.push_back(prefix + std::to_string(level));
  }
  return names;
}

Result<std::int32_t> narrow(std::int64_t value, const std::string& column) {
  if (value == kNullPrice) return kNoPrice;
  if (value > INT32_MAX || value <= INT32_MIN) return data_error(fmt::format("{} = {} leaves 32 bits", column, value));
  return static_cast<std::int32_t>(value);
}

bool uses(const OptionStrategy& plan, Metric::Id id) {
  std::vector<const Metric*> used;
  plan.enter.metrics(used);
  plan.leave.metrics(used);
  return std::any_of(used.begin(), used.end(), [&](const Metric* metric) { return metric->id == id; });
}

Status each_batch(const lake::Lake& lake, const Input& input, SessionHours hours, Date date,
                  std::vector<std::string> columns, const DayRoom& room,
                  const std::function<Status(const Columns&)>& take) {
  lake::ScanRequest request;
  ARROW_ASSIGN_OR_RAISE(request.table, lake::TableName::parse(input.table));
  request.version = input.version;
  request.hours = hours;
  request.start = request.end = date;
  request.columns = std::move(columns);
  return lake::scan_batches(lake, request, room.batch_rows, room.pool,
                            [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
                              if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
                              ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches({rows}));
                              return take(Columns(*table));
                            });
}

/// The day's last trades: of the underlying and per instrument.
Status add_previous(const lake::Lake& lake, const OptionStrategy& plan, const Input& input, Date before, ChainDay& day,
                    const DayRoom& room) {
  std::map<std::string, std::pair<Instant, std::int64_t>> last;
  auto take = [&](const Columns& columns) -> Status {
    ARROW_ASSIGN_OR_RAISE(auto instrument, columns.texts("instrument_id"));
    ARROW_ASSIGN_OR_RAISE(auto underlying, columns.texts("underlying"));
    ARROW_ASSIGN_OR_RAISE(auto type, columns.texts("option_type"));
    ARROW_ASSIGN_OR_RAISE(auto expiry, columns.dates("expiry"));
    ARROW_ASSIGN_OR_RAISE(auto time, columns.instants("time"));
    ARROW_ASSIGN_OR_RAISE(auto price, columns.decimals("price", 2));
    for (std::size_t i = 0; i < instrument.size(); ++i) {
      if (underlying[i] != plan.symbol || price[i] <= 0) continue;
      bool spot = type[i].empty() && expiry[i].days == 0;
      auto& slot = last[spot ? std::string{} : instrument[i]];
      if (time[i] >= slot.first) slot = {time[i], price[i]};
    }
    return Status::OK();
  };
  ARROW_RETURN_NOT_OK(each_batch(lake, input, plan.session, before,
                                 {"instrument_id", "underlying", "option_type", "expiry", "time", "price"}, room,
                                 take));
  if (auto found = last.find(""); found != last.end()) day.previous_spot = found->second.second;
  for (Contract& contract : day.contracts) {
    if (auto found = last.find(contract.instrument); found != last.end())
      contract.previous_close = found->second.second;
  }
  return Status::OK();
}

/// Rows of a day on their way into its contracts: in memory while there is room, else in a file.
class DayRows {
 public:
  DayRows(const OptionStrategy& plan, const std::string& folder, const DayRoom& room, LoadedDay& out)
      : plan_(plan), folder_(folder), room_(room), out_(out), day_(out.day) {}

  Status add(const Columns& columns) {
    ARROW_ASSIGN_OR_RAISE(auto instrument, columns.texts("instrument_id"));
    ARROW_ASSIGN_OR_RAISE(auto underlying, columns.texts("underlying"));
    ARROW_ASSIGN_OR_RAISE(auto expiry, columns.dates("expiry"));
    ARROW_ASSIGN_OR_RAISE(auto strike, columns.decimals("strike", 2));
    ARROW_ASSIGN_OR_RAISE(auto type, columns.texts("option_type"));
    ARROW_ASSIGN_OR_RAISE(auto time, columns.instants("time"));
    ARROW_ASSIGN_OR_RAISE(auto known, columns.instants("available_at"));
    ARROW_ASSIGN_OR_RAISE(auto price, columns.decimals("price", 2));
    ARROW_ASSIGN_OR_RAISE(auto volume, columns.whole("volume"));
    ARROW_ASSIGN_OR_RAISE(auto interest, columns.whole("oi"));
    std::vector<std::int64_t> bid[kDepth], ask[kDepth], bid_size[kDepth], ask_size[kDepth];
    for (int level = 0; level < kDepth; ++level) {
      std::string n = std::to_string(level);
      ARROW_ASSIGN_OR_RAISE(bid[level], columns.decimals("bp" + n, 2));
      ARROW_ASSIGN_OR_RAISE(ask[level], columns.decimals("sp" + n, 2));
      ARROW_ASSIGN_OR_RAISE(bid_size[level], columns.whole("bq" + n));
      ARROW_ASSIGN_OR_RAISE(ask_size[level], columns.whole("sq" + n));
    }
    out_.rows += static_cast<std::int64_t>(instrument.size());
    ARROW_RETURN_NOT_OK(make_room(instrument.size()));
    for (std::size_t i = 0; i < instrument.size(); ++i) {
      if (underlying[i] != plan_.symbol) continue;
      if (type[i].empty()) {
        if (expiry[i].days == 0) day_.spot.push_back({time[i], known[i], price[i]});  // a future has an expiry
        continue;
      }
      auto [slot, added] = index_.try_emplace(instrument[i], day_.contracts.size());
      if (added) {
        Contract contract;
        contract.instrument = instrument[i], contract.expiry = expiry[i], contract.strike = strike[i],
        contract.call = type[i][0] == 'C';
        if (file_ != nullptr) ARROW_RETURN_NOT_OK(contract.quotes.move_to(file_));
        day_.contracts.push_back(std::move(contract));
      }
      Quote quote;
      quote.time = time[i], quote.known_at = known[i], quote.volume = volume[i], quote.interest = interest[i];
      ARROW_ASSIGN_OR_RAISE(quote.last, narrow(price[i], "price"));
      for (int level = 0; level < kDepth; ++level) {
        ARROW_ASSIGN_OR_RAISE(quote.bid[level], narrow(bid[level][i], "bp"));
        ARROW_ASSIGN_OR_RAISE(quote.ask[level], narrow(ask[level][i], "sp"));
        quote.bid_size[level] = static_cast<std::int32_t>(std::min<std::int64_t>(bid_size[level][i], INT32_MAX));
        quote.ask_size[level] = static_cast<std::int32_t>(std::min<std::int64_t>(ask_size[level][i], INT32_MAX));
      }
      ARROW_RETURN_NOT_OK(day_.contracts[slot->second].quotes.add(quote));
    }
    return Status::OK();
  }

  /// The order in which quotes became known; returns how many rows went back in time.
  Result<std::int64_t> arrange() {
    std::int64_t out_of_order = backtest::arrange(day_.spot);
    for (Contract& contract : day_.contracts) {
      ARROW_ASSIGN_OR_RAISE(const std::int64_t dropped, contract.quotes.arrange());
      out_of_order += dropped;
    }
    std::sort(day_.contracts.begin(), day_.contracts.end(), [](const Contract& a, const Contract& b) {
      return std::tie(a.expiry, a.strike, a.call, a.instrument) < std::tie(b.expiry, b.strike, b.call, b.instrument);
    });
    return out_of_order;
  }

 private:
  /// For so many quotes more, in vectors that grow by doubling; they leave for a file where there is none.
  Status make_room(std::size_t more) {
    if (file_ != nullptr || room_.quotes == 0) return Status::OK();
    coming_ += static_cast<std::int64_t>(2 * more * sizeof(Quote));
    if (coming_ <= out_.held.bytes()) return Status::OK();
    out_.held.give_back();
    auto held = coming_ <= room_.quotes ? Held::take(std::min(2 * coming_, room_.quotes), room_.pool)
                                        : Result<Held>(Status::OutOfMemory("no room"));
    if (held.ok()) return out_.held = std::move(*held), Status::OK();
    ARROW_ASSIGN_OR_RAISE(file_, QuoteFile::create(folder_));
    day_.file = file_;
    for (Contract& contract : day_.contracts) ARROW_RETURN_NOT_OK(contract.quotes.move_to(file_));
    return Held::take(QuoteFile::kKept * QuoteFile::kPage * static_cast<std::int64_t>(sizeof(Quote)), room_.pool)
        .Value(&out_.held);
  }

  const OptionStrategy& plan_;
  const std::string& folder_;
  const DayRoom& room_;
  LoadedDay& out_;
  ChainDay& day_;
  std::map<std::string, std::size_t> index_;
  std::shared_ptr<QuoteFile> file_;
  std::int64_t coming_ = 0;  // bytes of quotes in memory
};

Status add_rules(const OptionStrategy& plan, const Rules& rules, ChainDay& day) {
  Date date = day.session.date;
  ARROW_ASSIGN_OR_RAISE(day.tick, rules.find({"tick_size", plan.symbol, date, {}, {}}, 2));
  if (day.tick <= 0) return data_error(fmt::format("rules {}: tick_size is not above 0", rules.name()));
  day.step = strike_step(day);
  if (day.step == 0) { ARROW_ASSIGN_OR_RAISE(day.step, rules.find({"strike_step", plan.symbol, date, {}, {}}, 2)); }
  std::map<Date, std::int64_t> lots;
  for (Date expiry : choose_expiries(plan, day)) {
    ARROW_ASSIGN_OR_RAISE(lots[expiry], rules.find({"lot_size", plan.symbol, date, expiry, {}}, 0));
    if (lots[expiry] <= 0) return data_error(fmt::format("rules {}: lot_size is not above 0", rules.name()));
  }
  for (Contract& contract : day.contracts) {
    if (auto lot = lots.find(contract.expiry); lot != lots.end()) contract.lot = lot->second;
  }
  if (!plan.stt) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(day.stt_sale, rules.find({"stt_option_sale", plan.symbol, date, {}, {}}, 8));
  if (!lots.contains(date)) return Status::OK();  // nothing of it settles today
  return rules.find({"stt_option_exercise", plan.symbol, date, {}, {}}, 8).Value(&day.stt_exercise);
}

}  // namespace

Result<std::vector<Date>> option_days(const lake::Lake& lake, const OptionStrategy& plan, const Input& input) {
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(input.table));
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, lake.table(name).snapshot(input.version));
  std::set<Date> dates;
  for (const lake::Part& part : snapshot.parts) {
    auto found = part.partition.find("date");
    if (found == part.partition.end())
      return usage_error(fmt::format("{} is not partitioned by date: it does not hold one-second quotes", input.table));
    ARROW_ASSIGN_OR_RAISE(Date date, Date::parse(found->second));
    bool day = plan.days.empty() || std::find(plan.days.begin(), plan.days.end(), date.weekday()) != plan.days.end();
    if (day && (!plan.start || date >= *plan.start) && (!plan.end || date <= *plan.end)) dates.insert(date);
  }
  if (dates.empty())
    return data_error(fmt::format("{} has no session in the strategy's dates and days", input.table),
                      "tapemill describe " + name.table);
  return std::vector<Date>(dates.begin(), dates.end());
}

DayRoom room_of(std::int64_t memory, arrow::MemoryPool* pool, int at_once) {
  DayRoom room;
  room.pool = pool;
  if (memory <= 0) return room;
  constexpr std::int64_t page = 4096, row = 1024;  // rows of a page of a part; bytes of a row while it is read
  const std::int64_t own = memory / std::max(at_once, 1);
  room.batch_rows = std::clamp<std::int64_t>(own / 16 / row / page * page, page, room.batch_rows);
  room.quotes = std::max<std::int64_t>(own * 2 / 5, 1);
  return room;
}

Result<LoadedDay> load_day(const lake::Lake& lake, const OptionStrategy& plan, const Input& input, const Rules& rules,
                           Date date, const DayRoom& room) {
  LoadedDay out;
  ARROW_ASSIGN_OR_RAISE(lake::TableName name, lake::TableName::parse(input.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  ChainDay& day = out.day;
  day.calendar = dataset.calendar;
  ARROW_ASSIGN_OR_RAISE(day.session, dataset.calendar->session(date));
  day.zone = dataset.calendar->zone();
  if (!plan.timezone.empty()) { ARROW_ASSIGN_OR_RAISE(day.zone, Zone::named(plan.timezone)); }
  const std::string folder = lake.table(name).path();
  DayRows rows(plan, folder, room, out);
  ARROW_RETURN_NOT_OK(each_batch(lake, input, plan.session, date, columns_read(), room,
                                 [&](const Columns& columns) { return rows.add(columns); }));
  ARROW_ASSIGN_OR_RAISE(const std::int64_t out_of_order, rows.arrange());
  if (!day.contracts.empty()) ARROW_RETURN_NOT_OK(prefixed(add_rules(plan, rules, day), date.str()));
  if (uses(plan, Metric::Id::previous_close)) {
    auto before = dataset.calendar->previous(date);
    if (before.ok()) ARROW_RETURN_NOT_OK(add_previous(lake, plan, input, *before, day, room));
  }
  out.sanity = sanity_of(plan, day, out_of_order);
  return out;
}

}  // namespace tapemill::backtest
