#include "pipeline/flat_files.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/calendar.h"
#include "core/json.h"
#include "lake/storage.h"

namespace tapemill::pipeline {
namespace {

using sources::Fetched;

constexpr const char* kEnding = ".csv.gz";

std::optional<Date> date_of(const std::string& key) {
  const std::string name = std::filesystem::path(key).filename().string();
  auto date = Date::parse(name.substr(0, name.find('.')));
  return date.ok() ? std::optional(*date) : std::nullopt;
}

}  // namespace

Result<std::string> polygon_folder(const Dataset& dataset) {
  for (const auto& [table, folder] : {std::pair{"stocks_daily", "us_stocks_sip/day_aggs_v1"},
                                      {"stocks_minute", "us_stocks_sip/minute_aggs_v1"},
                                      {"options_daily", "us_options_opra/day_aggs_v1"},
                                      {"options_minute", "us_options_opra/minute_aggs_v1"}})
    if (dataset.table == table) return std::string(folder);
  return usage_error("Polygon has no flat files of " + dataset.table,
                     "data sets: stocks_daily, stocks_minute, options_daily, options_minute");
}

Result<std::vector<std::string>> polygon_keys(const Dataset& dataset, Date from, Date to) {
  ARROW_ASSIGN_OR_RAISE(const std::string folder, polygon_folder(dataset));
  std::vector<std::string> keys;
  for (const Date session : dataset.calendar->sessions(from, to))
    keys.push_back(fmt::format("{}/{:04}/{:02}/{}{}", folder, session.year(), session.month(), session.str(), kEnding));
  return keys;
}

std::vector<std::string> Delivery::paths() const {
  std::vector<std::string> out;
  for (const Fetched& file : files)
    if (!file.path.empty()) out.push_back(file.path);
  return out;
}

std::int64_t Delivery::count(Fetched::Outcome outcome) const {
  return std::count_if(files.begin(), files.end(), [&](const Fetched& file) { return file.outcome == outcome; });
}

std::int64_t Delivery::bytes() const {
  std::int64_t sum = 0;
  for (const Fetched& file : files) sum += file.bytes;
  return sum;
}

std::vector<Delivery::Absent> Delivery::absent(const Dataset& dataset, Date today) const {
  std::vector<Absent> out;
  for (const Fetched& file : files) {
    if (file.outcome == Fetched::Outcome::ok || file.outcome == Fetched::Outcome::unchanged) continue;
    Absent one{file.key, sources::name(file.outcome), file.why};
    const auto date = file.session ? file.session : date_of(file.key);
    const std::string nothing = site ? "no such file on the site" : "there is no such object";
    if (file.outcome == Fetched::Outcome::forbidden && !site) one.why = "outside what this key may read: " + file.why;
    if (file.outcome == Fetched::Outcome::missing) {
      const bool known = date && *date >= dataset.calendar->first() && *date <= dataset.calendar->last();
      if (!known) one.why = nothing;
      else if (!dataset.calendar->is_session(*date)) one.why = "no session of " + dataset.calendar->name();
      else if (*date >= today - 1) one.why = "not yet published";
      else one.why = "a session of " + dataset.calendar->name() + ", but " + nothing;
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json Delivery::json(const Dataset& dataset, Date today) const {
  Json list = Json::array();
  for (const Absent& one : absent(dataset, today))
    list.push_back({{"key", one.key}, {"outcome", one.outcome}, {"why", one.why}});
  Json out = {{site ? "site" : "bucket", from.bucket}, {"keys", files.size()}, {"bytes", bytes()}, {"absent", list}};
  for (auto outcome : {Fetched::Outcome::ok, Fetched::Outcome::unchanged, Fetched::Outcome::missing,
                       Fetched::Outcome::forbidden, Fetched::Outcome::failed})
    out[sources::name(outcome)] = count(outcome);
  return out;
}

Status Delivery::tidy(const Dataset& dataset, const std::vector<std::string>& refused) const {
  std::error_code ignored;
  if (site)  // a refused file is asked for again as soon as it is taken away
    for (const std::string& path : refused) std::filesystem::remove(path + ".fetched", ignored);
  if (keep || !dataset.landing_copy) return Status::OK();  // landing may name them by reference
  const std::set<std::string> kept(refused.begin(), refused.end());
  for (const Fetched& file : files)
    if (!file.path.empty() && !kept.contains(file.path)) ARROW_RETURN_NOT_OK(sources::forget(from, file.key));
  return Status::OK();
}

Result<Delivery> deliver(const lake::Lake& lake, const S3Settings& store, const std::string& bucket,
                         const std::vector<std::string>& keys, int connections) {
  Delivery out;
  ARROW_ASSIGN_OR_RAISE(const std::string folder,
                        lake::storage_of(lake.root()).local_folder(lake.root() + "/downloads"));
  out.from = {store, bucket, folder + "/" + bucket, connections};
  ARROW_ASSIGN_OR_RAISE(out.files, sources::fetch(out.from, keys));
  return out;
}

Result<std::vector<Delivery>> deliver_paths(const lake::Lake& lake, const S3Settings& store,
                                            const std::vector<std::string>& paths, int connections) {
  std::vector<Delivery> out;
  for (const std::string& path : paths) {
    if (!S3Place::is(path)) continue;
    ARROW_ASSIGN_OR_RAISE(S3Place place, S3Place::parse(path));
    std::vector<std::string> keys{place.key};
    if (!path.ends_with(kEnding)) {
      if (path.ends_with('/') && !place.key.empty()) place.key += '/';
      ARROW_ASSIGN_OR_RAISE(keys, sources::keys_below({store, place.bucket, {}}, place.key, kEnding));
      if (keys.empty())
        return usage_error(
            fmt::format("no key of {} begins with \"{}\" and ends with {}", place.bucket, place.key, kEnding),
            "a key is us_stocks_sip/minute_aggs_v1/2024/10/2024-10-28.csv.gz");
    }
    ARROW_ASSIGN_OR_RAISE(Delivery delivery, deliver(lake, store, place.bucket, keys, connections));
    out.push_back(std::move(delivery));
  }
  return out;
}

}  // namespace tapemill::pipeline
