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

// So many bytes of noise; null: there is no memory.
std::shared_ptr<uint8_t> noise_in(const PictureMemory& memory, PictureUse use, size_t size,
                                  int bit_depth) {
  auto made = allocate_picture(memory, size, use);
  if (made != nullptr) fill_with_noise(made.get(), size, bit_depth);
  return made;
}

}  // namespace

Result<OutputPlanes> OutputPlanes::create(const Work& work, const PictureMemory& memory) {
  // Of luma; both sizes are multiples of 64, so each plane begins at one.
  const size_t row = size_t{work.width} * (work.bit_depth > 8 ? 2 : 1);
  const size_t size = row * work.height;
  OutputPlanes planes;
  planes.picture_ = noise_in(memory, PictureUse::kDecoded, size * 3 / 2, work.bit_depth);
  planes.image_ = noise_in(memory, PictureUse::kShown, size * 3 / 2, work.bit_depth);
  if (planes.picture_ == nullptr || planes.image_ == nullptr) {
    return Error{ErrorCode::kOutOfMemory, "no memory to measure with"};
  }
  const auto stride = static_cast<ptrdiff_t>(row);
  uint8_t* const y = planes.picture_.get();
  planes.from = {SourcePlane{y, stride}, {y + size, stride / 2}, {y + size * 5 / 4, stride / 2}};
  planes.luma = {planes.image_.get(), stride};
  planes.chroma = {planes.image_.get() + size, stride};
  return planes;
}

}  // namespace daedalus::gpu_kernels
