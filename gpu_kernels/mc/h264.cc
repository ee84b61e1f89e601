#include "gpu_kernels/mc/h264.h"

#include <atomic>
#include <cstring>

#include "gpu_kernels/mc/h264_tables.h"

namespace daedalus::gpu_kernels {
namespace mc {
namespace {

template <size_t kBytes>
void repeat(const uint8_t* sample, int count, uint8_t* to) {
  for (int i = 0; i < count; ++i) std::memcpy(to + i * kBytes, sample, kBytes);
}

template <size_t kBytes>
void copy_extended(const H264Plane& from, const H264Box& box, uint8_t* to, ptrdiff_t stride) {
  const int width = static_cast<int>(from.width);
  const int height = static_cast<int>(from.height);
  // The first column that is inside, and the first one after that which is not.
  const int first = std::clamp(-box.x, 0, box.columns);
  const int end = std::clamp(width - box.x, first, box.columns);
  for (int i = 0; i < box.rows; ++i, to += stride) {
    const uint8_t* const row = from.samples + std::clamp(box.y + i, 0, height - 1) * from.stride;
    repeat<kBytes>(row, first, to);
    if (end > first) {
      std::memcpy(to + first * kBytes, row + (box.x + first) * static_cast<ptrdiff_t>(kBytes),
                  (end - first) * kBytes);
    }
    repeat<kBytes>(row + (width - 1) * kBytes, box.columns - end, to + end * kBytes);
  }
}

}  // namespace

void copy_extended_bytes(const H264Plane& from, const H264Box& box, uint8_t* to, ptrdiff_t stride) {
  copy_extended<1>(from, box, to, stride);
}

void copy_extended_pairs(const H264Plane& from, const H264Box& box, uint8_t* to, ptrdiff_t stride) {
  copy_extended<2>(from, box, to, stride);
}

}  // namespace mc

uint64_t new_h264_content() {
  constexpr uint64_t kNamesEach = 3;
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(kNamesEach);
}

const H264McFunctions& h264_mc_functions(Substrate wish) {
  return wish == Substrate::kScalar ? mc::h264_scalar_functions() : mc::h264_simd_functions();
}

}  // namespace daedalus::gpu_kernels
