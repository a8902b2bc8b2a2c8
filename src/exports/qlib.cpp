#include "exports/qlib.h"

#include <arrow/api.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include "core/paths.h"
#include "core/progress.h"
#include "core/s3.h"
#include "lake/about.h"

namespace fs = std::filesystem;
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

/// The slots of the calendar: session days, or minute stamps of regular sessions.
struct Slots {
  bool minutes = false;
  std::vector<std::int64_t> keys;        // days, or instants in microseconds
  std::vector<std::string> text;
  std::int64_t find(std::int64_t key) const {
    auto at = std::lower_bound(keys.begin(), keys.end(), key);
    return at != keys.end() && *at == key ? at - keys.begin() : -1;
  }
};

Result<Slots> make_slots(const Dataset& dataset, bool minutes, Date first, Date last) {
  Slots slots;
  slots.minutes = minutes;
  for (Date date : dataset.calendar->sessions(first, last)) {
    if (!minutes) {
      slots.keys.push_back(date.days);
      slots.text.push_back(date.str());
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(Session session, dataset.calendar->session(date));
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

Status write_whole(const fs::path& path, std::string_view bytes) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return errno_error(path.string(), errno);
  Status status;
  while (!bytes.empty() && status.ok()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) status = errno_error(path.string(), errno);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  ::close(fd);
  return status;
}

struct Instrument {
  std::string symbol, folder;
  std::int64_t first = 0, last = 0;      // rows [first, last)
  std::int64_t from = -1, to = -1;       // slots, inclusive; -1: no row falls on a slot
};

Status write_instrument(const fs::path& features, const Slots& slots, Instrument& one,
                        const std::vector<std::int64_t>& row_slot,
                        const std::vector<std::pair<std::string, std::vector<double>>>& columns,
                        std::atomic<std::int64_t>& inexact) {
  for (std::int64_t row = one.first; row < one.last; ++row) {
    std::int64_t slot = row_slot[static_cast<std::size_t>(row)];
    if (slot < 0) continue;
    one.from = one.from < 0 ? slot : std::min(one.from, slot);
    one.to = std::max(one.to, slot);
  }
  if (one.from < 0) return Status::OK();
  fs::path folder = features / one.folder;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return errno_error(folder.string(), failed.value());
  for (const auto& [name, values] : columns) {
    std::vector<float> out(static_cast<std::size_t>(one.to - one.from + 2), std::nanf(""));
    out[0] = static_cast<float>(one.from);
    for (std::int64_t row = one.first; row < one.last; ++row) {
      std::int64_t slot = row_slot[static_cast<std::size_t>(row)];
      if (slot < 0) continue;
      double value = name == "factor" ? 1.0 : values[static_cast<std::size_t>(row)];
      auto narrow = static_cast<float>(value);
      if (name == "volume" && !std::isnan(value) && static_cast<double>(narrow) != value) ++inexact;
      out[static_cast<std::size_t>(slot - one.from + 1)] = narrow;
    }
    std::string_view bytes(reinterpret_cast<const char*>(out.data()), out.size() * sizeof(float));
    ARROW_RETURN_NOT_OK(write_whole(folder / (name + (slots.minutes ? ".1min.bin" : ".day.bin")), bytes));
  }
  return Status::OK();
}

/// The old store is removed when the new one is in its place: what is no store must not be there.
Status check_place(const fs::path& place) {
  std::error_code failed;
  auto kind = fs::symlink_status(place, failed).type();
  if (kind == fs::file_type::not_found) return Status::OK();
  if (kind == fs::file_type::directory && (fs::is_empty(place, failed) || fs::exists(place / "tapemill.json", failed)))
    return Status::OK();
  return usage_error(place.string() + ": is there already and no Qlib store of Tapemill's",
                     "it would be replaced whole: give --out a folder that is new or empty");
}

/// Removes what killed exports to `place` left beside it: PLACE.PID.tmp of processes that are no more.
void sweep(const fs::path& place) {
  std::error_code ignored;
  fs::path folder = place.has_parent_path() ? place.parent_path() : fs::path(".");
  const std::string head = place.filename().string() + ".";
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with(head) || !name.ends_with(".tmp")) continue;
    std::string middle = name.substr(head.size(), std::max<std::size_t>(name.size() - head.size(), 4) - 4);
    if (middle.empty() || middle.size() > 9 || middle.find_first_not_of("0123456789") != std::string::npos) continue;
    if (::kill(std::stoi(middle), 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

/// Puts `made` in `place`; whoever reads sees the old store or the new one.
Status swap_in(const fs::path& made, const fs::path& place) {
  std::error_code failed;
  if (fs::exists(place, failed)) {
    if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0)
      return errno_error(place.string(), errno);
    fs::remove_all(made, failed);
    return Status::OK();
  }
  fs::rename(made, place, failed);
  return failed ? errno_error(place.string(), failed.value()) : Status::OK();
}

std::int64_t bytes_under(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored))
    if (entry.is_regular_file(ignored)) bytes += static_cast<std::int64_t>(entry.file_size(ignored));
  return bytes;
}

Result<bool> holds_already(const fs::path& folder, const Json& identity, QlibReport& report) {
  std::error_code ignored;
  if (!fs::exists(folder / "tapemill.json", ignored)) return false;
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(folder / "tapemill.json"));
  Json there = Json::parse(text, nullptr, false);
  if (!there.is_object() || there.value("identity", Json()) != identity) return false;
  report.instruments = there.value("instruments", std::int64_t{0});
  report.sessions = there.value("sessions", std::int64_t{0});
  report.rows = there.value("rows", std::int64_t{0});
  report.inexact_volumes = there.value("inexact_volumes", std::int64_t{0});
  report.bytes = bytes_under(folder);
  return report.unchanged = true;
}

Result<std::vector<Instrument>> instruments_of(const arrow::Table& table) {
  ARROW_ASSIGN_OR_RAISE(auto spans, lake::spans(table));
  ARROW_ASSIGN_OR_RAISE(auto symbols, arrow::Concatenate(table.GetColumnByName("symbol")->chunks()));
  const auto& names = static_cast<const arrow::StringArray&>(*symbols);
  std::map<std::string, std::string> owner;
  std::vector<Instrument> all;
  for (const auto& span : spans) {
    Instrument one{names.GetString(span.last - 1), {}, span.first, span.last};  // the symbol as last known
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

Result<QlibReport> export_qlib(const lake::Lake& lake, const QlibOptions& options, const Workers& workers) {
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  bool minutes = dataset.column("time") != nullptr;
  lake::ScanRequest request;
  request.table = name;
  request.columns = {"instrument_id", "symbol", dataset.session_column};
  if (minutes) request.columns.push_back("time");
  for (const auto& field : options.fields) {
    if (field == "factor") continue;
    const Column* column = dataset.column(field);
    if (column == nullptr || column->kind == Kind::string) {
      std::string near = nearest(field, dataset.schema()->field_names());
      return usage_error(fmt::format("{} has no number called \"{}\"", dataset.table, field),
                         near.empty() ? "" : "did you mean \"" + near + "\"?");
    }
    request.columns.push_back(field);
  }
  // The snapshot that identifies the store is the one that is read.
  lake::TableName real = name;
  if (real.layer == lake::Layer::silver && lake.silver_is_view(real.table)) real.layer = lake::Layer::bronze;
  ARROW_ASSIGN_OR_RAISE(request.version, lake.table(real).version());
  if (options.out.empty() && S3Place::is(lake.root()))
    return usage_error("qlib reads a folder of this machine, and the lake is in " + lake.root(), "name one with --out");
  QlibReport report;
  report.version = *request.version;
  fs::path place = options.out.empty() ? fs::path(lake.root()) / "gold" / "qlib" / name.table
                                       : fs::path(options.out).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();  // "store/"
  ARROW_RETURN_NOT_OK(check_place(place));
  report.folder = place.string();
  Json identity{{"table", name.str()}, {"version", report.version}, {"fields", options.fields}, {"format", 1}};
  ARROW_ASSIGN_OR_RAISE(bool same, holds_already(place, identity, report));
  if (same) return report;

  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request, workers));
  const auto& table = *scanned.rows;
  if (table.num_rows() == 0) return data_error(name.str() + ": holds no rows to export");
  ARROW_ASSIGN_OR_RAISE(auto instruments, instruments_of(table));
  ARROW_ASSIGN_OR_RAISE(auto days, lake::doubles(table, dataset.session_column));
  auto [least, most] = std::minmax_element(days.begin(), days.end());
  ARROW_ASSIGN_OR_RAISE(Slots slots, make_slots(dataset, minutes, Date{static_cast<std::int32_t>(*least)},
                                                Date{static_cast<std::int32_t>(*most)}));
  std::vector<double> stamps = days;
  if (minutes) { ARROW_ASSIGN_OR_RAISE(stamps, lake::doubles(table, "time")); }
  std::vector<std::int64_t> row_slot(stamps.size());
  for (std::size_t i = 0; i < stamps.size(); ++i) row_slot[i] = slots.find(static_cast<std::int64_t>(stamps[i]));
  std::vector<std::pair<std::string, std::vector<double>>> columns;
  for (const auto& field : options.fields) {
    auto& column = columns.emplace_back(field, std::vector<double>{});
    if (field == "factor") continue;
    ARROW_ASSIGN_OR_RAISE(column.second, lake::doubles(table, field));
  }

  sweep(place);
  fs::path made = place;
  made += fmt::format(".{}.tmp", ::getpid());
  std::error_code failed;
  fs::remove_all(made, failed);
  for (const char* part : {"calendars", "instruments", "features"}) {
    fs::create_directories(made / part, failed);
    if (failed) return errno_error((made / part).string(), failed.value());
  }
  struct Cleaner {
    fs::path path;
    ~Cleaner() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } cleaner{made};
  std::atomic<std::int64_t> inexact{0};
  {
    Progress progress("qlib", static_cast<std::int64_t>(instruments.size()), "symbols");
    ARROW_RETURN_NOT_OK(workers.each(
        instruments.size(),
        [&](std::size_t i) {
          progress.add(1);
          return write_instrument(made / "features", slots, instruments[i], row_slot, columns, inexact);
        },
        interrupt()));
  }
  std::string calendar, list;
  for (const auto& line : slots.text) calendar += line + "\n";
  std::sort(instruments.begin(), instruments.end(), [](const auto& a, const auto& b) { return a.symbol < b.symbol; });
  for (const auto& one : instruments)
    if (one.from >= 0)
      list += fmt::format("{}\t{}\t{}\n", cased(one.symbol, std::toupper),
                          slots.text[static_cast<std::size_t>(one.from)], slots.text[static_cast<std::size_t>(one.to)]),
          ++report.instruments;
  ARROW_RETURN_NOT_OK(write_whole(made / "calendars" / (minutes ? "1min.txt" : "day.txt"), calendar));
  ARROW_RETURN_NOT_OK(write_whole(made / "instruments" / "all.txt", list));
  report.sessions = static_cast<std::int64_t>(slots.keys.size());
  report.rows = table.num_rows();
  report.inexact_volumes = inexact;
  Json manifest{{"identity", identity}, {"instruments", report.instruments},         {"sessions", report.sessions},
                {"rows", report.rows},  {"inexact_volumes", report.inexact_volumes}, {"adjusted", "unadjusted"}};
  ARROW_RETURN_NOT_OK(write_whole(made / "tapemill.json", manifest.dump(2) + "\n"));
  ARROW_RETURN_NOT_OK(swap_in(made, place));
  report.bytes = bytes_under(place);
  return report;
}

}  // namespace tapemill::exports
