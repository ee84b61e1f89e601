// The two tables behind h264_mc_functions(), and what the substrates share.
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_TABLES_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_TABLES_H_

#include <algorithm>

#include "gpu_kernels/mc/h264.h"

namespace daedalus::gpu_kernels::mc {

const H264McFunctions& h264_scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const H264McFunctions& h264_simd_functions();

// A block's one or two references: the place of the first in H264Prediction::reference.
inline size_t first_reference(const H264Prediction& prediction) {
  return prediction.reference[0] != H264Prediction::kNone ? 0 : 1;
}

inline bool has_two_references(const H264Prediction& prediction) {
  return prediction.reference[0] != H264Prediction::kNone &&
         prediction.reference[1] != H264Prediction::kNone;
}

// A rectangle of a plane.
struct H264Box {
  int x;
  int y;
  int columns;
  int rows;

  bool is_inside(uint32_t width, uint32_t height) const {
    return x >= 0 && y >= 0 && x + columns <= static_cast<int>(width) &&
           y + rows <= static_cast<int>(height);
  }
};

// Copies a box whose samples beyond the plane are the nearest within. Samples are bytes, or pairs
// of them; width and height are those of the plane, in samples.
struct H264Plane {
  const uint8_t* samples;
  ptrdiff_t stride;  // bytes
  uint32_t width;
  uint32_t height;
};
void copy_extended_bytes(const H264Plane& from, const H264Box& box, uint8_t* to, ptrdiff_t stride);
void copy_extended_pairs(const H264Plane& from, const H264Box& box, uint8_t* to, ptrdiff_t stride);

// How the samples of one component are made of their one or two predictions (8.4.2.3).
struct H264Combination {
  int w0;
  int w1;  // of two
  int rounding;
  int shift;
  int offset;

  H264Combination(const H264McWeights& weights, size_t component,
                  const H264Prediction& prediction) {
    const bool two = has_two_references(prediction);
    w0 = weights.weight[component][first_reference(prediction)];
    w1 = two ? weights.weight[component][1] : 0;
    shift = weights.log2_denominator[component] + (two ? 1 : 0);
    rounding = shift > 0 ? 1 << (shift - 1) : 0;
    offset = weights.offset[component];
  }
  uint8_t operator()(int a, int b) const {
    return static_cast<uint8_t>(
        std::clamp(((a * w0 + b * w1 + rounding) >> shift) + offset, 0, 255));
  }
  // No sum before the shift exceeds 16 bits. So it is in conforming streams (7.4.3.2, 8.4.2.3.1).
  bool fits_16() const {
    return 255 * (std::max(w0, 0) + std::max(w1, 0)) + rounding <= 32767 &&
           255 * (std::min(w0, 0) + std::min(w1, 0)) >= -32768;
  }
};

}  // namespace daedalus::gpu_kernels::mc

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_TABLES_H_
