#include <algorithm>

#include "quality/row_checks.h"

namespace tapemill::quality {
namespace {

using Made = Result<std::unique_ptr<Check>>;
struct Entry {
  const char* name;
  std::vector<std::string> columns;  // that the data set must have
  std::vector<std::string> takes;    // keys of its declaration, beside otherwise
  const char* needs;  // one of them that must be there: "columns", "rule", "of" (or columns); null: none
  Made (*make)(const CheckSpec&, const Dataset&);
};

const std::vector<Entry>& catalogue() {
  const std::vector<std::string> distance{"columns", "of", "over", "by", "change", "window", "after"};
  const std::vector<std::string> ohlc{"open", "high", "low", "close"};
  static const std::vector<Entry> entries{
      {"ohlc_order", ohlc, {}, nullptr, [](const CheckSpec& s, const Dataset&) -> Made { return make_ohlc_order(s); }},
      {"positive",
       {},
       {"columns"},
       "columns",
       [](const CheckSpec& s, const Dataset&) -> Made { return make_positive(s); }},
      {"range",
       {},
       {"columns", "least", "most"},
       "columns",
       [](const CheckSpec& s, const Dataset&) -> Made { return make_range(s); }},
      {"finite", {}, {"columns"}, "columns", [](const CheckSpec& s, const Dataset&) -> Made { return make_finite(s); }},
      {"zero_volume",
       {"volume"},
       {},
       nullptr,
       [](const CheckSpec& s, const Dataset&) -> Made { return make_zero_volume(s); }},
      {"close_in_range",
       {"high", "low", "close"},
       {},
       nullptr,
       [](const CheckSpec& s, const Dataset&) -> Made { return make_close_in_range(s); }},
      {"unique_key",
       {},
       {},
       nullptr,
       [](const CheckSpec& s, const Dataset& d) -> Made { return make_unique_key(s, d); }},
      {"calendar_session",
       {},
       {},
       nullptr,
       [](const CheckSpec& s, const Dataset& d) -> Made { return make_calendar_session(s, d); }},
      {"trading_hours",
       {"time"},
       {},
       nullptr,
       [](const CheckSpec& s, const Dataset& d) -> Made { return make_trading_hours(s, d); }},
      {"missing_sessions",
       {"instrument_id"},
       {},
       nullptr,
       [](const CheckSpec& s, const Dataset& d) -> Made { return make_missing_sessions(s, d); }},
      {"completeness", {}, {"least", "by"}, nullptr, make_completeness},
      {"move",
       {"instrument_id", "close"},
       {"over"},
       nullptr,
       [](const CheckSpec& s, const Dataset& d) -> Made { return make_move(s, d); }},
      {"price_anomaly",
       {"open", "close"},
       {"over"},
       nullptr,
       [](const CheckSpec& s, const Dataset&) -> Made { return make_price_anomaly(s); }},
      {"monotonic_time", {}, {"columns", "by"}, nullptr, make_monotonic_time},
      {"quote_age", {}, {"columns", "within", "by"}, nullptr, make_quote_age},
      {"crossed_spread", {}, {"columns"}, "columns", make_crossed_spread},
      {"iqr", {}, distance, "of", make_distance},
      {"zscore", {}, distance, "of", make_distance},
      {"mad", {}, distance, "of", make_distance},
      {"isolation_forest", {}, {"columns", "of", "over", "window", "trees", "seed"}, "of", make_isolation_forest},
      {"null_share", {}, {"columns", "over"}, "columns", make_share},
      {"duplicate_share", {}, {"over"}, nullptr, make_share},
      {"outlier_share", {}, {"over"}, nullptr, make_share},
      {"expression", {}, {"rule"}, "rule", make_expression},
  };
  return entries;
}

/// What the declaration says that this check does not take, or lacks.
Status takes(const Entry& entry, const CheckSpec& spec) {
  for (const std::string& key : spec.given) {
    if (key == "otherwise" || std::find(entry.takes.begin(), entry.takes.end(), key) != entry.takes.end()) continue;
    std::string all;
    for (const auto& one : entry.takes) all += one + ", ";
    const std::string near = nearest(key, entry.takes);
    return usage_error(fmt::format("{}: {} has no \"{}\"", spec.where, spec.name, key),
                       (near.empty() ? "" : "did you mean \"" + near + "\"? ") + "it takes " + all + "otherwise");
  }
  const std::string needs = entry.needs == nullptr ? "" : entry.needs;
  if (needs == "columns" && spec.columns.empty())
    return usage_error(fmt::format("{}: {} names no columns", spec.where, spec.name), "add columns: [close]");
  if (needs == "of" && spec.columns.empty() && spec.of.empty())
    return usage_error(fmt::format("{}: {} does not say of what", spec.where, spec.name),
                       "add columns: [close], or expressions: of: [\"close / open\"]");
  if (needs == "rule" && spec.rule.empty())
    return usage_error(fmt::format("{}: {} has no rule", spec.where, spec.name), "add rule: \"volume >= 0\"");
  return Status::OK();
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
    ARROW_RETURN_NOT_OK(takes(*found, spec));
    std::vector<std::string> used = found->columns;
    used.insert(used.end(), spec.columns.begin(), spec.columns.end());
    if (!spec.by.empty() && spec.by != "none") used.push_back(spec.by);
    for (const auto& name : used)
      if (dataset.column(name) == nullptr) {
        std::string near = nearest(name, columns);
        return usage_error(
            fmt::format("{}: {} needs a column \"{}\", which {} has not", spec.where, spec.name, name, dataset.table),
            near.empty() ? "" : "did you mean \"" + near + "\"?");
      }
    for (const auto& name : spec.columns)
      if (dataset.column(name)->kind == Kind::string && spec.name != "null_share")
        return usage_error(fmt::format("{}: {} asks for numbers, and {} is text", spec.where, spec.name, name));
    if (!spec.by.empty() && spec.by != "none" && dataset.column(spec.by)->kind != Kind::string)
      return usage_error(fmt::format("{}: by: {} is no text column", spec.where, spec.by),
                         "by: instrument_id, or none");
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
