#include "gpu_kernels/dispatch/pack_measurement.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/pack/pack_vulkan.h"

namespace daedalus::gpu_kernels {
namespace {

constexpr int kPictures = 5;  // measured; odd
// Whoever needs so long for the first picture has lost already.
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

// Planes in pages of their own, as decoders' and clients' are.
class Pages {
 public:
  explicit Pages(size_t size) {
    constexpr size_t kPage = 4096;
    const size_t whole = (size + kPage - 1) / kPage * kPage;
    data_.reset(static_cast<uint8_t*>(std::aligned_alloc(kPage, whole)));
    if (data_ != nullptr) std::fill_n(data_.get(), whole, uint8_t{0x55});
  }
  uint8_t* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(uint8_t* data) const { std::free(data); }
  };
  std::unique_ptr<uint8_t, Free> data_;
};

void pack_on_cpu(const PackPicture& picture) {
  const PackFunctions& pack = pack_functions(Substrate::kSimd);
  const Band luma{picture.luma_width, 0, picture.luma_height};
  const Band chroma{picture.chroma_width, 0, picture.chroma_height};
  if (picture.bit_depth == 8) {
    pack.copy_8(picture.y, picture.luma, luma);
    pack.interleave_8(picture.u, picture.v, picture.chroma, chroma);
  } else {
    pack.low_to_high_16(picture.y, picture.luma, luma, picture.bit_depth);
    pack.interleave_low_to_high_16(picture.u, picture.v, picture.chroma, chroma, picture.bit_depth);
  }
}

}  // namespace

Result<Comparison> measure_pack(VulkanPack& gpu, const Work& work, bool software) {
  const size_t row = size_t{work.width} * (work.bit_depth == 8 ? 1 : 2);
  const size_t samples = row * work.height;
  const std::array<Pages, 5> planes = {Pages(samples), Pages(samples / 4), Pages(samples / 4),
                                       Pages(samples), Pages(samples / 2)};
  for (const Pages& plane : planes) {
    if (plane.data() == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory to measure with"};
  }
  const auto stride = static_cast<ptrdiff_t>(row);
  const PackPicture picture = {.y = {planes[0].data(), stride},
                               .u = {planes[1].data(), stride / 2},
                               .v = {planes[2].data(), stride / 2},
                               .luma = {planes[3].data(), stride},
                               .chroma = {planes[4].data(), stride},
                               .luma_width = work.width,
                               .luma_height = work.height,
                               .chroma_width = work.width / 2,
                               .chroma_height = work.height / 2,
                               .bit_depth = work.bit_depth};
  Status failure;
  const auto on_gpu = [&] {
    const auto done = gpu.run(picture);
    if (!done) failure = done.error();
  };
  const clockid_t gpu_clock = software ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
  pack_on_cpu(picture);
  std::vector<Cost> cpu_costs;
  std::vector<Cost> gpu_costs = {cost_of(gpu_clock, on_gpu)};
  const int pictures = gpu_costs.front().wall > kHopeless ? 1 : kPictures;
  if (pictures > 1) gpu_costs.clear();  // it was the one that warms up
  for (int i = 0; i < pictures && failure; ++i) {
    cpu_costs.push_back(cost_of(CLOCK_THREAD_CPUTIME_ID, [&] { pack_on_cpu(picture); }));
    if (pictures > 1) gpu_costs.push_back(cost_of(gpu_clock, on_gpu));
  }
  if (!failure) return failure.error();
  return Comparison{median(std::move(cpu_costs)), median(std::move(gpu_costs))};
}

}  // namespace daedalus::gpu_kernels
