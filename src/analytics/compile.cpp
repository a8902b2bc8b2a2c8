#include <algorithm>
#include <cmath>
#include <map>

#include "analytics/program.h"
#include "core/expression.h"
#include "core/hash.h"

namespace tapemill::analytics {
namespace {

constexpr const char* kSession = "session";  // an indicator's input that is the bar's session, not a column

/// The number a literal is: 14, -1; nothing where it is an expression.
std::optional<double> literal(const Expression& e) {
  if (e.type == Expression::Type::number) return e.number;
  if (e.type == Expression::Type::unary && e.text == "-" && e.args[0].type == Expression::Type::number)
    return -e.args[0].number;
  return {};
}

std::string hint_for(const std::string& name, const std::vector<std::string>& known, std::string_view what) {
  std::string near = nearest(name, known);
  if (!near.empty()) return fmt::format("did you mean {}?", near);
  return fmt::format("{}: {}", what, fmt::join(known, ", "));
}

std::vector<std::string> function_names() {
  std::vector<std::string> names{"mean"};
  for (const Operation& one : kRowFunctions) names.emplace_back(one.name);
  for (const SeriesFunctionSpec& one : series_functions()) names.emplace_back(one.name);
  for (const indicators::Spec* one : indicators::catalogue()) names.emplace_back(one->name);
  return names;
}

class Compiler {
 public:
  Compiler(Series::Program& program, const std::vector<std::string>& columns) : program_(program), columns_(columns) {}

  Status add(const NamedExpression& named) {
    std::string where = named.name.empty()    ? named.where
                        : named.where.empty() ? named.name
                                              : named.where + ": " + named.name;
    where_ = where.empty() ? "expression" : where;
    ARROW_ASSIGN_OR_RAISE(Expression whole, Expression::parse(named.text, where_));
    whole_ = &whole;
    ARROW_ASSIGN_OR_RAISE(int slot, emit(whole));
    program_.outputs.push_back(slot);
    program_.warm_up = std::max(program_.warm_up, warm_up_[static_cast<std::size_t>(slot)]);
    return Status::OK();
  }

 private:
  Status fail(const Expression& part, std::string what, std::string hint = {}) const {
    return expression_error(*whole_, part, where_, std::move(what), std::move(hint));
  }

  /// The slot of the step, which is added unless an equal one is there. `key` names what it computes.
  int step(Step step, std::string key) {
    for (int in : step.in) key += fmt::format(" {}", in);
    if (auto known = steps_.find(key); known != steps_.end()) return known->second;
    int before = 0;
    for (int in : step.in) before = std::max(before, warm_up_[static_cast<std::size_t>(in)]);
    step.out = program_.slots;
    if (step.what == Step::What::function) step.nth = program_.functions++;
    if (step.what == Step::What::indicator) step.nth = program_.indicators++;
    program_.slots += step.width;
    warm_up_.resize(static_cast<std::size_t>(program_.slots), before + step.warm_up);
    steps_[key] = step.out;
    program_.id += key + "\n";
    int out = step.out;
    program_.steps.push_back(std::move(step));
    return out;
  }
  int constant(double value) { return step({.what = Step::What::constant, .number = value}, fmt::format("{}", value)); }
  int operation(const Operation* one, std::vector<int> in) {
    auto what = in.size() == 1 ? Step::What::one : Step::What::two;
    return step({.what = what, .in = std::move(in), .operation = one}, fmt::format("{}/{}", one->name, one->least));
  }

  int column(const std::string& name) {
    auto at = std::find(program_.inputs.begin(), program_.inputs.end(), name);
    int input = static_cast<int>(at - program_.inputs.begin());
    if (at == program_.inputs.end()) program_.inputs.push_back(name);
    return step({.what = Step::What::input, .input = input}, "column " + name);
  }
  bool has_column(const std::string& name) const {
    return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
  }

  Result<int> emit(const Expression& e) {
    switch (e.type) {
      case Expression::Type::number: return constant(e.number);
      case Expression::Type::string: return fail(e, "a string stands where a series is needed");
      case Expression::Type::name: {
        if (has_column(e.text)) return column(e.text);
        if (find_series_function(e.text) != nullptr || find_operation(kRowFunctions, e.text) != nullptr ||
            indicators::find(e.text) != nullptr)
          return fail(e, fmt::format("{} is a function, not a column", e.text), fmt::format("write {}(...)", e.text));
        return fail(e, fmt::format("unknown column {}", e.text), hint_for(e.text, columns_, "columns"));
      }
      case Expression::Type::unary: {
        if (auto number = literal(e)) return constant(*number);
        ARROW_ASSIGN_OR_RAISE(int in, emit(e.args[0]));
        return operation(find_operation(kUnaryOperators, e.text), {in});
      }
      case Expression::Type::binary: {
        ARROW_ASSIGN_OR_RAISE(int left, emit(e.args[0]));
        ARROW_ASSIGN_OR_RAISE(int right, emit(e.args[1]));
        return operation(find_operation(kOperators, e.text), {left, right});
      }
      case Expression::Type::call: break;
    }
    return call(e);
  }

  Result<int> call(const Expression& e) {
    if (const Operation* one = find_operation(kRowFunctions, e.text)) return row_function(e, one);
    if (const SeriesFunctionSpec* spec = find_series_function(e.text)) return series_function(e, *spec);
    if (e.text == "mean") return mean(e);
    if (const indicators::Spec* spec = indicators::find(e.text)) return indicator(e, *spec);
    std::string small = e.text;  // RSI(14): names of requests are capitals, of functions are not
    for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return fail(e, fmt::format("unknown function {}", e.text), hint_for(small, function_names(), "functions"));
  }

  Result<int> row_function(const Expression& e, const Operation* one) {
    int given = static_cast<int>(e.args.size());
    if (!e.named.empty()) return fail(e, fmt::format("{} takes no named values", e.text));
    if (given < one->least || given > one->most)
      return fail(e, fmt::format("{} takes {}{} value{}, not {}", e.text, one->least,
                                 one->most == kManyArguments ? " or more" : "", one->most == 1 ? "" : "s", given));
    ARROW_ASSIGN_OR_RAISE(int out, emit(e.args[0]));
    if (one->one != nullptr) return operation(one, {out});
    for (std::size_t i = 1; i < e.args.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(int right, emit(e.args[i]));
      out = operation(one, {out, right});
    }
    return out;
  }

  /// A whole number out of a literal, in range.
  Result<int> whole(const Expression& e, std::string_view of, std::string_view name, int least, int most) const {
    auto number = literal(e);
    if (!number || *number != std::floor(*number))
      return fail(e, fmt::format("{} of {} is a whole number, written out", name, of));
    if (*number < 0 && of == "ref")
      return fail(e, fmt::format("ref(x, {}) would look ahead: that bar is not known yet", *number),
                  "bars before are counted as ref(x, 1)");
    if (*number < least || *number > most)
      return fail(e, fmt::format("{} {} of {} is out of range {} .. {}", name, *number, of, least, most));
    return static_cast<int>(*number);
  }

  Result<int> series_function(const Expression& e, const SeriesFunctionSpec& spec) {
    Step made{.what = Step::What::function, .function = &spec};
    const Expression* period = nullptr;
    std::size_t wanted = static_cast<std::size_t>(spec.series);
    if (spec.least > 0 && e.args.size() == wanted + 1) period = &e.args[wanted];
    else if (e.args.size() != wanted) return fail(e, fmt::format("{} is written {}", e.text, spec.help), two_values(e));
    for (const auto& [name, value] : e.named) {
      if (name == "n" && spec.least > 0 && period == nullptr) {
        period = &value;
      } else if (name == "ddof" && spec.ddof) {
        ARROW_ASSIGN_OR_RAISE(made.ddof, whole(value, e.text, name, 0, 1));
      } else {
        return fail(value, fmt::format("{} has no {}", e.text, name), fmt::format("it is written {}", spec.help));
      }
    }
    if (spec.least > 0) {
      if (period == nullptr)
        return fail(e, fmt::format("{} needs n, the number of bars", e.text),
                    fmt::format("it is written {}", spec.help));
      if (!literal(*period))
        return fail(*period, fmt::format("n of {} is a whole number, written out", e.text), two_values(e));
      ARROW_ASSIGN_OR_RAISE(made.period, whole(*period, e.text, "n", spec.least, kLongestPeriod));
    }
    for (std::size_t i = 0; i < wanted; ++i) {
      ARROW_ASSIGN_OR_RAISE(int in, emit(e.args[i]));
      made.in.push_back(in);
    }
    made.warm_up = spec.warm_up(made.period);
    std::string key = fmt::format("{}({}, {})", spec.name, made.period, made.ddof);
    return step(std::move(made), std::move(key));
  }
  static std::string two_values(const Expression& e) {
    if (e.text == "min") return "the smaller of two values is least(a, b)";
    if (e.text == "max") return "the larger of two values is greatest(a, b)";
    return {};
  }

  /// mean(x, n) is sma(x, period=n): the same number, not another one.
  Result<int> mean(const Expression& e) {
    Expression same = e;
    same.text = "sma";
    if (e.args.empty() || (e.args.size() == 1 && e.named.empty())) return fail(e, "mean is written mean(x, n)");
    for (auto& [name, value] : same.named)
      if (name == "n") name = "period";
    const Expression* whole = std::exchange(whole_, &same);
    auto out = indicator(same, *indicators::find("sma"));
    whole_ = whole;
    return out;
  }

  /// Arguments that are numbers are parameters in their order, behind those that are series; a named value is a parameter,
  /// the column of an input, or output="...".
  Result<int> indicator(const Expression& e, const indicators::Spec& spec) {
    std::vector<indicators::Argument> arguments;
    std::vector<std::pair<int, std::string>> given;  // inputs: slot, text
    for (const Expression& arg : e.args) {
      if (auto number = literal(arg)) {
        arguments.push_back({"", *number});
        continue;
      }
      if (!arguments.empty()) return fail(arg, fmt::format("{}: series stand before numbers", e.text));
      ARROW_ASSIGN_OR_RAISE(int slot, emit(arg));
      given.emplace_back(slot, arg.str());
    }
    const auto inputs = indicators::inputs(spec);
    if (!given.empty() && given.size() != series_inputs(spec))
      return fail(
          e,
          fmt::format("{} reads {} series ({}), not {}", e.text, series_inputs(spec), input_names(spec), given.size()),
          "without series it reads the columns of these names");
    const auto outputs = indicators::outputs(spec);
    std::size_t output = 0;
    std::map<std::string, const Expression*> columns;
    for (const auto& [name, value] : e.named) {
      auto is_input = [&name = name](const indicators::Input& input) { return name == input.name; };
      if (name == "output") {
        auto at = std::find_if(outputs.begin(), outputs.end(),
                               [&value = value](const char* one) { return value.text == one; });
        if (at == outputs.end()) {
          std::vector<std::string> known(outputs.begin(), outputs.end());
          return fail(value, fmt::format("{} has no output {}", e.text, value.str()),
                      hint_for(value.text, known, "outputs"));
        }
        output = static_cast<std::size_t>(at - outputs.begin());
      } else if (given.empty() && std::any_of(inputs.begin(), inputs.end(), is_input)) {
        if (value.type != Expression::Type::name)
          return fail(value, fmt::format("{} takes the name of a column", name));
        columns[name] = &value;
      } else if (auto number = literal(value)) {
        arguments.push_back({name, *number});
      } else {
        arguments.push_back({name, value.text});
      }
    }
    ARROW_RETURN_NOT_OK(bind(e, spec, columns, given));

    std::vector<std::string> slots, texts;
    Step made{.what = Step::What::indicator, .width = static_cast<int>(outputs.size())};
    for (const auto& [slot, text] : given) {
      made.in.push_back(slot);
      slots.push_back(slot_name(slot));
      texts.push_back(text);
    }
    auto resolved = indicators::resolve(spec.name, arguments, slots);
    if (!resolved.ok())
      return fail(e, resolved.status().message(),
                  resolved.status().detail() ? resolved.status().detail()->ToString() : "");
    made.warm_up = resolved->warm_up();
    ARROW_ASSIGN_OR_RAISE(auto shown, indicators::resolve(spec.name, arguments, texts));
    if (std::find(program_.resolved.begin(), program_.resolved.end(), shown.text()) == program_.resolved.end())
      program_.resolved.push_back(shown.text());
    std::string key = resolved->text();
    made.indicator = std::move(*resolved);
    return step(std::move(made), std::move(key)) + static_cast<int>(output);
  }

  static std::size_t series_inputs(const indicators::Spec& spec) {
    const auto inputs = indicators::inputs(spec);
    return static_cast<std::size_t>(std::count_if(
        inputs.begin(), inputs.end(), [](const auto& i) { return i.column != std::string_view(kSession); }));
  }
  static std::string input_names(const indicators::Spec& spec) {
    std::string text;
    for (const auto& input : indicators::inputs(spec))
      if (input.column != std::string_view(kSession)) text += (text.empty() ? "" : ", ") + std::string(input.name);
    return text;
  }

  /// Fills `given` to one entry per input of the spec: columns by name or of the spec, the session where one is read.
  Status bind(const Expression& e, const indicators::Spec& spec,
              const std::map<std::string, const Expression*>& columns,
              std::vector<std::pair<int, std::string>>& given) {
    std::vector<std::pair<int, std::string>> bound;
    std::size_t next = 0;
    for (const auto& input : indicators::inputs(spec)) {
      if (input.column == std::string_view(kSession)) {
        program_.session = true;
        bound.emplace_back(step({.what = Step::What::session}, kSession), kSession);
      } else if (next < given.size()) {
        bound.push_back(given[next++]);
      } else {
        auto named = columns.find(input.name);
        std::string name = named == columns.end() ? input.column : named->second->text;
        if (!has_column(name)) {
          const Expression& culprit = named == columns.end() ? e : *named->second;
          std::string near = nearest(name, columns_);
          return fail(culprit, fmt::format("{} reads the column {}, and there is none", e.text, name),
                      near.empty() ? fmt::format("name another: {}({}=...)", e.text, input.name)
                                   : fmt::format("did you mean {}={}?", input.name, near));
        }
        bound.emplace_back(column(name), name);
      }
    }
    given = std::move(bound);
    return Status::OK();
  }

  Series::Program& program_;
  const std::vector<std::string>& columns_;
  const Expression* whole_ = nullptr;
  std::string where_;
  std::map<std::string, int> steps_;
  std::vector<int> warm_up_;  // per slot
};

}  // namespace

std::string slot_name(int slot) { return fmt::format("#{}", slot); }

Result<Series> Series::compile(const std::vector<NamedExpression>& expressions,
                               const std::vector<std::string>& columns) {
  auto program = std::make_shared<Program>();
  Compiler compiler(*program, columns);
  for (const NamedExpression& one : expressions) ARROW_RETURN_NOT_OK(compiler.add(one));
  program->fingerprint = sha256(program->id);
  Series series;
  series.program_ = std::move(program);
  return series;
}

}  // namespace tapemill::analytics
