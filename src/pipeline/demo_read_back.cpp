#include "pipeline/demo_read_back.h"

#include <arrow/api.h>

#include <atomic>
#include <filesystem>

#include "core/hash.h"
#include "core/paths.h"
#include "lake/scan.h"
#include "lake/sql.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

/// What `found` says; what went wrong is what the check found.
Result<DemoCheck> judged(std::string name, const Result<std::string>& found) {
  if (found.status().IsCancelled()) return found.status();
  return DemoCheck{std::move(name), found.ok() ? *found : found.status().message(), found.ok()};
}

Status check_file(const fs::path& path, std::int64_t size, const std::string& hash) {
  std::error_code none;
  if (!fs::exists(path, none)) return data_error(path.string() + " is not there");
  ARROW_ASSIGN_OR_RAISE(std::string bytes, read_file(path.string()));
  if (static_cast<std::int64_t>(bytes.size()) != size)
    return data_error(fmt::format("{}: {} bytes, landing noted {}", path.string(), bytes.size(), size));
  return sha256(bytes) == hash ? Status::OK() : data_error(path.string() + ": other bytes than those that landed");
}

Result<std::string> landing_of(const lake::Lake& lake, const std::vector<DemoTable>& tables, const Workers& workers) {
  std::int64_t files = 0;
  std::atomic<std::int64_t> bytes{0};
  for (const DemoTable& one : tables) {
    lake::ScanRequest request;
    request.table = {lake::Layer::landing, one.table};
    request.columns = {"sha256", "size", "kept_at"};
    ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request));
    ARROW_ASSIGN_OR_RAISE(auto rows, scanned.rows->CombineChunksToBatch());
    const auto& hashes = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("sha256"));
    const auto& sizes = static_cast<const arrow::Int64Array&>(*rows->GetColumnByName("size"));
    const auto& places = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("kept_at"));
    const fs::path folder = lake.table(request.table).path();
    ARROW_RETURN_NOT_OK(workers.each(
        static_cast<std::size_t>(rows->num_rows()),
        [&](std::size_t i) {
          auto at = static_cast<std::int64_t>(i);
          bytes += sizes.Value(at);
          return check_file(folder / places.GetString(at), sizes.Value(at), hashes.GetString(at));  // or absolute
        },
        interrupt()));
    files += rows->num_rows();
  }
  if (files == 0) return data_error("nothing landed");
  return fmt::format("{} files, {} bytes, each with its SHA-256", files, bytes.load());
}

Result<std::string> bronze_of(const lake::Lake& lake, const std::vector<DemoTable>& tables) {
  std::string sql, said;
  for (const DemoTable& one : tables)
    sql += fmt::format("{}select {} i, count(*) n from bronze.{}", sql.empty() ? "" : " union all ", &one - &tables[0],
                       one.table);
  if (sql.empty()) return data_error("there is no bronze table");
  ARROW_ASSIGN_OR_RAISE(auto found, lake::query(lake, sql + " order by i"));
  ARROW_ASSIGN_OR_RAISE(auto counts, lake::doubles(*found, "n"));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto counted = static_cast<std::int64_t>(counts.at(i));
    if (counted != tables[i].rows_stored)
      return data_error(
          fmt::format("{}: {} rows in its files, {} by its commits", tables[i].table, counted, tables[i].rows_stored));
    said += fmt::format("{}{} {}", said.empty() ? "" : ", ", tables[i].table, counted);
  }
  return said;
}

Result<std::string> features_of(const lake::Lake& lake, const std::vector<analytics::FeatureBuild>& built,
                                const Workers& workers, MemoryBudget& budget) {
  std::int64_t values = 0;
  for (const analytics::FeatureBuild& one : built) {
    ARROW_ASSIGN_OR_RAISE(auto group, analytics::load_feature_group(one.group));
    ARROW_ASSIGN_OR_RAISE(auto back, analytics::read_back_features(lake, group, one, workers, budget));
    if (back.values == 0) return data_error(one.table + ": every feature is null");
    values += back.values;
  }
  return fmt::format("{} values of {} tables, nulls not counted", values, built.size());
}

Result<std::string> qlib_of(const lake::Lake& lake, const exports::QlibOptions& options, const Workers& workers) {
  ARROW_ASSIGN_OR_RAISE(auto back, exports::read_back_qlib(lake, options, workers));
  if (back.values == 0) return data_error("the store holds no value");
  return fmt::format("{} values in {} files", back.values, back.files);
}

}  // namespace

Result<DemoCheck> check_landing(const lake::Lake& lake, const std::vector<DemoTable>& tables, const Workers& workers) {
  return judged("landing keeps every file as it came", landing_of(lake, tables, workers));
}

Result<DemoCheck> check_bronze(const lake::Lake& lake, const std::vector<DemoTable>& tables) {
  return judged("SQL counts the rows of the commits", bronze_of(lake, tables));
}

Result<DemoCheck> check_features(const lake::Lake& lake, const std::vector<analytics::FeatureBuild>& built,
                                 const Workers& workers, MemoryBudget& budget) {
  return judged("stored features = batch, bit for bit", features_of(lake, built, workers, budget));
}

Result<DemoCheck> check_qlib(const lake::Lake& lake, const exports::QlibOptions& options, const Workers& workers) {
  return judged("the Qlib store holds the table's values", qlib_of(lake, options, workers));
}

DemoCheck judge_graph(const GraphComparison& graph) {
  return {"tick by tick = batch, bit for bit",
          fmt::format("{} values and {} nulls, {} with other bits", graph.computed, graph.values - graph.computed,
                      graph.different),
          graph.computed > 0 && graph.different == 0};
}

DemoCheck judge_signals(const std::vector<SignalCount>& signals, std::int64_t rows) {
  std::int64_t given = 0;
  std::string by;
  for (const SignalCount& one : signals) {
    given += one.longs + one.shorts;
    by += fmt::format("{}{} {}", by.empty() ? "" : ", ", one.strategy, one.longs + one.shorts);
  }
  return {"signals are given", fmt::format("{} over {} rows: {}", given, rows, by), given > 0 && given <= rows};
}

}  // namespace tapemill::pipeline
