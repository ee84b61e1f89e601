#include "gpu_kernels/vulkan/device.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

namespace daedalus::gpu_kernels::vulkan {
namespace {

// volk keeps the loader's and the instance's functions in variables of the process, which every new
// instance writes: whoever uses them holds this. The device's functions are in a table of its own.
std::mutex& loader_mutex() {
  static std::mutex mutex;
  return mutex;
}

constexpr uint32_t kApiVersion = VK_API_VERSION_1_2;  // of V3D since Mesa 22.3

Error not_found(const char* what) { return {ErrorCode::kNotFound, what}; }

struct Candidate {
  VkPhysicalDevice device;
  DeviceInfo info;
  int rank;  // 0: not to be used
};

std::optional<uint32_t> compute_family(VkPhysicalDevice device) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (uint32_t i = 0; i < count; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) return i;
  }
  return std::nullopt;
}

bool has_extension(VkPhysicalDevice device, const char* name) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
  return std::any_of(extensions.begin(), extensions.end(), [&](const VkExtensionProperties& e) {
    return std::strcmp(e.extensionName, name) == 0;
  });
}

// As buffers of shaders'.
bool imports_dma_bufs(VkPhysicalDevice device) {
  if (!has_extension(device, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME) ||
      !has_extension(device, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME)) {
    return false;
  }
  VkPhysicalDeviceExternalBufferInfo buffer{};
  buffer.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO;
  buffer.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  buffer.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
  VkExternalBufferProperties properties{};
  properties.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES;
  vkGetPhysicalDeviceExternalBufferProperties(device, &buffer, &properties);
  const auto features = properties.externalMemoryProperties.externalMemoryFeatures;
  return (features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) != 0 &&
         (features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT) == 0;
}

int rank_of(const VkPhysicalDeviceProperties& properties, VkDriverId driver, DeviceChoice choice) {
  const bool software = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  if (properties.apiVersion < kApiVersion) return 0;
  if (software != (choice == DeviceChoice::kSoftware)) return 0;
  if (driver == VK_DRIVER_ID_MESA_V3DV) return 4;
  // Memory that the GPU shares with the CPU comes before memory behind a bus.
  return properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ? 3
         : properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ? 2
                                                                         : 1;
}

Candidate examine(VkPhysicalDevice device, DeviceChoice choice) {
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host{};
  host.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT;
  VkPhysicalDeviceDriverProperties driver{};
  driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  vkGetPhysicalDeviceProperties(device, &properties.properties);
  if (properties.properties.apiVersion < kApiVersion) return {device, {}, 0};
  properties.pNext = &driver;
  if (has_extension(device, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)) driver.pNext = &host;
  vkGetPhysicalDeviceProperties2(device, &properties);

  Candidate candidate{device, {}, rank_of(properties.properties, driver.driverID, choice)};
  if (!compute_family(device)) candidate.rank = 0;
  candidate.info.name = properties.properties.deviceName;
  candidate.info.driver = std::string(driver.driverName) + ", " + driver.driverInfo;
  candidate.info.software = properties.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  candidate.info.array_alignment = std::max<size_t>(
      properties.properties.limits.minStorageBufferOffsetAlignment, sizeof(uint32_t) * 4);
  candidate.info.import_alignment = host.minImportedHostPointerAlignment;
  candidate.info.imports_dma_bufs = imports_dma_bufs(device);
  return candidate;
}

std::optional<Candidate> choose(VkInstance instance, DeviceChoice choice) {
  uint32_t count = 0;
  vkEnumeratePhysicalDevices(instance, &count, nullptr);
  std::vector<VkPhysicalDevice> devices(count);
  vkEnumeratePhysicalDevices(instance, &count, devices.data());
  std::optional<Candidate> best;
  for (uint32_t i = 0; i < count; ++i) {
    Candidate candidate = examine(devices[i], choice);
    if (candidate.rank > (best ? best->rank : 0)) best = std::move(candidate);
  }
  return best;
}

// The library of a driver, which has that function, stays in memory until the process ends, though
// its instance does not: Mesa's threads may register what is to be called at the end when the
// loader is unloading them already, and the process would then call into nothing.
void keep_loaded(const void* function) {
  Dl_info library{};
  if (::dladdr(function, &library) == 0 || library.dli_fname == nullptr) return;
  static_cast<void>(::dlopen(library.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE));
}

}  // namespace

Result<std::shared_ptr<Device>> Device::create(const DeviceOptions& options) {
  if (options.choice == DeviceChoice::kNone) return not_found("no GPU is to be used");
  std::shared_ptr<Device> device(new Device);
  if (const Status opened = device->open(options); !opened.ok()) return opened.error();
  return device;
}

Status Device::open(const DeviceOptions& options) {
  std::lock_guard lock(loader_mutex());
  if (vkCreateInstance == nullptr && volkInitialize() != VK_SUCCESS) {
    return not_found("the Vulkan loader, libvulkan.so.1, is not installed");
  }
  if (options.on_wrong_call) validation_.emplace(options.on_wrong_call);
  if (Status created = create_instance(); !created.ok()) return created;
  volkLoadInstanceOnly(instance_);
  const auto best = choose(instance_, options.choice);
  if (!best) {
    return not_found(options.choice == DeviceChoice::kSoftware
                         ? "there is no Vulkan driver that runs on the CPU"
                         : "no GPU with Vulkan 1.2 was found");
  }
  info_ = best->info;
  if (Status opened = open_device(best->device); !opened.ok()) return opened;
  if (options.instrument) options.instrument(calls_);
  if (calls_.vkGetMemoryHostPointerPropertiesEXT == nullptr) info_.import_alignment = 0;
  info_.imports_dma_bufs = calls_.vkGetMemoryFdPropertiesKHR != nullptr;
  if (info_.imports_dma_bufs) dma_bufs_ = options.dma_bufs;
  VkPhysicalDeviceProperties properties{};
  vkGetPhysicalDeviceProperties(best->device, &properties);
  pipelines_.open(options.cache_folder, properties, device_, calls_);
  return {};
}

// With the loader's lock held.
Status Device::create_instance() {
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "daedalus";
  application.apiVersion = kApiVersion;
  VkInstanceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  create.pApplicationInfo = &application;
  if (validation_) validation_->add_to(create);
  const VkResult result = vkCreateInstance(&create, nullptr, &instance_);
  if (result == VK_ERROR_LAYER_NOT_PRESENT) {
    return not_found("the Vulkan validation layer is not installed");
  }
  if (result != VK_SUCCESS) return not_found("no Vulkan driver is installed");
  return validation_ ? validation_->begin(instance_) : Status();
}

// With the loader's lock held.
Status Device::open_device(VkPhysicalDevice physical) {
  vkGetPhysicalDeviceMemoryProperties(physical, &memory_);
  queue_family_ = *compute_family(physical);
  constexpr float kPriority = 1;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = queue_family_;
  queue.queueCount = 1;
  queue.pQueuePriorities = &kPriority;
  std::vector<const char*> extensions;
  if (info_.import_alignment != 0) {
    extensions.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  }
  if (info_.imports_dma_bufs) {
    extensions.push_back(VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME);
    extensions.push_back(VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME);
  }
  // No feature is enabled: robustBufferAccess alone quadruples a shader's memory operations on V3D.
  VkDeviceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  create.ppEnabledExtensionNames = extensions.data();
  const VkResult result = vkCreateDevice(physical, &create, nullptr, &device_);
  if (result != VK_SUCCESS) return failed("vkCreateDevice", result);
  volkLoadDeviceTable(&calls_, device_);
  keep_loaded(reinterpret_cast<const void*>(calls_.vkQueueSubmit));
  // Loaders may know functions of extensions that are not enabled.
  if (info_.import_alignment == 0) calls_.vkGetMemoryHostPointerPropertiesEXT = nullptr;
  if (!info_.imports_dma_bufs) calls_.vkGetMemoryFdPropertiesKHR = nullptr;
  calls_.vkGetDeviceQueue(device_, queue_family_, 0, &queue_);
  return {};
}

Device::~Device() {
  if (dma_bufs_ != nullptr) dma_bufs_->forget(*this);
  if (abandoned_) return;
  if (device_ != VK_NULL_HANDLE) {
    calls_.vkDeviceWaitIdle(device_);
    pipelines_.close();
    calls_.vkDestroyDevice(device_, nullptr);
  }
  if (instance_ != VK_NULL_HANDLE) {
    std::lock_guard lock(loader_mutex());
    if (validation_) validation_->end(instance_);
    vkDestroyInstance(instance_, nullptr);
  }
}

std::optional<uint32_t> Device::memory_type(uint32_t allowed, VkMemoryPropertyFlags flags) const {
  for (const VkMemoryPropertyFlags wanted : {flags | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, flags}) {
    for (uint32_t i = 0; i < memory_.memoryTypeCount; ++i) {
      const bool is_allowed = (allowed >> i & 1) != 0;
      if (is_allowed && (memory_.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
    }
  }
  return std::nullopt;
}

Error Device::failed(const char* call, VkResult result) {
  const bool memory = result == VK_ERROR_OUT_OF_HOST_MEMORY ||
                      result == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
                      result == VK_ERROR_OUT_OF_POOL_MEMORY;
  if (result == VK_ERROR_DEVICE_LOST) usable_ = false;
  return {memory ? ErrorCode::kOutOfMemory : ErrorCode::kSystem,
          std::string(call) + " failed: " +
              (memory                           ? "out of memory"
               : result == VK_ERROR_DEVICE_LOST ? "the device was lost"
                                                : "VkResult " + std::to_string(result))};
}

void Device::abandon() {
  usable_ = false;
  abandoned_ = true;
}

}  // namespace daedalus::gpu_kernels::vulkan
