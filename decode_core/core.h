// Core: what one process shares: settings, workers, surface memory, backends. The fronts' way in.
#ifndef DAEDALUS_DECODE_CORE_CORE_H_
#define DAEDALUS_DECODE_CORE_CORE_H_

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/image.h"
#include "decode_core/session.h"
#include "decode_core/settings.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
class VulkanStages;
}  // namespace daedalus::gpu_kernels

namespace daedalus::core {

class DeviceCalls;
class FrameMemorySource;
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
  // The same with hardware that these calls reach, which outlive it and every frame, and where
  // `memory` is not null, with that.
  static std::shared_ptr<Core> create(Settings settings, DeviceCalls& calls,
                                      std::unique_ptr<MemoryAllocator> memory = nullptr);
  // The same with a GPU chosen so, and what is not null of the others.
  static std::shared_ptr<Core> create(Settings settings,
                                      const gpu_kernels::vulkan::DeviceOptions& gpu,
                                      std::unique_ptr<MemoryAllocator> memory = nullptr,
                                      DeviceCalls* calls = nullptr);
  virtual ~Core() = default;

  virtual std::span<const ProfileCapability> capabilities() const = 0;
  virtual Result<std::shared_ptr<Session>> open_session(const SessionConfig& config) = 0;
  virtual const Settings& settings() const = 0;
  virtual Workers& workers() = 0;
  virtual MemoryAllocator& memory() = 0;
  // The layout of a surface's permanent buffer of kNv12 or kP010: such that hardware can decode
  // into it, where there is some. Some devices have another one for each codec; then it is that of
  // the codec that was last named by expect() or open_session().
  virtual LinearLayout surface_layout(ImageFormat format, uint32_t width, uint32_t height) {
    return layout_of(format, width, height);
  }
  // A client is about to decode such pictures.
  virtual void expect(Codec /*codec*/) {}
  // The stages that a GPU can do; no device is opened before one of them is asked for. Null: none.
  virtual gpu_kernels::VulkanStages* gpu() { return nullptr; }
  // Where planar pictures are decoded to, so that a GPU finds them in place; null: the heap. Not
  // to be used without the core.
  virtual std::shared_ptr<FrameMemorySource> frame_memory() { return nullptr; }
  // Null: stages for which no substrate is asked run on the CPU.
  virtual gpu_kernels::Dispatcher* dispatcher() { return nullptr; }
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_CORE_H_
