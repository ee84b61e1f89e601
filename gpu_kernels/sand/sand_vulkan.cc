#include "gpu_kernels/sand/sand_vulkan.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "gpu_kernels/sand/shaders.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/deadline_mutex.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/failure_log.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/plane.h"
#include "gpu_kernels/vulkan/room.h"

namespace daedalus::gpu_kernels {
namespace {

using vulkan::Array;
using vulkan::Batch;
using vulkan::Deadline;
using vulkan::Device;
using vulkan::Kernel;
using vulkan::Plane;

constexpr uint32_t kParameters = 4;

// How a format's shader works. Columns are whole numbers of invocations, so what these leave of a
// row lies in one column.
struct Shape {
  uint32_t column_samples;
  uint32_t samples;       // of an invocation
  uint32_t bytes;         // of them, in the columns
  uint32_t sample_bytes;  // in the target
  uint32_t group_rows;    // a workgroup is a column wide
};
constexpr Shape kNc12 = {kNc12ColumnSamples, 16, 16, 1, 32};
constexpr Shape kNc30 = {kNc30ColumnSamples, 24, 32, 2, 64};

const Shape& shape_of(const SandPicture& picture) {
  return picture.format == SandFormat::kNc12 ? kNc12 : kNc30;
}

// One of luma and chroma.
struct PlanePair {
  ColumnPlane from;
  TargetPlane to;
  uint32_t width, rows;  // samples, of which a chroma row has those of Cb and Cr
};

std::array<PlanePair, 2> pairs_of(const SandPicture& picture) {
  return {PlanePair{picture.from_luma, picture.luma, picture.width, picture.height},
          PlanePair{picture.from_chroma, picture.chroma, 2 * chroma_420(picture.width),
                    chroma_420(picture.height)}};
}

uint32_t columns_of(const Shape& shape, const PlanePair& pair) {
  return (pair.width + shape.column_samples - 1) / shape.column_samples;
}

// Those of a row.
uint32_t invocations_of(const Shape& shape, const PlanePair& pair) {
  return pair.width / shape.samples;
}

// The columns are the rows of a plane in the sense of vulkan/plane.h.
Plane columns_as_plane(const Shape& shape, const PlanePair& pair) {
  Plane plane;
  plane.data = static_cast<uint8_t*>(const_cast<void*>(pair.from.data));
  plane.stride = static_cast<ptrdiff_t>(pair.from.column_stride);
  plane.row_bytes = pair.rows * kColumnBytes;
  plane.rows = columns_of(shape, pair);
  return plane;
}

// Of the target, what the invocations write.
Plane target_as_plane(const Shape& shape, const PlanePair& pair) {
  Plane plane;
  plane.data = static_cast<uint8_t*>(pair.to.data);
  plane.stride = pair.to.stride;
  plane.row_bytes = invocations_of(shape, pair) * shape.samples * shape.sample_bytes;
  plane.rows = pair.rows;
  return plane;
}

enum PlaneIndex : uint8_t { kFromLuma, kFromChroma, kLuma, kChroma, kPlanes };
using Planes = std::array<Plane, kPlanes>;

Planes planes_of(const SandPicture& picture) {
  const Shape& shape = shape_of(picture);
  const auto [luma, chroma] = pairs_of(picture);
  return {columns_as_plane(shape, luma), columns_as_plane(shape, chroma),
          target_as_plane(shape, luma), target_as_plane(shape, chroma)};
}

void unpack_rest(const SandPicture& picture) {
  const Shape& shape = shape_of(picture);
  const SandFunctions& cpu = sand_functions(Substrate::kAuto);
  const auto unpack = picture.format == SandFormat::kNc12 ? cpu.unpack_nc12 : cpu.unpack_nc30;
  for (const PlanePair& pair : pairs_of(picture)) {
    const uint32_t invocations = invocations_of(shape, pair);
    const uint32_t done = invocations * shape.samples;
    if (done == pair.width) continue;
    const uint32_t column = done / shape.column_samples;
    const uint32_t of_column = invocations % (shape.column_samples / shape.samples);
    const auto* const from = static_cast<const uint8_t*>(pair.from.data) +
                             column * pair.from.column_stride + of_column * shape.bytes;
    auto* const to = static_cast<uint8_t*>(pair.to.data) + size_t{done} * shape.sample_bytes;
    unpack({from, pair.from.column_stride}, {to, pair.to.stride},
           {pair.width - done, 0, pair.rows});
  }
}

class SandOnDevice final : public VulkanSand {
 public:
  explicit SandOnDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  Status create();
  Result<PackTransfer> run(const SandPicture& picture, Deadline deadline) override;

 private:
  Status unpack(const SandPicture& picture, Planes& planes, Deadline deadline);
  Status run_shaders(const SandPicture& picture, const Planes& planes, Deadline deadline);
  Status dispatch(const SandPicture& picture, const Plane& from, const Plane& to);

  const std::shared_ptr<Device> device_;
  vulkan::DeadlineMutex mutex_;
  std::unique_ptr<Kernel> nc12_, nc30_;
  vulkan::PlaneCopies copies_;
  vulkan::FailureLog failures_;
  std::unique_ptr<Batch> batch_;  // the last: see there
};

Status SandOnDevice::create() {
  const Status kernels = vulkan::create_kernels(
      *device_,
      {{nc12_, shaders::sand_nc12, kParameters}, {nc30_, shaders::sand_nc30, kParameters}});
  if (!kernels.ok()) return kernels;
  auto batch = Batch::create(*device_);
  if (!batch) return batch.error();
  batch_ = std::move(*batch);
  return {};
}

Result<PackTransfer> SandOnDevice::run(const SandPicture& picture, Deadline deadline) {
  std::unique_lock lock(mutex_, deadline);
  if (!lock) return vulkan::busy_with_others();
  Planes planes = planes_of(picture);
  Status unpacked = batch_->ready(deadline);
  if (unpacked.ok()) unpacked = unpack(picture, planes, deadline);
  if (!unpacked.ok()) {
    failures_.tell(*device_, unpacked.error());
    return unpacked.error();
  }
  return vulkan::all_in_place(planes) ? PackTransfer::kInPlace : PackTransfer::kCopied;
}

Status SandOnDevice::unpack(const SandPicture& picture, Planes& planes, Deadline deadline) {
  std::array<Plane*, kPlanes> all;
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = &planes[i];
    vulkan::import_plane(*device_, planes[i]);
  }
  if (Status made = copies_.make_room(*device_, all); !made.ok()) return made;
  for (const PlaneIndex plane : {kFromLuma, kFromChroma}) copies_.copy_in(planes[plane]);
  if (Status ran = run_shaders(picture, planes, deadline); !ran.ok()) return ran;
  for (const PlaneIndex plane : {kLuma, kChroma}) copies_.copy_out(planes[plane]);
  unpack_rest(picture);
  return {};
}

Status SandOnDevice::run_shaders(const SandPicture& picture, const Planes& planes,
                                 Deadline deadline) {
  if (Status begun = batch_->begin(); !begun.ok()) return begun;
  if (Status luma = dispatch(picture, planes[kFromLuma], planes[kLuma]); !luma.ok()) return luma;
  if (Status chroma = dispatch(picture, planes[kFromChroma], planes[kChroma]); !chroma.ok()) {
    return chroma;
  }
  return vulkan::run_on_planes(*device_, *batch_, planes, kLuma, deadline);
}

Status SandOnDevice::dispatch(const SandPicture& picture, const Plane& from, const Plane& to) {
  const Shape& shape = shape_of(picture);
  const uint32_t invocations = to.row_bytes / (shape.samples * shape.sample_bytes);
  const std::array<Array, 2> arrays = {from.array(), to.array()};
  const std::array<uint32_t, kParameters> parameters = {invocations, to.rows, from.vector_stride(),
                                                        to.vector_stride()};
  const Kernel& kernel = picture.format == SandFormat::kNc12 ? *nc12_ : *nc30_;
  return batch_->dispatch(kernel, arrays, parameters, from.rows,
                          (to.rows + shape.group_rows - 1) / shape.group_rows);
}

}  // namespace

Result<std::unique_ptr<VulkanSand>> VulkanSand::create(std::shared_ptr<Device> device) {
  auto sand = std::make_unique<SandOnDevice>(std::move(device));
  if (const Status created = sand->create(); !created.ok()) return created.error();
  return std::unique_ptr<VulkanSand>(std::move(sand));
}

bool VulkanSand::takes(const SandPicture& picture) {
  constexpr size_t kMost = vulkan::Room::kMostBytes;
  if (picture.width < shape_of(picture).samples || picture.height == 0 ||
      std::max(picture.width, picture.height) > kMost / kColumnBytes) {
    return false;
  }
  // In place or copied, no array is longer than all planes together. Copies round rows up to two
  // vectors, and begin at multiples of at most 256 bytes (Vulkan, minStorageBufferOffsetAlignment).
  constexpr size_t kMostAlignment = 256;
  constexpr size_t kRounding = size_t{2} * vulkan::kVectorBytes;
  size_t bytes = 0;
  for (const Plane& plane : planes_of(picture)) {
    const size_t row = std::max<size_t>(std::abs(plane.stride), plane.row_bytes) + kRounding;
    bytes += kMostAlignment + row * plane.rows;
  }
  return bytes <= kMost;
}

}  // namespace daedalus::gpu_kernels
