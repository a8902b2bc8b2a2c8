#include "backtest/universe.h"

#include <algorithm>

#include "backtest/strategy_forms.h"
#include "core/dataset.h"

namespace tapemill::backtest {
namespace {

Result<Document> document_of(const Strategy& strategy) {
  return strategy.path.ends_with(".json") ? Document::parse_json(strategy.text, strategy.path)
                                          : Document::parse_yaml(strategy.text, strategy.path);
}

bool is_stored(const lake::Lake& lake, lake::TableName name) {
  if (name.layer == lake::Layer::silver && lake.silver_is_view(name.table)) name.layer = lake::Layer::bronze;
  return lake.table(name).exists();
}

}  // namespace

const std::string& table_of(const Strategy& strategy) {
  return strategy.daily() != nullptr ? strategy.daily()->table : strategy.option()->table;
}

Status check_table(const lake::Lake* lake, const Strategy& strategy, bool stored) {
  const std::string& table = table_of(strategy);
  ARROW_ASSIGN_OR_RAISE(Document document, document_of(strategy));
  const Node& place = at(document.root(), {"universe", "table"});
  auto name = lake::TableName::parse(table);
  if (!name.ok()) return placed(place, name.status());
  if (lake != nullptr && is_stored(*lake, *name)) return Status::OK();
  std::vector<std::string> known = dataset_names(), there;
  const bool shipped = std::find(known.begin(), known.end(), name->table) != known.end();
  if (shipped && !stored) return Status::OK();
  if (lake != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto tables, lake->tables());
    for (const lake::TableName& one : tables) there.push_back(one.layer == lake::Layer::silver ? one.table : one.str());
  }
  const std::string missing =
      fmt::format("there is no table {} in {}", table, lake != nullptr ? lake->root() : "a lake");
  if (shipped)
    return place.error(missing,
                       fmt::format("tapemill ingest {} PATH; tapemill tables lists what is there", name->table));
  known.insert(known.begin(), there.begin(), there.end());  // of two that are as near, the one that is stored
  const std::string near = nearest(table, known);
  return place.error(
      missing, (near.empty() ? "" : fmt::format("did you mean {}? ", near)) + "tapemill tables lists what is there");
}

Status at_symbol(const Strategy& strategy, const std::string& symbol, const Status& status) {
  ARROW_ASSIGN_OR_RAISE(Document document, document_of(strategy));
  const Node& symbols = at(document.root(), {"universe", "symbols"});
  for (const Node& one : symbols.items)
    if (one.text == symbol) return placed(one, status);
  return placed(symbols, status);
}

}  // namespace tapemill::backtest
