// Core: what one process shares: settings, workers, surface memory, backends. The fronts' way in.
#ifndef DAEDALUS_DECODE_CORE_CORE_H_
#define DAEDALUS_DECODE_CORE_CORE_H_

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/session.h"
#include "decode_core/settings.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
class VulkanStages;
}  // namespace daedalus::gpu_kernels

namespace daedalus::core {

class DeviceCalls;
class MemoryAllocator;
class Workers;

// What one profile can do here.
struct ProfileCapability {
  Profile profile;
  uint32_t min_width, min_height;  // luma samples
  uint32_t max_width, max_height;
  int bit_depth;  // 8 or 10
};

// Thread-safe. Sessions keep it alive.
class Core : public std::enable_shared_from_this<Core> {
 public:
  // The process's core, made at the first call from the environment's settings and kept while
  // anybody holds it.
  static std::shared_ptr<Core> shared();
  // A core of one's own, for tests and tools.
  static std::shared_ptr<Core> create(Settings settings);
  // The same with hardware that these calls reach, which outlive it and every frame.
  static std::shared_ptr<Core> create(Settings settings, DeviceCalls& calls);
  // The same with a GPU chosen so.
  static std::shared_ptr<Core> create(Settings settings,
                                      const gpu_kernels::vulkan::DeviceOptions& gpu);
  virtual ~Core() = default;

  virtual std::span<const ProfileCapability> capabilities() const = 0;
  virtual Result<std::shared_ptr<Session>> open_session(const SessionConfig& config) = 0;
  virtual const Settings& settings() const = 0;
  virtual Workers& workers() = 0;
  virtual MemoryAllocator& memory() = 0;
  // The stages that a GPU can do; no device is opened before one of them is asked for. Null: none.
  virtual gpu_kernels::VulkanStages* gpu() { return nullptr; }
  // Null: stages for which no substrate is asked run on the CPU.
  virtual gpu_kernels::Dispatcher* dispatcher() { return nullptr; }
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_CORE_H_
