#pragma once
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/status.h"
#include "indicators/spec.h"

namespace tapemill {
struct Expression;
}

namespace tapemill::indicators {

/// Every indicator there is, in the catalogue's order. Adding one: its header, and catalogue.h.
const std::vector<const Spec*>& catalogue();
const Spec* find(std::string_view name);  // null where there is none

std::span<const Parameter> parameters(const Spec& spec);
std::span<const Input> inputs(const Spec& spec);
std::span<const char* const> outputs(const Spec& spec);
std::vector<std::string> choices(const Parameter& parameter);  // empty for a number

/// A parameter as a call gives it: by name, or by position where the name is empty. Choices are text.
struct Argument {
  std::string name;
  std::variant<double, std::string> value;
};

/// An indicator with every parameter known and every input bound to a column. Equal texts mean equal results.
class Resolved {
 public:
  const Spec& spec() const { return *spec_; }
  std::size_t index() const { return index_; }                           // in the catalogue
  const std::vector<double>& parameters() const { return parameters_; }  // in the spec's order; a choice by its number
  const std::vector<std::string>& inputs() const { return inputs_; }  // columns, in the order of Spec::inputs
  std::span<const char* const> outputs() const { return indicators::outputs(*spec_); }
  int warm_up() const;  // bars that are null before the first value
  /// `rsi(period=14, smoothing=wilder)`; inputs stand before parameters where they are not the spec's own.
  std::string text() const;

 private:
  friend Result<Resolved> resolve(std::string_view, const std::vector<Argument>&, const std::vector<std::string>&);
  const Spec* spec_ = nullptr;
  std::size_t index_ = 0;
  std::vector<double> parameters_;
  std::vector<std::string> inputs_;
};

/// What a name means. `inputs` replace the spec's columns from the first on. Usage errors: an unknown name or parameter (with
/// the nearest right one), a number out of range or with fractions where none are taken, too many inputs.
Result<Resolved> resolve(std::string_view name, const std::vector<Argument>& arguments = {},
                         const std::vector<std::string>& inputs = {});

/// `rsi(close, period=14)` as an expression: a call whose inputs are columns.
Result<Resolved> resolve(const Expression& call);

/// Instruction sets that lane code was compiled for; every one answers with the same bits.
enum class Isa { base, avx2, avx512 };
const char* name(Isa isa);
bool supported(Isa isa);
/// $TAPEMILL_ISA where it is set (usage error for an unknown one or one that this processor lacks), else the widest there is.
Result<Isa> chosen_isa();

}  // namespace tapemill::indicators
