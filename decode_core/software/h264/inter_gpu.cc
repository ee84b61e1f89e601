#include "decode_core/software/h264/inter_gpu.h"

#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::core::h264 {
namespace {

using gpu_kernels::Stage;
using gpu_kernels::Substrate;
using gpu_kernels::Work;

Work work_of(uint32_t width, uint32_t height) { return Work::of(Stage::kMc, width, height, 8); }

}  // namespace

InterGpu::InterGpu(gpu_kernels::Dispatcher* dispatcher,
                   const gpu_kernels::SubstrateChoice& substrate)
    : dispatcher_(dispatcher),
      asked_(substrate.of(Stage::kMc) == Substrate::kVulkan),
      measured_(substrate.of(Stage::kMc) == Substrate::kAuto &&
                substrate.of(Stage::kIdct) == Substrate::kAuto),
      adds_residual_(measured_ || substrate.of(Stage::kIdct) == Substrate::kVulkan) {}

bool InterGpu::takes(uint32_t width, uint32_t height) {
  if (dispatcher_ == nullptr || !(asked_ || measured_) || too_much_) return false;
  if (measured_ && !dispatcher_->prefers_gpu(work_of(width, height))) return false;
  return dispatcher_->stages().h264_inter() != nullptr;
}

Status InterGpu::run(const gpu_kernels::H264InterPicture& picture) {
  gpu_kernels::VulkanH264Inter* const gpu = dispatcher_->stages().h264_inter();
  if (gpu == nullptr) return Error{ErrorCode::kNotFound, "the GPU was lost before"};
  const auto run = [&](gpu_kernels::vulkan::Deadline deadline) {
    return gpu->run(picture, deadline);
  };
  Status done = measured_ ? dispatcher_->have_done(work_of(picture.width, picture.height), run)
                          : run(gpu_kernels::vulkan::kNoDeadline);
  if (!done.ok() && done.error().code == ErrorCode::kUnsupported) too_much_ = true;
  return done;
}

}  // namespace daedalus::core::h264
