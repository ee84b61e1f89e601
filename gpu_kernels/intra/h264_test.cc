#include "gpu_kernels/intra/h264.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "gpu_kernels/harness.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

std::vector<uint8_t> predict_4x4(Substrate substrate, H264IntraMode mode) {
  constexpr H264Edges4x4 kEdges = {
      .corner = 100, .top = {10, 20, 30, 40, 50, 60, 70, 80}, .left = {110, 130, 150, 170}};
  std::vector<uint8_t> samples(16);
  h264_intra_functions(substrate).predict_4x4[static_cast<size_t>(mode)](samples.data(), 4, kEdges);
  return samples;
}

TEST_CASE("4x4 modes follow their directions", "[intra]") {
  using enum H264IntraMode;
  using Samples = std::vector<uint8_t>;
  for (const Substrate s : kBoth) {
    CHECK(predict_4x4(s, kVertical) ==
          Samples{10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40});
    CHECK(predict_4x4(s, kHorizontal) == Samples{110, 110, 110, 110, 130, 130, 130, 130,  //
                                                 150, 150, 150, 150, 170, 170, 170, 170});
    CHECK(predict_4x4(s, kDc) == Samples(16, 83));
    CHECK(predict_4x4(s, kDcLeft) == Samples(16, 140));
    CHECK(predict_4x4(s, kDcTop) == Samples(16, 25));
    CHECK(predict_4x4(s, kDcNone) == Samples(16, 128));
    CHECK(predict_4x4(s, kDiagonalDownLeft) ==
          Samples{20, 30, 40, 50, 30, 40, 50, 60, 40, 50, 60, 70, 50, 60, 70, 78});
    CHECK(predict_4x4(s, kDiagonalDownRight) ==
          Samples{80, 35, 20, 30, 113, 80, 35, 20, 130, 113, 80, 35, 150, 130, 113, 80});
    CHECK(predict_4x4(s, kVerticalRight) ==
          Samples{55, 15, 25, 35, 80, 35, 20, 30, 113, 55, 15, 25, 130, 80, 35, 20});
    CHECK(predict_4x4(s, kHorizontalDown) ==
          Samples{105, 80, 35, 20, 120, 113, 105, 80, 140, 130, 120, 113, 160, 150, 140, 130});
    CHECK(predict_4x4(s, kVerticalLeft) ==
          Samples{15, 25, 35, 45, 20, 30, 40, 50, 25, 35, 45, 55, 30, 40, 50, 60});
    CHECK(predict_4x4(s, kHorizontalUp) ==
          Samples{120, 130, 140, 150, 140, 150, 160, 165, 160, 165, 170, 170, 170, 170, 170, 170});
  }
}

TEST_CASE("8x8 filters its neighbours by what is there", "[intra]") {
  H264Edges8x8 edges{};
  edges.corner = 200;
  edges.top.fill(40);
  edges.left.fill(80);
  const auto first_row = [&](Substrate substrate, H264IntraMode mode) {
    std::vector<uint8_t> samples(64);
    h264_intra_functions(substrate).predict_8x8[static_cast<size_t>(mode)](samples.data(), 8,
                                                                           edges);
    samples.resize(8);
    return samples;
  };
  using enum H264IntraMode;
  for (const Substrate s : kBoth) {
    edges.has_corner = edges.has_top = edges.has_left = true;
    CHECK(first_row(s, kVertical) == std::vector<uint8_t>{80, 40, 40, 40, 40, 40, 40, 40});
    CHECK(first_row(s, kHorizontal) == std::vector<uint8_t>(8, 110));
    // Corner 130 between 110 and 80.
    CHECK(first_row(s, kDiagonalDownRight) ==
          std::vector<uint8_t>{113, 83, 50, 40, 40, 40, 40, 40});
    CHECK(first_row(s, kDc) == std::vector<uint8_t>(8, 64));
    edges.has_corner = false;
    CHECK(first_row(s, kVertical) == std::vector<uint8_t>(8, 40));
    CHECK(first_row(s, kHorizontal) == std::vector<uint8_t>(8, 80));
  }
}

TEST_CASE("16x16 planes rise by their gradients", "[intra]") {
  H264Edges16x16 edges = {.corner = 50, .top = {}, .left = {}};
  for (int i = 0; i < 16; ++i) {
    edges.top[i] = static_cast<uint8_t>(52 + 2 * i);
    edges.left[i] = static_cast<uint8_t>(51 + i);
  }
  for (const Substrate substrate : kBoth) {
    std::vector<uint8_t> samples(256), expected(256);
    h264_intra_functions(substrate).predict_16x16[static_cast<size_t>(H264PlaneMode::kPlane)](
        samples.data(), 16, edges);
    // Slopes are rounded to 1/32: 64 and 32, exactly.
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 16; ++x) expected[16 * y + x] = static_cast<uint8_t>(53 + 2 * x + y);
    }
    CHECK(samples == expected);
  }
}

TEST_CASE("chroma DC takes the nearer edge off the diagonal", "[intra]") {
  H264EdgesChroma edges = {.corner = {}, .top = {}, .left = {}};
  for (int i = 0; i < 8; ++i) {
    edges.top[2 * i] = i < 4 ? 10 : 20;
    edges.left[2 * i] = i < 4 ? 30 : 50;
    edges.top[2 * i + 1] = i < 4 ? 110 : 120;
    edges.left[2 * i + 1] = i < 4 ? 130 : 150;
  }
  // Cb of the four blocks; Cr is 100 more, where 128 is not meant.
  struct Case {
    H264ChromaMode mode;
    std::array<uint8_t, 4> cb;
  };
  using enum H264ChromaMode;
  const Case cases[] = {
      {kDc, {20, 20, 50, 35}},
      {kDcTop, {10, 20, 10, 20}},
      {kDcLeft, {30, 30, 50, 50}},
      {kDcNone, {128, 128, 128, 128}},
      {kDcLeftUpper, {30, 30, 128, 128}},
      {kDcLeftLower, {128, 128, 50, 50}},
      {kDcTopLeftUpper, {20, 20, 10, 20}},
      {kDcTopLeftLower, {10, 20, 50, 35}},
  };
  for (const Substrate substrate : kBoth) {
    for (const Case& c : cases) {
      CAPTURE(static_cast<int>(c.mode));
      std::vector<uint8_t> pairs(128);
      h264_intra_functions(substrate).predict_chroma[static_cast<size_t>(c.mode)](pairs.data(), 16,
                                                                                  edges);
      for (int i = 0; i < 4; ++i) {
        const uint8_t* const pair = pairs.data() + (i / 2) * 64 + (i % 2) * 8;
        CHECK(pair[0] == c.cb[i]);
        CHECK(pair[1] == (c.cb[i] == 128 ? 128 : c.cb[i] + 100));
        CHECK(pair[3 * 16 + 6] == pair[0]);
      }
    }
  }
}

using harness::draw;
using harness::Plane;
using harness::Random;

// Fills each array with one row of a plane.
template <typename... Arrays>
void fill_edges(harness::Fill fill, Random& random, Arrays&... arrays) {
  Plane plane({16, sizeof...(arrays)});
  plane.fill(fill, random);
  size_t row = 0;
  (std::copy_n(plane.row(row++), arrays.size(), arrays.begin()), ...);
}

template <typename Edges>
Edges draw_edges(harness::Fill fill, Random& random) {
  Edges edges{};
  if constexpr (requires { edges.corner.size(); }) {
    fill_edges(fill, random, edges.top, edges.left, edges.corner);
  } else {
    std::array<uint8_t, 1> corner;
    fill_edges(fill, random, edges.top, edges.left, corner);
    edges.corner = corner[0];
  }
  if constexpr (requires { edges.has_corner; }) {
    const int there = draw(random, 0, 1) != 0 ? 7 : draw(random, 0, 7);
    edges.has_corner = (there & 1) != 0;
    edges.has_top = (there & 2) != 0;
    edges.has_left = (there & 4) != 0;
  }
  return edges;
}

// Runs every mode of both tables on the same edges.
template <typename Edges, size_t kModes>
void compare_modes(const char* what, size_t row_bytes, size_t rows,
                   const std::array<void (*)(uint8_t*, ptrdiff_t, const Edges&), kModes>& scalar,
                   const std::array<void (*)(uint8_t*, ptrdiff_t, const Edges&), kModes>& simd) {
  Random random(1);
  for (int turn = 0; turn < 600; ++turn) {
    const Plane before({row_bytes, rows, static_cast<size_t>(draw(random, 0, 9)),
                        static_cast<size_t>(draw(random, 0, 15))});
    const Edges edges =
        draw_edges<Edges>(harness::kFills[turn % std::size(harness::kFills)], random);
    for (size_t mode = 0; mode < kModes; ++mode) {
      Plane expected = before;
      Plane actual = before;
      scalar[mode](expected.row(0), expected.stride(), edges);
      simd[mode](actual.row(0), actual.stride(), edges);
      if (!(expected == actual)) FAIL(what << ", mode " << mode << ", turn " << turn);
    }
  }
}

TEST_CASE("every SIMD target predicts what the reference predicts, and nothing else", "[intra]") {
  const H264IntraFunctions& scalar = h264_intra_functions(Substrate::kScalar);
  harness::for_each_target(h264_intra_functions, [&](const H264IntraFunctions& simd) {
    compare_modes("4x4", 4, 4, scalar.predict_4x4, simd.predict_4x4);
    compare_modes("8x8", 8, 8, scalar.predict_8x8, simd.predict_8x8);
    compare_modes("16x16", 16, 16, scalar.predict_16x16, simd.predict_16x16);
    compare_modes("chroma", 16, 8, scalar.predict_chroma, simd.predict_chroma);
  });
}

TEST_CASE("a wish is met or the table says what runs instead", "[intra]") {
  harness::check_wishes(h264_intra_functions);
}

template <typename Edges, size_t kModes>
void bench_modes(const std::string& what, const char* target,
                 const std::array<void (*)(uint8_t*, ptrdiff_t, const Edges&), kModes>& scalar,
                 const std::array<void (*)(uint8_t*, ptrdiff_t, const Edges&), kModes>& simd) {
  Random random(3);
  Plane plane({32, 16});
  Edges edges = draw_edges<Edges>(harness::Fill::kRandom, random);
  if constexpr (requires { edges.has_top; }) {
    edges.has_corner = edges.has_top = edges.has_left = true;
  }
  for (size_t mode = 0; mode < kModes; ++mode) {
    const std::string name = what + ", mode " + std::to_string(mode);
    harness::print_ratio(
        name.c_str(), target, [&] { scalar[mode](plane.row(0), plane.stride(), edges); },
        [&] { simd[mode](plane.row(0), plane.stride(), edges); });
  }
}

TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  const H264IntraFunctions& scalar = h264_intra_functions(Substrate::kScalar);
  const H264IntraFunctions& simd = h264_intra_functions(Substrate::kSimd);
  REQUIRE(simd.substrate == Substrate::kSimd);
  bench_modes("4x4", simd.target, scalar.predict_4x4, simd.predict_4x4);
  bench_modes("8x8", simd.target, scalar.predict_8x8, simd.predict_8x8);
  bench_modes("16x16", simd.target, scalar.predict_16x16, simd.predict_16x16);
  bench_modes("chroma", simd.target, scalar.predict_chroma, simd.predict_chroma);
}

}  // namespace
}  // namespace daedalus::gpu_kernels
