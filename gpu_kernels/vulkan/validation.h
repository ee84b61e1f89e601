// Validation: the Khronos validation layer on an instance of Vulkan.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_VALIDATION_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_VALIDATION_H_

#include <volk.h>

#include <functional>
#include <string_view>

#include "base/result.h"

namespace daedalus::gpu_kernels::vulkan {

// The layer tells what is wrong with each call to `report`, on the thread that makes the call and
// before it returns. Outlives the instance.
class Validation {
 public:
  explicit Validation(std::function<void(std::string_view)> report);
  Validation(const Validation&) = delete;
  Validation& operator=(const Validation&) = delete;

  // Asks for the layer; creating and destroying the instance are watched, too.
  void add_to(VkInstanceCreateInfo& create) const;
  // Watches all other calls of the instance and of its devices, until end().
  Status begin(VkInstance instance);
  void end(VkInstance instance);

 private:
  std::function<void(std::string_view)> report_;
  VkDebugUtilsMessengerCreateInfoEXT create_{};
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_VALIDATION_H_
