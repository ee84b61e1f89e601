#include "gpu_kernels/mc/h264.h"

#include "gpu_kernels/mc/h264_tables.h"

namespace daedalus::gpu_kernels {

const H264McFunctions& h264_mc_functions(Substrate) { return mc::h264_scalar_functions(); }

}  // namespace daedalus::gpu_kernels
