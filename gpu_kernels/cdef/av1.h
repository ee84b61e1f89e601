// AV1's constrained directional enhancement filter (7.15), for 8 and 10 bit 4:2:0 and 4:0:0: from
// the deblocked picture to another one.
#ifndef DAEDALUS_GPU_KERNELS_CDEF_AV1_H_
#define DAEDALUS_GPU_KERNELS_CDEF_AV1_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// What cdef_idx chooses: as cdef_params() (5.9.19) leaves them, so secondary ones are 0, 1, 2 or 4.
struct Av1CdefStrengths {
  uint8_t y_primary = 0;  // 0 to 15
  uint8_t y_secondary = 0;
  uint8_t uv_primary = 0;
  uint8_t uv_secondary = 0;
};

// A block that stays as it is: all its samples were skipped, or its 64x64 has no cdef_idx.
inline constexpr uint8_t kAv1CdefSkipped = 0xFF;

// One picture. The planes hold whole blocks of 8x8 luma samples (MiCols / 2 across, MiRows / 2
// down), also where the visible picture ends within one: 7.15.3 reads all of them. Targets and
// sources do not overlap. Samples of 10 bits are in the low bits of two bytes and below 1024;
// addresses and strides are as in pack.h.
struct Av1CdefPicture {
  uint32_t blocks_across = 0;  // 1 to 8192, as block_rows
  uint32_t block_rows = 0;
  int bit_depth = 8;        // 8 or 10
  bool monochrome = false;  // then planes[1] and [2] are not touched
  int damping = 3;          // CdefDamping: 3 to 6
  std::array<Av1CdefStrengths, 8> strengths{};
  // Of each block, row after row: which of the strengths, or kAv1CdefSkipped.
  const uint8_t* blocks = nullptr;
  std::array<SourcePlane, 3> from;  // Y, Cb, Cr
  std::array<TargetPlane, 3> to;
};

// kInvalidArgument: something is out of the ranges above, and what. The kernels take only pictures
// that are good.
Status check_av1_cdef(const Av1CdefPicture& picture);

struct Av1CdefFunctions {
  Substrate substrate;
  const char* target;

  // Writes the rows [first, end) of blocks, all planes. They read two luma rows beyond either end;
  // what they write nobody else does, so rows may be shared out to threads as one likes.
  void (*rows_8)(const Av1CdefPicture& picture, uint32_t first, uint32_t end);
  void (*rows_10)(const Av1CdefPicture& picture, uint32_t first, uint32_t end);

  void rows(const Av1CdefPicture& picture, uint32_t first, uint32_t end) const {
    (picture.bit_depth == 8 ? rows_8 : rows_10)(picture, first, end);
  }
};

// What a wish gives, as pack_functions(): whole pictures on a GPU are av1_vulkan.h's.
const Av1CdefFunctions& av1_cdef_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_CDEF_AV1_H_
