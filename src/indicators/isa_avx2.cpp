#define TAPEMILL_ISA avx2
#define TAPEMILL_LANES 4
#include "indicators/kernels.h"

namespace tapemill::indicators {
const KernelTable& avx2_kernels() { return Table<Catalogue>::table; }
}  // namespace tapemill::indicators
