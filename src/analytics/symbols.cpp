#include "analytics/symbols.h"

#include <arrow/api.h>

#include <map>

#include "lake/about.h"
#include "lake/scan.h"

namespace tapemill::analytics {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

Result<std::vector<std::string>> nearest_symbols(const lake::Lake& lake, lake::TableName name,
                                                 std::optional<std::int64_t> version,
                                                 const std::vector<std::string>& symbols, const Workers& workers) {
  if (name.layer == lake::Layer::silver && lake.silver_is_view(name.table)) name.layer = lake::Layer::bronze;
  ARROW_ASSIGN_OR_RAISE(lake::Snapshot snapshot, lake.table(name).snapshot(version));
  auto kept = snapshot.configuration.find(lake::kSession);
  const std::string session = kept == snapshot.configuration.end() ? "session" : kept->second;
  lake::ScanRequest request;
  request.table = name;
  request.version = version;
  for (const char* column : {"symbol", "instrument_id"})
    if (snapshot.schema->GetFieldByName(column) != nullptr) request.columns.emplace_back(column);
  if (snapshot.schema->GetFieldByName(session) != nullptr)
    if (auto range = lake::sessions_of(snapshot, session)) request.start = range->second;
  if (request.columns.empty()) return std::vector<std::string>(symbols.size());
  ARROW_ASSIGN_OR_RAISE(auto result, lake::scan(lake, request, workers));
  std::map<std::string, std::string> by_upper;
  for (const std::string& column : request.columns) {
    auto names = result.rows->GetColumnByName(column);
    if (names == nullptr || names->type()->id() != arrow::Type::STRING) continue;
    for (const auto& chunk : names->chunks()) {
      const auto& texts = static_cast<const arrow::StringArray&>(*chunk);
      for (std::int64_t i = 0; i < texts.length(); ++i)
        if (!texts.IsNull(i)) by_upper.emplace(upper(texts.GetString(i)), texts.GetString(i));
    }
  }
  std::vector<std::string> known, near;
  for (const auto& [one, written] : by_upper) known.push_back(one);
  for (const std::string& symbol : symbols) {
    const std::string found = nearest(upper(symbol), known);
    near.push_back(found.empty() ? found : by_upper[found]);
  }
  return near;
}

}  // namespace tapemill::analytics
