#include <filesystem>

#include "core/hash.h"
#include "pipeline/landing.h"

namespace tapemill::pipeline {

Envelope envelope_of(const Dataset& dataset, const sources::FileInfo& info) {
  Envelope out;
  out.event_id = sha256(fmt::format("{}\n{}\n{}\n{}", dataset.table, info.unit, info.form, info.sha256)).substr(0, 32);
  out.source = dataset.source;
  out.schema_version = dataset.schema_version;
  if (info.session)
    if (auto session = dataset.calendar->session(*info.session); session.ok()) out.event_time = session->close();
  const std::string stem = std::filesystem::path(info.path).filename().string();
  if (!info.session) out.entity_id = stem.substr(0, stem.find('.', 1));
  if (!dataset.exchange.empty()) out.entity_id += (out.entity_id.empty() ? "" : ":") + dataset.exchange;
  return out;
}

}  // namespace tapemill::pipeline
