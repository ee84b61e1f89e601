// The Vulkan twin of H.264's inverse transforms: all residual of one picture, as a part of a batch.
#ifndef DAEDALUS_GPU_KERNELS_IDCT_H264_VULKAN_H_
#define DAEDALUS_GPU_KERNELS_IDCT_H264_VULKAN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/room.h"

namespace daedalus::gpu_kernels {

// How an NV12 picture (a frame, or a field) lies in an array of the device's: rows of luma without
// padding, rows of pairs, then bytes that shaders may write to and nobody reads.
struct H264DevicePicture {
  uint32_t width = 0;   // luma samples, a multiple of 16
  uint32_t height = 0;  // a multiple of 16

  uint32_t stride() const { return width; }  // bytes, of luma and of chroma
  size_t chroma() const { return size_t{width} * height; }
  size_t spare() const { return chroma() * 3 / 2; }
  size_t bytes() const { return spare() + size_t{8} * width; }
};

struct H264PlacedResidual {
  H264Residual residual;
  uint32_t x = 0;  // macroblocks
  uint32_t y = 0;
};

// Of one thread at a time; outlived by its device.
class VulkanH264Idct {
 public:
  static Result<std::unique_ptr<VulkanH264Idct>> create(vulkan::Device& device);

  // Copies what the macroblocks, each of which is there once, need, and dispatches what adds it to
  // `samples`; dispatches before that wrote to those have finished. Nothing more may be added until
  // the batch has run. kUnsupported: more than the GPU's arrays take.
  Status add(std::span<const H264PlacedResidual> macroblocks, const H264DevicePicture& picture,
             vulkan::Array samples, vulkan::Batch& batch);

 private:
  // Blocks of one kind, as their shader reads them.
  struct Blocks {
    std::unique_ptr<vulkan::Kernel> kernel;
    vulkan::Room room;
    size_t count = 0;  // with those that fill the last workgroup
  };
  struct Counts;
  class Filling;

  explicit VulkanH264Idct(vulkan::Device& device) : device_(device) {}
  Status create();
  Status make_room(const Counts& counts);
  Status dispatch(const Blocks& blocks, const H264DevicePicture& picture, vulkan::Array samples,
                  vulkan::Batch& batch);

  vulkan::Device& device_;
  Blocks blocks_4x4_, blocks_8x8_, chroma_;
  vulkan::Room coefficients_;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_IDCT_H264_VULKAN_H_
