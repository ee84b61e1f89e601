#include "gpu_kernels/dispatch/output_planes.h"

#include <algorithm>
#include <cstring>

namespace daedalus::gpu_kernels {
namespace {

// Samples that are neither alike nor out of range. `size`: bytes, a multiple of 4.
void fill_with_noise(uint8_t* to, size_t size, int bit_depth) {
  const uint32_t mask = bit_depth > 8 ? ((uint32_t{1} << bit_depth) - 1) * 0x10001 : ~uint32_t{0};
  uint32_t state = 1;
  for (size_t i = 0; i < size; i += sizeof(state)) {
    state = state * 1664525 + 1013904223;  // Numerical Recipes' generator
    const uint32_t samples = (state ^ state >> 16) & mask;
    std::memcpy(to + i, &samples, sizeof(samples));
  }
}

}  // namespace

Result<OutputPlanes> OutputPlanes::create(const Work& work) {
  const size_t row = size_t{work.width} * (work.bit_depth > 8 ? 2 : 1);
  const size_t size = row * work.height;
  const std::array<size_t, 5> sizes = {size, size / 4, size / 4, size, size / 2};
  OutputPlanes planes;
  for (size_t i = 0; i < sizes.size(); ++i) {
    constexpr size_t kPage = 4096;
    const size_t whole = (sizes[i] + kPage - 1) / kPage * kPage;
    planes.pages_[i].reset(static_cast<uint8_t*>(std::aligned_alloc(kPage, whole)));
    if (planes.pages_[i] == nullptr) {
      return Error{ErrorCode::kOutOfMemory, "no memory to measure with"};
    }
    fill_with_noise(planes.pages_[i].get(), whole, work.bit_depth);
  }
  const auto stride = static_cast<ptrdiff_t>(row);
  planes.from = {SourcePlane{planes.pages_[0].get(), stride},
                 {planes.pages_[1].get(), stride / 2},
                 {planes.pages_[2].get(), stride / 2}};
  planes.luma = {planes.pages_[3].get(), stride};
  planes.chroma = {planes.pages_[4].get(), stride};
  return planes;
}

}  // namespace daedalus::gpu_kernels
