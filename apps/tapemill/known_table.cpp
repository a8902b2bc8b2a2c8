#include "known_table.h"

#include "lake/missing_table.h"
#include "lake/rhythm.h"

namespace tapemill::app {

Result<lake::TableName> known_table(const lake::Lake& lake, const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(text));
  if (name.layer == lake::Layer::silver && lake.silver_is_view(name.table)) name.layer = lake::Layer::bronze;
  if (lake.table(name).exists()) return name;
  ARROW_ASSIGN_OR_RAISE(name, lake::TableName::parse(text));
  return lake::missing_table(lake, name);
}

Zone zone_of(const lake::Lake& lake, const lake::TableName& name) {
  std::string table = name.table;
  if (name.layer == lake::Layer::gold) {
    auto snapshot = lake.table(name).snapshot();
    if (!snapshot.ok() || snapshot->parts.empty()) return Zone::utc();
    auto source = snapshot->parts.front().tags.find("source");
    if (source == snapshot->parts.front().tags.end()) return Zone::utc();
    auto from = lake::TableName::parse(source->second);
    if (!from.ok()) return Zone::utc();
    table = from->table;
  }
  constexpr std::string_view aside = "_quarantine";  // rows of the data set that stand beside it
  if (table.ends_with(aside)) table.resize(table.size() - aside.size());
  if (table.starts_with("contracts")) table = table.size() > 10 ? table.substr(10) : "nse_fo";  // pipeline/contracts.h
  auto rhythm = lake::rhythm_of(lake, table);
  return rhythm.ok() ? rhythm->zone : Zone::utc();
}

}  // namespace tapemill::app
