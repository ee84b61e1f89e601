// Included before Highway by the film grain kernels and their tests. Vectors are as wide as the
// target's, but scalable ones cannot be elements of arrays; SSSE3, and AVX-512 without permutations
// of bytes, bring nothing that the next smaller target has not.
#ifndef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TARGETS_H_
#define DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TARGETS_H_

#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#endif  // DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_TARGETS_H_
