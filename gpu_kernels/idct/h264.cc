#include "gpu_kernels/idct/h264.h"

#include "gpu_kernels/idct/h264_tables.h"

namespace daedalus::gpu_kernels {

const H264IdctFunctions& h264_idct_functions(Substrate wish) {
  return wish == Substrate::kScalar ? idct::h264_scalar_functions() : idct::h264_simd_functions();
}

}  // namespace daedalus::gpu_kernels
