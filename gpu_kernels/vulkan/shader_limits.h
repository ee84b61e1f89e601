// What a VideoCore VII can run. Other drivers, lavapipe above all, let more slip.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_SHADER_LIMITS_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_SHADER_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace daedalus::gpu_kernels::vulkan {

// Of V3D 7.1 with Mesa's driver.
inline constexpr uint32_t kMostInvocations = 256;    // in a workgroup
inline constexpr uint32_t kMostStorageBuffers = 8;   // of a shader
inline constexpr uint32_t kMostPushConstants = 128;  // bytes
inline constexpr uint32_t kMostWorkgroups = 65535;   // along each axis

struct ShaderShape {
  uint32_t group_width, group_height, group_depth;  // invocations of a workgroup
  uint32_t storage_buffers;
};

// Reads a valid SPIR-V module of one compute shader. kUnsupported: it asks for what V3D lacks
// (arithmetic of 8, 16 or 64 bits), is larger than the limits above, or uses shared memory, which
// V3D does not have on the chip.
Result<ShaderShape> check_shader(std::span<const uint32_t> spirv);

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_SHADER_LIMITS_H_
