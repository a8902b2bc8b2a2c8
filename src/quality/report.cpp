#include <algorithm>

#include "core/json.h"
#include "quality/check.h"

namespace tapemill::quality {
namespace {
constexpr std::size_t kExamples = 20;
const char* text(CheckSpec::Severity severity) {
  return severity == CheckSpec::Severity::warn         ? "warn"
         : severity == CheckSpec::Severity::quarantine ? "quarantine"
                                                       : "stop";
}
}  // namespace

Finding& Report::finding(const std::string& check, CheckSpec::Severity severity) {
  for (Finding& one : findings)
    if (one.check == check && one.severity == severity) return one;
  return findings.emplace_back(Finding{check, severity, 0, {}});
}

void Finding::add(std::string example) {
  ++count;
  if (examples.size() < kExamples) examples.push_back(std::move(example));
}

void Report::merge(const Report& other, const std::string& file) {
  auto placed = [&](const std::string& example) {
    constexpr std::string_view line = "line ";
    if (file.empty()) return example;
    return example.starts_with(line) ? file + ":" + example.substr(line.size()) : file + ": " + example;
  };
  rows_in += other.rows_in;
  rows_kept += other.rows_kept;
  rows_quarantined += other.rows_quarantined;
  stopped |= other.stopped;
  for (const Finding& theirs : other.findings) {
    Finding& ours = finding(theirs.check, theirs.severity);
    ours.count += theirs.count;
    for (const auto& example : theirs.examples)
      if (ours.examples.size() < kExamples) ours.examples.push_back(placed(example));
  }
}

Json Report::json() const {
  Json list = Json::array();
  for (const Finding& one : findings)
    list.push_back(
        {{"check", one.check}, {"severity", text(one.severity)}, {"count", one.count}, {"examples", one.examples}});
  return {{"rows_in", rows_in},
          {"rows_kept", rows_kept},
          {"rows_quarantined", rows_quarantined},
          {"stopped", stopped},
          {"findings", list}};
}

}  // namespace tapemill::quality
