// The output pass's pixel kernels: from a decoder's planar picture to what a client reads (NV12,
// P010) and back. Every substrate writes the same bytes.
//
// Rules for all kernels:
// - Planes are addressed as data + row * stride; stride is in bytes and may be negative. Neither
//   data nor stride needs any alignment, 16-bit planes included. 16-bit samples are native-endian
//   (little-endian on every supported board).
// - Only samples [0, width) of rows [first_row, end_row) are read and written; padding stays as it
//   is. A source and a target of one call must not overlap.
// - Disjoint bands of one picture may run on different threads at the same time.
// - "High" means samples in the high bits of uint16_t (P010, P012, P016), "low" in the low bits
//   (what decoders write for 9..16 bits). bit_depth is 9..16.
#ifndef DAEDALUS_GPU_KERNELS_PACK_PACK_H_
#define DAEDALUS_GPU_KERNELS_PACK_PACK_H_

#include <cstddef>
#include <cstdint>

#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

struct SourcePlane {
  const void* data = nullptr;
  ptrdiff_t stride = 0;  // bytes
};

struct TargetPlane {
  void* data = nullptr;
  ptrdiff_t stride = 0;  // bytes
};

// The part of a plane that one call works on. Width is in samples of one component: for the
// interleaving kernels in pairs, i.e. the chroma width. Width is at least 1; an empty row range is
// allowed.
struct Band {
  uint32_t width = 0;
  uint32_t first_row = 0;
  uint32_t end_row = 0;  // one past the last
};

// The 4:2:0 chroma size that goes with a luma width or height: half, rounded up.
constexpr uint32_t chroma_420(uint32_t luma) { return luma / 2 + luma % 2; }

struct PackFunctions {
  Substrate substrate;  // what these functions are: kScalar or kSimd
  const char* target;   // instruction set, for statistics: "scalar", "NEON", "AVX2", ...

  void (*copy_8)(SourcePlane from, TargetPlane to, Band band);
  void (*copy_16)(SourcePlane from, TargetPlane to, Band band);

  // I420 or YV12 chroma to NV12's second plane: u0 v0 u1 v1 ...
  void (*interleave_8)(SourcePlane u, SourcePlane v, TargetPlane uv, Band band);
  // NV12's second plane to I420 or YV12 chroma.
  void (*deinterleave_8)(SourcePlane uv, TargetPlane u, TargetPlane v, Band band);

  // Low planar luma to P010's first plane; bits above bit_depth are dropped.
  void (*low_to_high_16)(SourcePlane low, TargetPlane high, Band band, int bit_depth);
  // Low planar chroma to P010's second plane.
  void (*interleave_low_to_high_16)(SourcePlane u, SourcePlane v, TargetPlane uv, Band band,
                                    int bit_depth);
  // P010's planes to low planar ones; the lowest 16 - bit_depth bits are dropped.
  void (*high_to_low_16)(SourcePlane high, TargetPlane low, Band band, int bit_depth);
  void (*deinterleave_high_to_low_16)(SourcePlane uv, TargetPlane u, TargetPlane v, Band band,
                                      int bit_depth);

  // One value everywhere: the grey chroma (1 << (bits - 1)) that 4:0:0 pictures lack.
  void (*fill_8)(TargetPlane to, Band band, uint8_t value);
  void (*fill_16)(TargetPlane to, Band band, uint16_t value);
};

// The kernels for a wish. kAuto means kSimd, and so does kVulkan: a GPU packs whole pictures
// (pack_vulkan.h), the CPU what it leaves or fails at; the table's own `substrate` and `target` say
// what will run. A CPU without a SIMD target that this build knows gets scalar code
// and a table that says so. Cheap, any thread; the table lives forever.
const PackFunctions& pack_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_PACK_PACK_H_
