#include "gpu_kernels/vulkan/kernel.h"

#include <array>
#include <utility>

namespace daedalus::gpu_kernels::vulkan {

Result<std::unique_ptr<Kernel>> Kernel::create(Device& device, std::span<const uint32_t> spirv,
                                               uint32_t parameters) {
  // V3D's driver does not survive a shader that it cannot run: never ask it for one.
  const auto shape = check_shader(spirv);
  if (!shape) return shape.error();
  if (parameters * sizeof(uint32_t) > kMostPushConstants) {
    return Error{ErrorCode::kUnsupported, "shader: more parameters than V3D takes"};
  }
  std::unique_ptr<Kernel> kernel(new Kernel(device, *shape, parameters));
  if (const Status made = kernel->create_layouts(); !made.ok()) return made.error();
  if (const Status made = kernel->create_pipeline(spirv); !made.ok()) return made.error();
  return kernel;
}

Status Kernel::create_layouts() {
  std::array<VkDescriptorSetLayoutBinding, kMostStorageBuffers> bindings{};
  for (uint32_t i = 0; i < shape_.storage_buffers; ++i) {
    bindings[i].binding = i;
    bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }
  VkDescriptorSetLayoutCreateInfo set{};
  set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  set.bindingCount = shape_.storage_buffers;
  set.pBindings = bindings.data();
  const auto& calls = device_.calls();
  VkResult result =
      calls.vkCreateDescriptorSetLayout(device_.handle(), &set, nullptr, &set_layout_);
  if (result != VK_SUCCESS) return device_.failed("vkCreateDescriptorSetLayout", result);

  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                  static_cast<uint32_t>(parameters_ * sizeof(uint32_t))};
  VkPipelineLayoutCreateInfo layout{};
  layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &set_layout_;
  layout.pushConstantRangeCount = parameters_ != 0 ? 1 : 0;
  layout.pPushConstantRanges = &range;
  result = calls.vkCreatePipelineLayout(device_.handle(), &layout, nullptr, &layout_);
  if (result != VK_SUCCESS) return device_.failed("vkCreatePipelineLayout", result);
  return {};
}

Status Kernel::create_pipeline(std::span<const uint32_t> spirv) {
  VkShaderModuleCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  create.codeSize = spirv.size_bytes();
  create.pCode = spirv.data();
  const auto& calls = device_.calls();
  VkShaderModule module = VK_NULL_HANDLE;
  VkResult result = calls.vkCreateShaderModule(device_.handle(), &create, nullptr, &module);
  if (result != VK_SUCCESS) return device_.failed("vkCreateShaderModule", result);

  VkComputePipelineCreateInfo pipeline{};
  pipeline.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  pipeline.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  pipeline.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  pipeline.stage.module = module;
  pipeline.stage.pName = "main";
  pipeline.layout = layout_;
  result = calls.vkCreateComputePipelines(device_.handle(), device_.pipelines().handle(), 1,
                                          &pipeline, nullptr, &pipeline_);
  calls.vkDestroyShaderModule(device_.handle(), module, nullptr);
  if (result != VK_SUCCESS) return device_.failed("vkCreateComputePipelines", result);
  return {};
}

Kernel::~Kernel() {
  if (device_.abandoned()) return;
  const auto& calls = device_.calls();
  const VkDevice device = device_.handle();
  if (pipeline_ != VK_NULL_HANDLE) calls.vkDestroyPipeline(device, pipeline_, nullptr);
  if (layout_ != VK_NULL_HANDLE) calls.vkDestroyPipelineLayout(device, layout_, nullptr);
  if (set_layout_ != VK_NULL_HANDLE) {
    calls.vkDestroyDescriptorSetLayout(device, set_layout_, nullptr);
  }
}

Status create_kernels(Device& device, std::initializer_list<KernelSource> sources) {
  for (const KernelSource& source : sources) {
    auto kernel = Kernel::create(device, source.spirv, source.parameters);
    if (!kernel) return kernel.error();
    source.kernel = std::move(*kernel);
  }
  device.pipelines().store();
  return {};
}

}  // namespace daedalus::gpu_kernels::vulkan
