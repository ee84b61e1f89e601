// Settings: what the environment variables of the same names say, validated once.
#ifndef DAEDALUS_DECODE_CORE_SETTINGS_H_
#define DAEDALUS_DECODE_CORE_SETTINGS_H_

#include <string>

#include "base/result.h"
#include "gpu_kernels/dispatch/costs.h"
#include "gpu_kernels/substrate.h"
#include "gpu_kernels/vulkan/device_options.h"

namespace daedalus::core {

struct Settings {
  // DAEDALUS_BACKEND: auto, software, prefer-hardware, hardware, hardware:/dev/mediaN,
  // hardware:loopback
  std::string backend = "auto";
  std::string engine = "auto";  // DAEDALUS_ENGINE: auto, libavcodec, dav1d, native
  // DAEDALUS_SUBSTRATE: auto, scalar, simd, vulkan, stage=value,…
  gpu_kernels::SubstrateChoice substrate;
  // DAEDALUS_GPU: auto, none, software (a driver on the CPU, for tests)
  gpu_kernels::vulkan::DeviceChoice gpu = gpu_kernels::vulkan::DeviceChoice::kAuto;
  // DAEDALUS_GPU_GOAL: latency, balanced, cpu-free: by what a GPU is chosen, or not
  gpu_kernels::CostGoal gpu_goal = gpu_kernels::CostGoal::kBalanced;
  // $XDG_CACHE_HOME/daedalus, else ~/.cache/daedalus: where measurements are kept; empty: nowhere.
  std::string cache_folder;
  int threads = 0;     // DAEDALUS_THREADS: slice threads a decoder; 0: one a core, at most 8
  std::string record;  // DAEDALUS_RECORD: the recording to write; empty: none
  // DAEDALUS_STATS, else the default folder: where the statistics pages go; empty: nowhere.
  std::string statistics_folder;
  // Remove the pages of ended processes first (in the default folder only).
  bool sweep_statistics = false;

  // Unknown values are logged and ignored: a driver must not fail for them.
  static Settings from_environment();
  // Unknown values are an error: for programs that the user calls with them.
  static Result<Settings> parse_environment();
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SETTINGS_H_
