#include <algorithm>
#include <filesystem>

#include "analytics/features.h"
#include "core/document.h"
#include "core/paths.h"

namespace tapemill::analytics {
namespace {

namespace fs = std::filesystem;

struct From {
  std::string table;
  bool adjusted = false;
  std::string session = "regular";
};
struct Enrich {
  std::string table;
  std::vector<std::string> columns;
};

std::vector<std::string> folders() { return {"datasets/features", share_folder() + "/datasets/features"}; }

bool is_name(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace
}  // namespace tapemill::analytics

template <>
inline constexpr auto tapemill::fields<tapemill::analytics::From> = std::tuple{
    tapemill::field("table", &tapemill::analytics::From::table, "silver table the columns are computed from"),
    tapemill::field("adjusted", &tapemill::analytics::From::adjusted, "prices adjusted for corporate actions"),
    tapemill::field("session", &tapemill::analytics::From::session,
                    "bars of the regular session, of extended hours too, or all", tapemill::kSessionHours)};
template <>
inline constexpr auto tapemill::fields<tapemill::analytics::Enrich> =
    std::tuple{tapemill::field("table", &tapemill::analytics::Enrich::table,
                               "the reference table; else the lake's one of the exchange"),
               tapemill::field("columns", &tapemill::analytics::Enrich::columns, "its columns, as of each row")};

namespace tapemill::analytics {

std::vector<std::string> feature_groups() {
  std::vector<std::string> names;
  for (const std::string& folder : folders()) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none))
      if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<FeatureGroup> load_feature_group(const std::string& name_or_path) {
  FeatureGroup group;
  group.path = name_or_path;
  if (!name_or_path.ends_with(".yaml")) {
    group.path.clear();
    for (const std::string& folder : folders())
      if (is_name(name_or_path) && group.path.empty() && fs::exists(folder + "/" + name_or_path + ".yaml"))
        group.path = folder + "/" + name_or_path + ".yaml";
    if (group.path.empty()) {
      auto known = feature_groups();
      std::string near = nearest(name_or_path, known);
      return usage_error(fmt::format("there is no feature group {}", name_or_path),
                         !near.empty()   ? fmt::format("did you mean {}?", near)
                         : known.empty() ? "groups are read from datasets/features/NAME.yaml"
                                         : fmt::format("there are {}", fmt::join(known, ", ")));
    }
  }
  ARROW_ASSIGN_OR_RAISE(Document document, Document::read(group.path));
  const Node& root = document.root();
  if (!root.is_map()) return root.error("a feature group is a map", "it begins with features: NAME");
  ARROW_RETURN_NOT_OK(root.only({"features", "title", "version", "from", "enrich", "columns"}));
  ARROW_ASSIGN_OR_RAISE(const Node* name, root.need("features"));
  ARROW_ASSIGN_OR_RAISE(group.name, name->as_string());
  if (!is_name(group.name)) return name->error(fmt::format("{} is no name", group.name), "letters, digits and _");
  ARROW_ASSIGN_OR_RAISE(const Node* version, root.need("version"));
  ARROW_ASSIGN_OR_RAISE(group.version, version->as_string());
  if (const Node* title = root.find("title")) ARROW_RETURN_NOT_OK(read_value(*title, group.title));
  ARROW_ASSIGN_OR_RAISE(const Node* from, root.need("from"));
  From source;
  ARROW_RETURN_NOT_OK(read_config(*from, source));
  if (source.table.empty()) return from->error("from names no table", "from: {table: stocks_daily}");
  if (source.adjusted)
    return from->find("adjusted")
        ->error("there are no corporate actions in this lake to adjust by",
                "adjusted: false computes from prices as they were traded");
  group.table = source.table, group.session = session_hours(source.session);
  if (const Node* enrich = root.find("enrich")) {
    Enrich reference;
    ARROW_RETURN_NOT_OK(read_config(*enrich, reference));
    if (reference.columns.empty())
      return enrich->error("enrich names no columns", "enrich: {columns: [sector, market_cap]}");
    group.enrich.table = reference.table, group.enrich.columns = reference.columns;
  }
  ARROW_ASSIGN_OR_RAISE(const Node* columns, root.need("columns"));
  if (!columns->is_map() || columns->members.empty())
    return columns->error("columns is a map of names and expressions", "rsi_14: rsi(close, period=14)");
  for (const auto& [key, value] : columns->members) {
    if (!is_name(key.text))
      return key.error(fmt::format("{} is no name of a column", key.text), "letters, digits and _");
    ARROW_ASSIGN_OR_RAISE(std::string text, value.as_string());
    group.columns.push_back({key.text, text, value.place()});
  }
  return group;
}

}  // namespace tapemill::analytics
