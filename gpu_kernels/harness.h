// What the tests of the stages share: every compiled SIMD target, memory whose every byte is
// compared, adversarial bytes, and ratios of speed.
#ifndef DAEDALUS_GPU_KERNELS_HARNESS_H_
#define DAEDALUS_GPU_KERNELS_HARNESS_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "gpu_kernels/substrate.h"
#include "gpu_kernels/vectors_128.h"
#include "hwy/targets.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::harness {

// Calls `run` with the table of each compiled target that this CPU supports.
template <typename Functions, typename Run>
void for_each_target(const Functions& (*functions_of)(Substrate), const Run& run) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const Functions& functions = functions_of(Substrate::kSimd);
    const std::string name = functions.target;
    const bool emulated = target == HWY_SCALAR || target == HWY_EMU128;
    CHECK(name == (emulated ? "scalar" : hwy::TargetName(target)));
    CHECK(functions.substrate == (emulated ? Substrate::kScalar : Substrate::kSimd));
    CAPTURE(name);
    run(functions);
  }
  hwy::SetSupportedTargetsForTest(0);
}

template <typename Functions>
void check_wishes(const Functions& (*functions_of)(Substrate)) {
  CHECK(functions_of(Substrate::kScalar).substrate == Substrate::kScalar);
  CHECK(std::string(functions_of(Substrate::kScalar).target) == "scalar");
  CHECK(&functions_of(Substrate::kAuto) == &functions_of(Substrate::kSimd));
  CHECK(&functions_of(Substrate::kVulkan) == &functions_of(Substrate::kSimd));
}

using Random = std::minstd_rand;

// A number from first to last.
inline int draw(Random& random, int first, int last) {
  return std::uniform_int_distribution<int>(first, last)(random);
}

// What finds swapped lanes, overflow and wrong rounding, besides random samples.
// kTaps drives filters of the signs + - + + - + to their ends, across and down.
enum class Fill { kRandom, kExtremes, kRamp, kSame, kNear, kStripes, kChecks, kTaps };
inline constexpr Fill kFills[] = {Fill::kRandom, Fill::kExtremes, Fill::kRamp,   Fill::kSame,
                                  Fill::kNear,   Fill::kStripes,  Fill::kChecks, Fill::kTaps};

// Rows of bytes whose memory ends with the last one, so that an address sanitizer sees a read
// beyond it. Padding is compared too: whatever writes there shows.
class Plane {
 public:
  struct Layout {
    size_t row_bytes;
    size_t rows;
    size_t padding = 0;       // bytes after each row but the last
    size_t misalignment = 0;  // of the first row
  };
  explicit Plane(const Layout& layout)
      : layout_(layout),
        bytes_(layout.misalignment + (layout.rows - 1) * stride() + layout.row_bytes, 0xA5) {}

  ptrdiff_t stride() const { return static_cast<ptrdiff_t>(layout_.row_bytes + layout_.padding); }
  uint8_t* row(size_t y) { return bytes_.data() + layout_.misalignment + y * stride(); }
  const uint8_t* row(size_t y) const { return const_cast<Plane*>(this)->row(y); }
  size_t rows() const { return layout_.rows; }

  void fill(Fill fill, Random& random) {
    const int base = draw(random, 0, 255);
    const int period = draw(random, 1, 6);
    for (size_t y = 0; y < layout_.rows; ++y) {
      for (size_t x = 0; x < layout_.row_bytes; ++x) {
        row(y)[x] = static_cast<uint8_t>(value(fill, random, base, period, x, y));
      }
    }
  }

  bool operator==(const Plane& other) const { return bytes_ == other.bytes_; }

 private:
  static int value(Fill fill, Random& random, int base, int period, size_t x, size_t y) {
    switch (fill) {
      case Fill::kRandom:
        return draw(random, 0, 255);
      case Fill::kExtremes:
        return draw(random, 0, 1) * 255;
      case Fill::kRamp:
        return base + static_cast<int>(x * period + y);
      case Fill::kSame:
        return base;
      case Fill::kNear:
        return std::clamp(base + draw(random, -3, 3), 0, 255);
      case Fill::kStripes:
        return (x / period % 2) * 255;
      case Fill::kChecks:
        return ((x / period + y / period) % 2) * 255;
      default:
        return ((x % 3 == 1) == (y % 3 == 1)) != (base % 2 == 1) ? 255 : 0;
    }
  }

  Layout layout_;
  std::vector<uint8_t> bytes_;
};

// Prints how many times as long as SIMD the reference takes: the median of interleaved pairs.
template <typename Reference, typename Simd>
void print_ratio(const char* name, const char* target, const Reference& reference,
                 const Simd& simd) {
  const auto seconds = [](const auto& run) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::array<double, 15> ratios;
  for (double& ratio : ratios) {
    const double of_reference = seconds(reference);
    ratio = of_reference / seconds(simd);
  }
  std::nth_element(ratios.begin(), ratios.begin() + ratios.size() / 2, ratios.end());
  std::printf("%-32s scalar/%s %.2f\n", name, target, ratios[ratios.size() / 2]);
}

}  // namespace daedalus::gpu_kernels::harness

#endif  // DAEDALUS_GPU_KERNELS_HARNESS_H_
