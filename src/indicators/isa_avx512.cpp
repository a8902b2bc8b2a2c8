#define TAPEMILL_ISA avx512
#define TAPEMILL_LANES 8
#include "indicators/kernels.h"

namespace tapemill::indicators {
const KernelTable& avx512_kernels() { return Table<Catalogue>::table; }
}  // namespace tapemill::indicators
