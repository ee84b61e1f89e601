#include "gpu_kernels/film_grain/av1.h"

#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gpu_kernels/film_grain/av1_test_parameters.h"
#include "gpu_kernels/harness.h"
#include "gpu_kernels/pack/pack.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using film_grain::random_parameters;
using harness::draw;
using harness::Random;
using Grain = std::shared_ptr<const Av1FilmGrain>;

Grain prepare(const Av1FilmGrainParameters& parameters, const Av1GrainPictureSize& size) {
  auto grain = prepare_av1_film_grain(parameters, size);
  REQUIRE(grain.ok());
  return *grain;
}

// Three planes of samples whose memory ends with the last of them.
class Planes {
 public:
  struct Shape {
    std::array<uint32_t, 3> widths;
    std::array<uint32_t, 3> heights;
    size_t sample;  // bytes
    size_t padding;
    size_t misalignment;
  };
  explicit Planes(const Shape& shape) : shape_(shape) {
    for (size_t i = 0; i < 3; ++i) {
      planes_.emplace_back(harness::Plane::Layout{shape.widths[i] * shape.sample, shape.heights[i],
                                                  shape.padding, shape.misalignment});
    }
  }

  static Planes of_picture(const Av1GrainPictureSize& size, size_t padding, size_t misalignment) {
    const uint32_t width = chroma_420(size.width);
    const uint32_t height = chroma_420(size.height);
    return Planes({{size.width, width, width},
                   {size.height, height, height},
                   size.bit_depth > 8 ? size_t{2} : size_t{1},
                   padding,
                   misalignment});
  }

  // Samples of two bytes are of 10 bits.
  void fill(harness::Fill fill, Random& random) {
    for (size_t i = 0; i < 3; ++i) {
      planes_[i].fill(fill, random);
      for (uint32_t y = 0; y < shape_.heights[i] && shape_.sample == 2; ++y) {
        for (uint32_t x = 0; x < shape_.widths[i]; ++x) planes_[i].row(y)[2 * x + 1] &= 3;
      }
    }
  }

  Av1FilmGrainFunctions::Planes sources() const {
    return {SourcePlane{planes_[0].row(0), planes_[0].stride()},
            SourcePlane{planes_[1].row(0), planes_[1].stride()},
            SourcePlane{planes_[2].row(0), planes_[2].stride()}};
  }
  TargetPlane target(size_t i) { return {planes_[i].row(0), planes_[i].stride()}; }

  int sample(size_t plane, uint32_t x, uint32_t y) const {
    const uint8_t* at = planes_[plane].row(y) + x * shape_.sample;
    return shape_.sample == 1 ? at[0] : at[0] | at[1] << 8;
  }

  bool operator==(const Planes& other) const { return planes_ == other.planes_; }

 private:
  Shape shape_;
  std::vector<harness::Plane> planes_;
};

// One entry of the table: what it takes and writes, and how it is called.
struct Kernel {
  const char* name;
  int bit_depth;
  bool chroma;
  uint32_t components;  // in a target's row
  void (*run)(const Av1FilmGrainFunctions& f, const Av1FilmGrain& grain,
              const Av1FilmGrainFunctions::Planes& from, Planes& to, const Av1GrainWindow& window);
};

#define KERNEL_ARGUMENTS                                     \
  const Av1FilmGrainFunctions &f, const Av1FilmGrain &grain, \
      const Av1FilmGrainFunctions::Planes &from, Planes &to, const Av1GrainWindow &window

constexpr Kernel kKernels[] = {
    {"luma_8", 8, false, 1,
     [](KERNEL_ARGUMENTS) { f.luma_8(grain, from[0], to.target(0), window); }},
    {"luma_10", 10, false, 1,
     [](KERNEL_ARGUMENTS) { f.luma_10(grain, from[0], to.target(0), window); }},
    {"luma_10_to_high", 10, false, 1,
     [](KERNEL_ARGUMENTS) { f.luma_10_to_high(grain, from[0], to.target(0), window); }},
    {"chroma_8", 8, true, 1,
     [](KERNEL_ARGUMENTS) { f.chroma_8(grain, from, to.target(1), to.target(2), window); }},
    {"chroma_8_interleaved", 8, true, 2,
     [](KERNEL_ARGUMENTS) { f.chroma_8_interleaved(grain, from, to.target(0), window); }},
    {"chroma_10", 10, true, 1,
     [](KERNEL_ARGUMENTS) { f.chroma_10(grain, from, to.target(1), to.target(2), window); }},
    {"chroma_10_to_high_interleaved", 10, true, 2,
     [](KERNEL_ARGUMENTS) { f.chroma_10_to_high_interleaved(grain, from, to.target(0), window); }},
};

Av1GrainPictureSize random_size(Random& random, int bit_depth) {
  const int most_across = std::array{40, 140, 1300}[static_cast<size_t>(draw(random, 0, 2))];
  return {.width = static_cast<uint32_t>(draw(random, 1, most_across)),
          .height = static_cast<uint32_t>(draw(random, 1, most_across > 1000 ? 40 : 140)),
          .bit_depth = bit_depth};
}

Av1GrainWindow whole(const Av1GrainPictureSize& size, bool chroma) {
  return {0, 0,
          chroma ? Band{chroma_420(size.width), 0, chroma_420(size.height)}
                 : Band{size.width, 0, size.height}};
}

// A part of the plane; of the target's rows, often all.
Av1GrainWindow random_window(Random& random, const Av1GrainWindow& all) {
  if (draw(random, 0, 1) == 0) return all;
  const auto below = [&](uint32_t end) {
    return static_cast<uint32_t>(draw(random, 0, static_cast<int>(end) - 1));
  };
  Av1GrainWindow window;
  window.x = below(all.band.width);
  window.y = below(all.band.end_row);
  window.band.width = all.band.width - window.x - below(all.band.width - window.x);
  window.band.end_row = all.band.end_row - window.y;
  window.band.first_row = below(window.band.end_row + 1);
  return window;
}

// What lies around a window's samples in its target is compared, too.
Planes targets_of(const Kernel& kernel, const Av1GrainWindow& window, size_t padding,
                  size_t misalignment) {
  const uint32_t width = window.band.width * kernel.components;
  const uint32_t height = window.band.end_row;
  return Planes({{width, width, width},
                 {height, height, height},
                 kernel.bit_depth > 8 ? size_t{2} : size_t{1},
                 padding,
                 misalignment});
}

void compare_with_scalar(const Kernel& kernel, const Av1FilmGrainFunctions& functions,
                         Random& random) {
  const Av1GrainPictureSize size = random_size(random, kernel.bit_depth);
  const Grain grain = prepare(random_parameters(random), size);
  const size_t padding = draw(random, 0, 1) == 0 ? 0 : static_cast<size_t>(draw(random, 0, 70));
  const size_t misalignment =
      draw(random, 0, 1) == 0 ? 0 : static_cast<size_t>(draw(random, 0, 17));
  Planes picture = Planes::of_picture(size, padding, misalignment);
  const auto fill = harness::kFills[static_cast<size_t>(draw(random, 0, 7))];
  picture.fill(fill, random);
  const Planes before = picture;
  const Av1GrainWindow window = random_window(random, whole(size, kernel.chroma));
  Planes expected = targets_of(kernel, window, padding, misalignment);
  Planes actual = expected;
  kernel.run(av1_film_grain_functions(Substrate::kScalar), *grain, picture.sources(), expected,
             window);
  kernel.run(functions, *grain, picture.sources(), actual, window);
  if (actual == expected && picture == before) return;
  FAIL(kernel.name << " " << functions.target << ", picture " << size.width << "x" << size.height
                   << ", window at " << window.x << "," << window.y << " of " << window.band.width
                   << " samples, rows " << window.band.first_row << ".." << window.band.end_row
                   << ", padding " << padding << ", misalignment " << misalignment << ", fill "
                   << static_cast<int>(fill));
}

TEST_CASE("every SIMD target writes what the reference writes, and nothing else", "[film_grain]") {
  constexpr int kRounds = 150;
  harness::for_each_target(av1_film_grain_functions, [](const Av1FilmGrainFunctions& functions) {
    Random random(1);
    for (const Kernel& kernel : kKernels) {
      for (int round = 0; round < kRounds; ++round) {
        compare_with_scalar(kernel, functions, random);
      }
    }
  });
}

TEST_CASE("wishes are granted", "[film_grain]") { harness::check_wishes(av1_film_grain_functions); }

const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

TEST_CASE("a window shows what the whole picture shows there", "[film_grain]") {
  Random random(2);
  for (const Substrate substrate : kBoth) {
    const Av1FilmGrainFunctions& f = av1_film_grain_functions(substrate);
    for (int round = 0; round < 30; ++round) {
      const Av1GrainPictureSize size = random_size(random, 8);
      const Grain grain = prepare(random_parameters(random), size);
      Planes picture = Planes::of_picture(size, 0, 0);
      picture.fill(harness::Fill::kRandom, random);
      for (const Kernel* kernel : {&kKernels[0], &kKernels[3]}) {
        const Av1GrainWindow all = whole(size, kernel->chroma);
        const Av1GrainWindow window = random_window(random, all);
        Planes of_all = targets_of(*kernel, all, 0, 0);
        Planes of_window = targets_of(*kernel, window, 0, 0);
        kernel->run(f, *grain, picture.sources(), of_all, all);
        kernel->run(f, *grain, picture.sources(), of_window, window);
        const size_t plane = kernel->chroma ? 1 : 0;
        bool same = true;
        for (uint32_t y = window.band.first_row; y < window.band.end_row; ++y) {
          for (uint32_t x = 0; x < window.band.width; ++x) {
            same = same && of_window.sample(plane, x, y) ==
                               of_all.sample(plane, x + window.x, y + window.y);
          }
        }
        CHECK(same);
      }
    }
  }
}

// Literal expectations, so that the reference is not its own judge; another judge is dav1d
// (test/decode_core/film_grain_test.cc).
TEST_CASE("white noise is the Gaussian sequence in the order of the random register",
          "[film_grain]") {
  Av1FilmGrainParameters parameters;
  parameters.grain_seed = 1;
  parameters.luma_points = {1, {0}, {255}};
  const Grain grain = prepare(parameters, {64, 64, 10, true});
  // 1 becomes 0x8000, 0x4000, 0x2000; of these the upper 11 bits are entries 1024, 512, 256.
  CHECK(grain->planes[0].grain[0] == (-8 + 2) >> 2);
  CHECK(grain->planes[0].grain[1] == (-356 + 2) >> 2);
  CHECK(grain->planes[0].grain[2] == (-484 + 2) >> 2);
  CHECK(grain->applies_to_luma());
  CHECK_FALSE(grain->applies_to_chroma());
}

TEST_CASE("the scaling is linear between its points, for 10 bits between its entries, too",
          "[film_grain]") {
  Av1FilmGrainParameters parameters;
  parameters.luma_points = {2, {16, 48}, {40, 200}};
  const Grain grain_8 = prepare(parameters, {8, 8, 8, true});
  const Grain grain_10 = prepare(parameters, {8, 8, 10, true});
  const auto& by_8 = grain_8->planes[0].scaling;
  const auto& by_10 = grain_10->planes[0].scaling;
  CHECK(by_8[0] == 40);
  CHECK(by_8[16] == 40);
  CHECK(by_8[17] == 45);
  CHECK(by_8[32] == 120);
  CHECK(by_8[48] == 200);
  CHECK(by_8[255] == 200);
  CHECK(by_10[0] == 40);
  CHECK(by_10[64] == 40);
  CHECK(by_10[65] == 41);  // 40 + 5 / 4
  CHECK(by_10[66] == 43);  // 40 + 10 / 4, rounded up
  CHECK(by_10[67] == 44);
  CHECK(by_10[68] == 45);
  CHECK(by_10[1023] == 200);
}

TEST_CASE("planes without points stay as they are; chroma from luma without any is clipped",
          "[film_grain]") {
  Random random(3);
  Av1FilmGrainParameters parameters = random_parameters(random);
  parameters.luma_points.count = 0;
  parameters.chroma[0].points = {1, {0}, {255}};
  parameters.chroma[1].points.count = 0;
  parameters.chroma_scaling_from_luma = false;
  parameters.clip_to_restricted_range = true;
  const Av1GrainPictureSize size = {100, 70, 8, false};
  Planes picture = Planes::of_picture(size, 0, 0);
  picture.fill(harness::Fill::kRandom, random);
  const auto count_changed = [&](const Grain& grain, const Av1FilmGrainFunctions& f, size_t plane,
                                 bool clipped) {
    Planes to = Planes::of_picture(size, 0, 0);
    f.luma_8(*grain, picture.sources()[0], to.target(0), whole(size, false));
    f.chroma_8(*grain, picture.sources(), to.target(1), to.target(2), whole(size, true));
    int changed = 0;
    for (uint32_t y = 0; y < (plane == 0 ? 70u : 35u); ++y) {
      for (uint32_t x = 0; x < (plane == 0 ? 100u : 50u); ++x) {
        const int sample = picture.sample(plane, x, y);
        changed += to.sample(plane, x, y) != (clipped ? std::clamp(sample, 16, 240) : sample);
      }
    }
    return changed;
  };
  for (const Substrate substrate : kBoth) {
    const Av1FilmGrainFunctions& f = av1_film_grain_functions(substrate);
    const Grain only_cb = prepare(parameters, size);
    CHECK_FALSE(only_cb->applies_to_luma());
    CHECK(only_cb->applies_to_chroma());
    CHECK(count_changed(only_cb, f, 0, false) == 0);
    CHECK(count_changed(only_cb, f, 1, false) > 500);
    CHECK(count_changed(only_cb, f, 2, false) == 0);
    Av1FilmGrainParameters from_luma = parameters;
    from_luma.chroma_scaling_from_luma = true;
    const Grain only_clipped = prepare(from_luma, size);
    CHECK(count_changed(only_clipped, f, 0, false) == 0);
    CHECK(count_changed(only_clipped, f, 1, true) == 0);
    CHECK(count_changed(only_clipped, f, 2, true) == 0);
  }
}

TEST_CASE("parameters out of range are refused", "[film_grain]") {
  using P = Av1FilmGrainParameters;
  using S = Av1GrainPictureSize;
  const std::function<void(P&, S&)> cases[] = {
      [](P& p, S&) { p.luma_points.count = 15; },
      [](P& p, S&) { p.luma_points.count = std::numeric_limits<size_t>::max(); },
      [](P& p, S&) {
        p.luma_points = {2, {7, 7}, {1, 1}};
      },
      [](P& p, S&) {
        p.luma_points = {3, {0, 9, 8}, {1, 1, 1}};
      },
      [](P& p, S&) { p.chroma[0].points.count = 11; },
      [](P& p, S&) {
        p.chroma[1].points = {2, {200, 100}, {}};
      },
      [](P& p, S&) { p.chroma[1].mult = 128; },
      [](P& p, S&) { p.chroma[0].luma_mult = -129; },
      [](P& p, S&) { p.chroma[0].offset = 256; },
      [](P& p, S&) { p.ar_coeff_lag = 4; },
      [](P& p, S&) { p.ar_coeff_lag = -1; },
      [](P& p, S&) { p.ar_coeff_shift = 5; },
      [](P& p, S&) { p.ar_coeff_shift = 10; },
      [](P& p, S&) { p.scaling_shift = 12; },
      [](P& p, S&) { p.scaling_shift = 7; },
      [](P& p, S&) { p.grain_scale_shift = 4; },
      [](P&, S& s) { s.bit_depth = 12; },
      [](P&, S& s) { s.width = 0; },
      [](P&, S& s) { s.height = 65537; },
  };
  for (const auto& change : cases) {
    P parameters;
    S size = {64, 64, 8, false};
    REQUIRE(prepare_av1_film_grain(parameters, size).ok());
    change(parameters, size);
    const auto grain = prepare_av1_film_grain(parameters, size);
    REQUIRE_FALSE(grain.ok());
    CHECK(grain.error().code == ErrorCode::kInvalidArgument);
    CHECK(grain.error().message.find("AV1 film grain: ") == 0);
  }
  // What is not read is not looked at.
  P parameters;
  parameters.chroma[0].points.count = 99;
  CHECK(prepare_av1_film_grain(parameters, {64, 64, 8, true}).ok());
}

TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  const Av1FilmGrainFunctions& scalar = av1_film_grain_functions(Substrate::kScalar);
  const Av1FilmGrainFunctions& simd = av1_film_grain_functions(Substrate::kSimd);
  REQUIRE(simd.substrate == Substrate::kSimd);
  Random random(4);
  Av1FilmGrainParameters parameters = random_parameters(random);
  parameters.luma_points = {2, {0, 255}, {40, 90}};
  parameters.overlap = true;
  for (const Kernel& kernel : kKernels) {
    const Av1GrainPictureSize size = {1920, 64, kernel.bit_depth, false};
    const Grain grain = prepare(parameters, size);
    Planes picture = Planes::of_picture(size, 0, 0);
    picture.fill(harness::Fill::kRandom, random);
    const Av1GrainWindow window = whole(size, kernel.chroma);
    Planes by_scalar = targets_of(kernel, window, 0, 0);
    Planes by_simd = by_scalar;
    harness::print_ratio(
        kernel.name, simd.target,
        [&] { kernel.run(scalar, *grain, picture.sources(), by_scalar, window); },
        [&] { kernel.run(simd, *grain, picture.sources(), by_simd, window); });
    CHECK(by_simd == by_scalar);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
