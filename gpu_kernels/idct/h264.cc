#include "gpu_kernels/idct/h264.h"

#include "gpu_kernels/idct/h264_tables.h"

namespace daedalus::gpu_kernels {

const H264IdctFunctions& h264_idct_functions(Substrate) { return idct::h264_scalar_functions(); }

}  // namespace daedalus::gpu_kernels
