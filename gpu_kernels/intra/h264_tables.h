// The two tables behind h264_intra_functions().
#ifndef DAEDALUS_GPU_KERNELS_INTRA_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_INTRA_H264_TABLES_H_

#include "gpu_kernels/intra/h264.h"

namespace daedalus::gpu_kernels::intra {

const H264IntraFunctions& h264_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const H264IntraFunctions& h264_simd_functions();

}  // namespace daedalus::gpu_kernels::intra

#endif  // DAEDALUS_GPU_KERNELS_INTRA_H264_TABLES_H_
