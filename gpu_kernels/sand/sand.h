// From the packed and tiled pictures of hardware decoders to NV12 and P010: NC12 and NC30, the SAND
// columns of the Raspberry Pi's HEVC block, and NV15, rkvdec's 10 bit. Every substrate writes the
// same bytes.
//
// Rules for all kernels:
// - Luma and chroma planes are alike: a chroma row is Cb and Cr in turn, and each counts as a
//   sample in Band::width.
// - Only what holds the samples [0, width) of rows [first_row, end_row) is read, in whole words of
//   32 bits (NC30) or bytes; only those samples are written. A source and a target of one call must
//   not overlap.
// - Nothing need be aligned. Strides of targets and of NV15 are in bytes and may be negative.
// - Disjoint bands of one picture may run on different threads at the same time.
#ifndef DAEDALUS_GPU_KERNELS_SAND_SAND_H_
#define DAEDALUS_GPU_KERNELS_SAND_SAND_H_

#include <cstddef>
#include <cstdint>

#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// A plane of NC12 or NC30: columns whose rows follow each other (V4L2_PIX_FMT_NV12_COL128 and
// V4L2_PIX_FMT_NV12_10_COL128, "pixfmt-nv12-col128" of the Raspberry Pi's kernel). The columns of
// luma and chroma lie in turn, so each plane's stride goes over both.
struct ColumnPlane {
  const void* data = nullptr;
  size_t column_stride = 0;  // bytes from a column to the next
};

// Of one row of a column.
inline constexpr uint32_t kColumnBytes = 128;
inline constexpr uint32_t kNc12ColumnSamples = 128;
inline constexpr uint32_t kNc30ColumnSamples = 96;

// Bytes that hold a row of NV15.
constexpr size_t nv15_row_bytes(size_t samples) { return (samples * 10 + 7) / 8; }

struct SandFunctions {
  Substrate substrate;  // what these functions are: kScalar or kSimd
  const char* target;   // instruction set, for statistics: "scalar", "NEON", "AVX2", ...

  // Columns to a plane of NV12.
  void (*unpack_nc12)(ColumnPlane from, TargetPlane to, Band band);
  // Columns to a plane of P010. Three samples are in a little-endian word, the first in its lowest
  // bits; the two highest bits are not looked at.
  void (*unpack_nc30)(ColumnPlane from, TargetPlane to, Band band);
  // A plane of NV15 (V4L2_PIX_FMT_NV15, "pixfmt-yuv-planar") to one of P010. Samples follow each
  // other in a little-endian string of bits, four in five bytes.
  void (*unpack_nv15)(SourcePlane from, TargetPlane to, Band band);
};

// The kernels for a wish, as pack_functions() gives them.
const SandFunctions& sand_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_SAND_SAND_H_
