#include "exports/qlib_store.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lake/about.h"

namespace tapemill::exports {
namespace {

constexpr std::int64_t kMostSlots = 1 << 24;  // element 0 is a float32 index

std::string cased(std::string text, int (*change)(int)) {
  for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return text;
}
/// qlib's code_to_fname: Windows device names take a prefix; what cannot be in a file name is refused by the caller.
std::string folder_name(const std::string& symbol) {
  static const std::set<std::string> devices{"CON",  "PRN",  "AUX",  "NUL",  "COM0", "COM1", "COM2", "COM3",
                                             "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT0", "LPT1",
                                             "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9"};
  std::string name = devices.contains(cased(symbol, std::toupper)) ? "_qlib_" + symbol : symbol;
  return cased(name, std::tolower);
}

Result<QlibSlots> make_slots(const Dataset& dataset, bool minutes, bool extended, Date first, Date last) {
  QlibSlots slots;
  slots.minutes = minutes;
  for (Date date : dataset.calendar->sessions(first, last)) {
    if (!minutes) {
      slots.keys.push_back(date.days);
      slots.text.push_back(date.str());
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(Session session, dataset.calendar->session(date));
    if (extended && dataset.calendar->has_extended()) session.intervals = {dataset.calendar->extended(session)};
    for (const Interval& interval : session.intervals)
      for (std::int64_t t = interval.open.us; t < interval.close.us; t += kMinute) {
        slots.keys.push_back(t);
        slots.text.push_back(dataset.calendar->zone().str({t}));
      }
  }
  if (static_cast<std::int64_t>(slots.keys.size()) >= kMostSlots)
    return data_error(fmt::format("{}: a calendar of {} slots does not fit Qlib's float32 start index", dataset.table,
                                  slots.keys.size()),
                      "export fewer sessions");
  return slots;
}

Result<std::vector<QlibInstrument>> instruments_of(const arrow::Table& table) {
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(table));
  ARROW_ASSIGN_OR_RAISE(auto symbols, arrow::Concatenate(table.GetColumnByName("symbol")->chunks()));
  const auto& names = static_cast<const arrow::StringArray&>(*symbols);
  std::map<std::string, std::string> owner;
  std::vector<QlibInstrument> all;
  for (const auto& span : spans) {
    QlibInstrument one{names.GetString(span.last - 1), {}, span.first, span.last, -1, -1};  // the symbol as last known
    if (one.symbol.empty() || one.symbol.find('/') != std::string::npos || one.symbol.front() == '.')
      return data_error(fmt::format("symbol \"{}\" cannot name a folder of a Qlib store", one.symbol));
    auto [at, fresh] = owner.try_emplace(cased(one.symbol, std::toupper), span.instrument);
    if (!fresh)
      return usage_error(
          fmt::format("symbol {} names two instruments, {} and {}", one.symbol, at->second, span.instrument),
          "Qlib knows symbols alone: export a table with one series");
    one.folder = folder_name(one.symbol);
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

std::int64_t QlibSlots::find(std::int64_t key) const {
  auto at = std::lower_bound(keys.begin(), keys.end(), key);
  return at != keys.end() && *at == key ? at - keys.begin() : -1;
}

std::string QlibStore::file(const QlibInstrument& one, std::size_t column) const {
  return fmt::format("features/{}/{}.{}.bin", one.folder, columns[column].first, slots.unit());
}

std::vector<float> QlibStore::values(const QlibInstrument& one, std::size_t column, std::int64_t& inexact) const {
  const auto& [name, numbers] = columns[column];
  std::vector<float> out(static_cast<std::size_t>(one.to - one.from + 2), std::nanf(""));
  out[0] = static_cast<float>(one.from);
  for (std::int64_t row = one.first; row < one.last; ++row) {
    std::int64_t slot = row_slot[static_cast<std::size_t>(row)];
    if (slot < 0) continue;
    double value = name == "factor" ? 1.0 : numbers[static_cast<std::size_t>(row)];
    auto narrow = static_cast<float>(value);
    if (name == "volume" && !std::isnan(value) && static_cast<double>(narrow) != value) ++inexact;
    out[static_cast<std::size_t>(slot - one.from + 1)] = narrow;
  }
  return out;
}

std::string QlibStore::calendar() const {
  std::string text;
  for (const auto& line : slots.text) text += line + "\n";
  return text;
}

std::string QlibStore::list() const {
  std::string text;
  for (const auto& one : instruments)
    text += fmt::format("{}\t{}\t{}\n", cased(one.symbol, std::toupper), slots.text[static_cast<std::size_t>(one.from)],
                        slots.text[static_cast<std::size_t>(one.to)]);
  return text;
}

Result<QlibStore> lay_out_qlib(const lake::Lake& lake, const QlibOptions& options, std::int64_t version,
                               const Workers& workers) {
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  bool minutes = dataset.column("time") != nullptr;
  lake::ScanRequest request;
  request.table = name;
  request.version = version;
  request.columns = {"instrument_id", "symbol", dataset.session_column};
  if (minutes) request.columns.push_back("time");
  for (const auto& field : options.fields)
    if (field != "factor") request.columns.push_back(field);
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request, workers));
  const auto& table = *scanned.rows;
  if (table.num_rows() == 0) return data_error(name.str() + ": holds no rows to export");
  QlibStore store;
  ARROW_ASSIGN_OR_RAISE(auto instruments, instruments_of(table));
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(table, dataset.session_column));
  auto [least, most] = std::minmax_element(days.begin(), days.end());
  ARROW_ASSIGN_OR_RAISE(
      store.slots, make_slots(dataset, minutes, options.session == "extended", Date{static_cast<std::int32_t>(*least)},
                              Date{static_cast<std::int32_t>(*most)}));
  std::vector<double> stamps = days;
  if (minutes) { ARROW_ASSIGN_OR_RAISE(stamps, lake::doubles(table, "time")); }
  store.row_slot.resize(stamps.size());
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    store.row_slot[i] = store.slots.find(static_cast<std::int64_t>(stamps[i]));
    ++(store.row_slot[i] < 0 ? store.rows_left_out : store.rows);
  }
  for (const auto& field : options.fields) {
    auto& column = store.columns.emplace_back(field, std::vector<double>{});
    if (field == "factor") continue;
    ARROW_ASSIGN_OR_RAISE(column.second, lake::doubles(table, field));
  }
  for (auto& one : instruments) {
    for (std::int64_t row = one.first; row < one.last; ++row) {
      std::int64_t slot = store.row_slot[static_cast<std::size_t>(row)];
      if (slot < 0) continue;
      one.from = one.from < 0 ? slot : std::min(one.from, slot);
      one.to = std::max(one.to, slot);
    }
    if (one.from < 0) ++store.instruments_out;
    else store.instruments.push_back(std::move(one));
  }
  std::sort(store.instruments.begin(), store.instruments.end(),
            [](const auto& a, const auto& b) { return a.symbol < b.symbol; });
  return store;
}

}  // namespace tapemill::exports
