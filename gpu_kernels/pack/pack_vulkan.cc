#include "gpu_kernels/pack/pack_vulkan.h"

#include <array>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>

#include "gpu_kernels/pack/shaders.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/deadline_mutex.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/failure_log.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/plane.h"

namespace daedalus::gpu_kernels {
namespace {

using vulkan::Array;
using vulkan::Batch;
using vulkan::Deadline;
using vulkan::Device;
using vulkan::Kernel;
using vulkan::Plane;

// What an invocation of the shaders writes, bytes, and how many a workgroup has.
constexpr uint32_t kLumaBytes = vulkan::kVectorBytes;
constexpr uint32_t kChromaBytes = 2 * vulkan::kVectorBytes;
constexpr uint32_t kGroupWidth = 4;
constexpr uint32_t kGroupHeight = 64;

enum PlaneIndex : uint8_t { kY, kU, kV, kLuma, kChroma, kPlanes };

using Planes = std::array<Plane, kPlanes>;

Planes planes_of(const PackPicture& picture) {
  const uint32_t sample = picture.bit_depth > 8 ? 2 : 1;
  const auto plane = [&](const void* data, ptrdiff_t stride, uint32_t samples, uint32_t rows) {
    Plane made;
    made.data = static_cast<uint8_t*>(const_cast<void*>(data));
    made.stride = stride;
    made.row_bytes = samples * sample;
    made.rows = rows;
    return made;
  };
  const uint32_t width = picture.chroma_width;
  const uint32_t height = picture.chroma_height;
  return {plane(picture.y.data, picture.y.stride, picture.luma_width, picture.luma_height),
          plane(picture.u.data, picture.u.stride, width, height),
          plane(picture.v.data, picture.v.stride, width, height),
          plane(picture.luma.data, picture.luma.stride, picture.luma_width, picture.luma_height),
          plane(picture.chroma.data, picture.chroma.stride, 2 * width, height)};
}

// How many invocations make a row of a target, each `bytes` of it. A copy has room for the last
// one's rest; of the plane itself nothing beyond the samples may be written.
uint32_t invocations(const Plane& target, uint32_t bytes) {
  return (target.row_bytes + (target.in_place() ? 0 : bytes - 1)) / bytes;
}

uint32_t groups(uint32_t invocations, uint32_t of_group) {
  return (invocations + of_group - 1) / of_group;
}

// How far samples move up in their 16 bits, and which bits they may have then.
uint32_t shift_of(const PackPicture& picture) {
  return picture.bit_depth > 8 ? static_cast<uint32_t>(16 - picture.bit_depth) : 0;
}
uint32_t low_mask(uint32_t shift) { return 0xFFFFu << shift & 0xFFFF; }

// What the invocations leave over at the right: in units of Band::width.
struct Rest {
  uint32_t first;
  uint32_t count;
};

Rest rest_of(const Plane& target, uint32_t bytes, uint32_t unit_bytes) {
  if (!target.in_place()) return {};
  const uint32_t covered = invocations(target, bytes) * bytes;
  return {covered / unit_bytes, (target.row_bytes - covered) / unit_bytes};
}

template <typename PlaneType>
PlaneType shifted(const PlaneType& plane, size_t bytes) {
  using Byte = std::conditional_t<std::is_same_v<PlaneType, SourcePlane>, const uint8_t, uint8_t>;
  return {static_cast<Byte*>(plane.data) + bytes, plane.stride};
}

void pack_rest(const PackPicture& picture, const Planes& planes) {
  const PackFunctions& pack = pack_functions(Substrate::kAuto);
  const bool wide = picture.bit_depth > 8;
  const uint32_t sample = wide ? 2 : 1;
  if (const Rest rest = rest_of(planes[kLuma], kLumaBytes, sample); rest.count != 0) {
    const Band band{rest.count, 0, picture.luma_height};
    const SourcePlane from = shifted(picture.y, rest.first * sample);
    const TargetPlane to = shifted(picture.luma, rest.first * sample);
    if (wide) {
      pack.low_to_high_16(from, to, band, picture.bit_depth);
    } else {
      pack.copy_8(from, to, band);
    }
  }
  if (const Rest rest = rest_of(planes[kChroma], kChromaBytes, 2 * sample); rest.count != 0) {
    const Band band{rest.count, 0, picture.chroma_height};
    const SourcePlane u = shifted(picture.u, rest.first * sample);
    const SourcePlane v = shifted(picture.v, rest.first * sample);
    const TargetPlane to = shifted(picture.chroma, size_t{2} * rest.first * sample);
    if (wide) {
      pack.interleave_low_to_high_16(u, v, to, band, picture.bit_depth);
    } else {
      pack.interleave_8(u, v, to, band);
    }
  }
}

class PackOnDevice final : public VulkanPack {
 public:
  explicit PackOnDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  Status create();
  Result<PackTransfer> run(const PackPicture& picture, Deadline deadline) override;

 private:
  Status pack(const PackPicture& picture, Planes& planes, Deadline deadline);
  Status copy_in(Planes& planes, bool gpu_luma);
  Status run_shaders(const PackPicture& picture, const Planes& planes, bool gpu_luma,
                     Deadline deadline);
  Status dispatch_luma(const PackPicture& picture, const Planes& planes);
  Status dispatch_chroma(const PackPicture& picture, const Planes& planes);

  const std::shared_ptr<Device> device_;
  const PackFunctions& on_cpu_ = pack_functions(Substrate::kAuto);
  vulkan::DeadlineMutex mutex_;
  std::unique_ptr<Kernel> luma_, nv12_, p010_;
  vulkan::PlaneCopies copies_;
  vulkan::FailureLog failures_;
  std::unique_ptr<Batch> batch_;  // the last: see there
};

Status PackOnDevice::create() {
  const Status kernels = vulkan::create_kernels(
      *device_, {{luma_, shaders::luma, 6}, {nv12_, shaders::nv12, 4}, {p010_, shaders::p010, 7}});
  if (!kernels.ok()) return kernels;
  auto batch = Batch::create(*device_);
  if (!batch) return batch.error();
  batch_ = std::move(*batch);
  return {};
}

Result<PackTransfer> PackOnDevice::run(const PackPicture& picture, Deadline deadline) {
  std::unique_lock lock(mutex_, deadline);
  if (!lock) return vulkan::busy_with_others();
  Planes planes = planes_of(picture);
  Status packed = batch_->ready(deadline);
  if (packed.ok()) packed = pack(picture, planes, deadline);
  if (!packed.ok()) {
    failures_.tell(*device_, packed.error());
    return packed.error();
  }
  return vulkan::all_in_place(planes) ? PackTransfer::kInPlace : PackTransfer::kCopied;
}

Status PackOnDevice::pack(const PackPicture& picture, Planes& planes, Deadline deadline) {
  for (Plane& plane : planes) vulkan::import_plane(*device_, plane);
  // The shaders know one stride for u and v.
  if (planes[kU].in_place() != planes[kV].in_place() || planes[kU].stride != planes[kV].stride) {
    for (const PlaneIndex plane : {kU, kV}) planes[plane].leave();
  }
  // Luma of eight bits stays as it is: where it had to be copied for the GPU, one copy is enough.
  const bool gpu_luma =
      picture.bit_depth > 8 || (planes[kY].in_place() && planes[kLuma].in_place());
  if (!gpu_luma) {
    for (const PlaneIndex plane : {kY, kLuma}) planes[plane].leave();
    on_cpu_.copy_8(picture.y, picture.luma, {planes[kLuma].row_bytes, 0, planes[kLuma].rows});
  }
  if (Status copied = copy_in(planes, gpu_luma); !copied.ok()) return copied;
  if (Status ran = run_shaders(picture, planes, gpu_luma, deadline); !ran.ok()) return ran;
  if (gpu_luma) copies_.copy_out(planes[kLuma]);
  copies_.copy_out(planes[kChroma]);
  pack_rest(picture, planes);
  return {};
}

// Gives each plane that the GPU cannot use in place a copy that it can.
Status PackOnDevice::copy_in(Planes& planes, bool gpu_luma) {
  const std::array<Plane*, kPlanes> all = {&planes[kU], &planes[kV], &planes[kChroma], &planes[kY],
                                           &planes[kLuma]};
  const auto used = std::span(all).first(gpu_luma ? 5 : 3);
  if (Status made = copies_.make_room(*device_, used); !made.ok()) return made;
  if (gpu_luma) copies_.copy_in(planes[kY]);
  copies_.copy_in(planes[kU]);
  copies_.copy_in(planes[kV]);
  return {};
}

Status PackOnDevice::run_shaders(const PackPicture& picture, const Planes& planes, bool gpu_luma,
                                 Deadline deadline) {
  if (Status begun = batch_->begin(); !begun.ok()) return begun;
  if (gpu_luma) {
    if (Status status = dispatch_luma(picture, planes); !status.ok()) return status;
  }
  if (Status status = dispatch_chroma(picture, planes); !status.ok()) return status;
  return vulkan::run_on_planes(*device_, *batch_, planes, kLuma, deadline);
}

Status PackOnDevice::dispatch_luma(const PackPicture& picture, const Planes& planes) {
  const Plane& from = planes[kY];
  const Plane& to = planes[kLuma];
  const uint32_t width = invocations(to, kLumaBytes);
  const uint32_t shift = shift_of(picture);
  const std::array<Array, 2> arrays = {from.array(), to.array()};
  const std::array<uint32_t, 6> parameters = {
      width, to.rows, from.vector_stride(), to.vector_stride(), shift, low_mask(shift) * 0x10001};
  return batch_->dispatch(*luma_, arrays, parameters, groups(width, kGroupWidth),
                          groups(to.rows, kGroupHeight));
}

Status PackOnDevice::dispatch_chroma(const PackPicture& picture, const Planes& planes) {
  const Plane& to = planes[kChroma];
  const uint32_t width = invocations(to, kChromaBytes);
  const uint32_t shift = shift_of(picture);
  const std::array<Array, 3> arrays = {planes[kU].array(), planes[kV].array(), to.array()};
  const std::array<uint32_t, 7> parameters = {
      width, to.rows,         planes[kU].vector_stride(), to.vector_stride(),
      shift, low_mask(shift), low_mask(shift) << 16};
  const Kernel& kernel = picture.bit_depth > 8 ? *p010_ : *nv12_;
  return batch_->dispatch(kernel, arrays, std::span(parameters).first(kernel.parameters()),
                          groups(width, kGroupWidth), groups(to.rows, kGroupHeight));
}

}  // namespace

Result<std::unique_ptr<VulkanPack>> VulkanPack::create(std::shared_ptr<Device> device) {
  auto pack = std::make_unique<PackOnDevice>(std::move(device));
  if (const Status created = pack->create(); !created.ok()) return created.error();
  return std::unique_ptr<VulkanPack>(std::move(pack));
}

}  // namespace daedalus::gpu_kernels
