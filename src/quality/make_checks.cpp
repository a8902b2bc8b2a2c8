#include "quality/row_checks.h"

namespace tapemill::quality {
namespace {

using Make = Result<std::unique_ptr<Check>> (*)(const CheckSpec&, const Dataset&);
struct Entry {
  const char* name;
  std::vector<std::string> columns;  // that the data set must have
  bool lists_columns;                // the declaration names columns
  bool needs_rule;
  Make make;
};

const std::vector<Entry>& catalogue() {
  static const std::vector<Entry> entries{
      {"ohlc_order",
       {"open", "high", "low", "close"},
       false,
       false,
       [](const CheckSpec& s, const Dataset&) -> Result<std::unique_ptr<Check>> { return make_ohlc_order(s); }},
      {"positive",
       {},
       true,
       false,
       [](const CheckSpec& s, const Dataset&) -> Result<std::unique_ptr<Check>> { return make_positive(s); }},
      {"range",
       {},
       true,
       false,
       [](const CheckSpec& s, const Dataset&) -> Result<std::unique_ptr<Check>> { return make_range(s); }},
      {"zero_volume",
       {"volume"},
       false,
       false,
       [](const CheckSpec& s, const Dataset&) -> Result<std::unique_ptr<Check>> { return make_zero_volume(s); }},
      {"close_in_range",
       {"high", "low", "close"},
       false,
       false,
       [](const CheckSpec& s, const Dataset&) -> Result<std::unique_ptr<Check>> { return make_close_in_range(s); }},
      {"unique_key",
       {},
       false,
       false,
       [](const CheckSpec& s, const Dataset& d) -> Result<std::unique_ptr<Check>> { return make_unique_key(s, d); }},
      {"calendar_session",
       {},
       false,
       false,
       [](const CheckSpec& s, const Dataset& d) -> Result<std::unique_ptr<Check>> {
         return make_calendar_session(s, d);
       }},
      {"missing_sessions",
       {"instrument_id"},
       false,
       false,
       [](const CheckSpec& s, const Dataset& d) -> Result<std::unique_ptr<Check>> {
         return make_missing_sessions(s, d);
       }},
      {"move",
       {"instrument_id", "close"},
       false,
       false,
       [](const CheckSpec& s, const Dataset& d) -> Result<std::unique_ptr<Check>> { return make_move(s, d); }},
      {"expression",
       {},
       false,
       true,
       [](const CheckSpec& s, const Dataset& d) -> Result<std::unique_ptr<Check>> { return make_expression(s, d); }},
  };
  return entries;
}

}  // namespace

Result<std::vector<std::unique_ptr<Check>>> make_checks(const Dataset& dataset) {
  std::vector<std::unique_ptr<Check>> checks;
  std::vector<std::string> names, columns;
  std::string all;
  for (const Entry& entry : catalogue())
    names.emplace_back(entry.name), all += (all.empty() ? "" : ", ") + names.back();
  for (const Column& column : dataset.columns) columns.push_back(column.name);
  for (const CheckSpec& spec : dataset.checks) {
    const Entry* found = nullptr;
    for (const Entry& entry : catalogue())
      if (entry.name == spec.name) found = &entry;
    if (found == nullptr) {
      std::string near = nearest(spec.name, names);
      return usage_error(fmt::format("{}: unknown check \"{}\"", spec.where, spec.name),
                         (near.empty() ? "" : "did you mean \"" + near + "\"? ") + "checks: " + all);
    }
    if (found->lists_columns && spec.columns.empty())
      return usage_error(fmt::format("{}: {} names no columns", spec.where, spec.name), "add columns: [close]");
    if (found->needs_rule && spec.rule.empty())
      return usage_error(fmt::format("{}: {} has no rule", spec.where, spec.name), "add rule: \"volume >= 0\"");
    std::vector<std::string> used = found->columns;
    used.insert(used.end(), spec.columns.begin(), spec.columns.end());
    for (const auto& name : used)
      if (dataset.column(name) == nullptr) {
        std::string near = nearest(name, columns);
        return usage_error(
            fmt::format("{}: {} needs a column \"{}\", which {} has not", spec.where, spec.name, name, dataset.table),
            near.empty() ? "" : "did you mean \"" + near + "\"?");
      }
    for (const auto& name : spec.columns)
      if (dataset.column(name)->kind == Kind::string)
        return usage_error(fmt::format("{}: {} asks for numbers, and {} is text", spec.where, spec.name, name));
    if (spec.name == "range" && !spec.least && !spec.most)
      return usage_error(fmt::format("{}: range has no bound", spec.where), "add least: 0 or most: 1000");
    if (spec.name == "move" && !(spec.over > 0))
      return usage_error(fmt::format("{}: move has no threshold", spec.where), "add over: 0.3");
    ARROW_ASSIGN_OR_RAISE(auto check, found->make(spec, dataset));
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace tapemill::quality
