// OutputPlanes: what the output pass is measured with.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_OUTPUT_PLANES_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_OUTPUT_PLANES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gpu_kernels/dispatch/costs.h"
#include "gpu_kernels/dispatch/picture_memory.h"
#include "gpu_kernels/pack/pack.h"

namespace daedalus::gpu_kernels {

// A decoded picture of 4:2:0, of noise, and where it is packed to, without padding; each of the two
// in pages of its own, as decoders' and clients' are.
class OutputPlanes {
 public:
  // kOutOfMemory.
  static Result<OutputPlanes> create(const Work& work, const PictureMemory& memory);

  std::array<SourcePlane, 3> from;
  TargetPlane luma, chroma;

 private:
  std::shared_ptr<uint8_t> picture_, image_;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_OUTPUT_PLANES_H_
