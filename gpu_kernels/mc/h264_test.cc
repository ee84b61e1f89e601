#include "gpu_kernels/mc/h264.h"

#include <array>
#include <string>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/mc/h264_test_pictures.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

// An NV12 picture without padding.
struct Picture {
  Picture(uint32_t picture_width, uint32_t picture_height, uint8_t value)
      : width(picture_width),
        height(picture_height),
        luma(size_t{width} * height, value),
        chroma(size_t{width} * height / 2, value) {}
  H264McReference reference() const {
    return {luma.data(), chroma.data(), width, width, width, height};
  }
  H264McPictures target(std::span<const H264McReference> references,
                        std::span<const H264McWeights> weights) {
    return {luma.data(), chroma.data(), width, width, references, weights};
  }
  uint32_t width;
  uint32_t height;
  std::vector<uint8_t> luma;
  std::vector<uint8_t> chroma;
};

// One 8x8 block at (8, 8) of a 32x32 picture, from one picture of another colour.
Picture predict(Substrate substrate, const Picture& from, std::array<int16_t, 2> vector) {
  const H264McReference reference = from.reference();
  Picture to(32, 32, 7);
  const H264Prediction block = {
      .x = 8, .y = 8, .width = 8, .height = 8, .reference = {0}, .vector = {vector}};
  H264Prediction one = block;
  one.reference[1] = H264Prediction::kNone;
  h264_mc_functions(substrate).predict(to.target({&reference, 1}, {}), &one, 1);
  return to;
}

TEST_CASE("whole vectors copy; nothing else is written", "[mc]") {
  Picture from(32, 32, 0);
  for (size_t i = 0; i < from.luma.size(); ++i) from.luma[i] = static_cast<uint8_t>(i * 7 + i / 32);
  for (size_t i = 0; i < from.chroma.size(); ++i) from.chroma[i] = static_cast<uint8_t>(i * 5);
  for (const Substrate substrate : kBoth) {
    const Picture to = predict(substrate, from, {8 * 3, -8 * 2});
    Picture expected(32, 32, 7);
    for (int y = 8; y < 16; ++y) {
      for (int x = 8; x < 16; ++x) expected.luma[32 * y + x] = from.luma[32 * (y - 4) + x + 6];
    }
    for (int y = 4; y < 8; ++y) {
      for (int x = 8; x < 16; ++x) expected.chroma[32 * y + x] = from.chroma[32 * (y - 2) + x + 6];
    }
    CHECK(to.luma == expected.luma);
    CHECK(to.chroma == expected.chroma);
  }
}

TEST_CASE("fractions between two columns of luma", "[mc]") {
  Picture from(32, 32, 0);
  for (size_t i = 0; i < from.luma.size(); ++i) from.luma[i] = i % 32 < 12 ? 10 : 90;
  for (const Substrate substrate : kBoth) {
    const auto row = [&](std::array<int16_t, 2> vector) {
      const Picture to = predict(substrate, from, vector);
      return std::vector<uint8_t>(to.luma.begin() + 8 * 32 + 8, to.luma.begin() + 8 * 32 + 16);
    };
    // Half samples: 10 + 80 (1, -4, 16 of 32 before the step).
    const std::vector<uint8_t> half = {10, 13, 0, 50, 100, 88, 90, 90};
    CHECK(row({2, 0}) == half);
    CHECK(row({1, 0}) == std::vector<uint8_t>{10, 12, 5, 30, 95, 89, 90, 90});
    CHECK(row({3, 0}) == std::vector<uint8_t>{10, 12, 5, 70, 95, 89, 90, 90});
    // Columns are alike, so that a vertical fraction changes nothing by itself.
    CHECK(row({0, 2}) == std::vector<uint8_t>{10, 10, 10, 10, 90, 90, 90, 90});
    CHECK(row({2, 2}) == half);
    CHECK(row({2, 1}) == half);
    CHECK(row({1, 1}) == std::vector<uint8_t>{10, 12, 5, 30, 95, 89, 90, 90});
    CHECK(row({3, 2}) == std::vector<uint8_t>{10, 12, 5, 70, 95, 89, 90, 90});
  }
}

TEST_CASE("chroma is weighted by eighths, Cb and Cr apart", "[mc]") {
  Picture from(32, 32, 0);
  for (size_t i = 0; i < from.chroma.size(); ++i) {
    from.chroma[i] = static_cast<uint8_t>((i % 2 ? 100 : 0) + (i % 32 / 2) * 8);
  }
  for (const Substrate substrate : kBoth) {
    const Picture to = predict(substrate, from, {3, 5});
    for (int y = 4; y < 8; ++y) {
      for (int x = 4; x < 8; ++x) {
        CHECK(to.chroma[32 * y + 2 * x] == 8 * x + 3);
        CHECK(to.chroma[32 * y + 2 * x + 1] == 100 + 8 * x + 3);
      }
    }
  }
}

TEST_CASE("far outside there is the nearest sample", "[mc]") {
  Picture from(32, 32, 50);
  from.luma.front() = 200;
  from.luma.back() = 100;
  from.chroma[0] = 201;
  from.chroma[1] = 202;
  for (const Substrate substrate : kBoth) {
    const Picture corner = predict(substrate, from, {-32768, -32768});
    const Picture other = predict(substrate, from, {32767, 32767});
    for (int i = 0; i < 8; ++i) {
      CHECK(corner.luma[32 * (8 + i) + 8 + i] == 200);
      CHECK(other.luma[32 * (8 + i) + 8 + i] == 100);
      CHECK(corner.chroma[32 * (4 + i / 2) + 8 + i] == (i % 2 ? 202 : 201));
    }
  }
}

TEST_CASE("weights are those of their references", "[mc]") {
  const Picture a(32, 32, 100), b(32, 32, 61);
  const H264McReference references[] = {a.reference(), b.reference()};
  H264McWeights weights;
  weights.weight = {{{3, -1}, {1, 1}, {128, 128}}};
  weights.offset = {-5, 0, 0};
  weights.log2_denominator = {1, 0, 7};
  constexpr uint8_t kNone = H264Prediction::kNone;
  struct Case {
    std::array<uint8_t, 2> reference;
    uint16_t weights;
    std::array<uint8_t, 3> result;
  };
  const Case cases[] = {
      {{0, 1}, H264Prediction::kUnweighted, {81, 81, 81}},
      {{0, kNone}, H264Prediction::kUnweighted, {100, 100, 100}},
      {{kNone, 1}, H264Prediction::kUnweighted, {61, 61, 61}},
      {{0, 1}, 0, {55, 81, 81}},         // (300 - 61 + 2) >> 2 = 60
      {{0, kNone}, 0, {145, 100, 100}},  // (300 + 1) >> 1 = 150
      {{kNone, 1}, 0, {0, 61, 61}},      // (-61 + 1) >> 1 = -30
      {{1, 0}, 0, {16, 81, 81}},         // (183 - 100 + 2) >> 2 = 21
  };
  for (const Substrate substrate : kBoth) {
    for (const Case& c : cases) {
      CAPTURE(static_cast<int>(c.reference[0]), static_cast<int>(c.reference[1]), c.weights);
      Picture to(32, 32, 7);
      const H264Prediction block = {.x = 16,
                                    .y = 0,
                                    .width = 16,
                                    .height = 16,
                                    .reference = c.reference,
                                    .weights = c.weights};
      h264_mc_functions(substrate).predict(to.target(references, {&weights, 1}), &block, 1);
      CHECK(to.luma[16] == c.result[0]);
      CHECK(to.luma[32 * 15 + 31] == c.result[0]);
      CHECK(to.chroma[16] == c.result[1]);
      CHECK(to.chroma[32 * 7 + 31] == c.result[2]);
      CHECK(to.luma[15] == 7);
    }
  }
}

using harness::draw;
using harness::Random;
using mc_test::draw_blocks;
using mc_test::draw_weights;
using mc_test::Frame;
using mc_test::kSizes;

// A reference lies in another picture, or is the target's other field.
TEST_CASE("every SIMD target predicts what the reference predicts, and nothing else", "[mc]") {
  const H264McFunctions& scalar = h264_mc_functions(Substrate::kScalar);
  harness::for_each_target(h264_mc_functions, [&](const H264McFunctions& simd) {
    Random random(1);
    for (int turn = 0; turn < 700; ++turn) {
      const uint32_t width = 16 * draw(random, 1, 4);
      const uint32_t height = 32 * draw(random, 1, 2);
      const bool fields = turn % 2 != 0;
      Frame other(random, width, height);
      other.fill(harness::kFills[turn % std::size(harness::kFills)], random);
      Frame before(random, width, height);
      before.fill(harness::kFills[draw(random, 0, std::size(harness::kFills) - 1)], random);
      const auto weights = draw_weights(random);
      const auto blocks = draw_blocks(random, static_cast<int>(width),
                                      static_cast<int>(fields ? height / 2 : height), 2, 6);
      const auto run = [&](const H264McFunctions& functions) {
        Frame frame = before;
        const std::array<H264McReference, 2> references = {
            other.reference(fields ? turn / 2 % 2 : -1, 0),
            fields ? frame.reference(1, turn % 4 == 1 ? -2 : 2) : other.reference(-1, 0)};
        const int step = fields ? 2 : 1;
        H264McPictures pictures = {frame.luma.row(0),
                                   frame.chroma.row(0),
                                   step * frame.luma.stride(),
                                   step * frame.chroma.stride(),
                                   references,
                                   weights};
        if (turn % 10 == 0) pictures.chroma = nullptr;
        functions.predict(pictures, blocks.data(), blocks.size());
        return frame;
      };
      const Frame expected = run(scalar);
      const Frame actual = run(simd);
      if (!(expected.luma == actual.luma) || !(expected.chroma == actual.chroma)) {
        FAIL("turn " << turn << ", " << width << "x" << height << (fields ? ", fields" : ""));
      }
    }
  });
}

TEST_CASE("a wish is met or the table says what runs instead", "[mc]") {
  harness::check_wishes(h264_mc_functions);
}

TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  const H264McFunctions& scalar = h264_mc_functions(Substrate::kScalar);
  const H264McFunctions& simd = h264_mc_functions(Substrate::kSimd);
  REQUIRE(simd.substrate == Substrate::kSimd);
  Random random(3);
  Frame from(random, 64, 64);
  from.fill(harness::Fill::kRandom, random);
  Frame to(random, 64, 64);
  const auto weights = draw_weights(random);
  const H264McReference reference = from.reference(-1, 0);
  const H264McPictures pictures = {to.luma.row(0),     to.chroma.row(0), to.luma.stride(),
                                   to.chroma.stride(), {&reference, 1},  weights};
  const auto ratio = [&](const std::string& name, const H264Prediction& block) {
    harness::print_ratio(
        name.c_str(), simd.target, [&] { scalar.predict(pictures, &block, 1); },
        [&] { simd.predict(pictures, &block, 1); });
  };
  for (const auto& size : {kSizes[0], kSizes[3], kSizes[6]}) {
    const std::string shape = std::to_string(size[0]) + "x" + std::to_string(size[1]);
    H264Prediction block = {.x = 16, .y = 16, .width = size[0], .height = size[1]};
    block.reference[0] = 0;
    for (const auto& [x, y] : {std::array{0, 0}, {2, 0}, {0, 1}, {2, 2}, {2, 3}, {1, 2}, {3, 3}}) {
      block.vector[0] = {static_cast<int16_t>(x), static_cast<int16_t>(y)};
      ratio(shape + " (" + std::to_string(x) + "," + std::to_string(y) + ")", block);
    }
    block.reference[1] = 0;
    ratio(shape + " average", block);
    block.weights = 1;
    ratio(shape + " weighted", block);
    block.vector[0] = {-200, -200};
    ratio(shape + " outside", block);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
