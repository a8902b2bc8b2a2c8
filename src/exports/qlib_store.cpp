#include "exports/qlib_store.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/held.h"
#include "lake/about.h"
#include "lake/scan_batches.h"

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

/// A table on its way into a store.
class Layout {
 public:
  Layout(const lake::Lake& lake, const QlibOptions& options, Dataset dataset, lake::ScanRequest request,
         const Workers& workers, MemoryBudget* budget)
      : lake_(lake),
        options_(options),
        dataset_(std::move(dataset)),
        request_(std::move(request)),
        workers_(workers),
        pool_(budget != nullptr ? budget->pool() : arrow::default_memory_pool()) {
    minutes_ = dataset_.column("time") != nullptr;
    request_.columns = {"instrument_id", "symbol", dataset_.session_column};
    if (minutes_) request_.columns.emplace_back("time");
    for (const auto& field : options.fields)
      if (field != "factor") request_.columns.push_back(field);
    // A row: texts, once more while they are joined, and for each number the column and its doubles.
    const auto row = static_cast<std::int64_t>(128 + 24 * request_.columns.size());
    if (budget != nullptr && budget->ceiling() > 0) most_ = budget->share(0.4, 1 << 20, 1LL << 40) / row;
  }

  Result<QlibStore> run(const std::function<Status(const QlibBlock&)>& take) {
    ARROW_ASSIGN_OR_RAISE(auto blocks, lake::instrument_blocks(lake_, request_, most_, pool_));
    if (blocks.size() > 1) ARROW_RETURN_NOT_OK(find_slots());
    for (auto& names : blocks) {
      if (interrupt().stop_requested()) return Status::Cancelled("interrupted; nothing was written");
      std::sort(names.begin(), names.end());
      ARROW_ASSIGN_OR_RAISE(QlibBlock block, read(names));
      ARROW_RETURN_NOT_OK(take(block));
      for (QlibInstrument& one : block.instruments) store_.instruments.push_back(std::move(one));
    }
    if (store_.rows + store_.rows_left_out == 0) return data_error(request_.table.str() + ": holds no rows to export");
    std::sort(store_.instruments.begin(), store_.instruments.end(),
              [](const auto& a, const auto& b) { return a.symbol < b.symbol; });
    return std::move(store_);
  }

 private:
  Status make_slots_of(const std::vector<double>& days) {
    auto [least, most] = std::minmax_element(days.begin(), days.end());
    ARROW_RETURN_NOT_OK(make_slots(dataset_, minutes_, options_.session == "extended",
                                   Date{static_cast<std::int32_t>(*least)}, Date{static_cast<std::int32_t>(*most)})
                            .Value(&store_.slots));
    constexpr std::int64_t slot = 80;  // its key and its text, and the text once more when it is written
    return Held::take(slot * static_cast<std::int64_t>(store_.slots.keys.size()), pool_).Value(&held_);
  }

  /// The calendar of all blocks, before the first is read.
  Status find_slots() {
    lake::ScanRequest sessions = request_;
    sessions.columns = {dataset_.session_column};
    std::vector<double> ends;
    ARROW_RETURN_NOT_OK(lake::scan_batches(
        lake_, sessions, 1 << 16, pool_, [&](const std::shared_ptr<arrow::RecordBatch>& rows) -> Status {
          ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches({rows}));
          ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(*table, dataset_.session_column));
          auto [least, most] = std::minmax_element(days.begin(), days.end());
          ends = ends.empty() ? std::vector{*least, *most}
                              : std::vector{std::min(ends[0], *least), std::max(ends[1], *most)};
          return Status::OK();
        }));
    return make_slots_of(ends);
  }

  /// The rows of the instruments `names`; of all, and the slots then, where none is named.
  Result<QlibBlock> read(const std::vector<std::string>& names) {
    lake::ScanRequest request = request_;
    request.symbols = names;
    ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake_, request, workers_, pool_));
    const auto& table = *scanned.rows;
    QlibBlock block;
    block.slots = &store_.slots;
    if (table.num_rows() == 0) return block;
    ARROW_RETURN_NOT_OK(add_instruments(table, names, block));
    ARROW_ASSIGN_OR_RAISE(auto stamps, lake::doubles(table, dataset_.session_column));
    if (names.empty()) ARROW_RETURN_NOT_OK(make_slots_of(stamps));
    if (minutes_) { ARROW_ASSIGN_OR_RAISE(stamps, lake::doubles(table, "time")); }
    block.row_slot.resize(stamps.size());
    for (std::size_t i = 0; i < stamps.size(); ++i)
      block.row_slot[i] = store_.slots.find(static_cast<std::int64_t>(stamps[i]));
    for (const auto& field : options_.fields) {
      auto& column = block.columns.emplace_back(field, std::vector<double>{});
      if (field == "factor") continue;
      ARROW_ASSIGN_OR_RAISE(column.second, lake::doubles(table, field));
    }
    std::vector<QlibInstrument> kept;
    for (QlibInstrument& one : block.instruments) {
      for (std::int64_t row = one.first; row < one.last; ++row) {
        const std::int64_t slot = block.row_slot[static_cast<std::size_t>(row)];
        ++(slot < 0 ? store_.rows_left_out : store_.rows);
        if (slot < 0) continue;
        one.from = one.from < 0 ? slot : std::min(one.from, slot);
        one.to = std::max(one.to, slot);
      }
      if (one.from < 0) ++store_.instruments_out;
      else kept.push_back(std::move(one));
    }
    block.instruments = std::move(kept);
    return block;
  }

  Status add_instruments(const arrow::Table& table, const std::vector<std::string>& names, QlibBlock& block) {
    ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(table));
    ARROW_ASSIGN_OR_RAISE(auto symbols, arrow::Concatenate(table.GetColumnByName("symbol")->chunks(), pool_));
    const auto& texts = static_cast<const arrow::StringArray&>(*symbols);
    for (const auto& span : spans) {
      // A symbol may be what another block's instrument is called: it is no row of this block.
      if (!names.empty() && !std::binary_search(names.begin(), names.end(), span.instrument)) continue;
      QlibInstrument one{texts.GetString(span.last - 1), {}, span.first, span.last, -1, -1};  // as last known
      if (one.symbol.empty() || one.symbol.find('/') != std::string::npos || one.symbol.front() == '.')
        return data_error(fmt::format("symbol \"{}\" cannot name a folder of a Qlib store", one.symbol));
      auto [at, fresh] = owner_.try_emplace(cased(one.symbol, std::toupper), span.instrument);
      if (!fresh)
        return usage_error(
            fmt::format("symbol {} names two instruments, {} and {}", one.symbol, at->second, span.instrument),
            "Qlib knows symbols alone: export a table with one series");
      one.folder = folder_name(one.symbol);
      block.instruments.push_back(std::move(one));
    }
    return Status::OK();
  }

  const lake::Lake& lake_;
  const QlibOptions& options_;
  Dataset dataset_;
  lake::ScanRequest request_;
  const Workers& workers_;
  arrow::MemoryPool* pool_;
  bool minutes_ = false;
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();  // rows of a block
  std::map<std::string, std::string> owner_;                      // of a symbol
  QlibStore store_;
  Held held_;  // for the slots
};

}  // namespace

std::int64_t QlibSlots::find(std::int64_t key) const {
  auto at = std::lower_bound(keys.begin(), keys.end(), key);
  return at != keys.end() && *at == key ? at - keys.begin() : -1;
}

std::string QlibBlock::file(const QlibInstrument& one, std::size_t column) const {
  return fmt::format("features/{}/{}.{}.bin", one.folder, columns[column].first, slots->unit());
}

std::vector<float> QlibBlock::values(const QlibInstrument& one, std::size_t column, std::int64_t& inexact) const {
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
                               const Workers& workers, MemoryBudget* budget,
                               const std::function<Status(const QlibBlock&)>& take) {
  lake::ScanRequest request;
  ARROW_ASSIGN_OR_RAISE(request.table, lake::TableName::parse(options.table));
  request.version = version;
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, request.table.table));
  return Layout(lake, options, std::move(dataset), std::move(request), workers, budget).run(take);
}

}  // namespace tapemill::exports
