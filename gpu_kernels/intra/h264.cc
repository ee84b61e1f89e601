#include "gpu_kernels/intra/h264.h"

#include "gpu_kernels/intra/h264_tables.h"

namespace daedalus::gpu_kernels {

const H264IntraFunctions& h264_intra_functions(Substrate wish) {
  return wish == Substrate::kScalar ? intra::h264_scalar_functions() : intra::h264_simd_functions();
}

}  // namespace daedalus::gpu_kernels
