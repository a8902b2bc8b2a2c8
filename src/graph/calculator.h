#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "graph/archive.h"
#include "graph/block.h"

namespace tapemill::graph {

/// A computation from rows to rows; one object per partition, used by one thread.
class Calculator {
 public:
  virtual ~Calculator() = default;
  /// Appends to `out` (cleared before, its columns as declared). Where the plan keeps rows, `out` has a row per row of `in`
  /// and the columns that come after those of `in`; else whole rows, with sequence and time. No allocation once warm.
  virtual Status process(const View& in, Block& out) = 0;
  virtual void state(Archive& archive) = 0;  // one function saves and loads
};

/// What a calculator node will do, known before anything runs.
struct CalculatorPlan {
  std::vector<std::string> depends;   // columns it reads
  Schema outputs;                     // columns that it makes
  bool keeps_rows = true;             // its rows are those it is given, with `outputs` after their own columns
  std::vector<std::string> notes;     // what names resolved to, for people
  std::function<std::unique_ptr<Calculator>()> make;
};

/// An entry of the catalogue. `plan` judges a node's config against the columns of the rows that come to it; `in` is null
/// where those cannot be known, and then the config alone is judged and nothing of the plan is used. Errors are usage
/// errors with file:line:column.
struct CalculatorClass {
  const char* name;
  const char* help;
  std::vector<FieldInfo> (*fields)();
  Result<CalculatorPlan> (*plan)(const Node& config, const Schema* in);
};

/// Classes that exist, in order; those of the founding documents that are not built in this version.
const std::vector<CalculatorClass>& calculators();
const CalculatorClass* find_calculator(std::string_view class_name);  // by the last component of its name
const std::vector<std::string>& later_calculators();
std::string last_component(std::string_view class_name);              // core.calculator.x.Name -> Name

/// The column that rows are grouped by: `wanted`; where rows have no `ticker` it is their instrument_id, else their symbol.
Result<std::size_t> key_column(const Node& config, const Schema& in, const std::string& wanted);
/// `status` as an error at `node`, without "<where>: " before its message; its hint kept.
Status placed(const Node& node, const Status& status, std::string_view where);

Result<CalculatorPlan> plan_technical(const Node& config, const Schema* in);
Result<CalculatorPlan> plan_complete(const Node& config, const Schema* in);
Result<CalculatorPlan> plan_windower(const Node& config, const Schema* in);
Result<CalculatorPlan> plan_signals(const Node& config, const Schema* in);
std::vector<FieldInfo> technical_fields();
std::vector<FieldInfo> complete_fields();
std::vector<FieldInfo> windower_fields();
std::vector<FieldInfo> signals_fields();

}  // namespace tapemill::graph
