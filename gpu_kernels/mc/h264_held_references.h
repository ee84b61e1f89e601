// H264HeldReferences: the references that a device holds copies of, from picture to picture.
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_HELD_REFERENCES_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_HELD_REFERENCES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/mc/h264_tasks.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/room.h"

namespace daedalus::gpu_kernels::mc {

// One array, divided into slots of one size. Not thread-safe.
class H264HeldReferences {
 public:
  // Says where each of the references that predictions name lies, extended beyond its edges, and
  // copies those that are not there yet: what has a name (H264McReference::content) stays until its
  // slot is needed, the one longest unused first. The device is at no earlier picture any more.
  // kUnsupported: more than an array takes. May throw std::bad_alloc; after either what is there is
  // of use to the next picture.
  Status place(vulkan::Device& device, std::span<const H264McReference> references,
               std::span<const H264Prediction> predictions, H264DeviceReferences& placed);

  vulkan::Array array() const { return room_.array(); }
  // References so far, each time that one was.
  uint64_t copied() const { return copied_; }

 private:
  struct Slot {
    uint64_t content = 0;    // 0: of no name, or nothing
    uint64_t last_used = 0;  // by which picture
  };
  Status make_slots(vulkan::Device& device, size_t bytes, size_t count);
  Slot* find(uint64_t content);
  Slot& longest_unused();
  size_t offset_of(const Slot& slot) const;

  vulkan::Room room_;
  std::vector<Slot> slots_;
  size_t slot_bytes_ = 0;
  uint64_t picture_ = 0;  // pictures so far
  uint64_t copied_ = 0;
  std::vector<uint8_t> named_;  // indices that the picture's predictions name
};

}  // namespace daedalus::gpu_kernels::mc

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_HELD_REFERENCES_H_
