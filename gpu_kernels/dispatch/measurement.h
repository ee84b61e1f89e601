// What a picture of one kind of work costs on the CPU and on the GPU, measured by turns.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_MEASUREMENT_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_MEASUREMENT_H_

#include <memory>

#include "base/result.h"
#include "gpu_kernels/dispatch/costs.h"
#include "gpu_kernels/dispatch/picture_memory.h"

namespace daedalus::gpu_kernels {

class VulkanStages;

// A picture of real size, and a stage's work on it, which can be done again and again.
class MeasuredPicture {
 public:
  // kUnsupported: there is no GPU that does such work, and why; kOutOfMemory, also thrown as
  // std::bad_alloc.
  static Result<std::unique_ptr<MeasuredPicture>> create(const Work& work, VulkanStages& gpu,
                                                         const PictureMemory& memory);
  virtual ~MeasuredPicture() = default;

  // All of it on this thread, with SIMD.
  virtual void on_cpu() = 0;
  virtual Status on_gpu() = 0;
};

// Medians of a few pictures each, after one that warms up; about a tenth of a second, more where
// one picture takes longer. `software`: the device is the CPU, so what its threads use counts. The
// error: why the GPU failed.
Result<Comparison> measure(MeasuredPicture& picture, bool software);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_MEASUREMENT_H_
