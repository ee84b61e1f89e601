// Included before Highway by kernels in vectors of at most 128 bits: NEON's, which the blocks of
// 8-bit video fill. Targets that only add wider vectors bring nothing then, and scalable vectors
// cannot be elements of arrays.
#ifndef DAEDALUS_GPU_KERNELS_VECTORS_128_H_
#define DAEDALUS_GPU_KERNELS_VECTORS_128_H_

#ifndef HWY_DISABLED_TARGETS  // the tests of kernels of other widths say which
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

#endif  // DAEDALUS_GPU_KERNELS_VECTORS_128_H_
