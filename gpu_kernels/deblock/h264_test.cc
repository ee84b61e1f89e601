#include "gpu_kernels/deblock/h264.h"

#include <vector>

#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

TEST_CASE("thresholds are those of tables 8-16 and 8-17", "[deblock]") {
  CHECK(h264_edge_thresholds(15, 0, 0).alpha == 0);
  CHECK(h264_edge_thresholds(15, 0, 0).beta == 0);
  CHECK(h264_edge_thresholds(16, 0, 0).alpha == 4);
  CHECK(h264_edge_thresholds(16, 0, 0).beta == 2);
  CHECK(h264_edge_thresholds(51, 12, 12).alpha == 255);
  CHECK(h264_edge_thresholds(51, 12, 12).beta == 18);
  CHECK(h264_edge_thresholds(51, 0, 0).tc0 == std::array<uint8_t, 3>{13, 17, 25});
  CHECK(h264_edge_thresholds(36, 4, -6).alpha == 80);
  CHECK(h264_edge_thresholds(36, 4, -6).beta == 8);
  CHECK(h264_edge_thresholds(36, 4, -6).tc0 == std::array<uint8_t, 3>{4, 5, 7});
  CHECK(h264_edge_thresholds(0, -12, -12).alpha == 0);
}

constexpr H264EdgeThresholds kThresholds = {.alpha = 40, .beta = 10, .tc0 = {1, 2, 4}};
using Row = std::vector<uint8_t>;

// 16 rows of eight samples with the edge in the middle.
std::vector<Row> filter_luma(Substrate substrate, const Row& row, std::array<uint8_t, 4> strength) {
  Row samples;
  for (int y = 0; y < 16; ++y) samples.insert(samples.end(), row.begin(), row.end());
  h264_deblock_functions(substrate).luma_vertical(samples.data() + 4, 8, strength, kThresholds);
  std::vector<Row> rows;
  for (int y = 0; y < 16; ++y) {
    rows.emplace_back(samples.begin() + 8 * y, samples.begin() + 8 * y + 8);
  }
  return rows;
}

TEST_CASE("each run of four rows is filtered by its own strength", "[deblock]") {
  const Row step = {100, 100, 100, 100, 120, 120, 120, 120};
  for (const Substrate substrate : kBoth) {
    const auto rows = filter_luma(substrate, step, {0, 1, 3, 4});
    CHECK(rows[0] == step);
    CHECK(rows[3] == step);
    // tc = 1 + 2: both sides are flat.
    CHECK(rows[4] == Row{100, 100, 101, 103, 117, 119, 120, 120});
    CHECK(rows[7] == rows[4]);
    // tc = 6, tc0 = 4.
    CHECK(rows[8] == Row{100, 100, 104, 106, 114, 116, 120, 120});
    // The step is too high for the long filter ((40 >> 2) + 2 = 12).
    CHECK(rows[12] == Row{100, 100, 100, 105, 115, 120, 120, 120});
    CHECK(rows[15] == rows[12]);
  }
}

TEST_CASE("a small step between flat sides is smoothed over six samples", "[deblock]") {
  for (const Substrate substrate : kBoth) {
    const auto rows =
        filter_luma(substrate, {100, 100, 100, 100, 108, 108, 108, 108}, {4, 4, 4, 4});
    for (const Row& row : rows) CHECK(row == Row{100, 101, 102, 103, 105, 106, 107, 108});
  }
}

TEST_CASE("steps at or above the thresholds are contours", "[deblock]") {
  const Row cases[] = {
      {100, 100, 100, 100, 140, 140, 140, 140},  // alpha
      {100, 100, 90, 100, 110, 110, 110, 110},   // beta on the left
      {100, 100, 100, 100, 110, 120, 110, 110},  // beta on the right
  };
  for (const Substrate substrate : kBoth) {
    for (const Row& row : cases) {
      for (const Row& filtered : filter_luma(substrate, row, {1, 2, 3, 4})) CHECK(filtered == row);
    }
  }
}

TEST_CASE("Cb and Cr are filtered by thresholds of their own", "[deblock]") {
  for (const Substrate substrate : kBoth) {
    // Two rows of pairs above the edge, two below; Cb 100|120, Cr 100|120.
    Row pairs(64, 100);
    std::fill(pairs.begin() + 32, pairs.end(), uint8_t{120});
    H264EdgeThresholds off = kThresholds;
    off.alpha = 20;
    h264_deblock_functions(substrate).chroma_horizontal(pairs.data() + 32, 16, {0, 2, 4, 4},
                                                        {kThresholds, off});
    Row expected(64, 100);
    std::fill(expected.begin() + 32, expected.end(), uint8_t{120});
    for (const int x : {4, 6}) {
      expected[16 + x] = 103;
      expected[32 + x] = 117;
    }
    for (const int x : {8, 10, 12, 14}) {
      expected[16 + x] = 105;
      expected[32 + x] = 115;
    }
    CHECK(pairs == expected);
  }
}

TEST_CASE("mixed edges have a strength for every two rows of luma, every row of chroma",
          "[deblock]") {
  for (const Substrate substrate : kBoth) {
    const H264DeblockFunctions& f = h264_deblock_functions(substrate);
    const Row luma_row = {100, 100, 100, 100, 120, 120, 120, 120};
    Row luma;
    for (int y = 0; y < 8; ++y) luma.insert(luma.end(), luma_row.begin(), luma_row.end());
    f.luma_vertical_mixed(luma.data() + 4, 8, {0, 1, 0, 4}, kThresholds);
    for (int y = 0; y < 8; ++y) {
      CHECK(luma[8 * y + 3] == std::array{100, 103, 100, 105}[y / 2]);
    }
    Row chroma;
    for (int y = 0; y < 4; ++y) chroma.insert(chroma.end(), luma_row.begin(), luma_row.end());
    f.chroma_vertical_mixed(chroma.data() + 4, 8, {0, 1, 0, 4}, {kThresholds, kThresholds});
    for (int y = 0; y < 4; ++y) {
      CHECK(chroma[8 * y + 2] == std::array{100, 102, 100, 105}[y]);
      CHECK(chroma[8 * y + 3] == std::array{100, 102, 100, 105}[y]);
    }
  }
}

TEST_CASE("a macroblock's edges each have their strengths and thresholds", "[deblock]") {
  for (const Substrate substrate : kBoth) {
    // Left half of the macroblock and what is left of it 100, right half 120.
    constexpr int kStride = 32;
    Row luma(20 * kStride), chroma(10 * kStride);
    for (size_t i = 0; i < luma.size(); ++i) luma[i] = i % kStride < 16 ? 100 : 120;
    for (size_t i = 0; i < chroma.size(); ++i) chroma[i] = i % kStride < 16 ? 100 : 120;
    const Row luma_before = luma, chroma_before = chroma;
    H264DeblockMacroblock macroblock;
    macroblock.luma = luma.data() + 4 * kStride + 8;
    macroblock.chroma = chroma.data() + 2 * kStride + 8;
    macroblock.strength[0][2] = {1, 0, 0, 4};
    macroblock.thresholds[0][2] = kThresholds;
    macroblock.thresholds[1][2] = kThresholds;
    h264_deblock_functions(substrate).filter_macroblocks(&macroblock, 1, kStride, kStride);
    Row expected = luma_before;
    for (int y = 4; y < 8; ++y) {
      std::copy_n(std::array<uint8_t, 4>{101, 103, 117, 119}.begin(), 4,
                  expected.begin() + y * kStride + 14);
    }
    for (int y = 16; y < 20; ++y) {
      expected[y * kStride + 15] = 105;
      expected[y * kStride + 16] = 115;
    }
    CHECK(luma == expected);
    expected = chroma_before;
    for (const int y : {2, 3, 8, 9}) {
      expected[y * kStride + 14] = y < 4 ? 102 : 105;
      expected[y * kStride + 16] = y < 4 ? 118 : 115;
    }
    CHECK(chroma == expected);

    luma = luma_before;
    macroblock.chroma = nullptr;
    h264_deblock_functions(substrate).filter_macroblocks(&macroblock, 1, kStride, kStride);
    CHECK(chroma == expected);
    CHECK(luma != luma_before);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
