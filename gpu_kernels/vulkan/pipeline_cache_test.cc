// What is kept of compiled shaders, and what of a file is handed to a driver. That a driver then
// compiles nothing: v3d_budget_test, as lavapipe before Mesa 23 keeps nothing.
#include "gpu_kernels/vulkan/pipeline_cache.h"

#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "gpu_kernels/pack/shaders.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"
#include "test/temporary_file.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

using daedalus::test::TemporaryFolder;

constexpr size_t kOwnHeader = 24;  // what the file begins with, before the driver's data

// What vkCreatePipelineCache was last called with, and the real one.
std::optional<std::string> g_handed;
PFN_vkCreatePipelineCache g_create = nullptr;

VkResult note_create(VkDevice device, const VkPipelineCacheCreateInfo* create,
                     const VkAllocationCallbacks* allocator, VkPipelineCache* cache) {
  g_handed.emplace(static_cast<const char*>(create->pInitialData), create->initialDataSize);
  return g_create(device, create, allocator, cache);
}
VkResult fail_create(VkDevice, const VkPipelineCacheCreateInfo*, const VkAllocationCallbacks*,
                     VkPipelineCache*) {
  return VK_ERROR_OUT_OF_HOST_MEMORY;
}

// As a process that compiles a stage's shaders: what its driver got, none without a cache.
std::optional<std::string> compile_in(const std::string& folder,
                                      PFN_vkCreatePipelineCache create = note_create) {
  DeviceOptions options = test_options();
  options.cache_folder = folder;
  options.instrument = [&](VolkDeviceTable& table) {
    g_create = std::exchange(table.vkCreatePipelineCache, create);
  };
  g_handed.reset();
  const auto device = Device::create(options);
  REQUIRE(device.ok());
  std::unique_ptr<Kernel> kernel;
  CHECK(create_kernels(**device, {{kernel, shaders::luma, 6}}).ok());
  CHECK(kernel != nullptr);
  return g_handed;
}

// The one file of the folder.
std::string file_in(const std::string& folder) {
  const std::filesystem::directory_iterator files(folder);
  REQUIRE(std::distance(begin(files), end(files)) == 1);
  return std::filesystem::directory_iterator(folder)->path();
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// With a hash that is right, as an attacker would write it.
std::string sealed(std::string bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = kOwnHeader; i < bytes.size(); ++i) {
    hash = (hash ^ static_cast<uint8_t>(bytes[i])) * 0x100000001b3;
  }
  std::memcpy(bytes.data() + 16, &hash, sizeof(hash));
  return bytes;
}

std::string changed(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

TEST_CASE("what one process compiled is handed to the driver of the next, and not written again") {
  if (const auto test = open_test_device(); test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const TemporaryFolder folder;
  const std::string kept = folder.path() + "/daedalus";
  CHECK(compile_in(kept) == "");
  const std::string path = file_in(kept);
  const std::string bytes = bytes_of(path);
  REQUIRE(bytes.size() > kOwnHeader);
  struct stat before {
  }, after{};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  CHECK(compile_in(kept) == bytes.substr(kOwnHeader));
  REQUIRE(::stat(file_in(kept).c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
}

TEST_CASE("no byte of a file that is not as this driver left it reaches the driver") {
  if (const auto test = open_test_device(); test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const TemporaryFolder folder;
  compile_in(folder.path());
  const std::string path = file_in(folder.path());
  const std::string good = bytes_of(path);
  // Vulkan 1.2, "Pipeline Cache Header": sizes and versions, vendor, device, UUID.
  constexpr size_t kHeaderSize = kOwnHeader, kHeaderVersion = kOwnHeader + 4,
                   kVendor = kOwnHeader + 8, kDevice = kOwnHeader + 12, kUuid = kOwnHeader + 16;
  std::string huge = good + std::string(PipelineCache::kMostBytes + 1, '\0');
  const auto huge_size = static_cast<uint32_t>(huge.size() - kOwnHeader);
  std::memcpy(huge.data() + 12, &huge_size, sizeof huge_size);
  const std::pair<const char*, std::string> files[] = {
      {"empty", ""},
      {"shorter than a header", good.substr(0, kOwnHeader - 1)},
      {"truncated", good.substr(0, good.size() - 1)},
      {"longer", good + '\0'},
      {"huge", sealed(huge)},
      {"another format", changed(good, 0)},
      {"another driver's version", changed(good, 8)},
      {"damaged", changed(good, good.size() - 1)},
      {"another header's size", sealed(changed(good, kHeaderSize))},
      {"another header's version", sealed(changed(good, kHeaderVersion))},
      {"another vendor's", sealed(changed(good, kVendor))},
      {"another device's", sealed(changed(good, kDevice))},
      {"another build's", sealed(changed(good, kUuid))},
  };
  for (const auto& [name, bytes] : files) {
    CAPTURE(name);
    std::ofstream(path, std::ios::binary) << bytes;
    CHECK(compile_in(folder.path()) == "");
    CHECK(bytes_of(path) == good);
  }
  CHECK(sealed(good) == good);
}

TEST_CASE("where nothing can be kept, shaders are compiled") {
  if (const auto test = open_test_device(); test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const TemporaryFolder folder;
  std::ofstream(folder.path() + "/file") << "no folder";
  CHECK(compile_in(folder.path() + "/file/below") == "");
  CHECK(bytes_of(folder.path() + "/file") == "no folder");
  CHECK_FALSE(compile_in("").has_value());
  const TemporaryFolder unused;
  compile_in(unused.path(), fail_create);
  CHECK(std::filesystem::is_empty(unused.path()));
}

}  // namespace
}  // namespace daedalus::gpu_kernels::vulkan
