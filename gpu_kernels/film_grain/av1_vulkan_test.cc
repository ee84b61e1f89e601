// Whole pictures on the device on the CPU against the reference and SIMD, and against the reference
// when calls fail.
#include "gpu_kernels/film_grain/av1_vulkan.h"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gpu_kernels/film_grain/av1_test_parameters.h"
#include "gpu_kernels/harness.h"
#include "gpu_kernels/vulkan/failing_twin.h"
#include "gpu_kernels/vulkan/late_work.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan/test_planes.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using film_grain::random_parameters;
using harness::draw;
using harness::Random;
using vulkan::Faults;
using vulkan::open_test_device;
using namespace vulkan::test_planes;

// What of a picture is wanted, in luma samples.
struct Part {
  uint32_t x, y, width, height;
};

// A picture and what is made of a part of it.
struct TestPicture {
  TestPicture(const Av1GrainPictureSize& of, const Part& wanted, const Memory& from,
              const Memory& to)
      : size(of),
        part(wanted),
        sample(of.bit_depth > 8 ? 2 : 1),
        misalignment(from.misalignment),
        y(of.width * sample, of.height, from),
        u(chroma_420(of.width) * sample, chroma_420(of.height), from),
        v(chroma_420(of.width) * sample, chroma_420(of.height), from),
        luma(wanted.width * sample, wanted.height, to),
        chroma(2 * chroma_420(wanted.width) * sample, chroma_420(wanted.height), to) {}

  void fill(int kind, Random& random) {
    const uint8_t base = static_cast<uint8_t>(draw(random, 0, 255));
    for (TestPlane* plane : {&y, &u, &v}) {
      plane->fill([&](size_t i) -> uint8_t {
        const bool high_byte = sample == 2 && (i + misalignment) % 2 == 1;
        const int value = kind == 0   ? draw(random, 0, 255)
                          : kind == 1 ? draw(random, 0, 1) * 255
                          : kind == 2 ? base + draw(random, 0, 3)
                                      : base;
        return static_cast<uint8_t>(high_byte ? value & 3 : value);
      });
    }
  }

  Av1GrainPicture on_gpu() {
    return {{y.source(), u.source(), v.source()},
            luma.target(),
            chroma.target(),
            part.x,
            part.y,
            part.width,
            part.height};
  }

  void add_with(const Av1FilmGrainFunctions& f, const Av1FilmGrain& grain) {
    const Av1FilmGrainFunctions::Planes from = {y.source(), u.source(), v.source()};
    const bool wide = sample == 2;
    (wide ? f.luma_10_to_high : f.luma_8)(grain, from[0], luma.target(),
                                          {part.x, part.y, {part.width, 0, part.height}});
    (wide ? f.chroma_10_to_high_interleaved : f.chroma_8_interleaved)(
        grain, from, chroma.target(),
        {part.x / 2, part.y / 2, {chroma_420(part.width), 0, chroma_420(part.height)}});
  }

  // Padding included.
  bool operator==(const TestPicture& other) const {
    return y == other.y && u == other.u && v == other.v && luma == other.luma &&
           chroma == other.chroma;
  }

  Av1GrainPictureSize size;
  Part part;
  uint32_t sample;        // bytes
  uint32_t misalignment;  // of the sources, bytes
  TestPlane y, u, v, luma, chroma;
};

std::shared_ptr<const Av1FilmGrain> prepare(const Av1FilmGrainParameters& parameters,
                                            const Av1GrainPictureSize& size) {
  const auto grain = prepare_av1_film_grain(parameters, size);
  REQUIRE(grain.ok());
  return *grain;
}

// The reference's picture, which every compiled SIMD target makes, too.
TestPicture expected_of(const TestPicture& picture, const Av1FilmGrain& grain) {
  TestPicture expected = picture;
  expected.add_with(av1_film_grain_functions(Substrate::kScalar), grain);
  harness::for_each_target(av1_film_grain_functions, [&](const Av1FilmGrainFunctions& functions) {
    TestPicture by_simd = picture;
    by_simd.add_with(functions, grain);
    CHECK(by_simd == expected);
  });
  return expected;
}

uint32_t draw_size(Random& random, uint32_t first, uint32_t last) {
  return static_cast<uint32_t>(draw(random, static_cast<int>(first), static_cast<int>(last)));
}

// Mostly all of it, else what is left of it from a block on.
Part random_part(Random& random, const Av1GrainPictureSize& size) {
  if (draw(random, 0, 2) != 0) return {0, 0, size.width, size.height};
  const uint32_t x = draw_size(random, 0, (size.width - 32) / 32) * 32;
  const uint32_t y = draw_size(random, 0, (size.height - 2) / 32) * 32;
  return {x, y, draw_size(random, 32, size.width - x), draw_size(random, 2, size.height - y)};
}

TEST_CASE("scalar, SIMD and Vulkan write the same, and nothing else", "[film_grain]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto vulkan = VulkanAv1FilmGrain::create(test.device);
  REQUIRE(vulkan.ok());
  constexpr std::array kMemories = {kAligned, kPadded, kOdd, kBottomUp};
  constexpr int kRounds = 400;
  Random random(1);
  for (int round = 0; round < kRounds; ++round) {
    const uint32_t most = round % 20 == 0 ? 700 : 200;
    const Av1GrainPictureSize size = {draw_size(random, 32, most), draw_size(random, 2, 150),
                                      round % 2 == 0 ? 8 : 10, draw(random, 0, 9) == 0};
    const Part part = random_part(random, size);
    const Memory& from = kMemories[draw_size(random, 0, 3)];
    const Memory& to = kMemories[draw_size(random, 0, 3)];
    TestPicture picture(size, part, from, to);
    picture.fill(draw(random, 0, 3), random);
    const auto grain = prepare(random_parameters(random), size);
    const TestPicture expected = expected_of(picture, *grain);
    REQUIRE(VulkanAv1FilmGrain::takes(picture.on_gpu()));
    const auto transfer = (*vulkan)->run(*grain, picture.on_gpu());
    REQUIRE(transfer.ok());
    INFO("round " << round << ": " << size.width << "x" << size.height << ", " << size.bit_depth
                  << " bits, monochrome " << size.monochrome << ", part at " << part.x << ","
                  << part.y << " of " << part.width << "x" << part.height << ", from " << from.name
                  << " to " << to.name);
    REQUIRE(picture == expected);
  }
}

TEST_CASE("pictures in pages of their own are used in place", "[film_grain]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto vulkan = VulkanAv1FilmGrain::create(test.device);
  REQUIRE(vulkan.ok());
  Random random(2);
  for (const int bit_depth : {8, 10}) {
    const Av1GrainPictureSize size = {1918, 1079, bit_depth, false};
    const auto grain = prepare(random_parameters(random), size);
    for (const Memory& to : {kAligned, kOdd}) {
      TestPicture picture(size, {0, 0, size.width, size.height}, kAligned, to);
      picture.fill(0, random);
      TestPicture expected = picture;
      expected.add_with(av1_film_grain_functions(Substrate::kScalar), *grain);
      const auto transfer = (*vulkan)->run(*grain, picture.on_gpu());
      REQUIRE(transfer.ok());
      CHECK(*transfer ==
            (std::string(to.name) == "aligned" ? PackTransfer::kInPlace : PackTransfer::kCopied));
      CHECK(picture == expected);
    }
  }
}

TEST_CASE("parts that begin inside a block, or are less than an invocation's, are the CPU's",
          "[film_grain]") {
  Av1GrainPicture picture;
  picture.width = 32;
  picture.height = 2;
  CHECK(VulkanAv1FilmGrain::takes(picture));
  for (uint32_t Av1GrainPicture::*start : {&Av1GrainPicture::x, &Av1GrainPicture::y}) {
    picture.*start = 2;
    CHECK_FALSE(VulkanAv1FilmGrain::takes(picture));
    picture.*start = 64;
    CHECK(VulkanAv1FilmGrain::takes(picture));
  }
  picture.width = 31;
  CHECK_FALSE(VulkanAv1FilmGrain::takes(picture));
  picture.width = 32;
  picture.height = 1;
  CHECK_FALSE(VulkanAv1FilmGrain::takes(picture));
}

TEST_CASE("a failure of any call is an error or is worked around, never a wrong picture",
          "[film_grain]") {
  Faults faults;
  vulkan::FailingTwin<VulkanAv1FilmGrain> failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  Random random(3);
  const Av1GrainPictureSize size = {70, 40, 8, false};
  const auto grain = prepare(random_parameters(random), size);
  TestPicture clean(size, {0, 0, size.width, size.height}, kAligned, kOdd);
  clean.fill(0, random);
  TestPicture expected = clean;
  expected.add_with(av1_film_grain_functions(Substrate::kScalar), *grain);
  failing.fail_each_call(faults, [&] {
    vulkan::make_with_fault(faults, failing.device(), [&]() -> std::optional<bool> {
      TestPicture picture = clean;
      if (!failing.twin->run(*grain, picture.on_gpu()).ok()) return std::nullopt;
      return picture == expected;
    });
  });
}

TEST_CASE("a late picture of copies is not waited for, and harms neither itself nor the next one",
          "[film_grain]") {
  vulkan::LateWork late;
  const auto test = open_test_device(vulkan::LateWork::options());
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto vulkan = VulkanAv1FilmGrain::create(test.device);
  REQUIRE(vulkan.ok());
  Random random(4);
  const Av1GrainPictureSize size = {96, 64, 10, false};
  const auto grain = prepare(random_parameters(random), size);
  TestPicture first(size, {0, 0, size.width, size.height}, kAligned, kAligned);
  first.fill(0, random);
  TestPicture next = first;
  const TestPicture expected = expected_of(first, *grain);
  late.hold();
  const auto too_late = (*vulkan)->run(
      *grain, first.on_gpu(), std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  CHECK(late.holds());  // so it was not waited for
  REQUIRE_FALSE(too_late.ok());
  CHECK(too_late.error().code == ErrorCode::kTimeout);
  first.add_with(av1_film_grain_functions(Substrate::kSimd), *grain);
  const auto busy = (*vulkan)->run(*grain, next.on_gpu());
  CHECK(late.holds());
  REQUIRE_FALSE(busy.ok());
  CHECK(busy.error().code == ErrorCode::kBusy);
  late.release();
  REQUIRE(vulkan::ends_being_busy([&] { return (*vulkan)->run(*grain, next.on_gpu()); }).ok());
  CHECK(next == expected);
  CHECK(first == expected);
}

}  // namespace
}  // namespace daedalus::gpu_kernels
