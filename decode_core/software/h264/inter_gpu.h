// InterGpu: the GPU that predicts a decoder's inter macroblocks, and adds their residual.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_INTER_GPU_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_INTER_GPU_H_

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "gpu_kernels/mc/h264_vulkan.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core::h264 {

// Thread-safe.
class InterGpu {
 public:
  // `dispatcher` outlives it; null: there is no GPU.
  InterGpu(gpu_kernels::Dispatcher* dispatcher, const gpu_kernels::SubstrateChoice& substrate);

  // Whether a frame or field of so many luma samples is the GPU's: where the stage "mc" asks for
  // Vulkan, or where neither it nor "idct" asks for anything and the GPU was measured to be better
  // at both; not after a picture that was too much for it (kUnsupported), as the next ones are
  // likely to be.
  bool takes(uint32_t width, uint32_t height);
  // Whether it adds the residual of pictures that it takes.
  bool adds_residual() const { return adds_residual_; }
  // As VulkanH264Inter; where who does it was measured, by the dispatcher's deadline. kNotFound:
  // the device was lost at an earlier picture.
  Status run(const gpu_kernels::H264InterPicture& picture);

 private:
  gpu_kernels::Dispatcher* const dispatcher_;
  const bool asked_;     // by name
  const bool measured_;  // who does it is
  const bool adds_residual_;
  std::atomic<bool> too_much_{false};
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_INTER_GPU_H_
