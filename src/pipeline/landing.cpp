#include "pipeline/landing.h"

#include <arrow/api.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/hash.h"
#include "core/progress.h"
#include "lake/scan.h"
#include "lake/writer.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

/// Copies `from` to `to` by a temporary name, synced; the bytes are hashed on the way and must be those of `sha256`.
Status copy_exactly(const std::string& from, const std::string& to, const std::string& sha256) {
  std::string temporary = fmt::format("{}.{}.tmp", to, ::getpid());
  int in = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0) return errno_error(from, errno);
  int out = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) {
    int reason = errno;
    ::close(in);
    return errno_error(temporary, reason, "the lake's folder must be writable");
  }
  Sha256 hash;
  std::vector<char> block(1 << 20);
  Status status;
  for (;;) {
    ssize_t n = ::read(in, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = errno_error(from, errno);
    if (n <= 0) break;
    hash.add({block.data(), static_cast<std::size_t>(n)});
    for (ssize_t done = 0; done < n && status.ok();) {
      ssize_t wrote = ::write(out, block.data() + done, static_cast<std::size_t>(n - done));
      if (wrote < 0 && errno != EINTR) status = errno_error(to, errno, "free some space, or give another --lake");
      if (wrote > 0) done += wrote;
    }
    if (!status.ok()) break;
  }
  if (status.ok() && ::fsync(out) != 0) status = errno_error(to, errno);
  ::close(in);
  ::close(out);
  if (status.ok() && hash.hex() != sha256)
    status = data_error(from + ": changed while it was read", "run the ingest again when its writer is done");
  if (status.ok() && ::rename(temporary.c_str(), to.c_str()) != 0) status = errno_error(to, errno);
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

/// Where equal bytes lie already, and when they arrived.
Result<std::map<std::string, std::pair<std::string, Instant>>> known(const lake::Lake& lake, const lake::Table& table) {
  std::map<std::string, std::pair<std::string, Instant>> by_hash;
  if (!table.exists()) return by_hash;
  lake::ScanRequest request;
  request.table = table.name();
  request.columns = {"sha256", "kept_at", "arrived_at"};
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request));
  ARROW_ASSIGN_OR_RAISE(auto rows, scanned.rows->CombineChunksToBatch());
  const auto& hashes = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("sha256"));
  const auto& places = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("kept_at"));
  const auto& times = static_cast<const arrow::TimestampArray&>(*rows->GetColumnByName("arrived_at"));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    auto [at, fresh] = by_hash.try_emplace(hashes.GetString(i), places.GetString(i), Instant{times.Value(i)});
    if (!fresh && times.Value(i) < at->second.second.us) at->second.second.us = times.Value(i);
  }
  return by_hash;
}

Result<std::shared_ptr<arrow::RecordBatch>> rows_of(const std::vector<const Landed*>& files, arrow::MemoryPool* pool) {
  arrow::StringBuilder file(pool), path(pool), unit(pool), form(pool), sha(pool), kept(pool);
  arrow::Date32Builder session(pool);
  arrow::Int64Builder size(pool);
  arrow::TimestampBuilder arrived(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), pool);
  for (const Landed* one : files) {
    ARROW_RETURN_NOT_OK(file.Append(fs::path(one->info.path).filename().string()));
    ARROW_RETURN_NOT_OK(path.Append(one->info.path));
    ARROW_RETURN_NOT_OK(unit.Append(one->info.unit));
    ARROW_RETURN_NOT_OK(form.Append(one->info.form));
    ARROW_RETURN_NOT_OK(one->info.session ? session.Append(one->info.session->days) : session.AppendNull());
    ARROW_RETURN_NOT_OK(sha.Append(one->info.sha256));
    ARROW_RETURN_NOT_OK(size.Append(one->info.size));
    ARROW_RETURN_NOT_OK(kept.Append(one->kept_at));
    ARROW_RETURN_NOT_OK(arrived.Append(one->arrived.us));
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{&file, &path, &unit, &form, &session,
                                                                                  &sha, &size, &kept, &arrived}) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(landing_schema(), static_cast<std::int64_t>(files.size()), std::move(columns));
}

}  // namespace

std::shared_ptr<arrow::Schema> landing_schema() {
  auto text = [](const char* name) { return arrow::field(name, arrow::utf8(), false); };
  return arrow::schema({text("file"), text("path"), text("unit"), text("form"),
                        arrow::field("session", arrow::date32()), text("sha256"),
                        arrow::field("size", arrow::int64(), false), text("kept_at"),
                        arrow::field("arrived_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false)});
}

Result<std::vector<Landed>> land(const lake::Lake& lake, const Dataset& dataset,
                                 const std::vector<sources::FileInfo>& files, Instant now, MemoryBudget& budget) {
  lake::Table table = lake.table(lake::Layer::landing, dataset.table);
  ARROW_RETURN_NOT_OK(table.create(landing_schema(), {}, {}));
  ARROW_ASSIGN_OR_RAISE(auto there, known(lake, table));
  std::string folder = table.path() + "/files";
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return errno_error(folder, failed.value());

  std::vector<Landed> landed;
  std::vector<std::size_t> fresh;
  std::int64_t bytes = 0;
  for (const auto& info : files) bytes += info.size;
  Progress progress("landing", bytes, "bytes");
  for (const auto& info : files) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    Landed one{info, {}, now};
    if (auto found = there.find(info.sha256); found != there.end()) {
      one.kept_at = found->second.first;
      one.arrived = found->second.second;
    } else {
      if (dataset.landing_copy) {
        one.kept_at = "files/" + info.sha256.substr(0, 16) + "-" + fs::path(info.path).filename().string();
        ARROW_RETURN_NOT_OK(copy_exactly(info.path, table.path() + "/" + one.kept_at, info.sha256));
      } else {
        std::error_code ignored;
        one.kept_at = fs::absolute(info.path, ignored).string();
      }
      there[info.sha256] = {one.kept_at, now};
      fresh.push_back(landed.size());
    }
    progress.add(info.size);
    landed.push_back(std::move(one));
  }
  if (fresh.empty()) return landed;

  std::vector<const Landed*> rows;
  std::string key;
  for (std::size_t i : fresh) rows.push_back(&landed[i]), key += landed[i].info.sha256;
  // The rows say when they arrived: a run that died before its commit, or one beside this, wrote other bytes under another name.
  key += fmt::format(" {} {}", now.us, ::getpid());
  ARROW_ASSIGN_OR_RAISE(auto batch, rows_of(rows, budget.pool()));
  lake::Layout layout;
  layout.schema = landing_schema();
  layout.sort = {"unit", "form", "file"};
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(std::int64_t version, table.version());
    lake::Provenance provenance{sha256(key), "landing", "files", version, {}};
    ARROW_ASSIGN_OR_RAISE(auto writer, lake::write_parts(table, layout, provenance, budget));
    ARROW_RETURN_NOT_OK(writer->write(batch));
    lake::Transaction transaction;
    transaction.read_version = version;
    transaction.operation = "LAND";
    ARROW_ASSIGN_OR_RAISE(transaction.adds, writer->finish());
    transaction.counts = {{"files", rows.size()}, {"bytes", bytes}};
    auto committed = table.commit(transaction);
    if (committed.ok()) return landed;
    if (!lake::is_conflict(committed.status())) return committed.status();
  }
}

}  // namespace tapemill::pipeline
