// The output pass on pictures of real size, on the CPU and on the GPU by turns.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_PACK_MEASUREMENT_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_PACK_MEASUREMENT_H_

#include "base/result.h"
#include "gpu_kernels/dispatch/costs.h"

namespace daedalus::gpu_kernels {

class VulkanPack;

// Medians of a few pictures each, after one that warms up; about a tenth of a second, more where
// one picture takes longer. `software`: the device is the CPU, so what its threads use counts.
// kOutOfMemory, or why the GPU failed.
Result<Comparison> measure_pack(VulkanPack& gpu, const Work& work, bool software);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_PACK_MEASUREMENT_H_
