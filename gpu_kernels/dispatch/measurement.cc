#include "gpu_kernels/dispatch/measurement.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "gpu_kernels/dispatch/measured_pictures.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::gpu_kernels {
namespace {

constexpr int kPictures = 5;  // measured; odd
// Whoever needs so long when it is warm has lost already.
constexpr double kHopeless = 250;

double milliseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

template <typename Run>
Cost cost_of(clockid_t cpu_clock, const Run& run) {
  const double wall = milliseconds(CLOCK_MONOTONIC);
  const double cpu = milliseconds(cpu_clock);
  run();
  return {milliseconds(CLOCK_MONOTONIC) - wall, milliseconds(cpu_clock) - cpu};
}

Cost median(std::vector<Cost> costs) {
  const auto middle = [&](double Cost::*member) {
    const auto half = costs.begin() + static_cast<ptrdiff_t>(costs.size() / 2);
    std::ranges::nth_element(costs, half, {}, member);
    return (*half).*member;
  };
  return {middle(&Cost::wall), middle(&Cost::cpu)};
}

}  // namespace

Result<std::unique_ptr<MeasuredPicture>> MeasuredPicture::create(const Work& work,
                                                                 VulkanStages& gpu,
                                                                 const PictureMemory& memory) {
  constexpr LogLevel kTold = LogLevel::kDebug;  // the error says it
  switch (work.stage) {
    case Stage::kPack:
      if (auto* const pack = gpu.pack(kTold)) return measured_pack(*pack, work, memory);
      break;
    case Stage::kFilmGrain:
      if (auto* const grain = gpu.film_grain(kTold))
        return measured_film_grain(*grain, work, memory);
      break;
    case Stage::kMc:
      if (auto* const inter = gpu.h264_inter(kTold)) return measured_h264_inter(*inter, work);
      break;
    case Stage::kSand:
      if (auto* const sand = gpu.sand(kTold)) return measured_sand(*sand, work, memory);
      break;
    default:
      return Error{ErrorCode::kUnsupported, "the stage is not measured"};
  }
  return Error{ErrorCode::kUnsupported, "no GPU: " + gpu.refusal()};
}

Result<Comparison> measure(MeasuredPicture& picture, bool software) {
  Status failure;
  const auto on_cpu = [&] { picture.on_cpu(); };
  const auto on_gpu = [&] {
    if (const Status done = picture.on_gpu(); !done.ok()) failure = done;
  };
  const clockid_t gpu_clock = software ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
  on_cpu();
  on_gpu();
  std::vector<Cost> cpu_costs;
  std::vector<Cost> gpu_costs;
  for (int i = 0; i < kPictures && failure.ok(); ++i) {
    cpu_costs.push_back(cost_of(CLOCK_THREAD_CPUTIME_ID, on_cpu));
    gpu_costs.push_back(cost_of(gpu_clock, on_gpu));
    if (gpu_costs.back().wall > kHopeless) break;
  }
  if (!failure.ok()) return failure.error();
  return Comparison{median(std::move(cpu_costs)), median(std::move(gpu_costs))};
}

}  // namespace daedalus::gpu_kernels
