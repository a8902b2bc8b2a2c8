#include "analytics/features.h"

#include "command.h"
#include "core/json.h"
#include "known_table.h"
#include "print.h"

namespace tapemill::app {
namespace {

Status run(const analytics::FeatureOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto group, analytics::load_feature_group(options.group));
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  const std::string from = options.table.empty() ? group.table : options.table;
  if (auto there = known_table(lake, from); !there.ok() && options.table.empty())
    return usage_error(fmt::format("{} computes over {}: {}", group.name, from, there.status().message()),
                       "--table NAME computes over another; " + there.status().detail()->ToString());
  ARROW_RETURN_NOT_OK(known_table(lake, from).status());
  if (!context.quiet && !context.json)
    print(fmt::format("Building {} {} from {} in {}\n", group.name, group.version, from, lake.root()));
  ARROW_ASSIGN_OR_RAISE(auto build,
                        analytics::build_features(lake, group, options.table, context.workers, *context.budget));
  if (context.json) return print(build.json()), Status::OK();
  TextTable text({"feature", "expression"});
  for (const auto& one : build.columns) text.add({one.name, one.text});
  print(text.str(terminal_width()));
  if (!build.resolved.empty()) print(fmt::format("resolved to {}\n", fmt::join(build.resolved, "; ")));
  for (const auto& [column, count] : build.unknown)
    print(fmt::format("{} of {} version {}: {} without it\n", column, build.reference, build.reference_version,
                      counted(count, "row")));
  print(fmt::format("unadjusted prices · the first {} bars of an instrument have nulls\n", build.warm_up));
  print(fmt::format("{}: {} of {} version {}{} · version {} · {} · {:.1f} s\n", build.table, counted(build.rows, "row"),
                    build.source, build.source_version, build.unchanged ? ", up to date" : "", build.table_version,
                    format_bytes(build.bytes), build.seconds));
  return Status::OK();
}

Status list(const NoOptions&, Context& context) {
  Json all = Json::array();
  TextTable text({"group", "version", "from", "features>", "title"});
  for (const std::string& name : analytics::feature_groups()) {
    ARROW_ASSIGN_OR_RAISE(auto group, analytics::load_feature_group(name));
    all.push_back({{"group", group.name},
                   {"version", group.version},
                   {"from", group.table},
                   {"features", group.columns.size()},
                   {"title", group.title},
                   {"path", group.path}});
    text.add({group.name, group.version, group.table, std::to_string(group.columns.size()), group.title});
  }
  if (context.json) return print(Json{{"groups", all}}), Status::OK();
  print(text.str(terminal_width()));
  print(std::string("tapemill features build GROUP computes one; groups are read from datasets/features/NAME.yaml\n"));
  return Status::OK();
}

}  // namespace

Command features_list_command() {
  return command<NoOptions>("features list", "The feature groups there are", {},
                            "  tapemill features list\n  tapemill features list --json", list);
}
Command features_build_command() {
  return command<analytics::FeatureOptions>(
      "features build", "Compute a feature group over a table into gold", {"group"},
      "  tapemill features build momentum --table sp500\n  tapemill features build momentum --table sp500_index\n"
      "  tapemill features build my_features.yaml --json",
      run);
}

}  // namespace tapemill::app
