#include "decode_core/headers/h264_scaling.h"

#include <array>
#include <cstring>

namespace daedalus::headers {
namespace {

// Zig-zag scans: position in the scan to raster index (figure 6-16 a and 8.5.7, frame macroblocks).
constexpr std::array<uint8_t, 16> kZigzag4x4 = {0, 1,  4,  8,  5, 2,  3,  6,
                                                9, 12, 13, 10, 7, 11, 14, 15};
constexpr std::array<uint8_t, 64> kZigzag8x8 = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// Default lists in zig-zag order (table 7-3 and 7-4).
constexpr std::array<uint8_t, 16> kDefault4x4Intra = {6,  13, 13, 20, 20, 20, 28, 28,
                                                      28, 28, 32, 32, 32, 37, 37, 42};
constexpr std::array<uint8_t, 16> kDefault4x4Inter = {10, 14, 14, 20, 20, 20, 24, 24,
                                                      24, 24, 27, 27, 27, 30, 30, 34};
constexpr std::array<uint8_t, 64> kDefault8x8Intra = {
    6,  10, 10, 13, 11, 13, 16, 16, 16, 16, 18, 18, 18, 18, 18, 23, 23, 23, 23, 23, 23, 25,
    25, 25, 25, 25, 25, 25, 27, 27, 27, 27, 27, 27, 27, 27, 29, 29, 29, 29, 29, 29, 29, 31,
    31, 31, 31, 31, 31, 33, 33, 33, 33, 33, 36, 36, 36, 36, 38, 38, 38, 40, 40, 42};
constexpr std::array<uint8_t, 64> kDefault8x8Inter = {
    9,  13, 13, 15, 13, 15, 17, 17, 17, 17, 19, 19, 19, 19, 19, 21, 21, 21, 21, 21, 21, 22,
    22, 22, 22, 22, 22, 22, 24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 27,
    27, 27, 27, 27, 27, 28, 28, 28, 28, 28, 30, 30, 30, 30, 32, 32, 32, 33, 33, 35};

template <size_t kSize>
void unscan(const std::array<uint8_t, kSize>& list, uint8_t* raster) {
  for (size_t i = 0; i < kSize; ++i) {
    if constexpr (kSize == 16) {
      raster[kZigzag4x4[i]] = list[i];
    } else {
      raster[kZigzag8x8[i]] = list[i];
    }
  }
}

enum class ListSource { kRead, kDefault, kFallBack, kError };

// scaling_list(): kDefault where useDefaultScalingMatrixFlag comes out as 1.
template <size_t kSize>
ListSource read_list(BitReader& reader, uint8_t* raster) {
  std::array<uint8_t, kSize> list{};
  int last = 8;
  int next = 8;
  for (size_t i = 0; i < kSize; ++i) {
    if (next != 0) {
      const int32_t delta = reader.se();
      if (reader.overrun() || delta < -128 || delta > 127) return ListSource::kError;
      next = (last + delta + 256) % 256;
      if (i == 0 && next == 0) return ListSource::kDefault;
    }
    list[i] = static_cast<uint8_t>(next == 0 ? last : next);
    last = list[i];
  }
  unscan(list, raster);
  return ListSource::kRead;
}

}  // namespace

v4l2_ctrl_h264_scaling_matrix h264_flat_scaling_matrix() {
  v4l2_ctrl_h264_scaling_matrix matrix;
  std::memset(&matrix, 16, sizeof(matrix));
  return matrix;
}

bool read_h264_scaling_matrix(BitReader& reader, int count_8x8,
                              const v4l2_ctrl_h264_scaling_matrix* sps_matrix,
                              v4l2_ctrl_h264_scaling_matrix& matrix) {
  for (int i = 0; i < 6; ++i) {
    uint8_t* list = matrix.scaling_list_4x4[i];
    const bool first_of_kind = i % 3 == 0;
    ListSource source = ListSource::kFallBack;
    if (reader.flag()) source = read_list<16>(reader, list);
    if (source == ListSource::kError) return false;
    if (source == ListSource::kFallBack && !first_of_kind) {
      std::memcpy(list, matrix.scaling_list_4x4[i - 1], 16);
    } else if (source == ListSource::kFallBack && sps_matrix != nullptr) {
      std::memcpy(list, sps_matrix->scaling_list_4x4[i], 16);
    } else if (source != ListSource::kRead) {
      unscan(i < 3 ? kDefault4x4Intra : kDefault4x4Inter, list);
    }
  }
  for (int i = 0; i < 6; ++i) {
    uint8_t* list = matrix.scaling_list_8x8[i];
    const bool first_of_kind = i < 2;
    ListSource source = ListSource::kFallBack;
    if (i < count_8x8 && reader.flag()) source = read_list<64>(reader, list);
    if (source == ListSource::kError) return false;
    if (source == ListSource::kFallBack && !first_of_kind) {
      std::memcpy(list, matrix.scaling_list_8x8[i - 2], 64);
    } else if (source == ListSource::kFallBack && sps_matrix != nullptr) {
      std::memcpy(list, sps_matrix->scaling_list_8x8[i], 64);
    } else if (source != ListSource::kRead) {
      unscan(i % 2 == 0 ? kDefault8x8Intra : kDefault8x8Inter, list);
    }
  }
  return !reader.overrun();
}

}  // namespace daedalus::headers
