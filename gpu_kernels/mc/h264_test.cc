#include "gpu_kernels/mc/h264.h"

#include <vector>

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

}  // namespace
}  // namespace daedalus::gpu_kernels
