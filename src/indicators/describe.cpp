#include "indicators/describe.h"
#include "core/json.h"

namespace tapemill::indicators {

Json describe(const Spec& spec) {
  Json json;
  json["name"] = spec.name;
  json["title"] = spec.title;
  json["inputs"] = Json::array();
  for (const Input& input : inputs(spec)) json["inputs"].push_back({{"name", input.name}, {"column", input.column}});
  json["parameters"] = Json::array();
  for (const Parameter& parameter : parameters(spec)) {
    Json one = {{"name", parameter.name}};
    if (parameter.choices) {
      std::vector<std::string> options = choices(parameter);
      one["choices"] = options;
      one["default"] = options[static_cast<std::size_t>(parameter.standard)];
    } else {
      one["least"] = parameter.least;
      one["most"] = parameter.most;
      one["default"] = parameter.standard;
      one["whole"] = !parameter.fractions;
    }
    json["parameters"].push_back(std::move(one));
  }
  json["outputs"] = Json::array();
  for (const char* output : outputs(spec)) json["outputs"].push_back(output);
  json["formula"] = spec.formula;
  json["source"] = spec.source;
  json["warm_up"] = spec.warm_up;
  json["differs"] = spec.differs;
  return json;
}

std::string explain(const Spec& spec) {
  std::string text = fmt::format("{}\n{}\n", resolve(spec.name).ValueOrDie().text(), spec.title);
  auto line = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) text += fmt::format("  {:<11}{}\n", name, value);
  };
  std::string read, given;
  for (const Input& input : inputs(spec)) read += fmt::format("{}{}", read.empty() ? "" : ", ", input.column);
  for (const char* output : outputs(spec)) given += fmt::format("{}{}", given.empty() ? "" : ", ", output);
  line("reads", read);
  line("gives", given);
  for (const Parameter& parameter : parameters(spec)) {
    std::string range = parameter.choices ? fmt::format("{}", fmt::join(choices(parameter), ", "))
                                          : fmt::format("{} to {}", parameter.least, parameter.most);
    line(parameter.name, range);
  }
  line("formula", spec.formula);
  line("source", spec.source);
  line("warm-up", fmt::format("{} bars", spec.warm_up));
  line("differs", spec.differs);
  return text;
}

}  // namespace tapemill::indicators
