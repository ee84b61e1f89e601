#include "gpu_kernels/vulkan/plane.h"

#include <cstring>
#include <utility>

#include "base/log.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

// Of copies: what an invocation of any shader writes.
constexpr size_t kRowMultiple = size_t{2} * kVectorBytes;

constexpr size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

void import_plane(Device& device, Plane& plane) {
  const size_t alignment = device.info().import_alignment;
  const auto begin = reinterpret_cast<uintptr_t>(plane.data);
  if (alignment == 0 || plane.stride < static_cast<ptrdiff_t>(kVectorBytes) ||
      begin % device.info().array_alignment != 0 || plane.stride % kVectorBytes != 0 ||
      plane.row_bytes < kRowMultiple) {
    return;
  }
  const uintptr_t end = begin + size_t{plane.rows - 1} * plane.stride + plane.row_bytes;
  const size_t offset = begin % alignment;
  const size_t size = round_up(end, alignment) - (begin - offset);
  auto imported = Buffer::import(device, plane.data - offset, size);
  if (!imported) {
    log(LogLevel::kDebug, "a plane is copied for the GPU: %s", imported.error().message.c_str());
    return;
  }
  plane.imported = std::move(*imported);
  plane.buffer = plane.imported.get();
  plane.offset = offset;
  plane.buffer_stride = static_cast<size_t>(plane.stride);
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
