#include "decode_core/gpu_memory.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "base/log.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::core {
namespace {

using gpu_kernels::Stage;
using gpu_kernels::Substrate;

bool needs_dma_bufs(gpu_kernels::VulkanStages& gpu) {
  if (!gpu.usable()) return false;
  const auto& device = *gpu.device();
  return device.imports_dma_bufs && device.import_alignment == 0;
}

class RegisteringAllocator final : public MemoryAllocator {
 public:
  RegisteringAllocator(std::unique_ptr<MemoryAllocator> memory, gpu_kernels::VulkanStages& gpu)
      : memory_(std::move(memory)), gpu_(gpu) {}

  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size, bool require_dma_buf) override {
    return with_registration(memory_->allocate(size, require_dma_buf));
  }
  Result<std::shared_ptr<SurfaceMemory>> allocate_cached(size_t size) override {
    return with_registration(memory_->allocate_cached(size));
  }

 private:
  Result<std::shared_ptr<SurfaceMemory>> with_registration(
      Result<std::shared_ptr<SurfaceMemory>> memory) {
    if (!memory || !(*memory)->dma_buf()) return memory;
    SurfaceMemory* const plain = memory->get();
    auto registered = gpu_.dma_bufs().add(*memory, plain->data(), plain->size(), plain->fd());
    if (!registered) {
      log(LogLevel::kDebug, "a dma-buf is no GPU's: %s", registered.error().message.c_str());
      return memory;
    }
    // The registration owns the memory.
    return std::shared_ptr<SurfaceMemory>(std::move(*registered), plain);
  }

  const std::unique_ptr<MemoryAllocator> memory_;
  gpu_kernels::VulkanStages& gpu_;
};

class GpuFrameMemory final : public FrameMemorySource {
 public:
  GpuFrameMemory(std::vector<Stage> stages, const Settings& settings, MemoryAllocator& memory,
                 gpu_kernels::VulkanStages& gpu, gpu_kernels::Dispatcher& dispatcher)
      : stages_(std::move(stages)),
        asked_for_(std::ranges::any_of(
            stages_,
            [&](Stage stage) { return settings.substrate.of(stage) == Substrate::kVulkan; })),
        memory_(memory),
        gpu_(gpu),
        dispatcher_(dispatcher) {}

  bool is_wanted(size_t size) override {
    if (size >= refused_ || size > gpu_kernels::vulkan::kMostImported) return false;
    const bool wanted = asked_for_ || std::ranges::any_of(stages_, [&](Stage stage) {
                          return dispatcher_.has_preferred_gpu(stage);
                        });
    return wanted && needs_dma_bufs(gpu_);
  }

  std::unique_ptr<FrameMemory> allocate(size_t size) override {
    auto memory = memory_.allocate_cached(size);
    if (!memory) {
      if (refused_.exchange(size) == kNothing) {
        log(LogLevel::kWarning, "pictures are copied for the GPU: %s",
            memory.error().message.c_str());
      }
      return nullptr;
    }
    (*memory)->begin_cpu_write();  // until a device's turn (DmaBuf)
    uint8_t* const data = (*memory)->data();
    return std::make_unique<FrameMemory>(std::move(*memory), data, size);
  }

 private:
  const std::vector<Stage> stages_;
  const bool asked_for_;
  MemoryAllocator& memory_;
  gpu_kernels::VulkanStages& gpu_;
  gpu_kernels::Dispatcher& dispatcher_;
  static constexpr size_t kNothing = std::numeric_limits<size_t>::max();
  std::atomic<size_t> refused_{kNothing};  // so much, and more
};

}  // namespace

std::unique_ptr<MemoryAllocator> register_for_gpu(std::unique_ptr<MemoryAllocator> memory,
                                                  gpu_kernels::VulkanStages& gpu) {
  return std::make_unique<RegisteringAllocator>(std::move(memory), gpu);
}

gpu_kernels::PictureMemory gpu_picture_memory(MemoryAllocator& memory,
                                              gpu_kernels::VulkanStages& gpu) {
  using gpu_kernels::PictureUse;
  return [&memory, &gpu](size_t size, PictureUse use) -> std::shared_ptr<uint8_t> {
    if (!needs_dma_bufs(gpu)) return nullptr;
    auto made = use == PictureUse::kDecoded ? memory.allocate_cached(size)
                                            : memory.allocate(size, /*require_dma_buf=*/true);
    if (!made) return nullptr;
    (*made)->begin_cpu_write();
    uint8_t* const data = (*made)->data();
    return {std::move(*made), data};
  };
}

std::shared_ptr<FrameMemorySource> create_gpu_frame_memory(std::vector<Stage> stages,
                                                           const Settings& settings,
                                                           MemoryAllocator& memory,
                                                           gpu_kernels::VulkanStages& gpu,
                                                           gpu_kernels::Dispatcher& dispatcher) {
  return std::make_shared<GpuFrameMemory>(std::move(stages), settings, memory, gpu, dispatcher);
}

}  // namespace daedalus::core
