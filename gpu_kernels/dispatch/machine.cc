#include "gpu_kernels/dispatch/machine.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace daedalus::gpu_kernels {
namespace {

// Another one whenever stages are measured in another way: older figures then count no more.
constexpr const char* kMeasurements = "2";

// The entries' names, sorted; none where the folder cannot be read.
std::vector<std::string> entries(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator next(folder, error), end; !error && next != end;
       next.increment(error)) {
    names.push_back(next->path().filename());
  }
  std::ranges::sort(names);
  return names;
}

// The kernel driver of each render node: "v3d", "amdgpu", …
std::vector<std::string> render_drivers(const std::string& drm) {
  std::vector<std::string> drivers;
  for (const std::string& node : entries(drm)) {
    if (!node.starts_with("renderD")) continue;
    constexpr std::string_view kDriver = "DRIVER=";
    std::ifstream uevent(drm + "/" + node + "/device/uevent");
    for (std::string line; std::getline(uevent, line);) {
      if (line.starts_with(kDriver)) drivers.push_back(line.substr(kDriver.size()));
    }
  }
  return drivers;
}

}  // namespace

std::string machine_key(const MachinePaths& paths) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto mix = [&](const std::string& text) {
    for (const char byte : text + '\n') {
      hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
    }
  };
  mix(kMeasurements);
  for (const std::string& driver : render_drivers(paths.drm)) mix(driver);
  for (const std::string& name : entries(paths.vulkan_drivers)) {
    struct stat manifest {};
    if (::stat((paths.vulkan_drivers + "/" + name).c_str(), &manifest) != 0) continue;
    mix(name);
    mix(std::to_string(manifest.st_size));
    mix(std::to_string(manifest.st_mtim.tv_sec));
  }
  std::array<char, 17> key{};
  std::snprintf(key.data(), key.size(), "%016llx", static_cast<unsigned long long>(hash));
  return key.data();
}

bool has_videocore(const MachinePaths& paths) {
  const auto drivers = render_drivers(paths.drm);
  return std::ranges::find(drivers, "v3d") != drivers.end();
}

}  // namespace daedalus::gpu_kernels
