#include "test/clients/parsers/h264_scaling_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace daedalus::clients {
namespace {

// Tables 7-3 and 7-4, in zigzag order.
constexpr std::array<uint8_t, 16> kIntra4x4 = {6,  13, 13, 20, 20, 20, 28, 28,
                                               28, 28, 32, 32, 32, 37, 37, 42};
constexpr std::array<uint8_t, 16> kInter4x4 = {10, 14, 14, 20, 20, 20, 24, 24,
                                               24, 24, 27, 27, 27, 30, 30, 34};
constexpr std::array<uint8_t, 64> kIntra8x8 = {
    6,  10, 10, 13, 11, 13, 16, 16, 16, 16, 18, 18, 18, 18, 18, 23, 23, 23, 23, 23, 23, 25,
    25, 25, 25, 25, 25, 25, 27, 27, 27, 27, 27, 27, 27, 27, 29, 29, 29, 29, 29, 29, 29, 31,
    31, 31, 31, 31, 31, 33, 33, 33, 33, 33, 36, 36, 36, 36, 38, 38, 38, 40, 40, 42};
constexpr std::array<uint8_t, 64> kInter8x8 = {
    9,  13, 13, 15, 13, 15, 17, 17, 17, 17, 19, 19, 19, 19, 19, 21, 21, 21, 21, 21, 21, 22,
    22, 22, 22, 22, 22, 22, 24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 27,
    27, 27, 27, 27, 27, 28, 28, 28, 28, 28, 30, 30, 30, 30, 32, 32, 32, 33, 33, 35};

// Raster positions in zigzag order (figure 8-8) of a block of side * side.
std::vector<uint8_t> zigzag(int side) {
  std::vector<uint8_t> order;
  for (int diagonal = 0; diagonal < 2 * side - 1; ++diagonal) {
    for (int step = 0; step <= diagonal; ++step) {
      const int y = diagonal % 2 ? step : diagonal - step;
      const int x = diagonal - y;
      if (x < side && y < side) order.push_back(static_cast<uint8_t>(y * side + x));
    }
  }
  return order;
}

void to_raster(std::span<const uint8_t> list, std::span<uint8_t> raster) {
  const std::vector<uint8_t> order = zigzag(list.size() == 16 ? 4 : 8);
  for (size_t i = 0; i < list.size(); ++i) raster[order[i]] = list[i];
}

// False: the default list is meant (useDefaultScalingMatrixFlag).
bool read_list(BitReader& reader, std::span<uint8_t> raster) {
  std::vector<uint8_t> list(raster.size());
  int last = 8, next = 8;
  for (size_t i = 0; i < list.size(); ++i) {
    if (next != 0) {
      next = (last + reader.signed_golomb() % 256 + 256) % 256;
      if (i == 0 && next == 0) return false;
    }
    last = next == 0 ? last : next;
    list[i] = static_cast<uint8_t>(last);
  }
  to_raster(list, raster);
  return true;
}

std::span<uint8_t> list_of(v4l2_ctrl_h264_scaling_matrix& matrix, int index) {
  if (index < 6) return matrix.scaling_list_4x4[index];
  return matrix.scaling_list_8x8[index - 6];
}

void use_default(v4l2_ctrl_h264_scaling_matrix& matrix, int index) {
  if (index < 6) {
    to_raster(index < 3 ? kIntra4x4 : kInter4x4, list_of(matrix, index));
  } else {
    to_raster(index % 2 == 0 ? kIntra8x8 : kInter8x8, list_of(matrix, index));
  }
}

}  // namespace

v4l2_ctrl_h264_scaling_matrix read_h264_scaling_lists(
    BitReader& reader, int count, const v4l2_ctrl_h264_scaling_matrix* fallback) {
  v4l2_ctrl_h264_scaling_matrix matrix{};
  for (int i = 0; i < 12; ++i) {
    if (i < count && reader.flag()) {
      if (!read_list(reader, list_of(matrix, i))) use_default(matrix, i);
      continue;
    }
    const bool first = i == 0 || i == 3 || i == 6 || i == 7;
    if (!first) {
      std::ranges::copy(list_of(matrix, i < 6 ? i - 1 : i - 2), list_of(matrix, i).begin());
    } else if (fallback != nullptr) {
      auto source = *fallback;
      std::ranges::copy(list_of(source, i), list_of(matrix, i).begin());
    } else {
      use_default(matrix, i);
    }
  }
  return matrix;
}

}  // namespace daedalus::clients
