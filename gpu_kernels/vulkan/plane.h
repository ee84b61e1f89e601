// Plane: a plane of a picture, and where a GPU finds it: in place, or copied.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_PLANE_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_PLANE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/buffer.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"

namespace daedalus::gpu_kernels::vulkan {

// What shaders read and write at a time, bytes.
inline constexpr uint32_t kVectorBytes = 16;

struct Plane {
  uint8_t* data = nullptr;
  ptrdiff_t stride = 0;  // bytes
  uint32_t row_bytes = 0;
  uint32_t rows = 0;

  std::shared_ptr<const Buffer> imported;
  std::shared_ptr<DmaBuf> dma_buf;  // that was imported; null: other memory, or none
  const Buffer* buffer = nullptr;   // the imported one, the copies', or none yet
  size_t offset = 0;                // bytes
  size_t buffer_stride = 0;         // bytes

  bool in_place() const { return imported != nullptr; }
  // It is to be copied after all.
  void leave() {
    imported.reset();
    dma_buf.reset();
  }
  Array array() const { return {buffer, offset}; }
  uint32_t vector_stride() const { return static_cast<uint32_t>(buffer_stride / kVectorBytes); }
};

// Lets the GPU use the plane's own memory, where its rows lie so that vectors fit: that of a
// registered dma-buf, which is imported once, else any memory that the driver takes, each time.
void import_plane(Device& device, Plane& plane);

bool all_in_place(std::span<const Plane> planes);

// Runs what was recorded, which reads the planes before `first_written` and writes the others. The
// CPU's caches of what lies in dma-bufs are written back before, and forget what the device has
// written after (DmaBuf). Where a plane is in place there is no deadline: what the GPU uses in
// place nobody else may touch before it has ended.
Status run_on_planes(const Device& device, Batch& batch, std::span<const Plane> planes,
                     size_t first_written, Deadline deadline);

// Memory of the driver's for planes that the GPU cannot use in place: of one picture at a time.
class PlaneCopies {
 public:
  // Gives each plane that is not in place a copy, uninitialised, whose rows have room for whole
  // vectors, an even number of them.
  Status make_room(Device& device, std::span<Plane* const> planes);
  // Both do nothing for planes in place.
  void copy_in(const Plane& plane) const;
  void copy_out(const Plane& plane) const;

 private:
  std::unique_ptr<Buffer> memory_;
};

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_PLANE_H_
