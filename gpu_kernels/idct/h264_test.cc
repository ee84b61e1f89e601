#include "gpu_kernels/idct/h264.h"

#include <array>
#include <vector>

#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

TEST_CASE("a horizontal frequency changes along rows, alike in every row", "[idct]") {
  for (const Substrate substrate : kBoth) {
    const H264IdctFunctions& f = h264_idct_functions(substrate);
    std::array<int16_t, 16> four{};
    four[1] = 64;
    std::vector<uint8_t> samples(16, 100);
    f.add_4x4(samples.data(), 4, four.data());
    CHECK(samples == std::vector<uint8_t>{101, 101, 100, 99, 101, 101, 100, 99,  //
                                          101, 101, 100, 99, 101, 101, 100, 99});

    std::array<int16_t, 64> eight{};
    eight[1] = 64;
    std::vector<uint8_t> more(64, 100);
    f.add_8x8(more.data(), 8, eight.data());
    const std::vector<uint8_t> row = {102, 101, 101, 100, 100, 99, 99, 99};
    for (int y = 0; y < 8; ++y) {
      CHECK(std::vector<uint8_t>(more.begin() + 8 * y, more.begin() + 8 * y + 8) == row);
    }
  }
}

TEST_CASE("a vertical frequency changes down columns", "[idct]") {
  for (const Substrate substrate : kBoth) {
    const H264IdctFunctions& f = h264_idct_functions(substrate);
    std::array<int16_t, 16> four{};
    four[4] = 64;
    std::vector<uint8_t> samples(16, 100);
    f.add_4x4(samples.data(), 4, four.data());
    CHECK(samples == std::vector<uint8_t>{101, 101, 101, 101, 101, 101, 101, 101,  //
                                          100, 100, 100, 100, 99, 99, 99, 99});
  }
}

TEST_CASE("a DC value is rounded and sums are clipped", "[idct]") {
  for (const Substrate substrate : kBoth) {
    const H264IdctFunctions& f = h264_idct_functions(substrate);
    std::vector<uint8_t> samples(16, 250);
    f.add_4x4_dc(samples.data(), 4, 95);
    CHECK(samples == std::vector<uint8_t>(16, 251));
    f.add_4x4_dc(samples.data(), 4, 64 * 5);
    CHECK(samples == std::vector<uint8_t>(16, 255));
    std::vector<uint8_t> more(64, 3);
    f.add_8x8_dc(more.data(), 8, -64 * 2 - 33);
    CHECK(more == std::vector<uint8_t>(64, 0));
  }
}

TEST_CASE("a macroblock's blocks lie where their bits say", "[idct]") {
  for (const Substrate substrate : kBoth) {
    const H264IdctFunctions& f = h264_idct_functions(substrate);
    // Full: luma block 6, Cr block 3 (bit 23). DC alone: luma block 9, Cb block 1 (bit 17).
    std::array<int16_t, 34> coefficients{};
    coefficients[0] = 64;
    coefficients[16] = 128;
    coefficients[32] = 192;
    coefficients[33] = 256;
    H264ResidualMacroblock macroblock;
    macroblock.residual = {.full_blocks = 1u << 6 | 1u << 23,
                           .dc_blocks = 1u << 9 | 1u << 17,
                           .coefficients = coefficients.data()};
    std::vector<uint8_t> luma(256), chroma(128);
    macroblock.target = {luma.data(), chroma.data(), 16, 16};
    f.add_macroblocks(&macroblock, 1);
    std::vector<uint8_t> expected_luma(256), expected_chroma(128);
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        expected_luma[(4 + y) * 16 + 8 + x] = 1;
        expected_luma[(8 + y) * 16 + 4 + x] = 3;
        expected_chroma[(4 + y) * 16 + 2 * (4 + x) + 1] = 2;
        expected_chroma[y * 16 + 2 * (4 + x)] = 4;
      }
    }
    CHECK(luma == expected_luma);
    CHECK(chroma == expected_chroma);

    std::fill(chroma.begin(), chroma.end(), uint8_t{0});
    f.add_chroma(macroblock.residual, macroblock.target);
    CHECK(chroma == expected_chroma);
    CHECK(luma == expected_luma);
  }
}

TEST_CASE("8x8 blocks are bits 0, 4, 8 and 12", "[idct]") {
  for (const Substrate substrate : kBoth) {
    std::array<int16_t, 65> coefficients{};
    coefficients[0] = 64;
    coefficients[64] = 128;
    H264ResidualMacroblock macroblock;
    macroblock.residual = {.full_blocks = 1u << 4,
                           .dc_blocks = 1u << 8,
                           .transform_8x8 = true,
                           .coefficients = coefficients.data()};
    std::vector<uint8_t> luma(256), expected(256);
    macroblock.target = {luma.data(), nullptr, 16, 0};
    h264_idct_functions(substrate).add_macroblocks(&macroblock, 1);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        expected[y * 16 + 8 + x] = 1;
        expected[(8 + y) * 16 + x] = 2;
      }
    }
    CHECK(luma == expected);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
