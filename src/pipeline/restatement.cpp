#include "pipeline/restatement.h"

#include <algorithm>
#include <filesystem>

#include "core/text.h"
#include "lake/overlap.h"
#include "sources/gzip.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

std::string by_folder(const sources::FileInfo& info) {
  std::error_code failed;
  const std::string folder = fs::absolute(info.path, failed).parent_path().filename().string();
  return folder.empty() ? info.unit : folder + "/" + info.unit;
}

bool told_by_name(const sources::FileInfo& info) { return info.form == "csv" && !info.session; }

bool same_unit(const sources::FileInfo& a, const sources::FileInfo& b) { return a.unit == b.unit && a.form == b.form; }

}  // namespace

Status name_units(std::vector<sources::FileInfo>& infos, const std::map<std::string, lake::UnitState>& states,
                  std::int64_t& unchanged) {
  auto order = [](const auto& a, const auto& b) { return std::tie(a.unit, a.form) < std::tie(b.unit, b.form); };
  std::stable_sort(infos.begin(), infos.end(), order);
  std::vector<std::string> names(infos.size());
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (!told_by_name(infos[i])) continue;
    const std::string longer = by_folder(infos[i]);
    auto clashes = [&](std::size_t k) { return same_unit(infos[k], infos[i]) && infos[k].sha256 != infos[i].sha256; };
    bool apart = states.contains(lake::unit_key(longer, infos[i].form));
    for (std::size_t k = i; k > 0 && same_unit(infos[k - 1], infos[i]); --k) apart |= clashes(k - 1);
    for (std::size_t k = i + 1; k < infos.size() && same_unit(infos[k], infos[i]); ++k) apart |= clashes(k);
    if (apart) names[i] = longer;
  }
  for (std::size_t i = 0; i < infos.size(); ++i)
    if (!names[i].empty()) infos[i].unit = names[i];
  std::stable_sort(infos.begin(), infos.end(), order);
  std::vector<sources::FileInfo> kept;
  for (auto& info : infos) {
    if (!kept.empty() && same_unit(kept.back(), info)) {
      if (kept.back().sha256 != info.sha256)
        return usage_error(fmt::format("{} and {} both hold {} ({}), with different contents", kept.back().path,
                                       info.path, info.unit, info.form),
                           told_by_name(info)
                               ? "give one of them another name; or, where the later corrects the earlier, ingest the "
                                 "earlier one first"
                               : "ingest the earlier one first and then the other: the later replaces it as a restated "
                                 "day");
      ++unchanged;
      continue;
    }
    kept.push_back(std::move(info));
  }
  infos = std::move(kept);
  return Status::OK();
}

bool same_content(const std::string& a, const std::string& b) {
  auto one = sources::open_bytes(a), two = sources::open_bytes(b);
  if (!one.ok() || !two.ok()) return false;
  std::string left(1 << 20, '\0'), right(1 << 20, '\0');
  auto fill = [](sources::Bytes& from, std::string& block) -> Result<std::size_t> {
    std::size_t have = 0;
    for (std::size_t got = 1; got > 0 && have < block.size(); have += got) {
      ARROW_ASSIGN_OR_RAISE(got, from.read(block.data() + have, block.size() - have));
    }
    return have;
  };
  for (;;) {
    auto m = fill(**one, left), n = fill(**two, right);
    if (!m.ok() || !n.ok() || *m != *n || left.compare(0, *m, right, 0, *n) != 0) return false;
    if (*m == 0) return true;
  }
}

Status doubt_restatement(const lake::Table& bronze, const lake::Snapshot& snapshot, const Dataset& dataset,
                         const std::map<std::string, lake::UnitState>& states, const UnitJob& job, bool smaller,
                         MemoryBudget& budget) {
  std::int64_t held = 0;
  std::set<std::string> paths;
  std::string source;
  for (const std::string& key : job.leaving) {
    auto state = states.find(key);
    if (state == states.end()) continue;
    held = std::max(held, state->second.rows);
    source = state->second.source;
    paths.insert(state->second.paths.begin(), state->second.paths.end());
  }
  if (held == 0) return Status::OK();
  const sources::FileInfo& info = job.landed.info;
  if (told_by_name(info) && !dataset.key.empty()) {
    std::vector<const lake::Part*> parts;
    for (const lake::Part& part : snapshot.parts)
      if (paths.contains(part.path)) parts.push_back(&part);
    lake::KeyOverlaps overlaps(bronze, snapshot, dataset.key, budget);
    ARROW_ASSIGN_OR_RAISE(lake::Overlap common, overlaps.find(job.parts, parts));
    if (common.rows == 0 && job.report.rows_kept > 0)
      return data_error(
          fmt::format(
              "{}: a file {} is in already, and none of its {} {} is in this one: this is another file, and would "
              "replace it by its name",
              info.path, source, held, plural(held, "row")),
          fmt::format("give it another name; or ingest the folder above both: files of one name are then told by their "
                      "folders ({})",
                      by_folder(info)));
  }
  if (!smaller && job.report.rows_kept * 2 < held)
    return data_error(
        fmt::format("{}: {} {} would replace the {} of {} that are in: it looks like a part of it", info.path,
                    job.report.rows_kept, plural(job.report.rows_kept, "row"), held, info.unit),
        "if it is the right one nevertheless, ingest it with --allow-smaller");
  return Status::OK();
}

}  // namespace tapemill::pipeline
