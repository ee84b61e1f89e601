// The output pass's Vulkan twin: one whole picture from planes to NV12 or P010.
#ifndef DAEDALUS_GPU_KERNELS_PACK_PACK_VULKAN_H_
#define DAEDALUS_GPU_KERNELS_PACK_PACK_VULKAN_H_

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/vulkan/deadline.h"

namespace daedalus::gpu_kernels {

namespace vulkan {
class Device;
}

// Sizes are in samples of one component and at least 1; a crop may leave luma and chroma unrelated
// ones. The planes are as pack.h says; none of them overlap.
struct PackPicture {
  SourcePlane y, u, v;
  TargetPlane luma, chroma;
  uint32_t luma_width = 0, luma_height = 0;
  uint32_t chroma_width = 0, chroma_height = 0;
  int bit_depth = 8;  // 8: NV12; 9..16: P010, from samples in the low bits
};

// How the GPU came by a picture.
enum class PackTransfer : uint8_t {
  kInPlace,  // it read and wrote the planes themselves
  kCopied,   // at least one was copied for it
};

// Thread-safe; one picture at a time.
class VulkanPack {
 public:
  static Result<std::unique_ptr<VulkanPack>> create(std::shared_ptr<vulkan::Device> device);
  virtual ~VulkanPack() = default;

  // Writes what the reference writes, and nothing else. Bytes that no vector of 16 bytes covers are
  // packed by the CPU. After an error the targets' samples are undefined: pack the picture anew;
  // unless the device is lost the next one may succeed. kTimeout: it was late, and nobody else's
  // memory is touched any more; kBusy: the GPU is at others. Of planes that it uses in place the
  // deadline is not heeded.
  virtual Result<PackTransfer> run(const PackPicture& picture,
                                   vulkan::Deadline deadline = vulkan::kNoDeadline) = 0;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_PACK_PACK_VULKAN_H_
