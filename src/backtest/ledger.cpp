#include "backtest/ledger.h"

#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "core/hash.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake/files.h"
#include "lake/storage.h"

namespace fs = std::filesystem;
namespace tapemill::backtest {
namespace {

std::string runs_folder(const lake::Lake& lake) { return lake.root() + "/runs"; }

/// Folders of processes that ended in the middle of a run.
void sweep_leftovers(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename();
    auto dash = name.rfind('-');
    if (!name.starts_with(".writing-") || dash == std::string::npos) continue;
    pid_t pid = 0;
    auto [end, failed] = std::from_chars(name.data() + dash + 1, name.data() + name.size(), pid);
    if (failed == std::errc{} && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH)
      fs::remove_all(entry.path(), ignored);
  }
}

Status make_folder(const std::string& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  return failed ? errno_error(path, failed.value()) : Status::OK();
}

Status sync(const std::string& folder) {
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error(folder, errno);
  int failed = ::fsync(fd), reason = errno;
  ::close(fd);
  return failed != 0 ? errno_error(folder, reason) : Status::OK();
}

Result<Json> parse_json_file(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(std::string text, lake::read_whole(path));
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return data_error(path + ": not JSON", "the run's folder was changed by something else; run the strategy again");
  return json;
}

Result<RunRecord> read_record(const std::string& path) {
  RunRecord run;
  run.path = path;
  ARROW_ASSIGN_OR_RAISE(run.record, parse_json_file(path + "/RUN.json"));
  if (auto meta = parse_json_file(path + "/META.json"); meta.ok()) run.meta = *meta;
  auto text = [&](const char* key) {
    return run.record.contains(key) && run.record[key].is_string() ? run.record[key].get<std::string>() : std::string{};
  };
  run.run_id = text("run_id"), run.name = text("name"), run.form = text("form");
  run.strategy_hash = text("strategy_hash"), run.ledger_hash = text("ledger_hash"),
  run.source_hash = text("source_hash");
  if (run.run_id.empty() || run.ledger_hash.empty() || !run.record.contains("files")) {
    return data_error(path + "/RUN.json: not a run's ledger",
                      "the run's folder was changed by something else; run the strategy again");
  }
  for (const auto& figure : run.record.value("metrics", Json::array())) {
    run.metrics.emplace_back(figure.value("name", ""), figure.value("text", ""));
  }
  return run;
}

std::vector<std::string> run_ids(const lake::Lake& lake) {
  std::vector<std::string> ids;
  const std::string folder = runs_folder(lake);
  for (const std::string& name : lake::list_folder(folder).ValueOr(std::vector<std::string>{}))
    if (!name.starts_with(".") && lake::file_exists(folder + "/" + name + "/RUN.json")) ids.push_back(name);
  return ids;
}

// The files of a run in an object store: RUN.json, which says that it is whole, comes last, and once.
Result<bool> put_remote(const std::string& path, const RunFiles& all) {
  for (const auto& [name, bytes] : all) {
    if (name != "RUN.json") {
      ARROW_RETURN_NOT_OK(lake::replace_file(path + "/" + name, bytes));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(auto file, lake::PendingFile::create(path));
    ARROW_RETURN_NOT_OK(file.write(bytes));
    return file.publish(name);
  }
  return false;
}

}  // namespace

std::string run_id_of(const Json& inputs) { return sha256(inputs.dump()).substr(0, 16); }

std::string ledger_hash_of(const RunFiles& files) {
  Sha256 hash;
  for (const auto& [name, bytes] : files) {
    hash.add(fmt::format("{}\n{}\n", name, bytes.size()));
    hash.add(bytes);
  }
  return hash.hex();
}

Result<std::string> parquet_bytes(const arrow::Table& table) {
  ARROW_ASSIGN_OR_RAISE(auto out, arrow::io::BufferOutputStream::Create());
  auto properties = parquet::WriterProperties::Builder()
                        .compression(parquet::Compression::ZSTD)
                        ->compression_level(3)
                        ->enable_store_decimal_as_integer()
                        ->max_row_group_length(1 << 20)
                        ->build();
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(table, arrow::default_memory_pool(), out, 1 << 20, properties));
  ARROW_ASSIGN_OR_RAISE(auto buffer, out->Finish());
  return buffer->ToString();
}

Result<std::shared_ptr<arrow::Table>> read_parquet(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const std::string local, lake::local_file(path));
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(local));
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(file));
  parquet::ArrowReaderProperties properties;
  properties.set_smallest_decimal_enabled(true);
  std::unique_ptr<parquet::arrow::FileReader> reader;
  ARROW_RETURN_NOT_OK(builder.properties(properties)->Build(&reader));
  return reader->ReadTable();
}

Result<Written> write_run(const lake::Lake& lake, Json record, const RunFiles& files, const RunFiles& unhashed,
                          const Json& meta) {
  std::string id = record["run_id"].get<std::string>(), folder = runs_folder(lake), path = folder + "/" + id;
  Json list = Json::array();
  for (const auto& [name, bytes] : files)
    list.push_back({{"name", name}, {"bytes", bytes.size()}, {"sha256", sha256(bytes)}});
  record["files"] = list;
  record["ledger_hash"] = ledger_hash_of(files);

  auto check_existing = [&]() -> Result<Written> {
    ARROW_ASSIGN_OR_RAISE(RunRecord there, read_record(path));
    if (there.record["files"] == list) {
      if (Status kept = verify(there); !kept.ok())
        return data_error(kept.message(), fmt::format("the run gives the same bytes again once {} is deleted", path));
      return Written{path, true};
    }
    std::string differing;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i >= there.record["files"].size() || there.record["files"][i] != list[i])
        differing += (differing.empty() ? "" : ", ") + list[i]["name"].get<std::string>();
    }
    return data_error(fmt::format("run {} is there with another result: {}", id, differing),
                      fmt::format("the same inputs must give the same bytes: compare with {}, and report it", path));
  };
  RunFiles all = files;
  all.insert(all.end(), unhashed.begin(), unhashed.end());
  all.emplace_back("META.json", meta.dump(2) + "\n");
  all.emplace_back("RUN.json", record.dump(2) + "\n");
  if (lake::storage_of(folder).remote()) {
    if (lake::file_exists(path + "/RUN.json")) return check_existing();
    ARROW_ASSIGN_OR_RAISE(const bool first, put_remote(path, all));
    if (!first) return check_existing();
    return Written{path, false};
  }
  ARROW_RETURN_NOT_OK(make_folder(folder));
  sweep_leftovers(folder);
  std::error_code ignored;
  if (fs::exists(path, ignored)) return check_existing();

  std::string writing = fmt::format("{}/.writing-{}-{}", folder, id, ::getpid());
  fs::remove_all(writing, ignored);
  auto write = [&]() -> Status {
    ARROW_RETURN_NOT_OK(make_folder(writing));
    for (const auto& [name, bytes] : all) {
      ARROW_RETURN_NOT_OK(make_folder(fs::path(writing + "/" + name).parent_path()));
      ARROW_RETURN_NOT_OK(write_file_atomically(writing + "/" + name, bytes));
    }
    ARROW_RETURN_NOT_OK(sync(writing));
    if (::rename(writing.c_str(), path.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST)
      return errno_error(path, errno);
    return sync(folder);
  };
  Status status = write();
  bool lost = fs::exists(writing, ignored);  // another process finished the same run first, or writing failed
  fs::remove_all(writing, ignored);
  ARROW_RETURN_NOT_OK(status);
  if (lost) return check_existing();
  return Written{path, false};
}

Result<RunRecord> load(const lake::Lake& lake, const std::string& run_id) {
  std::vector<std::string> ids = run_ids(lake), matching;
  for (const std::string& id : ids) {
    if (id.starts_with(run_id) && !run_id.empty()) matching.push_back(id);
  }
  if (matching.size() == 1) return read_record(runs_folder(lake) + "/" + matching[0]);
  if (matching.size() > 1)
    return usage_error(fmt::format("\"{}\" begins {} runs", run_id, matching.size()),
                       fmt::format("{}", fmt::join(matching, ", ")));
  std::string near = nearest(run_id, ids);
  return usage_error(
      fmt::format("there is no run {} in {}", run_id, lake.root()),
      (near.empty() ? std::string{} : fmt::format("did you mean {}? ", near)) + "tapemill runs lists them");
}

Result<std::vector<RunRecord>> runs(const lake::Lake& lake) {
  std::vector<RunRecord> out;
  for (const std::string& id : run_ids(lake)) {
    ARROW_ASSIGN_OR_RAISE(RunRecord run, read_record(runs_folder(lake) + "/" + id));
    out.push_back(std::move(run));
  }
  auto started = [](const RunRecord& run) {
    return run.meta.is_object() ? run.meta.value("started", std::string{}) : std::string{};
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const RunRecord& a, const RunRecord& b) { return started(a) > started(b); });
  return out;
}

Status verify(const RunRecord& run) {
  RunFiles files;
  for (const auto& file : run.record["files"]) {
    std::string name = file["name"].get<std::string>();
    auto bytes = lake::read_whole(run.path + "/" + name);
    if (!bytes.ok()) return data_error(fmt::format("run {}: {} is missing", run.run_id, name));
    if (sha256(*bytes) != file["sha256"].get<std::string>()) {
      return data_error(fmt::format("run {}: {} is not what the run wrote", run.run_id, name),
                        "it was changed afterwards; backtest rerun tells what it was");
    }
    files.emplace_back(name, std::move(*bytes));
  }
  if (ledger_hash_of(files) != run.ledger_hash)
    return data_error(fmt::format("run {}: the ledger hash does not match its files", run.run_id));
  return Status::OK();
}

}  // namespace tapemill::backtest
