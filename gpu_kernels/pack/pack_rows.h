// Scalar kernels for one row, shared by the reference and by the SIMD kernels for rows shorter
// than a vector; and the two tables behind pack_functions().
#ifndef DAEDALUS_GPU_KERNELS_PACK_PACK_ROWS_H_
#define DAEDALUS_GPU_KERNELS_PACK_PACK_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "gpu_kernels/pack/pack.h"

namespace daedalus::gpu_kernels::pack {

inline const uint8_t* row_of(SourcePlane plane, uint32_t row) {
  return static_cast<const uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

inline uint8_t* row_of(TargetPlane plane, uint32_t row) {
  return static_cast<uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

// Rows are byte pointers because 16-bit samples need not be aligned; width is in samples or pairs.
void interleave_row_8(const uint8_t* u, const uint8_t* v, uint8_t* uv, size_t width);
void deinterleave_row_8(const uint8_t* uv, uint8_t* u, uint8_t* v, size_t width);
void shift_left_row_16(const uint8_t* from, uint8_t* to, size_t width, int shift);
void shift_right_row_16(const uint8_t* from, uint8_t* to, size_t width, int shift);
void interleave_shift_left_row_16(const uint8_t* u, const uint8_t* v, uint8_t* uv, size_t width,
                                  int shift);
void deinterleave_shift_right_row_16(const uint8_t* uv, uint8_t* u, uint8_t* v, size_t width,
                                     int shift);
void fill_row_16(uint8_t* to, size_t width, uint16_t value);

// Whole bands that need no second version: the C library's memcpy and memset are already vector
// code chosen for the CPU.
void copy_8(SourcePlane from, TargetPlane to, Band band);
void copy_16(SourcePlane from, TargetPlane to, Band band);
void fill_8(TargetPlane to, Band band, uint8_t value);

const PackFunctions& scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const PackFunctions& simd_functions();

}  // namespace daedalus::gpu_kernels::pack

#endif  // DAEDALUS_GPU_KERNELS_PACK_PACK_ROWS_H_
