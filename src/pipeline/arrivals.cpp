#include "pipeline/arrivals.h"

#include <arrow/api.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <tuple>

#include "lake/missing_table.h"
#include "lake/scan.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {

Result<std::vector<Arrival>> arrivals(const lake::Lake& lake, const std::string& name) {
  lake::Table table = lake.table(lake::Layer::landing, name);
  if (!table.exists()) return lake::missing_table(lake, table.name());
  lake::ScanRequest request;
  request.table = table.name();
  request.columns = {"file", "unit", "form", "sha256", "kept_at", "arrived_at"};
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request));
  ARROW_ASSIGN_OR_RAISE(auto rows, scanned.rows->CombineChunksToBatch());
  auto texts = [&](const char* column) -> const arrow::StringArray& {
    return static_cast<const arrow::StringArray&>(*rows->GetColumnByName(column));
  };
  const auto &files = texts("file"), &units = texts("unit"), &forms = texts("form"), &hashes = texts("sha256"),
             &places = texts("kept_at");
  const auto& times = static_cast<const arrow::TimestampArray&>(*rows->GetColumnByName("arrived_at"));
  std::vector<Arrival> all;
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    const std::string place = places.GetString(i);
    all.push_back({files.GetString(i), units.GetString(i), forms.GetString(i), hashes.GetString(i),
                   place.starts_with("/") ? place : table.path() + "/" + place, Instant{times.Value(i)}});
  }
  std::stable_sort(all.begin(), all.end(), [](const Arrival& a, const Arrival& b) {
    return std::tie(a.at, a.unit, a.form) < std::tie(b.at, b.unit, b.form);
  });
  return all;
}

NamedFiles::~NamedFiles() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<Landed> NamedFiles::open(const Dataset& dataset, const Arrival& arrival) {
  std::error_code failed;
  if (folder_.empty()) {
    std::string name = (fs::temp_directory_path() / "tapemill-landing-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return errno_error(name, errno);
    folder_ = name;
  }
  const fs::path own = fs::path(folder_) / std::to_string(made_++);
  fs::create_directory(own, failed);
  if (!failed) fs::create_symlink(fs::absolute(arrival.path), own / arrival.file, failed);
  if (failed) return errno_error(own.string(), failed.value());
  if (!fs::exists(arrival.path, failed))
    return data_error(
        fmt::format("{}: landing has {} of {} here, and it is gone", arrival.path, arrival.file, arrival.unit),
        "restore the file; what was made of it is left as it is");
  ARROW_ASSIGN_OR_RAISE(auto info, sources::inspect(dataset, (own / arrival.file).string()));
  if (info.sha256 != arrival.sha256)
    return data_error(fmt::format("{}: has other bytes than the file {} that arrived on {}", arrival.path, arrival.file,
                                  arrival.at.str()),
                      "restore the file; what was made of it is left as it is");
  info.unit = arrival.unit;
  return Landed{std::move(info), arrival.path, arrival.at};
}

}  // namespace tapemill::pipeline
