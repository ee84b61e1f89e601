#include "gpu_kernels/deblock/h264.h"

#include <array>
#include <string>
#include <vector>

#include "gpu_kernels/harness.h"
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
  CHECK(h264_edge_thresholds(51, 0, 0).tc0 == std::array<uint8_t, 4>{0, 13, 17, 25});
  CHECK(h264_edge_thresholds(36, 4, -6).alpha == 80);
  CHECK(h264_edge_thresholds(36, 4, -6).beta == 8);
  CHECK(h264_edge_thresholds(36, 4, -6).tc0 == std::array<uint8_t, 4>{0, 4, 5, 7});
  CHECK(h264_edge_thresholds(0, -12, -12).alpha == 0);
}

constexpr H264EdgeThresholds kThresholds = {.alpha = 40, .beta = 10, .tc0 = {0, 1, 2, 4}};
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
                                                        kThresholds, off);
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
    f.chroma_vertical_mixed(chroma.data() + 4, 8, {0, 1, 0, 4}, kThresholds, kThresholds);
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
    macroblock.qp[2] = {30, 31, 32, 0};
    H264ThresholdTable table;
    table[30] = table[31] = kThresholds;
    h264_deblock_functions(substrate).filter_macroblocks(&macroblock, 1, table, kStride, kStride);
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
    h264_deblock_functions(substrate).filter_macroblocks(&macroblock, 1, table, kStride, kStride);
    CHECK(chroma == expected);
    CHECK(luma != luma_before);
  }
}

using harness::draw;
using harness::Plane;
using harness::Random;
using Strengths = std::array<uint8_t, 4>;

// Those of the standard's tables, and others.
H264EdgeThresholds draw_thresholds(Random& random) {
  if (draw(random, 0, 2) != 0) {
    return h264_edge_thresholds(draw(random, 0, 51), draw(random, -12, 12), draw(random, -12, 12));
  }
  H264EdgeThresholds t = {.alpha = static_cast<uint8_t>(draw(random, 0, 255)),
                          .beta = static_cast<uint8_t>(draw(random, 0, 255))};
  for (size_t i = 1; i < t.tc0.size(); ++i) t.tc0[i] = static_cast<uint8_t>(draw(random, 0, 25));
  return t;
}

// All equal, of one kind or any.
Strengths draw_strengths(Random& random) {
  const int first = draw(random, 0, 4);
  const int kind = draw(random, 0, 2);
  Strengths strengths{};
  for (uint8_t& strength : strengths) {
    strength = static_cast<uint8_t>(kind == 0   ? first
                                    : kind == 1 ? draw(random, 0, 3)
                                                : draw(random, 0, 4));
  }
  return strengths;
}

using Edge = void (*)(const H264DeblockFunctions&, uint8_t*, ptrdiff_t, const Strengths&,
                      const std::array<H264EdgeThresholds, 2>&);
struct Kernel {
  const char* name;
  // Samples around the edge, in bytes and rows; where its first one is.
  size_t row_bytes, rows, x, y;
  Edge run;
};

#define EDGE_ARGUMENTS                                                              \
  const H264DeblockFunctions &f, uint8_t *at, ptrdiff_t stride, const Strengths &s, \
      const std::array<H264EdgeThresholds, 2>&t

const Kernel kKernels[] = {
    {"luma_vertical", 8, 16, 4, 0, [](EDGE_ARGUMENTS) { f.luma_vertical(at, stride, s, t[0]); }},
    {"luma_horizontal", 16, 8, 0, 4,
     [](EDGE_ARGUMENTS) { f.luma_horizontal(at, stride, s, t[0]); }},
    {"chroma_vertical", 8, 8, 4, 0,
     [](EDGE_ARGUMENTS) { f.chroma_vertical(at, stride, s, t[0], t[1]); }},
    {"chroma_horizontal", 16, 4, 0, 2,
     [](EDGE_ARGUMENTS) { f.chroma_horizontal(at, stride, s, t[0], t[1]); }},
    {"luma_vertical_mixed", 8, 8, 4, 0,
     [](EDGE_ARGUMENTS) { f.luma_vertical_mixed(at, stride, s, t[0]); }},
    {"chroma_vertical_mixed", 8, 4, 4, 0,
     [](EDGE_ARGUMENTS) { f.chroma_vertical_mixed(at, stride, s, t[0], t[1]); }},
};

// Steps at the edge that the thresholds let pass, with any samples around them.
void fill_edge(Plane& plane, const Kernel& kernel, int turn, Random& random) {
  plane.fill(harness::kFills[turn % std::size(harness::kFills)], random);
  if (turn % 2 == 0) return;
  const int base = draw(random, 0, 255);
  const int reach = draw(random, 1, 20);
  for (size_t y = 0; y < kernel.rows; ++y) {
    for (size_t x = 0; x < kernel.row_bytes; ++x) {
      const int step = y < kernel.y || x < kernel.x ? 0 : 2 * reach;
      plane.row(y)[x] =
          static_cast<uint8_t>(std::clamp(base + step + draw(random, -reach, reach), 0, 255));
    }
  }
}

TEST_CASE("every SIMD target filters edges as the reference does", "[deblock]") {
  const H264DeblockFunctions& scalar = h264_deblock_functions(Substrate::kScalar);
  harness::for_each_target(h264_deblock_functions, [&](const H264DeblockFunctions& simd) {
    Random random(1);
    for (const Kernel& kernel : kKernels) {
      int changed = 0;
      for (int turn = 0; turn < 3000; ++turn) {
        Plane before({kernel.row_bytes, kernel.rows, static_cast<size_t>(draw(random, 0, 9)),
                      static_cast<size_t>(draw(random, 0, 15))});
        fill_edge(before, kernel, turn, random);
        const Strengths strengths = draw_strengths(random);
        const std::array thresholds = {draw_thresholds(random), draw_thresholds(random)};
        const auto run = [&](const H264DeblockFunctions& functions) {
          Plane plane = before;
          kernel.run(functions, plane.row(kernel.y) + kernel.x, plane.stride(), strengths,
                     thresholds);
          return plane;
        };
        const Plane expected = run(scalar);
        if (!(expected == run(simd))) FAIL(kernel.name << ", turn " << turn);
        changed += expected == before ? 0 : 1;
      }
      CHECK(changed > 300);
    }
  });
}

// A row of three macroblocks with what the filter reads above and left of them: luma, then chroma.
struct Row3 {
  explicit Row3(Random& random) : list(3) {
    for (H264DeblockMacroblock& mb : list) {
      for (auto& direction : mb.strength) {
        for (Strengths& edge : direction) edge = draw_strengths(random);
      }
      for (auto& edges : mb.qp) {
        for (uint8_t& qp : edges) qp = static_cast<uint8_t>(draw(random, 0, 51));
      }
    }
    for (H264EdgeThresholds& thresholds : table) thresholds = draw_thresholds(random);
  }
  void run(const H264DeblockFunctions& functions, Plane& plane, bool has_chroma) {
    for (size_t i = 0; i < list.size(); ++i) {
      list[i].luma = plane.row(4) + 4 + 16 * i;
      list[i].chroma = has_chroma ? plane.row(22) + 4 + 16 * i : nullptr;
    }
    functions.filter_macroblocks(list.data(), list.size(), table, plane.stride(), plane.stride());
  }
  H264ThresholdTable table;
  std::vector<H264DeblockMacroblock> list;
};

TEST_CASE("every SIMD target filters macroblocks as the reference does", "[deblock]") {
  const H264DeblockFunctions& scalar = h264_deblock_functions(Substrate::kScalar);
  harness::for_each_target(h264_deblock_functions, [&](const H264DeblockFunctions& simd) {
    Random random(2);
    for (int turn = 0; turn < 1000; ++turn) {
      Plane before({52, 30, static_cast<size_t>(draw(random, 0, 9)),
                    static_cast<size_t>(draw(random, 0, 15))});
      before.fill(turn % 2 == 0 ? harness::Fill::kNear
                                : harness::kFills[turn / 2 % std::size(harness::kFills)],
                  random);
      Row3 macroblocks(random);
      const auto run = [&](const H264DeblockFunctions& functions) {
        Plane plane = before;
        macroblocks.run(functions, plane, turn % 5 != 0);
        return plane;
      };
      if (!(run(scalar) == run(simd))) FAIL("turn " << turn);
    }
  });
}

TEST_CASE("a wish is met or the table says what runs instead", "[deblock]") {
  harness::check_wishes(h264_deblock_functions);
}

TEST_CASE("speed of SIMD against the reference", "[.bench]") {
  const H264DeblockFunctions& scalar = h264_deblock_functions(Substrate::kScalar);
  const H264DeblockFunctions& simd = h264_deblock_functions(Substrate::kSimd);
  REQUIRE(simd.substrate == Substrate::kSimd);
  Random random(3);
  Plane plane({64, 32});
  const H264EdgeThresholds t = h264_edge_thresholds(40, 0, 0);
  for (const Kernel& kernel : kKernels) {
    for (const uint8_t strength : {2, 4}) {
      plane.fill(harness::Fill::kNear, random);
      const auto run = [&](const H264DeblockFunctions& functions) {
        const Strengths strengths = {strength, strength, strength, strength};
        kernel.run(functions, plane.row(kernel.y) + kernel.x, plane.stride(), strengths, {t, t});
      };
      const std::string name = std::string(kernel.name) + ", bS " + std::to_string(strength);
      harness::print_ratio(
          name.c_str(), simd.target, [&] { run(scalar); }, [&] { run(simd); });
    }
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
