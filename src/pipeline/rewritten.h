#pragma once
#include "lake/lake.h"

namespace tapemill::pipeline {

/// OK where every part with rows says which source it came from. Otherwise another engine has rewritten the table (OPTIMIZE,
/// a DELETE that keeps other rows): a data error that names the commit and what to do.
Status sources_known(const lake::Table& table, const lake::Snapshot& snapshot);
/// The same of bronze.<dataset> and of its quarantine.
Status provenance_known(const lake::Lake& lake, const std::string& dataset);

}  // namespace tapemill::pipeline
