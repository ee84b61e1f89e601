#include "decode_core/headers/hevc_scaling.h"

#include <algorithm>
#include <array>

namespace daedalus::headers {
namespace {

// Table 7-6, in the order of the up-right diagonal scan.
constexpr std::array<uint8_t, 64> kIntra = {
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 16, 17, 16, 17, 18, 17, 18, 18, 17, 18, 21,
    19, 20, 21, 20, 19, 21, 24, 22, 22, 24, 24, 22, 22, 24, 25, 25, 27, 30, 27, 25, 25, 29,
    31, 35, 35, 31, 29, 36, 41, 44, 41, 36, 47, 54, 54, 47, 65, 70, 65, 88, 88, 115};
constexpr std::array<uint8_t, 64> kInter = {
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 20,
    20, 20, 20, 20, 20, 20, 24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 28,
    28, 28, 28, 28, 28, 33, 33, 33, 33, 33, 41, 41, 41, 41, 54, 54, 54, 71, 71, 91};

// Coefficients in the order of the up-right diagonal scan (6.5.3) as a block of `side` by `side`.
void to_raster(const uint8_t* scanned, size_t side, uint8_t* raster) {
  for (size_t diagonal = 0; diagonal < 2 * side - 1; ++diagonal) {
    for (size_t x = 0; x <= diagonal; ++x) {
      const size_t y = diagonal - x;
      if (x < side && y < side) raster[y * side + x] = *scanned++;
    }
  }
}

// One list: the coefficients in raster order and, of 16x16 and 32x32, the first one (DC).
struct List {
  uint8_t* coefficients = nullptr;
  size_t side = 8;
  uint8_t* dc = nullptr;
  size_t count() const { return side * side; }
};

List list_of(v4l2_ctrl_hevc_scaling_matrix& matrix, unsigned size, unsigned index) {
  switch (size) {
    case 0:
      return {matrix.scaling_list_4x4[index], 4, nullptr};
    case 1:
      return {matrix.scaling_list_8x8[index], 8, nullptr};
    case 2:
      return {matrix.scaling_list_16x16[index], 8, &matrix.scaling_list_dc_coef_16x16[index]};
    default:
      return {matrix.scaling_list_32x32[index], 8, &matrix.scaling_list_dc_coef_32x32[index]};
  }
}

unsigned lists_of(unsigned size) { return size == 3 ? 2 : 6; }

void set_default(unsigned size, unsigned index, const List& list) {
  if (list.dc != nullptr) *list.dc = 16;
  if (size == 0) {
    std::fill_n(list.coefficients, list.count(), uint8_t{16});
    return;
  }
  const bool intra = size == 3 ? index == 0 : index < 3;
  to_raster((intra ? kIntra : kInter).data(), list.side, list.coefficients);
}

bool read_list(BitReader& reader, const List& list) {
  std::array<uint8_t, 64> scanned{};
  int32_t next = 8;
  if (list.dc != nullptr) {
    const int32_t dc_minus8 = reader.se();
    if (dc_minus8 < -7 || dc_minus8 > 247) return false;
    next = dc_minus8 + 8;
    *list.dc = static_cast<uint8_t>(next);
  }
  for (size_t i = 0; i < list.count(); ++i) {
    const int32_t delta = reader.se();
    if (delta < -128 || delta > 127) return false;
    next = (next + delta + 256) % 256;
    scanned[i] = static_cast<uint8_t>(next);
  }
  to_raster(scanned.data(), list.side, list.coefficients);
  return true;
}

}  // namespace

v4l2_ctrl_hevc_scaling_matrix hevc_default_scaling_matrix() {
  v4l2_ctrl_hevc_scaling_matrix matrix{};
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned i = 0; i < lists_of(size); ++i) set_default(size, i, list_of(matrix, size, i));
  }
  return matrix;
}

bool read_hevc_scaling_matrix(BitReader& reader, v4l2_ctrl_hevc_scaling_matrix& matrix) {
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned i = 0; i < lists_of(size); ++i) {
      const List list = list_of(matrix, size, i);
      if (reader.flag()) {
        if (!read_list(reader, list)) return false;
        continue;
      }
      const uint32_t back = reader.ue();  // scaling_list_pred_matrix_id_delta
      if (back > i) return false;
      if (back == 0) {
        set_default(size, i, list);
        continue;
      }
      const List from = list_of(matrix, size, i - back);
      std::copy_n(from.coefficients, list.count(), list.coefficients);
      if (list.dc != nullptr) *list.dc = *from.dc;
    }
  }
  return !reader.overrun();
}

}  // namespace daedalus::headers
