#pragma once
#include <string>
#include <vector>

#include "analytics/series.h"
#include "core/config.h"
#include "core/json_fwd.h"
#include "core/session_hours.h"
#include "lake/enrich.h"

namespace tapemill::analytics {

/// A feature group as its YAML declares it (datasets/features/NAME.yaml; docs/formats/expressions.md).
struct FeatureGroup {
  std::string name, title, version;
  std::string table;                      // silver table it is computed from
  SessionHours session = SessionHours::regular;  // of bars shorter than a session: which it is computed over
  lake::EnrichOptions enrich;             // columns of a reference table beside the features; none: columns empty
  std::vector<NamedExpression> columns;
  std::string path;                       // of the YAML
};

/// datasets/features/NAME.yaml of the user's folder (./datasets) or of the share folder, or a path that ends in .yaml.
/// Usage errors: no such group (with the nearest), unknown keys, a column name that is none; adjusted: true (there are no
/// adjustment factors yet).
Result<FeatureGroup> load_feature_group(const std::string& name_or_path);
std::vector<std::string> feature_groups();  // names there are, sorted

struct FeatureOptions {
  std::string group;
  std::string table;  // another source than the group's: the gold table is then features_GROUP_TABLE
};

struct FeatureBuild {
  std::string group, version, source, table;  // table: "gold.features_momentum"
  std::int64_t source_version = -1, table_version = -1;
  std::int64_t rows = 0, bytes = 0;
  std::string reference;                // the table that columns were taken from as of each row; empty: none
  std::int64_t reference_version = -1;
  std::vector<std::pair<std::string, std::int64_t>> unknown;  // of its columns: rows that have none
  bool unchanged = false;  // the table was up to date: no commit
  std::vector<NamedExpression> columns;  // the group's
  std::vector<std::string> resolved;  // what each indicator name resolved to
  int warm_up = 0;  // first bars of an instrument in which some feature is null
  double seconds = 0;
  Json json() const;
};

/// Scans silver, computes every column of the group over each instrument's bars, and writes gold.features_GROUP: the key and
/// symbol of the source, the features (double, null while they warm up), available_at (the latest of this and all earlier
/// rows of its instrument), feature_version, adjusted_as_known (null: prices as traded) and the partition columns:
/// feature_group, and those of the source (year, month); columns of `enrich` stand before the features. All parts are replaced in one commit; where source and reference
/// version, group and program are what the table was built from, nothing is written. The same bits whatever the workers.
Result<FeatureBuild> build_features(const lake::Lake& lake, const FeatureGroup& group, const std::string& table,
                                    const Workers& workers, MemoryBudget& budget);

struct FeatureReadBack {
  std::int64_t rows = 0, values = 0;  // values: that are not null, of all features
};
/// Reads the table that `built` names and compares key, session, features and available_at of every row with the group computed
/// anew from the version of the source that it was built from. Data error for what is missing, unreadable or different.
Result<FeatureReadBack> read_back_features(const lake::Lake& lake, const FeatureGroup& group, const FeatureBuild& built,
                                           const Workers& workers, MemoryBudget& budget);

}  // namespace tapemill::analytics

template <>
inline constexpr auto tapemill::fields<tapemill::analytics::FeatureOptions> =
    std::tuple{tapemill::field("group", &tapemill::analytics::FeatureOptions::group,
                               "a group of datasets/features/, or the path of its YAML"),
               tapemill::field("table", &tapemill::analytics::FeatureOptions::table,
                               "compute it from this silver table instead of the group's own")};
