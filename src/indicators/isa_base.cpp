#define TAPEMILL_ISA base
#define TAPEMILL_LANES 2
#include "indicators/kernels.h"

namespace tapemill::indicators {
const KernelTable& base_kernels() { return Table<Catalogue>::table; }
}  // namespace tapemill::indicators
