// Memory in which a GPU finds pictures and surfaces in place, where it imports dma-bufs.
#ifndef DAEDALUS_DECODE_CORE_GPU_MEMORY_H_
#define DAEDALUS_DECODE_CORE_GPU_MEMORY_H_

#include <memory>
#include <vector>

#include "decode_core/frame_buffer.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/settings.h"
#include "gpu_kernels/dispatch/picture_memory.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
class VulkanStages;
}  // namespace daedalus::gpu_kernels

namespace daedalus::core {

// `memory`, whose dma-bufs are registered with the GPU as long as anybody holds them. No device is
// opened for it.
std::unique_ptr<MemoryAllocator> register_for_gpu(std::unique_ptr<MemoryAllocator> memory,
                                                  gpu_kernels::VulkanStages& gpu);

// What the GPU is measured with (gpu_kernels::PictureMemory): dma-bufs of `memory`, which registers
// them, where it imports nothing else; decoded pictures in cached ones. Both outlive it.
gpu_kernels::PictureMemory gpu_picture_memory(MemoryAllocator& memory,
                                              gpu_kernels::VulkanStages& gpu);

// Cached dma-bufs of `memory`, which registers them, for the pictures of `stages`. They are wanted
// where any of these is to run on a GPU, by the settings or because the dispatcher has preferred it
// once, and this GPU imports dma-bufs but no other memory; else no device is opened for the
// question. Where no dma-buf is to be had, the log says so once, and none of that size or more is
// wanted any more. What is passed outlives it; its memory may outlive both.
std::shared_ptr<FrameMemorySource> create_gpu_frame_memory(std::vector<gpu_kernels::Stage> stages,
                                                           const Settings& settings,
                                                           MemoryAllocator& memory,
                                                           gpu_kernels::VulkanStages& gpu,
                                                           gpu_kernels::Dispatcher& dispatcher);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_GPU_MEMORY_H_
