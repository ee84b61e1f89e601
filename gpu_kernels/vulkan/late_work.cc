#include "gpu_kernels/vulkan/late_work.h"

#include <volk.h>

#include <mutex>

#include "gpu_kernels/vulkan/test_device.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

// As functions without a context can read it.
struct State {
  std::mutex mutex;
  VolkDeviceTable real;
  VkDevice device = VK_NULL_HANDLE;
  VkEvent event = VK_NULL_HANDLE;  // from the first fence on
  bool holding = false;
  bool holds = false;
  int passing = 0;
};
State& state() {
  static State state;
  return state;
}

// Ours comes with the device's objects, and goes with the device.
VkResult VKAPI_PTR create_fence(VkDevice device, const VkFenceCreateInfo* info,
                                const VkAllocationCallbacks* allocator, VkFence* fence) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  if (s.event == VK_NULL_HANDLE) {
    VkEventCreateInfo event{};
    event.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO;
    if (const VkResult made = s.real.vkCreateEvent(device, &event, nullptr, &s.event);
        made != VK_SUCCESS) {
      return made;
    }
    s.device = device;
    s.real.vkSetEvent(device, s.event);
  }
  return s.real.vkCreateFence(device, info, allocator, fence);
}

void VKAPI_PTR destroy_device(VkDevice device, const VkAllocationCallbacks* allocator) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  if (s.event != VK_NULL_HANDLE) s.real.vkDestroyEvent(device, s.event, nullptr);
  s.event = VK_NULL_HANDLE;
  s.real.vkDestroyDevice(device, allocator);
}

VkResult VKAPI_PTR begin_command_buffer(VkCommandBuffer buffer,
                                        const VkCommandBufferBeginInfo* info) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  const VkResult begun = s.real.vkBeginCommandBuffer(buffer, info);
  if (begun != VK_SUCCESS) return begun;
  if (s.holding && s.passing-- == 0) {
    s.real.vkResetEvent(s.device, s.event);
    s.holds = true;
  }
  s.real.vkCmdWaitEvents(buffer, 1, &s.event, VK_PIPELINE_STAGE_HOST_BIT,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, nullptr, 0, nullptr, 0, nullptr);
  return begun;
}

VkResult VKAPI_PTR import_nothing(VkDevice /*device*/, VkExternalMemoryHandleTypeFlagBits /*type*/,
                                  const void* /*pointer*/,
                                  VkMemoryHostPointerPropertiesEXT* /*properties*/) {
  return VK_ERROR_INVALID_EXTERNAL_HANDLE;
}

void install(VolkDeviceTable& table, bool imports) {
  state().real = table;
  table.vkCreateFence = create_fence;
  table.vkDestroyDevice = destroy_device;
  table.vkBeginCommandBuffer = begin_command_buffer;
  if (!imports) table.vkGetMemoryHostPointerPropertiesEXT = import_nothing;
}

}  // namespace

DeviceOptions LateWork::options(bool imports) {
  DeviceOptions options = test_options();
  options.instrument = [imports](VolkDeviceTable& table) { install(table, imports); };
  return options;
}

void LateWork::hold(int passing) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  s.holding = true;
  s.holds = false;
  s.passing = passing;
}

void LateWork::release() {
  State& s = state();
  std::lock_guard lock(s.mutex);
  s.holding = false;
  s.holds = false;
  if (s.event != VK_NULL_HANDLE) s.real.vkSetEvent(s.device, s.event);
}

bool LateWork::holds() const {
  State& s = state();
  std::lock_guard lock(s.mutex);
  return s.holds;
}

}  // namespace daedalus::gpu_kernels::vulkan
