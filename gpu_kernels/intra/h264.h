// H.264's intra prediction of samples (8.3.1.2, 8.3.2.2, 8.3.3, 8.3.4). Which neighbours there are,
// and which mode follows, is the caller's.
#ifndef DAEDALUS_GPU_KERNELS_INTRA_H264_H_
#define DAEDALUS_GPU_KERNELS_INTRA_H264_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// The modes of tables 8-2 and 8-3 by their numbers, then DC by what is there.
enum class H264IntraMode : uint8_t {
  kVertical,
  kHorizontal,
  kDc,
  kDiagonalDownLeft,
  kDiagonalDownRight,
  kVerticalRight,
  kHorizontalDown,
  kVerticalLeft,
  kHorizontalUp,
  kDcLeft,  // of the left samples alone
  kDcTop,
  kDcNone,  // 128
};
inline constexpr size_t kH264IntraModes = 12;

// Modes of 16x16 luma by their numbers (table 8-4), then DC by what is there.
enum class H264PlaneMode : uint8_t {
  kVertical,
  kHorizontal,
  kDc,
  kPlane,
  kDcLeft,
  kDcTop,
  kDcNone
};
inline constexpr size_t kH264PlaneModes = 7;

// Modes of chroma by their numbers (table 8-5), then DC by what is there. The left samples may be
// there for the upper or the lower four rows alone: constrained intra prediction of a field
// macroblock beside a pair of frame macroblocks.
enum class H264ChromaMode : uint8_t {
  kDc,
  kHorizontal,
  kVertical,
  kPlane,
  kDcLeft,
  kDcTop,
  kDcNone,
  kDcLeftUpper,
  kDcLeftLower,
  kDcTopLeftUpper,
  kDcTopLeftLower,
};
inline constexpr size_t kH264ChromaModes = 11;

// The neighbouring samples. What is not there is not read by a mode that is allowed then, except
// that the caller fills `top` beyond the block's width as 8.3.1.2 says (the last sample repeated).
struct H264Edges4x4 {
  uint8_t corner;
  std::array<uint8_t, 8> top;
  std::array<uint8_t, 4> left;
};
struct H264Edges8x8 {
  uint8_t corner;
  std::array<uint8_t, 16> top;
  std::array<uint8_t, 8> left;
  bool has_corner;
  bool has_top;
  bool has_left;
};
struct H264Edges16x16 {
  uint8_t corner;
  std::array<uint8_t, 16> top;
  std::array<uint8_t, 16> left;
};
// Pairs: Cb, Cr.
struct H264EdgesChroma {
  std::array<uint8_t, 2> corner;
  std::array<uint8_t, 16> top;
  std::array<uint8_t, 16> left;
};

struct H264IntraFunctions {
  Substrate substrate;
  const char* target;

  std::array<void (*)(uint8_t* samples, ptrdiff_t stride, const H264Edges4x4& edges),
             kH264IntraModes>
      predict_4x4;
  // Filters the reference samples first (8.3.2.2.1).
  std::array<void (*)(uint8_t* samples, ptrdiff_t stride, const H264Edges8x8& edges),
             kH264IntraModes>
      predict_8x8;
  std::array<void (*)(uint8_t* samples, ptrdiff_t stride, const H264Edges16x16& edges),
             kH264PlaneModes>
      predict_16x16;
  // 8x8 pairs. DC is one value for each 4x4 block, which samples it is of depends on the block's
  // place and on what is there (8.3.4.1 to 8.3.4.3).
  std::array<void (*)(uint8_t* pairs, ptrdiff_t stride, const H264EdgesChroma& edges),
             kH264ChromaModes>
      predict_chroma;
};

// What a wish gives, as pack_functions().
const H264IntraFunctions& h264_intra_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_INTRA_H264_H_
