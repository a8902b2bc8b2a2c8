#include "quality/labels.h"

namespace tapemill::quality {

std::string label_of(const CheckSpec& spec) {
  if (spec.name == "expression") return "expression: " + spec.rule;
  if (spec.name != "iqr" && spec.name != "zscore" && spec.name != "mad" && spec.name != "isolation_forest")
    return spec.name;
  std::string label = spec.name + ":";
  for (const auto& list : {spec.columns, spec.of})
    for (const std::string& value : list) label += " " + value;
  return label;
}

}  // namespace tapemill::quality
