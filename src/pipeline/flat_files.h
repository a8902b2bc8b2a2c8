#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/json_fwd.h"
#include "core/s3.h"
#include "lake/lake.h"
#include "sources/object_files.h"

namespace tapemill::pipeline {

/// Where a data set's files are in Polygon's bucket: us_stocks_sip/minute_aggs_v1. Usage error: not one of Polygon's.
Result<std::string> polygon_folder(const Dataset& dataset);
/// us_stocks_sip/minute_aggs_v1/2024/10/2024-10-28.csv.gz for each session of the calendar.
Result<std::vector<std::string>> polygon_keys(const Dataset& dataset, Date from, Date to);

/// Files of a bucket, or of a site, that were fetched for an ingest.
struct Delivery {
  sources::FetchOptions from;  // bucket: of a site its name
  std::vector<sources::Fetched> files;
  bool site = false;
  bool keep = false;  // the files stay where they are when they have landed
  std::vector<std::string> paths() const;  // that are here to be read
  std::int64_t count(sources::Fetched::Outcome outcome) const;
  std::int64_t bytes() const;
  /// One line a key that brought nothing: why, as far as the calendar tells (no session, not yet published).
  struct Absent {
    std::string key, outcome, why;
  };
  std::vector<Absent> absent(const Dataset& dataset, Date today) const;
  Json json(const Dataset& dataset, Date today) const;
  /// Deletes files that landing has a copy of; the ones in `refused` (paths) stay.
  Status tidy(const Dataset& dataset, const std::vector<std::string>& refused) const;
};
/// Fetches keys into a folder of the lake on this machine.
Result<Delivery> deliver(const lake::Lake& lake, const S3Settings& store, const std::string& bucket,
                         const std::vector<std::string>& keys, int connections);
/// Fetches for each s3://BUCKET/PREFIX of `paths` the keys that begin with the prefix and end with .csv.gz; other paths
/// are passed over.
Result<std::vector<Delivery>> deliver_paths(const lake::Lake& lake, const S3Settings& store,
                                            const std::vector<std::string>& paths, int connections);

}  // namespace tapemill::pipeline
