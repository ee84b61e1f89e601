#include "gpu_kernels/vulkan/batch.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>

#include "gpu_kernels/vulkan/deadline_mutex.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

// How long work may take. The kernel resets a V3D that makes no progress for half a
// second; a driver on the CPU compiles at the first dispatch, on whatever cores are free.
constexpr std::chrono::seconds kPatience{3};
constexpr std::chrono::seconds kPatienceWithSoftware = 100 * kPatience;

}  // namespace

Result<std::unique_ptr<Batch>> Batch::create(Device& device) {
  std::unique_ptr<Batch> batch(new Batch(device));
  if (const Status made = batch->create_objects(); !made.ok()) return made.error();
  return batch;
}

Status Batch::create_objects() {
  const auto& calls = device_.calls();
  const VkDevice device = device_.handle();
  VkCommandPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool.queueFamilyIndex = device_.queue_family();
  VkResult result = calls.vkCreateCommandPool(device, &pool, nullptr, &commands_);
  if (result != VK_SUCCESS) return device_.failed("vkCreateCommandPool", result);

  VkCommandBufferAllocateInfo commands{};
  commands.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  commands.commandPool = commands_;
  commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  commands.commandBufferCount = 1;
  result = calls.vkAllocateCommandBuffers(device, &commands, &recording_);
  if (result != VK_SUCCESS) return device_.failed("vkAllocateCommandBuffers", result);

  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                  kMostDispatches * kMostStorageBuffers};
  VkDescriptorPoolCreateInfo descriptors{};
  descriptors.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  descriptors.maxSets = kMostDispatches;
  descriptors.poolSizeCount = 1;
  descriptors.pPoolSizes = &size;
  result = calls.vkCreateDescriptorPool(device, &descriptors, nullptr, &descriptors_);
  if (result != VK_SUCCESS) return device_.failed("vkCreateDescriptorPool", result);

  VkFenceCreateInfo fence{};
  fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  result = calls.vkCreateFence(device, &fence, nullptr, &fence_);
  if (result != VK_SUCCESS) return device_.failed("vkCreateFence", result);
  return {};
}

Status Batch::begin() {
  const auto& calls = device_.calls();
  VkResult result = calls.vkResetCommandPool(device_.handle(), commands_, 0);
  if (result != VK_SUCCESS) return device_.failed("vkResetCommandPool", result);
  result = calls.vkResetDescriptorPool(device_.handle(), descriptors_, 0);
  if (result != VK_SUCCESS) return device_.failed("vkResetDescriptorPool", result);
  result = calls.vkResetFences(device_.handle(), 1, &fence_);
  if (result != VK_SUCCESS) return device_.failed("vkResetFences", result);
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  result = calls.vkBeginCommandBuffer(recording_, &begin);
  if (result != VK_SUCCESS) return device_.failed("vkBeginCommandBuffer", result);
  return {};
}

Result<VkDescriptorSet> Batch::bind(const Kernel& kernel, std::span<const Array> arrays) {
  const VkDescriptorSetLayout layout = kernel.set_layout();
  VkDescriptorSetAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  allocate.descriptorPool = descriptors_;
  allocate.descriptorSetCount = 1;
  allocate.pSetLayouts = &layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  const auto& calls = device_.calls();
  const VkResult result = calls.vkAllocateDescriptorSets(device_.handle(), &allocate, &set);
  if (result != VK_SUCCESS) return device_.failed("vkAllocateDescriptorSets", result);
  std::array<VkDescriptorBufferInfo, kMostStorageBuffers> infos{};
  std::array<VkWriteDescriptorSet, kMostStorageBuffers> writes{};
  for (uint32_t i = 0; i < arrays.size(); ++i) {
    infos[i] = {arrays[i].buffer->handle(), arrays[i].offset,
                std::min(arrays[i].buffer->size() - arrays[i].offset, Buffer::kMostArray)};
    writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[i].dstSet = set;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &infos[i];
  }
  calls.vkUpdateDescriptorSets(device_.handle(), static_cast<uint32_t>(arrays.size()),
                               writes.data(), 0, nullptr);
  return set;
}

Status Batch::dispatch(const Kernel& kernel, std::span<const Array> arrays,
                       std::span<const uint32_t> parameters, uint32_t group_columns,
                       uint32_t group_rows) {
  if (arrays.size() != kernel.shape().storage_buffers || parameters.size() != kernel.parameters() ||
      group_columns > kMostWorkgroups || group_rows > kMostWorkgroups) {
    return Error{ErrorCode::kInternal, "a dispatch does not fit its shader"};
  }
  const auto set = bind(kernel, arrays);
  if (!set) return set.error();
  const auto& calls = device_.calls();
  calls.vkCmdBindPipeline(recording_, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline());
  calls.vkCmdBindDescriptorSets(recording_, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.layout(), 0, 1,
                                &*set, 0, nullptr);
  if (!parameters.empty()) {
    calls.vkCmdPushConstants(recording_, kernel.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                             static_cast<uint32_t>(parameters.size_bytes()), parameters.data());
  }
  calls.vkCmdDispatch(recording_, group_columns, group_rows, 1);
  return {};
}

void Batch::finish_writes() {
  make_visible(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
               VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

void Batch::make_visible(VkPipelineStageFlags stage, VkAccessFlags access) {
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  barrier.dstAccessMask = access;
  device_.calls().vkCmdPipelineBarrier(recording_, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, stage, 0,
                                       1, &barrier, 0, nullptr, 0, nullptr);
}

Status Batch::ready(Deadline deadline) {
  if (!device_.usable()) return Error{ErrorCode::kNotFound, "the GPU was lost before"};
  const Deadline now = std::chrono::steady_clock::now();
  if (under_way_) {
    const VkResult result = device_.calls().vkGetFenceStatus(device_.handle(), fence_);
    if (result == VK_NOT_READY && now < given_up_) {
      return Error{ErrorCode::kBusy, "the GPU is still at an earlier picture"};
    }
    const Status ended = end(result == VK_NOT_READY ? VK_TIMEOUT : result);
    if (!ended.ok()) return ended;
  }
  if (now >= deadline) return busy_with_others();
  return {};
}

Status Batch::run(Deadline deadline) {
  const auto& calls = device_.calls();
  make_visible(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  VkResult result = calls.vkEndCommandBuffer(recording_);
  if (result != VK_SUCCESS) return device_.failed("vkEndCommandBuffer", result);
  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &recording_;
  {
    std::lock_guard lock(device_.queue_mutex());
    result = calls.vkQueueSubmit(device_.queue(), 1, &submit, fence_);
  }
  if (result != VK_SUCCESS) return device_.failed("vkQueueSubmit", result);
  under_way_ = true;
  given_up_ = std::chrono::steady_clock::now() +
              (device_.info().software ? kPatienceWithSoftware : kPatience);
  return wait(deadline);
}

Status Batch::wait(Deadline deadline) {
  using std::chrono::nanoseconds;
  const nanoseconds left =
      std::max(nanoseconds(std::min(deadline, given_up_) - std::chrono::steady_clock::now()),
               nanoseconds(0));
  const VkResult result = device_.calls().vkWaitForFences(device_.handle(), 1, &fence_, VK_TRUE,
                                                          static_cast<uint64_t>(left.count()));
  if (result == VK_TIMEOUT && deadline < given_up_) {
    return Error{ErrorCode::kTimeout, "the GPU is late"};
  }
  return end(result);
}

// What became of the work.
Status Batch::end(VkResult result) {
  under_way_ = false;
  if (result == VK_SUCCESS) return {};
  // Of a lost device no work goes on (Vulkan, "Lost Device"); of any other it may.
  if (result != VK_ERROR_DEVICE_LOST) device_.abandon();
  if (result == VK_TIMEOUT) return Error{ErrorCode::kTimeout, "the GPU did not end its work"};
  return device_.failed("vkWaitForFences", result);
}

Batch::~Batch() {
  if (under_way_ && !device_.abandoned()) static_cast<void>(wait(kNoDeadline));
  if (device_.abandoned()) return;
  const auto& calls = device_.calls();
  const VkDevice device = device_.handle();
  if (fence_ != VK_NULL_HANDLE) calls.vkDestroyFence(device, fence_, nullptr);
  if (descriptors_ != VK_NULL_HANDLE) {
    calls.vkDestroyDescriptorPool(device, descriptors_, nullptr);
  }
  if (commands_ != VK_NULL_HANDLE) calls.vkDestroyCommandPool(device, commands_, nullptr);
}

}  // namespace daedalus::gpu_kernels::vulkan
