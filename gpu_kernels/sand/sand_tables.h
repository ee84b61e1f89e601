// Scalar kernels for one row, shared by the reference and by the SIMD kernels for what is shorter
// than a vector; and the two tables behind sand_functions().
#ifndef DAEDALUS_GPU_KERNELS_SAND_SAND_TABLES_H_
#define DAEDALUS_GPU_KERNELS_SAND_SAND_TABLES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "gpu_kernels/sand/sand.h"

namespace daedalus::gpu_kernels::sand {

inline constexpr uint32_t kSamplesPerWord = 3;

// P010's bits of a 16-bit sample.
inline constexpr uint16_t kHighTen = 0xFFC0;

inline const uint8_t* row_of(SourcePlane plane, uint32_t row) {
  return static_cast<const uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

inline uint8_t* row_of(TargetPlane plane, uint32_t row) {
  return static_cast<uint8_t*>(plane.data) + static_cast<ptrdiff_t>(row) * plane.stride;
}

// Calls row(from, to, samples) for the rows of each column, in the order of the memory: hardware's
// buffers are often uncached, where only neighbouring reads are fast.
template <uint32_t kColumnSamples, uint32_t kSampleBytes, typename Row>
void for_each_column_row(ColumnPlane from, TargetPlane to, Band band, const Row& row) {
  const auto* column = static_cast<const uint8_t*>(from.data);
  for (uint32_t x = 0; x < band.width; x += kColumnSamples, column += from.column_stride) {
    const uint32_t samples = std::min(kColumnSamples, band.width - x);
    for (uint32_t y = band.first_row; y < band.end_row; ++y) {
      row(column + size_t{y} * kColumnBytes, row_of(to, y) + size_t{x} * kSampleBytes, samples);
    }
  }
}

// Rows are byte pointers because neither words nor 16-bit samples need be aligned.
void unpack_nc30_row(const uint8_t* from, uint8_t* to, size_t samples);
// `from` is where sample 0 of a group of four is.
void unpack_nv15_row(const uint8_t* from, uint8_t* to, size_t samples);

// A plane that needs no second version: the C library's memcpy is already vector code chosen for
// the CPU.
void unpack_nc12(ColumnPlane from, TargetPlane to, Band band);

const SandFunctions& scalar_functions();
// The best compiled target that this CPU supports; follows hwy::SetSupportedTargetsForTest.
const SandFunctions& simd_functions();

}  // namespace daedalus::gpu_kernels::sand

#endif  // DAEDALUS_GPU_KERNELS_SAND_SAND_TABLES_H_
