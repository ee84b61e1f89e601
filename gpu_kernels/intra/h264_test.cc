#include "gpu_kernels/intra/h264.h"

#include <vector>

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

}  // namespace
}  // namespace daedalus::gpu_kernels
