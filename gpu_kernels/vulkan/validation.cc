#include "gpu_kernels/vulkan/validation.h"

#include <utility>

namespace daedalus::gpu_kernels::vulkan {
namespace {

constexpr const char* kLayer = "VK_LAYER_KHRONOS_validation";
constexpr const char* kExtension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;

VKAPI_ATTR VkBool32 VKAPI_CALL tell(VkDebugUtilsMessageSeverityFlagBitsEXT /*severity*/,
                                    VkDebugUtilsMessageTypeFlagsEXT /*types*/,
                                    const VkDebugUtilsMessengerCallbackDataEXT* data,
                                    void* report) {
  (*static_cast<const std::function<void(std::string_view)>*>(report))(data->pMessage);
  return VK_FALSE;  // the call goes on to the driver
}

// volk's variable may be another instance's, which has no such extension.
template <typename Function>
Function function_of(VkInstance instance, const char* name) {
  return reinterpret_cast<Function>(vkGetInstanceProcAddr(instance, name));
}

}  // namespace

Validation::Validation(std::function<void(std::string_view)> report) : report_(std::move(report)) {
  create_.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  create_.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                            VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  create_.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                        VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  create_.pfnUserCallback = tell;
  create_.pUserData = &report_;
}

void Validation::add_to(VkInstanceCreateInfo& create) const {
  create.pNext = &create_;
  create.enabledLayerCount = 1;
  create.ppEnabledLayerNames = &kLayer;
  create.enabledExtensionCount = 1;
  create.ppEnabledExtensionNames = &kExtension;
}

Status Validation::begin(VkInstance instance) {
  const auto create =
      function_of<PFN_vkCreateDebugUtilsMessengerEXT>(instance, "vkCreateDebugUtilsMessengerEXT");
  if (create == nullptr || create(instance, &create_, nullptr, &messenger_) != VK_SUCCESS) {
    return Error{ErrorCode::kSystem, "the Vulkan validation layer cannot report"};
  }
  return {};
}

void Validation::end(VkInstance instance) {
  if (messenger_ == VK_NULL_HANDLE) return;
  function_of<PFN_vkDestroyDebugUtilsMessengerEXT>(instance, "vkDestroyDebugUtilsMessengerEXT")(
      instance, messenger_, nullptr);
}

}  // namespace daedalus::gpu_kernels::vulkan
