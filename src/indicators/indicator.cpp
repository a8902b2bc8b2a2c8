#include "indicators/indicator.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/expression.h"
#include "core/text.h"
#include "indicators/kernel.h"
#include "indicators/tables.h"

namespace tapemill::indicators {
namespace {

template <class T> std::span<const T> up_to_unnamed(const T* first, std::size_t most) {
  std::size_t count = 0;
  while (count < most && first[count].name) ++count;
  return {first, count};
}

std::vector<std::string> names(std::span<const Parameter> parameters) {
  std::vector<std::string> all;
  for (const Parameter& parameter : parameters) all.emplace_back(parameter.name);
  return all;
}

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::string suggestion(std::string_view word, const std::vector<std::string>& known, std::string_view otherwise) {
  std::string near = nearest(word, known);
  return near.empty() ? fmt::format("{} {}", otherwise, join(known)) : fmt::format("did you mean {}?", near);
}

std::string printed(const Parameter& parameter, double value) {
  return parameter.choices ? choices(parameter)[static_cast<std::size_t>(value)] : fmt::format("{}", value);
}

Result<double> read(const Spec& spec, const Parameter& parameter, const std::variant<double, std::string>& value) {
  std::vector<std::string> options = choices(parameter);
  if (const std::string* word = std::get_if<std::string>(&value)) {
    if (options.empty())
      return usage_error(fmt::format("{}: {} is a number, not \"{}\"", spec.name, parameter.name, *word),
                         fmt::format("write {}={}", parameter.name, parameter.standard));
    auto at = std::find(options.begin(), options.end(), *word);
    if (at == options.end())
      return usage_error(fmt::format("{}: {} has no choice \"{}\"", spec.name, parameter.name, *word),
                         suggestion(*word, options, "it is one of"));
    return static_cast<double>(at - options.begin());
  }
  double number = std::get<double>(value);
  if (!options.empty())
    return usage_error(fmt::format("{}: {} is a word, not {}", spec.name, parameter.name, number),
                       fmt::format("it is one of {}", join(options)));
  if (!(number >= parameter.least && number <= parameter.most))
    return usage_error(fmt::format("{}: {} {} is out of range", spec.name, parameter.name, number),
                       fmt::format("from {} to {}", parameter.least, parameter.most));
  if (!parameter.fractions && number != std::floor(number))
    return usage_error(fmt::format("{}: {} {} is not a whole number", spec.name, parameter.name, number),
                       "leave the fraction out");
  return number;
}

}  // namespace

const std::vector<const Spec*>& catalogue() {
  static const std::vector<const Spec*> all = [] {
    std::vector<const Spec*> specs;
    const KernelTable& table = base_kernels();
    for (int i = 0; i < table.count; ++i) specs.push_back(table.kernels[i].spec);
    return specs;
  }();
  return all;
}

const Spec* find(std::string_view name) {
  for (const Spec* spec : catalogue())
    if (name == spec->name) return spec;
  return nullptr;
}

std::span<const Parameter> parameters(const Spec& spec) {
  return up_to_unnamed(spec.parameters, std::size(spec.parameters));
}
std::span<const Input> inputs(const Spec& spec) { return up_to_unnamed(spec.inputs, std::size(spec.inputs)); }
std::span<const char* const> outputs(const Spec& spec) {
  std::size_t count = 0;
  while (count < std::size(spec.outputs) && spec.outputs[count]) ++count;
  return {spec.outputs, count};
}

std::vector<std::string> choices(const Parameter& parameter) {
  std::vector<std::string> all;
  std::string_view rest = parameter.choices ? parameter.choices : "";
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('|'), rest.size());
    all.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return all;
}

Result<Resolved> resolve(std::string_view name, const std::vector<Argument>& arguments,
                         const std::vector<std::string>& given) {
  Resolved resolved;
  const std::vector<const Spec*>& all = catalogue();
  auto at = std::find_if(all.begin(), all.end(), [&](const Spec* spec) { return name == spec->name; });
  if (at == all.end()) {
    std::vector<std::string> known;
    for (const Spec* spec : all) known.emplace_back(spec->name);
    return usage_error(fmt::format("unknown indicator \"{}\"", name), suggestion(name, known, "there are"));
  }
  const Spec& spec = **at;
  resolved.spec_ = &spec;
  resolved.index_ = static_cast<std::size_t>(at - all.begin());

  std::span<const Parameter> declared = indicators::parameters(spec);
  for (const Parameter& parameter : declared) resolved.parameters_.push_back(parameter.standard);
  std::vector<bool> set(declared.size());
  std::size_t position = 0;
  for (const Argument& argument : arguments) {
    std::size_t i = position;
    if (argument.name.empty()) {
      if (i == declared.size())
        return usage_error(fmt::format("{}: more than {} {}", spec.name, declared.size(),
                                       plural(static_cast<std::int64_t>(declared.size()), "parameter")),
                           declared.empty() ? "it takes none" : fmt::format("it takes {}", join(names(declared))));
      ++position;
    } else {
      std::vector<std::string> known = names(declared);
      i = static_cast<std::size_t>(std::find(known.begin(), known.end(), argument.name) - known.begin());
      if (i == known.size())
        return usage_error(fmt::format("{}: unknown parameter \"{}\"", spec.name, argument.name),
                           known.empty() ? "it takes none" : suggestion(argument.name, known, "it takes"));
    }
    if (set[i]) return usage_error(fmt::format("{}: {} is given twice", spec.name, declared[i].name), "leave one out");
    set[i] = true;
    ARROW_ASSIGN_OR_RAISE(resolved.parameters_[i], read(spec, declared[i], argument.value));
  }

  std::span<const Input> read_from = indicators::inputs(spec);
  if (given.size() > read_from.size())
    return usage_error(fmt::format("{}: {} inputs given", spec.name, given.size()),
                       fmt::format("it reads {}", read_from.size()));
  for (const Input& input : read_from) resolved.inputs_.emplace_back(input.column);
  std::copy(given.begin(), given.end(), resolved.inputs_.begin());
  return resolved;
}

Result<Resolved> resolve(const Expression& call) {
  if (call.type == Expression::Type::name) return resolve(call.text);
  if (call.type != Expression::Type::call)
    return usage_error("an indicator is a call", "such as rsi(close, period=14)");
  std::vector<Argument> arguments;
  std::vector<std::string> columns;
  auto value = [&](const Expression& given) -> Result<std::variant<double, std::string>> {
    if (given.type == Expression::Type::number) return given.number;
    if (given.type == Expression::Type::name || given.type == Expression::Type::string) return given.text;
    return usage_error(fmt::format("{}: a parameter is a number or a word", call.text),
                       "compute the input in a column of its own");
  };
  for (const Expression& given : call.args) {
    if (given.type == Expression::Type::name && arguments.empty()) {
      columns.push_back(given.text);
    } else {
      ARROW_ASSIGN_OR_RAISE(auto read, value(given));
      arguments.push_back({"", read});
    }
  }
  for (const auto& [name, given] : call.named) {
    ARROW_ASSIGN_OR_RAISE(auto read, value(given));
    arguments.push_back({name, read});
  }
  return resolve(call.text, arguments, columns);
}

int Resolved::warm_up() const { return base_kernels().kernels[index_].warm_up(parameters_.data()); }

std::string Resolved::text() const {
  std::vector<std::string> parts;
  std::span<const Input> standard = indicators::inputs(*spec_);
  bool own = true;
  for (std::size_t i = 0; i < standard.size(); ++i) own = own && inputs_[i] == standard[i].column;
  if (!own) parts = inputs_;
  std::span<const Parameter> declared = indicators::parameters(*spec_);
  for (std::size_t i = 0; i < declared.size(); ++i)
    parts.push_back(fmt::format("{}={}", declared[i].name, printed(declared[i], parameters_[i])));
  return fmt::format("{}({})", spec_->name, join(parts));
}

const char* name(Isa isa) { return isa == Isa::base ? "base" : isa == Isa::avx2 ? "avx2" : "avx512"; }

bool supported(Isa isa) {
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2");
  if (isa == Isa::avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  return true;
}

Result<Isa> chosen_isa() {
  const char* asked = std::getenv("TAPEMILL_ISA");
  for (Isa isa : {Isa::avx512, Isa::avx2, Isa::base}) {
    if (asked && *asked && std::string_view(asked) != name(isa)) continue;
    if (supported(isa)) return isa;
    if (asked && *asked)
      return usage_error(fmt::format("TAPEMILL_ISA={}: this processor has no {}", asked, asked), "leave it unset");
  }
  return usage_error(fmt::format("TAPEMILL_ISA={}: no such instruction set", asked),
                     "one of base, avx2, avx512; or leave it unset");
}

}  // namespace tapemill::indicators
