// The two tables behind h264_mc_functions().
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_TABLES_H_

#include "gpu_kernels/mc/h264.h"

namespace daedalus::gpu_kernels::mc {

const H264McFunctions& h264_scalar_functions();

}  // namespace daedalus::gpu_kernels::mc

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_TABLES_H_
