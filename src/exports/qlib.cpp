#include "exports/qlib.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "core/json.h"
#include "core/paths.h"
#include "core/progress.h"
#include "core/s3.h"
#include "exports/qlib_store.h"
#include "lake/about.h"

namespace fs = std::filesystem;
namespace tapemill::exports {
namespace {

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
  report.rows_left_out = there.value("rows_left_out", std::int64_t{0});
  report.instruments_left_out = there.value("instruments_left_out", std::int64_t{0});
  report.inexact_volumes = there.value("inexact_volumes", std::int64_t{0});
  report.bytes = bytes_under(folder);
  return report.unchanged = true;
}

std::string_view bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

Status write_instrument(const fs::path& folder, const QlibBlock& block, const QlibInstrument& one,
                        std::atomic<std::int64_t>& inexact) {
  std::error_code failed;
  fs::create_directories(folder / "features" / one.folder, failed);
  if (failed) return errno_error((folder / "features" / one.folder).string(), failed.value());
  std::int64_t lost = 0;
  for (std::size_t column = 0; column < block.columns.size(); ++column)
    ARROW_RETURN_NOT_OK(write_whole(folder / block.file(one, column), bytes_of(block.values(one, column, lost))));
  inexact += lost;
  return Status::OK();
}

/// The table, as silver reads it, at its newest version: what identifies a store is what is read.
Result<std::int64_t> newest(const lake::Lake& lake, lake::TableName name) {
  if (name.layer == lake::Layer::silver && lake.silver_is_view(name.table)) name.layer = lake::Layer::bronze;
  return lake.table(name).version();
}

fs::path place_of(const lake::Lake& lake, const QlibOptions& options, const lake::TableName& name) {
  fs::path place = options.out.empty() ? fs::path(lake.root()) / "gold" / "qlib" / name.table
                                       : fs::path(options.out).lexically_normal();
  return place.has_filename() ? place : place.parent_path();  // "store/"
}

}  // namespace

Result<QlibReport> export_qlib(const lake::Lake& lake, const QlibOptions& options, const Workers& workers,
                               MemoryBudget* budget) {
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, lake::dataset_of(lake, name.table));
  for (const auto& field : options.fields) {
    const Column* column = dataset.column(field);
    if (field == "factor" || (column != nullptr && column->kind != Kind::string)) continue;
    std::string near = nearest(field, dataset.schema()->field_names());
    return usage_error(fmt::format("{} has no number called \"{}\"", dataset.table, field),
                       near.empty() ? "" : "did you mean \"" + near + "\"?");
  }
  if (options.out.empty() && S3Place::is(lake.root()))
    return usage_error("qlib reads a folder of this machine, and the lake is in " + lake.root(), "name one with --out");
  QlibReport report;
  ARROW_ASSIGN_OR_RAISE(report.version, newest(lake, name));
  const fs::path place = place_of(lake, options, name);
  ARROW_RETURN_NOT_OK(check_place(place));
  report.folder = place.string();
  Json identity{{"table", name.str()}, {"version", report.version}, {"fields", options.fields}, {"format", 2}};
  if (options.session != "regular" && dataset.column("time") != nullptr) identity["session"] = options.session;
  ARROW_ASSIGN_OR_RAISE(bool same, holds_already(place, identity, report));
  if (same) return report;

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
  auto write_block = [&](const QlibBlock& block) {
    Progress progress("qlib", static_cast<std::int64_t>(block.instruments.size()), "symbols");
    return workers.each(
        block.instruments.size(),
        [&](std::size_t i) {
          progress.add(1);
          return write_instrument(made, block, block.instruments[i], inexact);
        },
        interrupt());
  };
  ARROW_ASSIGN_OR_RAISE(const QlibStore store,
                        lay_out_qlib(lake, options, report.version, workers, budget, write_block));
  ARROW_RETURN_NOT_OK(write_whole(made / "calendars" / fmt::format("{}.txt", store.slots.unit()), store.calendar()));
  ARROW_RETURN_NOT_OK(write_whole(made / "instruments" / "all.txt", store.list()));
  report.instruments = static_cast<std::int64_t>(store.instruments.size());
  report.sessions = static_cast<std::int64_t>(store.slots.keys.size());
  report.rows = store.rows;
  report.rows_left_out = store.rows_left_out;
  report.instruments_left_out = store.instruments_out;
  report.inexact_volumes = inexact;
  Json manifest{{"identity", identity},
                {"instruments", report.instruments},
                {"instruments_left_out", report.instruments_left_out},
                {"sessions", report.sessions},
                {"rows", report.rows},
                {"rows_left_out", report.rows_left_out},
                {"left_out_because", !store.slots.minutes            ? "on no session"
                                     : options.session == "extended" ? "outside the extended hours"
                                                                     : "outside the regular session"},
                {"inexact_volumes", report.inexact_volumes},
                {"adjusted", "unadjusted"}};
  ARROW_RETURN_NOT_OK(write_whole(made / "tapemill.json", manifest.dump(2) + "\n"));
  ARROW_RETURN_NOT_OK(swap_in(made, place));
  report.bytes = bytes_under(place);
  return report;
}

Result<QlibReadBack> read_back_qlib(const lake::Lake& lake, const QlibOptions& options, const Workers& workers,
                                    MemoryBudget* budget) {
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(options.table));
  ARROW_ASSIGN_OR_RAISE(std::int64_t version, newest(lake, name));
  const fs::path place = place_of(lake, options, name);
  auto same = [&](const std::string& file, std::string_view wanted) -> Status {
    std::error_code none;
    if (!fs::exists(place / file, none)) return data_error(file + " is not there");
    ARROW_ASSIGN_OR_RAISE(std::string bytes, read_file(place / file));
    return bytes == wanted ? Status::OK() : data_error(file + " has other bytes than the table says");
  };
  std::atomic<std::int64_t> values{0}, files{0};
  auto compare = [&](const QlibBlock& block) {
    return workers.each(
        block.instruments.size(),
        [&](std::size_t i) {
          const QlibInstrument& one = block.instruments[i];
          for (std::size_t column = 0; column < block.columns.size(); ++column) {
            std::int64_t lost = 0;
            const auto wanted = block.values(one, column, lost);
            ARROW_RETURN_NOT_OK(same(block.file(one, column), bytes_of(wanted)));
            values += static_cast<std::int64_t>(wanted.size()) - 1;
            ++files;
          }
          return Status::OK();
        },
        interrupt());
  };
  ARROW_ASSIGN_OR_RAISE(const QlibStore store, lay_out_qlib(lake, options, version, workers, budget, compare));
  ARROW_RETURN_NOT_OK(same(fmt::format("calendars/{}.txt", store.slots.unit()), store.calendar()));
  ARROW_RETURN_NOT_OK(same("instruments/all.txt", store.list()));
  return QlibReadBack{files, values};
}

}  // namespace tapemill::exports
