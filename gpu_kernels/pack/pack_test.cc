#include "gpu_kernels/pack/pack.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "hwy/targets.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using Sources = std::array<SourcePlane, 2>;
using Targets = std::array<TargetPlane, 2>;

// One kernel of the table in a common shape: bytes that one unit of Band::width takes in each of
// its planes (0: no such plane), and how to call it.
struct Kernel {
  const char* name;
  std::array<uint32_t, 2> source_bytes;
  std::array<uint32_t, 2> target_bytes;
  void (*run)(const PackFunctions&, const Sources&, const Targets&, Band, int bit_depth);
};

#define KERNEL_ARGUMENTS                                                      \
  [[maybe_unused]] const PackFunctions &f, [[maybe_unused]] const Sources &s, \
      [[maybe_unused]] const Targets &t, [[maybe_unused]] Band b, [[maybe_unused]] int depth

const Kernel kKernels[] = {
    {"copy_8", {1, 0}, {1, 0}, [](KERNEL_ARGUMENTS) { f.copy_8(s[0], t[0], b); }},
    {"copy_16", {2, 0}, {2, 0}, [](KERNEL_ARGUMENTS) { f.copy_16(s[0], t[0], b); }},
    {"interleave_8", {1, 1}, {2, 0}, [](KERNEL_ARGUMENTS) { f.interleave_8(s[0], s[1], t[0], b); }},
    {"deinterleave_8",
     {2, 0},
     {1, 1},
     [](KERNEL_ARGUMENTS) { f.deinterleave_8(s[0], t[0], t[1], b); }},
    {"low_to_high_16",
     {2, 0},
     {2, 0},
     [](KERNEL_ARGUMENTS) { f.low_to_high_16(s[0], t[0], b, depth); }},
    {"interleave_low_to_high_16",
     {2, 2},
     {4, 0},
     [](KERNEL_ARGUMENTS) { f.interleave_low_to_high_16(s[0], s[1], t[0], b, depth); }},
    {"high_to_low_16",
     {2, 0},
     {2, 0},
     [](KERNEL_ARGUMENTS) { f.high_to_low_16(s[0], t[0], b, depth); }},
    {"deinterleave_high_to_low_16",
     {4, 0},
     {2, 2},
     [](KERNEL_ARGUMENTS) { f.deinterleave_high_to_low_16(s[0], t[0], t[1], b, depth); }},
    {"fill_8", {0, 0}, {1, 0}, [](KERNEL_ARGUMENTS) { f.fill_8(t[0], b, 0x81); }},
    {"fill_16", {0, 0}, {2, 0}, [](KERNEL_ARGUMENTS) { f.fill_16(t[0], b, 0x8241); }},
};

// How the planes of one run lie in memory.
struct Layout {
  uint32_t width;
  uint32_t padding;       // bytes after each row
  uint32_t misalignment;  // of the first sample's address, bytes
  bool bottom_up;         // negative stride
};

constexpr uint32_t kRows = 3;
constexpr uint8_t kCanary = 0xA5;

// A plane that ends with its last visible sample, so that an address sanitizer sees a read beyond
// it; everything but the visible samples is canary.
class TestPlane {
 public:
  TestPlane(const Layout& layout, uint32_t unit_bytes)
      : row_bytes_(layout.width * unit_bytes),
        stride_(row_bytes_ + layout.padding),
        first_(layout.misalignment),
        bottom_up_(layout.bottom_up),
        bytes_(first_ + (kRows - 1) * stride_ + row_bytes_, kCanary) {}

  SourcePlane source() const { return {row(0), stride()}; }
  TargetPlane target() { return {const_cast<uint8_t*>(row(0)), stride()}; }

  void fill(const std::function<uint8_t(size_t)>& byte_at) {
    size_t i = 0;
    for (uint32_t y = 0; y < kRows; ++y) {
      std::generate_n(const_cast<uint8_t*>(row(y)), row_bytes_, [&] { return byte_at(i++); });
    }
  }

  // Were only rows [first_row, end_row) written?
  bool canaries_intact(const Band& band) const {
    std::vector<uint8_t> covered = bytes_;
    for (uint32_t y = band.first_row; y < band.end_row; ++y) {
      std::fill_n(covered.begin() + (row(y) - bytes_.data()), row_bytes_, kCanary);
    }
    return std::all_of(covered.begin(), covered.end(), [](uint8_t b) { return b == kCanary; });
  }

  bool operator==(const TestPlane& other) const { return bytes_ == other.bytes_; }

 private:
  ptrdiff_t stride() const {
    return bottom_up_ ? -static_cast<ptrdiff_t>(stride_) : static_cast<ptrdiff_t>(stride_);
  }
  const uint8_t* row(uint32_t y) const {
    return bytes_.data() + first_ + (bottom_up_ ? kRows - 1 - y : y) * stride_;
  }

  size_t row_bytes_;
  size_t stride_;
  size_t first_;
  bool bottom_up_;
  std::vector<uint8_t> bytes_;
};

struct Fill {
  const char* name;
  std::function<uint8_t(size_t)> byte_at;
};

// Random bytes, and what finds swapped lanes, lost carries between the bytes of a sample and
// saturation (packing instructions clamp).
std::vector<Fill> fills(uint32_t seed) {
  auto random = std::make_shared<std::minstd_rand>(seed);
  return {
      {"random", [random](size_t) { return static_cast<uint8_t>((*random)() >> 8); }},
      {"ramp", [](size_t i) { return static_cast<uint8_t>(i); }},
      {"zero", [](size_t) { return uint8_t{0}; }},
      {"ones", [](size_t) { return uint8_t{0xFF}; }},
      {"low byte", [](size_t i) { return static_cast<uint8_t>(i % 2 ? 0 : 0xFF); }},
      {"high byte", [](size_t i) { return static_cast<uint8_t>(i % 2 ? 0x80 : 0); }},
  };
}

struct Planes {
  Planes(const Kernel& kernel, const Layout& layout) {
    for (uint32_t unit : kernel.source_bytes) sources.emplace_back(layout, unit);
    for (uint32_t unit : kernel.target_bytes) targets.emplace_back(layout, unit);
  }
  void run(const Kernel& kernel, const PackFunctions& functions, Band band, int bit_depth) {
    kernel.run(functions, {sources[0].source(), sources[1].source()},
               {targets[0].target(), targets[1].target()}, band, bit_depth);
  }
  bool canaries_intact(const Band& band) const {
    return targets[0].canaries_intact(band) && targets[1].canaries_intact(band);
  }
  std::vector<TestPlane> sources;
  std::vector<TestPlane> targets;
};

std::vector<uint32_t> widths() {
  std::vector<uint32_t> all;
  for (uint32_t width = 1; width <= 130; ++width) all.push_back(width);
  for (uint32_t width = 1919; width <= 1921; ++width) all.push_back(width);
  return all;
}

constexpr struct {
  uint32_t padding;
  uint32_t misalignment;
  bool bottom_up;
} kMemory[] = {{0, 0, false}, {64, 0, false}, {1, 1, false}, {2, 14, true}, {17, 3, true}};

// Runs one kernel of `functions` and of the reference on the same planes.
void compare_with_scalar(const Kernel& kernel, const PackFunctions& functions,
                         const Layout& layout) {
  constexpr Band kBands[] = {{0, 0, kRows}, {0, 1, 2}, {0, 2, 2}};
  constexpr int kDepths[] = {9, 10, 12, 16};
  uint32_t turn = layout.width;
  for (const Fill& fill : fills(layout.width + 1)) {
    Band band = kBands[turn % 3];
    band.width = layout.width;
    const int bit_depth = kDepths[turn++ % 4];
    Planes expected(kernel, layout);
    for (TestPlane& plane : expected.sources) plane.fill(fill.byte_at);
    Planes actual = expected;
    expected.run(kernel, pack_functions(Substrate::kScalar), band, bit_depth);
    actual.run(kernel, functions, band, bit_depth);
    if (actual.targets == expected.targets && actual.sources == expected.sources &&
        expected.canaries_intact(band)) {
      continue;
    }
    FAIL(kernel.name << " " << functions.target << ", width " << layout.width << ", padding "
                     << layout.padding << ", misalignment " << layout.misalignment << ", rows "
                     << band.first_row << ".." << band.end_row << ", depth " << bit_depth
                     << ", fill " << fill.name);
  }
}

// Calls `run` with the table of each compiled target that this CPU supports.
void for_each_target(const std::function<void(const PackFunctions&)>& run) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const PackFunctions& functions = pack_functions(Substrate::kSimd);
    const std::string name = functions.target;
    const bool emulated = target == HWY_SCALAR || target == HWY_EMU128;
    CHECK(name == (emulated ? "scalar" : hwy::TargetName(target)));
    CHECK(functions.substrate == (emulated ? Substrate::kScalar : Substrate::kSimd));
    run(functions);
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST_CASE("every SIMD target writes what the reference writes, and nothing else", "[pack]") {
  for_each_target([](const PackFunctions& functions) {
    for (const Kernel& kernel : kKernels) {
      CAPTURE(std::string(kernel.name), std::string(functions.target));
      for (const uint32_t width : widths()) {
        for (const auto& memory : kMemory) {
          compare_with_scalar(kernel, functions,
                              {width, memory.padding, memory.misalignment, memory.bottom_up});
        }
      }
      SUCCEED();
    }
  });
}

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

TEST_CASE("NV12 chroma is u first, then v", "[pack]") {
  const std::vector<uint8_t> u = {1, 2, 3};
  const std::vector<uint8_t> v = {11, 12, 13};
  for (const Substrate substrate : kBoth) {
    const PackFunctions& f = pack_functions(substrate);
    std::vector<uint8_t> uv(6);
    f.interleave_8({u.data(), 3}, {v.data(), 3}, {uv.data(), 6}, {3, 0, 1});
    CHECK(uv == std::vector<uint8_t>{1, 11, 2, 12, 3, 13});
    std::vector<uint8_t> u_back(3), v_back(3);
    f.deinterleave_8({uv.data(), 6}, {u_back.data(), 3}, {v_back.data(), 3}, {3, 0, 1});
    CHECK(u_back == u);
    CHECK(v_back == v);
  }
}

TEST_CASE("P010 holds its samples in the ten high bits", "[pack]") {
  const std::vector<uint16_t> low = {0, 1, 0x200, 0x3FF, 0xFFFF};
  const std::vector<uint16_t> high = {0, 0x40, 0x8000, 0xFFC0, 0xFFC0};
  for (const Substrate substrate : kBoth) {
    const PackFunctions& f = pack_functions(substrate);
    std::vector<uint16_t> packed(5);
    f.low_to_high_16({low.data(), 10}, {packed.data(), 10}, {5, 0, 1}, 10);
    CHECK(packed == high);
    std::vector<uint16_t> unpacked(5);
    f.high_to_low_16({packed.data(), 10}, {unpacked.data(), 10}, {5, 0, 1}, 10);
    CHECK(unpacked == std::vector<uint16_t>{0, 1, 0x200, 0x3FF, 0x3FF});

    std::vector<uint16_t> uv(4);
    f.interleave_low_to_high_16({low.data() + 1, 4}, {low.data() + 2, 4}, {uv.data(), 8}, {2, 0, 1},
                                10);
    CHECK(uv == std::vector<uint16_t>{0x40, 0x8000, 0x8000, 0xFFC0});
    std::vector<uint16_t> u(2), v(2);
    f.deinterleave_high_to_low_16({uv.data(), 8}, {u.data(), 4}, {v.data(), 4}, {2, 0, 1}, 10);
    CHECK(u == std::vector<uint16_t>{1, 0x200});
    CHECK(v == std::vector<uint16_t>{0x200, 0x3FF});
  }
}

TEST_CASE("sixteen-bit samples are neither shifted nor clamped", "[pack]") {
  const std::vector<uint16_t> samples = {0, 1, 0x7FFF, 0x8000, 0xFFFF};
  for (const Substrate substrate : kBoth) {
    std::vector<uint16_t> packed(5);
    pack_functions(substrate).low_to_high_16({samples.data(), 10}, {packed.data(), 10}, {5, 0, 1},
                                             16);
    CHECK(packed == samples);
  }
}

TEST_CASE("copies and fills keep to the band", "[pack]") {
  const std::vector<uint8_t> from = {1, 2, 3, 4, 5, 6};
  for (const Substrate substrate : kBoth) {
    const PackFunctions& f = pack_functions(substrate);
    std::vector<uint8_t> bytes(6);
    f.copy_8({from.data(), 3}, {bytes.data(), 3}, {2, 1, 2});
    CHECK(bytes == std::vector<uint8_t>{0, 0, 0, 4, 5, 0});
    f.copy_16({from.data(), 3}, {bytes.data(), 3}, {1, 0, 1});
    CHECK(bytes == std::vector<uint8_t>{1, 2, 0, 4, 5, 0});
    f.fill_8({bytes.data(), 3}, {2, 0, 2}, 128);
    CHECK(bytes == std::vector<uint8_t>{128, 128, 0, 128, 128, 0});
    std::vector<uint16_t> words(3);
    f.fill_16({words.data(), 6}, {2, 0, 1}, 0x8000);
    CHECK(words == std::vector<uint16_t>{0x8000, 0x8000, 0});
  }
}

TEST_CASE("odd pictures have one chroma sample more than half", "[pack]") {
  CHECK(chroma_420(1) == 1);
  CHECK(chroma_420(1920) == 960);
  CHECK(chroma_420(1921) == 961);
  CHECK(chroma_420(0xFFFFFFFF) == 0x80000000);
}

TEST_CASE("a wish is met or the table says what runs instead", "[pack]") {
  CHECK(pack_functions(Substrate::kScalar).substrate == Substrate::kScalar);
  CHECK(std::string(pack_functions(Substrate::kScalar).target) == "scalar");
  CHECK(&pack_functions(Substrate::kAuto) == &pack_functions(Substrate::kSimd));
  CHECK(&pack_functions(Substrate::kVulkan) == &pack_functions(Substrate::kSimd));
}

// Seconds for about one 1080p plane.
double seconds(const Kernel& kernel, const PackFunctions& functions, Planes& planes) {
  constexpr int kRepeats = 1080 / kRows;
  const Band band = {1920, 0, kRows};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRepeats; ++i) planes.run(kernel, functions, band, 10);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Rows stay in the first-level cache: this compares instructions, not memory.
TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  const PackFunctions& scalar = pack_functions(Substrate::kScalar);
  const PackFunctions& simd = pack_functions(Substrate::kSimd);
  REQUIRE(simd.substrate == Substrate::kSimd);
  constexpr int kPairs = 15;
  for (const Kernel& kernel : kKernels) {
    Planes by_scalar(kernel, {1920, 64, 0, false});
    for (TestPlane& plane : by_scalar.sources) plane.fill(fills(1).front().byte_at);
    Planes by_simd = by_scalar;
    const Planes before = by_scalar;
    std::vector<double> ratios;
    for (int i = 0; i < kPairs; ++i) {
      const double reference = seconds(kernel, scalar, by_scalar);
      ratios.push_back(reference / seconds(kernel, simd, by_simd));
    }
    std::nth_element(ratios.begin(), ratios.begin() + kPairs / 2, ratios.end());
    std::printf("%-28s scalar/%s %.2f\n", kernel.name, simd.target, ratios[kPairs / 2]);
    CHECK_FALSE(by_simd.targets == before.targets);
    CHECK(by_simd.targets == by_scalar.targets);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
