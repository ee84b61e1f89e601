#include "gpu_kernels/vulkan/plane.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/log.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

// Of copies: what an invocation of any shader writes.
constexpr size_t kRowMultiple = size_t{2} * kVectorBytes;

constexpr size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void tell_refused(const Error& error) {
  log(LogLevel::kDebug, "a plane is copied for the GPU: %s", error.message.c_str());
}

// Where the plane lies in a dma-buf that the device may use.
void import_registered(Device& device, Plane& plane, size_t size) {
  if (device.dma_bufs() == nullptr) return;
  auto dma_buf = device.dma_bufs()->find(plane.data, size);
  if (dma_buf == nullptr) return;
  const auto offset = static_cast<size_t>(plane.data - dma_buf->data());
  if (offset % device.info().array_alignment != 0) return;
  plane.imported = dma_buf->import_for(device, [&]() -> Result<DmaBuf::Import> {
    auto imported = Buffer::import_dma_buf(device, dma_buf->fd(), dma_buf->size());
    if (imported) return DmaBuf::Import(std::move(*imported));
    tell_refused(imported.error());
    return imported.error();
  });
  if (!plane.in_place()) return;
  plane.dma_buf = std::move(dma_buf);
  plane.offset = offset;
}

void import_host_memory(Device& device, Plane& plane, size_t size) {
  const size_t alignment = device.info().import_alignment;
  if (alignment == 0) return;
  const auto begin = reinterpret_cast<uintptr_t>(plane.data);
  const size_t offset = begin % alignment;
  auto imported = Buffer::import(device, plane.data - offset,
                                 round_up(begin + size, alignment) - begin + offset);
  if (!imported) return tell_refused(imported.error());
  plane.imported = std::move(*imported);
  plane.offset = offset;
}

// While it lives the device works on the planes, and the CPU does not.
class DeviceAccess {
 public:
  // Both outlive it. Of a device that was abandoned meanwhile nothing is taken back: the kernel
  // would wait for its work.
  DeviceAccess(const Device& device, std::span<const Plane> read, std::span<const Plane> written);
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;

  // An error: the device is not to begin.
  const Status& begun() const { return begun_; }

 private:
  struct Part {
    const DmaBuf* dma_buf;
    DmaBuf::Access access;
  };
  const Device& device_;
  std::vector<Part> parts_;  // each dma-buf once
  Status begun_;
};

DeviceAccess::DeviceAccess(const Device& device, std::span<const Plane> read,
                           std::span<const Plane> written)
    : device_(device) {
  const auto add = [this](const Plane& plane, DmaBuf::Access access) {
    if (plane.dma_buf == nullptr) return;
    const auto known = std::ranges::find(parts_, plane.dma_buf.get(), &Part::dma_buf);
    if (known == parts_.end()) parts_.push_back({plane.dma_buf.get(), access});
  };
  // What is written and read counts as written.
  for (const Plane& plane : written) add(plane, DmaBuf::Access::kWritten);
  for (const Plane& plane : read) add(plane, DmaBuf::Access::kRead);
  for (const Part& part : parts_) {
    if (begun_.ok()) begun_ = part.dma_buf->begin_device_access(part.access);
  }
}

DeviceAccess::~DeviceAccess() {
  if (device_.abandoned()) return;
  for (const Part& part : parts_) part.dma_buf->end_device_access(part.access);
}

}  // namespace

void import_plane(Device& device, Plane& plane) {
  if (plane.stride < static_cast<ptrdiff_t>(kVectorBytes) || plane.stride % kVectorBytes != 0 ||
      plane.row_bytes < kRowMultiple ||
      reinterpret_cast<uintptr_t>(plane.data) % device.info().array_alignment != 0) {
    return;
  }
  const size_t size = size_t{plane.rows - 1} * static_cast<size_t>(plane.stride) + plane.row_bytes;
  import_registered(device, plane, size);
  if (!plane.in_place()) import_host_memory(device, plane, size);
  if (!plane.in_place()) return;
  plane.buffer = plane.imported.get();
  plane.buffer_stride = static_cast<size_t>(plane.stride);
}

bool all_in_place(std::span<const Plane> planes) {
  return std::ranges::all_of(planes, &Plane::in_place);
}

Status run_on_planes(const Device& device, Batch& batch, std::span<const Plane> planes,
                     size_t first_written, Deadline deadline) {
  const DeviceAccess access(device, planes.first(first_written), planes.subspan(first_written));
  if (!access.begun().ok()) return access.begun();
  return batch.run(std::ranges::any_of(planes, &Plane::in_place) ? kNoDeadline : deadline);
}

Status PlaneCopies::make_room(Device& device, std::span<Plane* const> planes) {
  size_t size = 0;
  for (Plane* plane : planes) {
    if (plane->in_place()) continue;
    size = round_up(size, device.info().array_alignment);
    plane->offset = size;
    plane->buffer_stride = round_up(plane->row_bytes, kRowMultiple);
    size += plane->buffer_stride * plane->rows;
  }
  if (size == 0) return {};
  if (memory_ == nullptr || memory_->size() < size) {
    memory_.reset();
    auto memory = Buffer::allocate(device, size);
    if (!memory) return memory.error();
    memory_ = std::move(*memory);
  }
  for (Plane* plane : planes) {
    if (!plane->in_place()) plane->buffer = memory_.get();
  }
  return {};
}

void PlaneCopies::copy_in(const Plane& plane) const {
  if (plane.in_place()) return;
  uint8_t* const to = memory_->data() + plane.offset;
  for (uint32_t y = 0; y < plane.rows; ++y) {
    std::memcpy(to + y * plane.buffer_stride, plane.data + static_cast<ptrdiff_t>(y) * plane.stride,
                plane.row_bytes);
  }
}

void PlaneCopies::copy_out(const Plane& plane) const {
  if (plane.in_place()) return;
  const uint8_t* const from = memory_->data() + plane.offset;
  for (uint32_t y = 0; y < plane.rows; ++y) {
    std::memcpy(plane.data + static_cast<ptrdiff_t>(y) * plane.stride,
                from + y * plane.buffer_stride, plane.row_bytes);
  }
}

}  // namespace daedalus::gpu_kernels::vulkan
