#include "gpu_kernels/mc/h264_vulkan.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gpu_kernels/mc/h264_held_references.h"
#include "gpu_kernels/mc/h264_tables.h"
#include "gpu_kernels/mc/h264_tasks.h"
#include "gpu_kernels/mc/shaders.h"
#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/deadline_mutex.h"
#include "gpu_kernels/vulkan/device.h"
#include "gpu_kernels/vulkan/failure_log.h"
#include "gpu_kernels/vulkan/kernel.h"
#include "gpu_kernels/vulkan/room.h"

namespace daedalus::gpu_kernels {
namespace {

using mc::H264Combination;
using mc::H264DeviceReferences;
using mc::H264HeldReferences;
using mc::H264Tasks;
using vulkan::Array;
using vulkan::Batch;
using vulkan::Deadline;
using vulkan::Device;
using vulkan::Kernel;
using vulkan::Room;

// As h264_mc_combine.glsl reads it.
struct DeviceWeights {
  uint32_t weights;
  int32_t rounding;
  int32_t shift;
  int32_t offset;
};

DeviceWeights device_weights(const H264McWeights& weights, size_t component, size_t variant) {
  H264Prediction prediction;
  if (variant != 1) prediction.reference[0] = 0;
  if (variant != 0) prediction.reference[1] = 0;
  const H264Combination made(weights, component, prediction);
  return {(static_cast<uint32_t>(made.w0) & 0xFFFF) | static_cast<uint32_t>(made.w1) << 16,
          made.rounding, made.shift, made.offset};
}

void copy_out(const uint8_t* from, size_t from_stride, uint8_t* to, ptrdiff_t to_stride,
              uint32_t rows) {
  for (uint32_t y = 0; y < rows; ++y, from += from_stride, to += to_stride) {
    std::memcpy(to, from, from_stride);
  }
}

class InterOnDevice final : public VulkanH264Inter {
 public:
  explicit InterOnDevice(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  ~InterOnDevice() override;

  Status create();
  Status run(const H264InterPicture& picture, Deadline deadline) override;
  uint64_t references_copied() const override { return references_.copied(); }

 private:
  Status make(const H264InterPicture& picture, Deadline deadline);
  Status copy_weights(std::span<const H264McWeights> weights);
  template <typename Entry>
  Status copy_list(const std::vector<Entry>& list, Room& to);
  Status dispatch_tasks(const Kernel& kernel, const Room& tasks, size_t count);
  Status dispatch_combining(const Kernel& kernel, const Room& blocks, size_t count,
                            const H264DevicePicture& picture);
  Status record(const H264InterPicture& picture, const H264DevicePicture& target);

  const std::shared_ptr<Device> device_;
  vulkan::DeadlineMutex mutex_;
  std::unique_ptr<Kernel> luma_, chroma_, combine_luma_, combine_chroma_;
  std::unique_ptr<VulkanH264Idct> idct_;
  H264DeviceReferences placed_;
  H264Tasks tasks_;
  H264HeldReferences references_;
  Room samples_, weights_;
  Room luma_tasks_, chroma_tasks_, combined_luma_, combined_chroma_;
  uint64_t pictures_ = 0;
  vulkan::FailureLog failures_;
  std::unique_ptr<Batch> batch_;  // the last: see there
};

InterOnDevice::~InterOnDevice() {
  if (pictures_ == 0) return;
  log(LogLevel::kInfo,
      "the GPU predicted %" PRIu64 " H.264 pictures, %" PRIu64 " references copied", pictures_,
      references_.copied());
}

Status InterOnDevice::create() {
  Status kernels =
      vulkan::create_kernels(*device_, {{luma_, shaders::h264_mc_luma, 0},
                                        {chroma_, shaders::h264_mc_chroma, 0},
                                        {combine_luma_, shaders::h264_mc_combine_luma, 1},
                                        {combine_chroma_, shaders::h264_mc_combine_chroma, 1}});
  if (!kernels.ok()) return kernels;
  auto idct = VulkanH264Idct::create(*device_);
  if (!idct) return idct.error();
  idct_ = std::move(*idct);
  auto batch = Batch::create(*device_);
  if (!batch) return batch.error();
  batch_ = std::move(*batch);
  return {};
}

Status InterOnDevice::run(const H264InterPicture& picture, Deadline deadline) {
  std::unique_lock lock(mutex_, deadline);
  if (!lock) return vulkan::busy_with_others();
  Status made = batch_->ready(deadline);
  if (made.ok()) made = make(picture, deadline);
  if (!made.ok()) failures_.tell(*device_, made.error());
  return made;
}

Status InterOnDevice::copy_weights(std::span<const H264McWeights> weights) {
  constexpr size_t kComponents = 3;
  if (weights.size() > H264Tasks::kMostWeights) {
    return Error{ErrorCode::kUnsupported, "more weights than the GPU's tasks can name"};
  }
  const size_t count = std::max<size_t>(weights.size(), 1) * H264Tasks::kWeightVariants;
  Status made = weights_.make(*device_, count * kComponents * sizeof(DeviceWeights));
  if (!made.ok()) return made;
  auto* to = weights_.as<DeviceWeights>();
  for (const H264McWeights& each : weights) {
    for (size_t variant = 0; variant < H264Tasks::kWeightVariants; ++variant) {
      for (size_t component = 0; component < kComponents; ++component) {
        *to++ = device_weights(each, component, variant);
      }
    }
  }
  return {};
}

template <typename Entry>
Status InterOnDevice::copy_list(const std::vector<Entry>& list, Room& to) {
  if (list.empty()) return {};
  if (Status made = to.make(*device_, list.size() * sizeof(Entry)); !made.ok()) return made;
  std::copy(list.begin(), list.end(), to.as<Entry>());
  return {};
}

Status InterOnDevice::dispatch_tasks(const Kernel& kernel, const Room& tasks, size_t count) {
  if (count == 0) return {};
  const std::array<Array, 3> arrays = {samples_.array(), references_.array(), tasks.array()};
  return batch_->dispatch(kernel, arrays, {}, static_cast<uint32_t>(count / H264Tasks::kGroup), 1);
}

Status InterOnDevice::dispatch_combining(const Kernel& kernel, const Room& blocks, size_t count,
                                         const H264DevicePicture& picture) {
  if (count == 0) return {};
  const std::array<Array, 4> arrays = {samples_.array(), samples_.array(), blocks.array(),
                                       weights_.array()};
  const std::array<uint32_t, 1> parameters = {picture.stride() / uint32_t{sizeof(uint32_t)}};
  return batch_->dispatch(kernel, arrays, parameters,
                          static_cast<uint32_t>(count / H264Tasks::kGroup), 1);
}

Status InterOnDevice::record(const H264InterPicture& picture, const H264DevicePicture& target) {
  if (Status begun = batch_->begin(); !begun.ok()) return begun;
  Status status = dispatch_tasks(*luma_, luma_tasks_, tasks_.luma().size());
  if (status.ok()) status = dispatch_tasks(*chroma_, chroma_tasks_, tasks_.chroma().size());
  if (!status.ok()) return status;
  batch_->finish_writes();
  status =
      dispatch_combining(*combine_luma_, combined_luma_, tasks_.combined_luma().size(), target);
  if (status.ok()) {
    status = dispatch_combining(*combine_chroma_, combined_chroma_, tasks_.combined_chroma().size(),
                                target);
  }
  if (!status.ok()) return status;
  batch_->finish_writes();
  return idct_->add(picture.residuals, target, samples_.array(), *batch_);
}

Status InterOnDevice::make(const H264InterPicture& picture, Deadline deadline) {
  const H264DevicePicture target{picture.width, picture.height};
  Status placed =
      references_.place(*device_, picture.pictures.references, picture.predictions, placed_);
  if (!placed.ok()) return placed;
  if (Status copied = copy_weights(picture.pictures.weights); !copied.ok()) return copied;
  tasks_.begin(target);
  for (const H264Prediction& prediction : picture.predictions) tasks_.add(prediction, placed_);
  tasks_.finish();
  Status status = samples_.make(*device_, tasks_.bytes());
  if (status.ok()) status = copy_list(tasks_.luma(), luma_tasks_);
  if (status.ok()) status = copy_list(tasks_.chroma(), chroma_tasks_);
  if (status.ok()) status = copy_list(tasks_.combined_luma(), combined_luma_);
  if (status.ok()) status = copy_list(tasks_.combined_chroma(), combined_chroma_);
  if (status.ok()) status = record(picture, target);
  if (status.ok()) status = batch_->run(deadline);
  if (!status.ok()) return status;
  ++pictures_;
  const auto* made = samples_.as<uint8_t>();
  copy_out(made, target.stride(), picture.pictures.luma, picture.pictures.luma_stride,
           target.height);
  copy_out(made + target.chroma(), target.stride(), picture.pictures.chroma,
           picture.pictures.chroma_stride, target.height / 2);
  return {};
}

}  // namespace

Result<std::unique_ptr<VulkanH264Inter>> VulkanH264Inter::create(std::shared_ptr<Device> device) {
  auto made = std::make_unique<InterOnDevice>(std::move(device));
  if (const Status created = made->create(); !created.ok()) return created.error();
  return std::unique_ptr<VulkanH264Inter>(std::move(made));
}

}  // namespace daedalus::gpu_kernels
