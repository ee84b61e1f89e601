#include "gpu_kernels/vulkan/pipeline_cache.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/cache_file.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

// What the file begins with. Drivers check their header alone, so what follows it must be as it was
// written.
struct Header {
  std::array<char, 8> magic = {'d', 'p', 'i', 'p', 'e', 's', '0', '1'};
  uint32_t driver_version = 0;
  uint32_t size = 0;  // of the driver's data, bytes
  uint64_t hash = 0;  // of them

  bool operator==(const Header&) const = default;
};

uint64_t hash_of(const std::string& data) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : data) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return hash;
}

Header header_of(const std::string& data, const VkPhysicalDeviceProperties& properties) {
  Header header;
  header.driver_version = properties.driverVersion;
  header.size = static_cast<uint32_t>(data.size());
  header.hash = hash_of(data);
  return header;
}

// Vulkan 1.2, "Pipeline Cache Header".
bool is_of_driver(const std::string& data, const VkPhysicalDeviceProperties& properties) {
  VkPipelineCacheHeaderVersionOne header{};
  if (data.size() < sizeof(header)) return false;
  std::memcpy(&header, data.data(), sizeof(header));
  return header.headerSize >= sizeof(header) && header.headerSize <= data.size() &&
         header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
         header.vendorID == properties.vendorID && header.deviceID == properties.deviceID &&
         std::memcmp(header.pipelineCacheUUID, properties.pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

// The driver's data in the file; none where it is not as this driver left it.
std::string read(const std::string& path, const VkPhysicalDeviceProperties& properties) {
  std::string bytes = read_cache_file(path, sizeof(Header) + PipelineCache::kMostBytes);
  Header header;
  if (bytes.size() < sizeof(header)) return {};
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes.erase(0, sizeof(header));
  const bool good = header == header_of(bytes, properties) && is_of_driver(bytes, properties);
  return good ? bytes : std::string();
}

std::string file_name(const VkPhysicalDeviceProperties& properties) {
  std::array<char, 48> name{};
  std::snprintf(name.data(), name.size(), "gpu-pipelines-%08x-%08x", properties.vendorID,
                properties.deviceID);
  return name.data();
}

}  // namespace

void PipelineCache::open(const std::string& folder, const VkPhysicalDeviceProperties& properties,
                         VkDevice device, const VolkDeviceTable& calls) {
  if (folder.empty()) return;
  calls_ = &calls;
  device_ = device;
  properties_ = properties;
  path_ = folder + "/" + file_name(properties);
  const std::string data = read(path_, properties);
  VkPipelineCacheCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  create.initialDataSize = data.size();
  create.pInitialData = data.empty() ? nullptr : data.data();
  if (calls.vkCreatePipelineCache(device, &create, nullptr, &cache_) != VK_SUCCESS) {
    cache_ = VK_NULL_HANDLE;
  }
  stored_ = data.size();
}

void PipelineCache::close() {
  if (cache_ != VK_NULL_HANDLE) calls_->vkDestroyPipelineCache(device_, cache_, nullptr);
  cache_ = VK_NULL_HANDLE;
}

void PipelineCache::store() {
  if (cache_ == VK_NULL_HANDLE) return;
  std::lock_guard lock(mutex_);
  size_t size = 0;
  if (calls_->vkGetPipelineCacheData(device_, cache_, &size, nullptr) != VK_SUCCESS) return;
  if (size == stored_ || size > kMostBytes) return;
  std::string data(size, '\0');
  // Another thread may have added to it: then that one stores it.
  if (calls_->vkGetPipelineCacheData(device_, cache_, &size, data.data()) != VK_SUCCESS) return;
  data.resize(size);
  const Header header = header_of(data, properties_);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes += data;
  if (write_cache_file(path_, bytes)) stored_ = size;
}

}  // namespace daedalus::gpu_kernels::vulkan
