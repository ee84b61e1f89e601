#include "gpu_kernels/pack/pack.h"

#include "gpu_kernels/pack/pack_rows.h"

namespace daedalus::gpu_kernels {

const PackFunctions& pack_functions(Substrate wish) {
  return wish == Substrate::kScalar ? pack::scalar_functions() : pack::simd_functions();
}

}  // namespace daedalus::gpu_kernels
