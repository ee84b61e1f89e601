// SAND's Vulkan twin: one whole picture from columns to NV12 or P010.
#ifndef DAEDALUS_GPU_KERNELS_SAND_SAND_VULKAN_H_
#define DAEDALUS_GPU_KERNELS_SAND_SAND_VULKAN_H_

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gpu_kernels/pack/pack_vulkan.h"
#include "gpu_kernels/sand/sand.h"
#include "gpu_kernels/vulkan/deadline.h"

namespace daedalus::gpu_kernels {

// NV15 has no twin: who writes it (rkvdec) is on no board with a VideoCore.
enum class SandFormat : uint8_t {
  kNc12,  // becomes NV12
  kNc30,  // becomes P010
};

// The planes are as sand.h says, but that of each column all bytes of all rows can be read. None of
// them overlap, though the columns of two planes may lie in turn.
struct SandPicture {
  SandFormat format = SandFormat::kNc12;
  ColumnPlane from_luma, from_chroma;
  TargetPlane luma, chroma;
  uint32_t width = 0, height = 0;  // luma samples; chroma is half of it, rounded up
};

// Thread-safe; one picture at a time.
class VulkanSand {
 public:
  static Result<std::unique_ptr<VulkanSand>> create(std::shared_ptr<vulkan::Device> device);
  virtual ~VulkanSand() = default;

  // Whether run() does it: at least 16 samples wide (NC30: 24), one high, and at most as large as
  // every device lets a shader see (NC30: 26 million samples).
  static bool takes(const SandPicture& picture);

  // Writes what the reference writes, and nothing else. What is right of the last whole 16 samples
  // (NC30: 24) is the CPU's. After an error the targets' samples are undefined: begin anew on the
  // CPU; unless the device is lost the next picture may succeed. The deadline as VulkanPack::run()
  // takes it.
  virtual Result<PackTransfer> run(const SandPicture& picture,
                                   vulkan::Deadline deadline = vulkan::kNoDeadline) = 0;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_SAND_SAND_VULKAN_H_
