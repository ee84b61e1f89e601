#include "gpu_kernels/idct/h264.h"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/idct/h264_test_residuals.h"
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

using harness::draw;
using harness::Plane;
using harness::Random;
using idct_test::coefficients_of;
using idct_test::kValues;
using idct_test::Values;

// Runs both on copies of the same memory.
void compare(const Plane& before, const std::function<void(Plane&)>& reference,
             const std::function<void(Plane&)>& simd, const std::string& what) {
  Plane expected = before;
  Plane actual = before;
  reference(expected);
  simd(actual);
  if (!(expected == actual)) FAIL(what);
}

TEST_CASE("every SIMD target adds single blocks as the reference does", "[idct]") {
  const H264IdctFunctions& scalar = h264_idct_functions(Substrate::kScalar);
  harness::for_each_target(h264_idct_functions, [&](const H264IdctFunctions& simd) {
    Random random(1);
    for (int turn = 0; turn < 4000; ++turn) {
      const size_t size = turn % 2 != 0 ? 8 : 4;
      Plane plane({size, size, static_cast<size_t>(draw(random, 0, 9)),
                   static_cast<size_t>(draw(random, 0, 15))});
      plane.fill(harness::kFills[turn % std::size(harness::kFills)], random);
      const auto values = coefficients_of(kValues[turn % std::size(kValues)], size * size, random);
      const auto block = [&](const H264IdctFunctions& f) {
        return [&](Plane& p) {
          (size == 4 ? f.add_4x4 : f.add_8x8)(p.row(0), p.stride(), values.data());
        };
      };
      compare(plane, block(scalar), block(simd), "block, turn " + std::to_string(turn));
      const auto dc = [&](const H264IdctFunctions& f) {
        return [&](Plane& p) {
          (size == 4 ? f.add_4x4_dc : f.add_8x8_dc)(p.row(0), p.stride(), values[0]);
        };
      };
      compare(plane, dc(scalar), dc(simd), "DC, turn " + std::to_string(turn));
    }
  });
}

// Two macroblocks beside each other: luma rows above chroma rows.
class Macroblocks {
 public:
  Macroblocks(Random& random, Values values, bool transform_8x8) {
    for (H264ResidualMacroblock& macroblock : list_) {
      auto& coefficients = coefficients_[&macroblock - list_.data()];
      macroblock.residual = idct_test::residual_of(values, transform_8x8, random, coefficients);
    }
  }
  void run(const H264IdctFunctions& functions, Plane& plane, bool chroma_only) {
    for (size_t i = 0; i < list_.size(); ++i) {
      list_[i].target = {plane.row(0) + 16 * i, plane.row(16) + 16 * i, plane.stride(),
                         plane.stride()};
    }
    if (chroma_only) {
      functions.add_chroma(list_[0].residual, list_[0].target);
    } else {
      functions.add_macroblocks(list_.data(), list_.size());
    }
  }

 private:
  std::array<H264ResidualMacroblock, 2> list_;
  std::array<std::vector<int16_t>, 2> coefficients_;
};

TEST_CASE("every SIMD target adds macroblocks as the reference does", "[idct]") {
  const H264IdctFunctions& scalar = h264_idct_functions(Substrate::kScalar);
  harness::for_each_target(h264_idct_functions, [&](const H264IdctFunctions& simd) {
    Random random(2);
    for (int turn = 0; turn < 3000; ++turn) {
      Plane plane({32, 24, static_cast<size_t>(draw(random, 0, 5)),
                   static_cast<size_t>(draw(random, 0, 15))});
      plane.fill(harness::kFills[turn % std::size(harness::kFills)], random);
      Macroblocks macroblocks(random, kValues[turn % std::size(kValues)], turn % 3 == 0);
      const auto run = [&](const H264IdctFunctions& f) {
        return [&](Plane& p) { macroblocks.run(f, p, turn % 4 == 1); };
      };
      compare(plane, run(scalar), run(simd), "turn " + std::to_string(turn));
    }
  });
}

TEST_CASE("a wish is met or the table says what runs instead", "[idct]") {
  harness::check_wishes(h264_idct_functions);
}

TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  const H264IdctFunctions& scalar = h264_idct_functions(Substrate::kScalar);
  const H264IdctFunctions& simd = h264_idct_functions(Substrate::kSimd);
  REQUIRE(simd.substrate == Substrate::kSimd);
  Random random(3);
  Plane plane({32, 24});
  plane.fill(harness::Fill::kRandom, random);
  const auto values = coefficients_of(Values::kSmall, 64, random);
  const auto ratio = [&](const char* name, auto run) {
    harness::print_ratio(
        name, simd.target, [&] { run(scalar); }, [&] { run(simd); });
  };
  using F = H264IdctFunctions;
  ratio("add_4x4", [&](const F& f) { f.add_4x4(plane.row(0), plane.stride(), values.data()); });
  ratio("add_8x8", [&](const F& f) { f.add_8x8(plane.row(0), plane.stride(), values.data()); });
  ratio("add_4x4_dc", [&](const F& f) { f.add_4x4_dc(plane.row(0), plane.stride(), values[0]); });
  ratio("add_8x8_dc", [&](const F& f) { f.add_8x8_dc(plane.row(0), plane.stride(), values[0]); });
  for (const bool transform_8x8 : {false, true}) {
    Macroblocks macroblocks(random, Values::kSmall, transform_8x8);
    ratio(transform_8x8 ? "add_macroblocks, 8x8" : "add_macroblocks, 4x4",
          [&](const F& f) { macroblocks.run(f, plane, false); });
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
