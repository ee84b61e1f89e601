#include "decode_core/software/h264/level_scale.h"

#include <algorithm>

namespace daedalus::core::h264 {
namespace {

// v of normAdjust4x4 (8-315) and normAdjust8x8 (8-318).
constexpr uint8_t kNormAdjust4x4[6][3] = {{10, 16, 13}, {11, 18, 14}, {13, 20, 16},
                                          {14, 23, 18}, {16, 25, 20}, {18, 29, 23}};
constexpr uint8_t kNormAdjust8x8[6][6] = {{20, 18, 32, 19, 25, 24}, {22, 19, 35, 21, 28, 26},
                                          {26, 23, 42, 24, 33, 31}, {28, 25, 45, 26, 35, 33},
                                          {32, 28, 51, 30, 40, 38}, {36, 32, 58, 34, 46, 43}};

size_t adjust_index_4x4(size_t y, size_t x) {
  if (y % 2 == 0 && x % 2 == 0) return 0;
  return y % 2 == 1 && x % 2 == 1 ? 1 : 2;
}

size_t adjust_index_8x8(size_t y, size_t x) {
  if (y % 4 == 0 && x % 4 == 0) return 0;
  if (y % 2 == 1 && x % 2 == 1) return 1;
  if (y % 4 == 2 && x % 4 == 2) return 2;
  if ((y % 4 == 0 && x % 2 == 1) || (y % 2 == 1 && x % 4 == 0)) return 3;
  if (y % 2 == 0 && x % 2 == 0) return 4;
  return 5;
}

uint32_t wrapping_product(int32_t value, uint32_t scale) {
  return static_cast<uint32_t>(value) * scale;
}

}  // namespace

const LevelScale& LevelScale::flat() {
  static const LevelScale kFlat(nullptr);
  return kFlat;
}

LevelScale::LevelScale(const v4l2_ctrl_h264_scaling_matrix* matrix) {
  for (size_t qp = 0; qp < 52; ++qp) {
    const auto shift = static_cast<unsigned>(qp / 6);
    for (size_t list = 0; list < blocks4x4.size(); ++list) {
      for (size_t i = 0; i < 16; ++i) {
        const uint32_t weight = matrix != nullptr ? matrix->scaling_list_4x4[list][i] : 16;
        blocks4x4[list][qp][i] = weight * kNormAdjust4x4[qp % 6][adjust_index_4x4(i / 4, i % 4)]
                                 << shift;
      }
    }
    for (size_t list = 0; list < blocks8x8.size(); ++list) {
      for (size_t i = 0; i < 64; ++i) {
        const uint32_t weight = matrix != nullptr ? matrix->scaling_list_8x8[list][i] : 16;
        blocks8x8[list][qp][i] = weight * kNormAdjust8x8[qp % 6][adjust_index_8x8(i / 8, i % 8)]
                                 << shift;
      }
    }
  }
}

void transform_luma_dc(std::array<int32_t, 16>& levels, uint32_t scale) {
  const auto butterfly = [&](size_t first, size_t step) {
    const int32_t a = levels[first] + levels[first + step];
    const int32_t b = levels[first] - levels[first + step];
    const int32_t c = levels[first + 2 * step] + levels[first + 3 * step];
    const int32_t d = levels[first + 2 * step] - levels[first + 3 * step];
    levels[first] = a + c;
    levels[first + step] = a - c;
    levels[first + 2 * step] = b - d;
    levels[first + 3 * step] = b + d;
  };
  for (size_t y = 0; y < 4; ++y) butterfly(4 * y, 1);
  for (size_t x = 0; x < 4; ++x) butterfly(x, 4);
  for (int32_t& level : levels) {
    level = static_cast<int32_t>(wrapping_product(level, scale) + 32u) >> 6;
  }
}

void transform_chroma_dc(std::array<int32_t, 4>& levels, uint32_t scale) {
  const int32_t a = levels[0] + levels[1];
  const int32_t b = levels[0] - levels[1];
  const int32_t c = levels[2] + levels[3];
  const int32_t d = levels[2] - levels[3];
  levels = {a + c, b + d, a - c, b - d};
  for (int32_t& level : levels) level = static_cast<int32_t>(wrapping_product(level, scale)) >> 5;
}

std::array<uint8_t, 52> chroma_qp_table(int offset) {
  constexpr uint8_t kFrom30[22] = {29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36,
                                   36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39};
  std::array<uint8_t, 52> table{};
  for (int qp = 0; qp < 52; ++qp) {
    const int index = std::clamp(qp + offset, 0, 51);
    table[static_cast<size_t>(qp)] = index < 30 ? static_cast<uint8_t>(index) : kFrom30[index - 30];
  }
  return table;
}

// Figures 8-8 and 8-9, tables 8-12 and 8-13.
// clang-format off
const std::array<std::array<uint8_t, 16>, 2> kScans4x4 = {{
    {{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}},
    {{0, 4, 1, 8, 12, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}},
}};
const std::array<std::array<uint8_t, 64>, 2> kScans8x8 = {{
    {{ 0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
      12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
      35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
      58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63}},
    {{ 0,  8, 16,  1,  9, 24, 32, 17,  2, 25, 40, 48, 56, 33, 10,  3,
      18, 41, 49, 57, 26, 11,  4, 19, 34, 42, 50, 58, 27, 12,  5, 20,
      35, 43, 51, 59, 28, 13,  6, 21, 36, 44, 52, 60, 29, 14, 22, 37,
      45, 53, 61, 30,  7, 15, 38, 46, 54, 62, 23, 31, 39, 47, 55, 63}},
}};
// clang-format on

}  // namespace daedalus::core::h264
