// What can be told of a machine's GPUs without opening one.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_MACHINE_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_MACHINE_H_

#include <string>

namespace daedalus::gpu_kernels {

// Where to look; tests have folders of their own.
struct MachinePaths {
  std::string drm = "/sys/class/drm";
  std::string vulkan_drivers = "/usr/share/vulkan/icd.d";
};

// A word that changes with the kernel's drivers of the render nodes, with the Vulkan drivers that
// are installed (their manifests' names, sizes and times, as the package manager sets them), and
// with what stages are measured with.
std::string machine_key(const MachinePaths& paths = {});

// Whether a render node is a VideoCore's (the kernel's driver v3d).
bool has_videocore(const MachinePaths& paths = {});

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_MACHINE_H_
