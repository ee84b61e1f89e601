// Kernel: a compute shader, ready to be dispatched.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_KERNEL_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_KERNEL_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>

#include "base/result.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/shader_limits.h"

namespace daedalus::gpu_kernels::vulkan {

// Outlived by its device. The shader's storage buffers are bindings 0, 1, … of set 0; its
// parameters are 32-bit push constants.
class Kernel {
 public:
  // `spirv` is a valid module with the entry point "main".
  static Result<std::unique_ptr<Kernel>> create(Device& device, std::span<const uint32_t> spirv,
                                                uint32_t parameters);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  VkPipeline pipeline() const { return pipeline_; }
  VkPipelineLayout layout() const { return layout_; }
  VkDescriptorSetLayout set_layout() const { return set_layout_; }
  const ShaderShape& shape() const { return shape_; }
  uint32_t parameters() const { return parameters_; }

 private:
  Kernel(Device& device, const ShaderShape& shape, uint32_t parameters)
      : device_(device), shape_(shape), parameters_(parameters) {}
  Status create_layouts();
  Status create_pipeline(std::span<const uint32_t> spirv);

  Device& device_;
  const ShaderShape shape_;
  const uint32_t parameters_;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
};

// What create_kernels() makes, and where it goes.
struct KernelSource {
  std::unique_ptr<Kernel>& kernel;
  std::span<const uint32_t> spirv;
  uint32_t parameters;
};
// All kernels of a stage, kept in the device's pipeline cache; after an error some are not there.
Status create_kernels(Device& device, std::initializer_list<KernelSource> sources);

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_KERNEL_H_
