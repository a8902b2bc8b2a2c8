#include "analytics/preprocess.h"
#include "core/document.h"
#include "core/hash.h"
#include "core/json.h"

namespace tapemill::analytics {
namespace {

/// What fitted values belong to: equal for documents with the same steps over the same fit range.
std::string steps_of(const PreprocessDocument& document) {
  const Json whole = Json::parse(document.text);
  Json kept = {{"from", whole["from"]}, {"fit", whole.value("fit", Json())}, {"steps", whole["steps"]}};
  return sha256(kept.dump());
}

}  // namespace

Json fitted_json(const PreprocessDocument& document, const std::vector<FittedValue>& values) {
  Json list = Json::array();
  for (const FittedValue& one : values) {
    Json entry = {{"step", one.step}, {"transform", one.transform}, {"statistic", one.statistic}, {"value", one.value}};
    if (!one.column.empty()) entry["column"] = one.column;
    if (!one.instrument.empty()) entry["instrument"] = one.instrument;
    if (one.statistic == "category") entry["category"] = one.text;
    list.push_back(std::move(entry));
  }
  return {{"preprocess", document.name},
          {"version", document.version},
          {"steps", steps_of(document)},
          {"fitted", std::move(list)}};
}

Result<std::vector<FittedValue>> read_fitted(const PreprocessDocument& document, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const Document file, Document::read(path));
  const Node& root = file.root();
  if (!root.is_map()) return root.error("no document of fitted values", "--fitted-to writes one");
  ARROW_ASSIGN_OR_RAISE(const Node* steps, root.need("steps"));
  ARROW_ASSIGN_OR_RAISE(const std::string of, steps->as_string());
  if (of != steps_of(document))
    return steps->error(fmt::format("these values were fitted to other steps than those of {}", document.path),
                        "fit anew: leave --fitted-from out");
  ARROW_ASSIGN_OR_RAISE(const Node* list, root.need("fitted"));
  std::vector<FittedValue> out;
  for (const Node& item : list->items) {
    FittedValue one;
    auto text = [&](const char* key, std::string& into) -> Status {
      if (const Node* node = item.find(key)) { ARROW_ASSIGN_OR_RAISE(into, node->as_string()); }
      return Status::OK();
    };
    ARROW_ASSIGN_OR_RAISE(const Node* step, item.need("step"));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t number, step->as_integer());
    if (number < 0 || number > static_cast<std::int64_t>(document.steps.size()))
      return step->error("there is no such step");
    one.step = static_cast<int>(number);
    ARROW_ASSIGN_OR_RAISE(const Node* value, item.need("value"));
    ARROW_ASSIGN_OR_RAISE(one.value, value->as_number());
    ARROW_RETURN_NOT_OK(text("transform", one.transform));
    ARROW_RETURN_NOT_OK(text("column", one.column));
    ARROW_RETURN_NOT_OK(text("instrument", one.instrument));
    ARROW_RETURN_NOT_OK(text("statistic", one.statistic));
    ARROW_RETURN_NOT_OK(text("category", one.text));
    out.push_back(std::move(one));
  }
  return out;
}

Json PreprocessReport::json() const {
  Json made = Json::array(), narrower = Json::object(), done = Json::array();
  for (const auto& [column, type] : columns) made.push_back({{"name", column}, {"type", type}});
  for (const auto& [column, type] : narrowed) narrower[column] = type;
  for (const auto& [step, deeds] : steps) {
    Json counts = Json::object();
    for (const auto& [what, count] : deeds) counts[what] = count;
    done.push_back({{"step", step}, {"counts", counts}});
  }
  Json document = {{"preprocess", name},     {"version", version},
                   {"source", source},       {"source_version", source_version},
                   {"table", table},         {"table_version", table_version},
                   {"rows", rows},           {"bytes", bytes},
                   {"fit_rows", fit_rows},   {"columns", made},
                   {"narrowed", narrower},   {"steps", done},
                   {"lookahead", lookahead}, {"unchanged", unchanged},
                   {"seconds", seconds}};
  if (!fitted_table.empty()) document["fitted_table"] = fitted_table, document["fitted_version"] = fitted_version;
  if (!reference.empty()) document["reference"] = reference, document["reference_version"] = reference_version;
  return document;
}

}  // namespace tapemill::analytics
