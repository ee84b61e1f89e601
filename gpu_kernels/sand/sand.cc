#include "gpu_kernels/sand/sand.h"

#include "gpu_kernels/sand/sand_tables.h"

namespace daedalus::gpu_kernels {

const SandFunctions& sand_functions(Substrate wish) {
  return wish == Substrate::kScalar ? sand::scalar_functions() : sand::simd_functions();
}

}  // namespace daedalus::gpu_kernels
