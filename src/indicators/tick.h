#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "indicators/tables.h"

namespace tapemill::indicators {

/// One indicator over one series, fed bar by bar in the series' own order; a bar that is absent is not fed. Gives the bits that
/// run() of indicators/batch.h gives. No allocation per update. Not thread-safe.
class Tick {
 public:
  explicit Tick(Resolved resolved, Isa isa = Isa::base);

  const Resolved& resolved() const { return resolved_; }
  /// in: a value per Resolved::inputs(); out: one per Resolved::outputs(), NaN = null. A null input (NaN, infinite, beyond
  /// 1e18) leaves the state as it was and yields nulls.
  void update(const double* in, double* out);
  void reset();                         // as if no bar had come
  std::string save() const;             // exact; the format of run()'s checkpoints
  Status load(std::string_view bytes);  // data error, and no change, where the bytes are of another indicator

 private:
  Resolved resolved_;
  const Kernel* kernel_;
  Block state_;
};

}  // namespace tapemill::indicators
