// Coefficients and residuals that the tests of the inverse transforms' substrates share.
#ifndef DAEDALUS_GPU_KERNELS_IDCT_H264_TEST_RESIDUALS_H_
#define DAEDALUS_GPU_KERNELS_IDCT_H264_TEST_RESIDUALS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/idct/h264.h"

namespace daedalus::gpu_kernels::idct_test {

// Coefficients as streams have them, and at the ends of their range.
enum class Values { kSmall, kAny, kExtremes, kSparse, kDcOnly };
inline constexpr Values kValues[] = {Values::kSmall, Values::kAny, Values::kExtremes,
                                     Values::kSparse, Values::kDcOnly};

inline std::vector<int16_t> coefficients_of(Values values, size_t count, harness::Random& random) {
  std::vector<int16_t> to(count);
  for (size_t i = 0; i < count; ++i) {
    switch (values) {
      case Values::kSmall:
        to[i] = static_cast<int16_t>(harness::draw(random, -300, 300));
        break;
      case Values::kAny:
        to[i] = static_cast<int16_t>(harness::draw(random, -32768, 32767));
        break;
      case Values::kExtremes:
        to[i] = harness::draw(random, 0, 1) != 0 ? int16_t{32767} : int16_t{-32768};
        break;
      case Values::kSparse:
        to[i] = harness::draw(random, 0, 7) != 0
                    ? int16_t{0}
                    : static_cast<int16_t>(harness::draw(random, -9999, 9999));
        break;
      case Values::kDcOnly:
        to[i] =
            i % 16 != 0 ? int16_t{0} : static_cast<int16_t>(harness::draw(random, -40000, 40000));
        break;
    }
  }
  return to;
}

// Any blocks of a macroblock; `coefficients` becomes theirs.
inline H264Residual residual_of(Values values, bool transform_8x8, harness::Random& random,
                                std::vector<int16_t>& coefficients) {
  const auto any = [&] { return static_cast<uint32_t>(harness::draw(random, 0, 0xFFFFFF)); };
  const uint32_t allowed = transform_8x8 ? 0xFF1111 : 0xFFFFFF;
  uint32_t full = any();
  uint32_t dc = any();
  if (harness::draw(random, 0, 3) == 0) full = 0xFFFFFF;
  if (harness::draw(random, 0, 3) == 0) full = 0;
  full &= allowed;
  dc &= allowed & ~full;
  const int luma = std::popcount(full & 0xFFFF);
  const size_t count =
      luma * (transform_8x8 ? 64 : 16) + std::popcount(full & 0xFF0000) * 16 + std::popcount(dc);
  coefficients = coefficients_of(values, count, random);
  return {full, dc, transform_8x8, coefficients.data()};
}

}  // namespace daedalus::gpu_kernels::idct_test

#endif  // DAEDALUS_GPU_KERNELS_IDCT_H264_TEST_RESIDUALS_H_
