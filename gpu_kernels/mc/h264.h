// H.264's inter prediction (8.4.2.2, 8.4.2.3): quarter-sample luma, eighth-sample chroma, weights.
#ifndef DAEDALUS_GPU_KERNELS_MC_H264_H_
#define DAEDALUS_GPU_KERNELS_MC_H264_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// A reference picture: NV12, a frame or, with doubled strides, a field. Reads outside of it give
// its nearest sample (8.4.2.2.1), for vectors of any value.
struct H264McReference {
  const uint8_t* luma = nullptr;
  const uint8_t* chroma = nullptr;
  ptrdiff_t luma_stride = 0;  // bytes
  ptrdiff_t chroma_stride = 0;
  uint32_t width = 0;  // luma samples, even
  uint32_t height = 0;
  // What a field of the other parity adds to the vertical chroma vector, in eighths of a chroma
  // sample: -2, 0 or 2 (table 8-9).
  int8_t chroma_offset = 0;
  // A name of the samples for who keeps copies of them: as long as it is used, in all the process,
  // they are the same, and of this size. 0: none.
  uint64_t content = 0;
};

// Explicit or implicit weights (8.4.2.3.2), components Y, Cb, Cr.
struct H264McWeights {
  // -128 to 128; any sum of two is exact.
  std::array<std::array<int16_t, 2>, 3> weight{};  // of the first and the second reference
  // o of a single reference; (o0 + o1 + 1) >> 1 of two.
  std::array<int16_t, 3> offset{};
  std::array<uint8_t, 3> log2_denominator{};  // logWD, 0 to 7
};

// One block.
struct H264Prediction {
  static constexpr uint8_t kNone = 0xFF;
  static constexpr uint16_t kUnweighted = 0xFFFF;
  uint16_t x = 0;  // luma samples in the target, multiples of 4
  uint16_t y = 0;
  uint8_t width = 0;  // luma samples: 16, 8 or 4; 16x4 and 4x16 are none of the sizes
  uint8_t height = 0;
  // Indices into H264McPictures::references; a single one may stand first or second.
  std::array<uint8_t, 2> reference{kNone, kNone};
  std::array<std::array<int16_t, 2>, 2> vector{};  // x, y in quarter luma samples
  uint16_t weights = kUnweighted;                  // index into H264McPictures::weights
};

struct H264McPictures {
  // The target. A reference may be the other field of the same memory, but no sample is both
  // written and read.
  uint8_t* luma = nullptr;
  uint8_t* chroma = nullptr;  // null: luma alone is predicted
  ptrdiff_t luma_stride = 0;
  ptrdiff_t chroma_stride = 0;
  std::span<const H264McReference> references;
  std::span<const H264McWeights> weights;
};

struct H264McFunctions {
  Substrate substrate;
  const char* target;

  // Writes the blocks of the list, which do not overlap, luma and chroma, inside the target.
  void (*predict)(const H264McPictures& pictures, const H264Prediction* list, size_t count);
};

// For H264McReference::content: a new name, for a frame and, by field_content(), for each of its
// fields. Thread-safe.
uint64_t new_h264_content();
// `frame`: such a name; 0 has no fields with one.
constexpr uint64_t field_content(uint64_t frame, bool bottom) {
  return frame == 0 ? 0 : frame + (bottom ? 2 : 1);
}

// What a wish gives, as pack_functions().
const H264McFunctions& h264_mc_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_MC_H264_H_
