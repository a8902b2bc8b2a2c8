#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/expression.h"
#include "core/workers.h"

namespace tapemill::analytics {

struct NamedExpression {
  std::string name, text, where;  // where: file:line:column of the declaration, for errors
};

/// One symbol's state of a compiled Series: fed bar by bar, in the symbol's own order. No allocation per update.
/// Not thread-safe; it keeps the Series' program alive.
class SeriesTick {
 public:
  virtual ~SeriesTick() = default;
  /// inputs[i] is column Series::inputs()[i] of this bar (NaN = null); `session` changes when a new session begins.
  /// outputs[j] is expression j's value, NaN while it warms up.
  virtual void update(const double* inputs, std::int64_t session, double* outputs) = 0;
  virtual std::string save() const = 0;               // exact state, versioned bytes
  virtual Status load(
      std::string_view bytes) = 0;    // data error, and no change, where the bytes are of other expressions
};

/// Expressions over one symbol's series, compiled once and run tick by tick or as batch with the same bits (design.md 4):
/// the row language of core/expression.h, every indicator of the catalogue, and the functions of analytics/functions.h
/// (docs/formats/expressions.md). Equal parts of all expressions are computed once. Look-ahead is refused.
class Series {
 public:
  /// Usage errors, with the place and a caret: what does not parse, unknown names (with the nearest), periods out of range.
  static Result<Series> compile(const std::vector<NamedExpression>& expressions,
                                const std::vector<std::string>& columns);

  const std::vector<std::string>& inputs() const;     // columns it reads, once each
  std::size_t outputs() const;                        // one per expression
  std::vector<std::string> resolved() const;  // what each indicator resolved to: "rsi(period=14, smoothing=wilder)"
  int warm_up() const;  // bars before every output can be non-null
  const std::string& id() const;  // equal ids compute equal bits: names every step

  std::unique_ptr<SeriesTick> tick() const;

  /// Batch over many symbols: inputs[i] and outputs[j] are columns of all rows; symbol s owns rows [starts[s], starts[s+1]),
  /// in its own time order. Bit-equal to tick(), whatever the workers. `sessions` may be empty where uses_session() is false.
  Status run(const std::vector<std::span<const double>>& inputs, std::span<const std::int64_t> sessions,
             std::span<const std::int64_t> starts, const std::vector<std::span<double>>& outputs,
             const Workers& workers) const;
  bool uses_session() const;

  /// For each of `rows` bars of one symbol from `first` on: the first bar, counted from 0, that some output's value is made of.
  /// The bars between count too; what is recursive is made of all so far. Tick by tick.
  std::vector<std::int64_t> reach(const std::vector<std::span<const double>>& inputs,
                                  std::span<const std::int64_t> sessions, std::int64_t first, std::int64_t rows) const;

  struct Program;

 private:
  std::shared_ptr<const Program> program_;
};

}  // namespace tapemill::analytics
