// Compiles SPIR-V modules with the GPU's own driver: what its compiler says (V3D_DEBUG=cs,shaderdb
// with Mesa's driver of V3D) is read by v3d_budgets.py. The first argument is a folder to keep them
// in, or empty.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/kernel.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

std::vector<uint32_t> read_words(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<uint32_t> words(bytes.size() / sizeof(uint32_t));
  bytes.copy(reinterpret_cast<char*>(words.data()), words.size() * sizeof(uint32_t));
  return words;
}

int run(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto device = Device::create({.cache_folder = argv[1]});
  if (!device) {
    std::fprintf(stderr, "compile_shaders: %s\n", device.error().message.c_str());
    return 1;
  }
  const DeviceInfo& info = (*device)->info();
  std::printf("device %s, %s\n", info.name.c_str(), info.driver.c_str());
  std::printf("imports%s%s\n", info.import_alignment != 0 ? " host memory" : "",
              info.imports_dma_bufs ? " dma-bufs" : "");
  constexpr uint32_t kMostParameters = kMostPushConstants / sizeof(uint32_t);
  for (int i = 2; i < argc; ++i) {
    std::fprintf(stderr, "module %s\n", argv[i]);
    const auto kernel = Kernel::create(**device, read_words(argv[i]), kMostParameters);
    if (!kernel) {
      std::fprintf(stderr, "compile_shaders: %s: %s\n", argv[i], kernel.error().message.c_str());
      return 1;
    }
  }
  (*device)->pipelines().store();
  // Nothing is destroyed: on a DRM device that only pretends, Mesa's threads do not survive that.
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace
}  // namespace daedalus::gpu_kernels::vulkan

int main(int argc, char** argv) { return daedalus::gpu_kernels::vulkan::run(argc, argv); }
