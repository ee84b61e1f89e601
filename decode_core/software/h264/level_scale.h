// Scaling of transform coefficients (8.5.9) and the scans that order them (8.5.6, 8.5.7).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_LEVEL_SCALE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_LEVEL_SCALE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "decode_core/uapi/controls.h"

namespace daedalus::core::h264 {

// LevelScale4x4(qP % 6) << (qP / 6) and LevelScale8x8 likewise, in raster order.
struct LevelScale {
  using Block4x4 = std::array<uint32_t, 16>;
  using Block8x8 = std::array<uint32_t, 64>;
  std::array<std::array<Block4x4, 52>, 6> blocks4x4;  // Intra Y, Cb, Cr, Inter Y, Cb, Cr
  std::array<std::array<Block8x8, 52>, 2> blocks8x8;  // Intra Y, Inter Y

  // matrix: null for Flat_4x4_16 and Flat_8x8_16.
  explicit LevelScale(const v4l2_ctrl_h264_scaling_matrix* matrix);
  static const LevelScale& flat();
};

// One coefficient, scaled as 8.5.12.1 says for residual blocks; any values are defined.
inline int16_t scale_4x4(int32_t level, uint32_t scale) {
  return static_cast<int16_t>(static_cast<int32_t>(static_cast<uint32_t>(level) * scale + 8) >> 4);
}
inline int16_t scale_8x8(int32_t level, uint32_t scale) {
  return static_cast<int16_t>(static_cast<int32_t>(static_cast<uint32_t>(level) * scale + 32) >> 6);
}

// The DC coefficients of Intra16x16 (8.5.10): `levels` in raster order of the blocks become the
// first coefficients of the blocks, in place. scale: LevelScale of place 0.
void transform_luma_dc(std::array<int32_t, 16>& levels, uint32_t scale);
// Those of one chroma component (8.5.11).
void transform_chroma_dc(std::array<int32_t, 4>& levels, uint32_t scale);

// QPC of a component (8.5.8, table 8-15) by QPY, for its chroma_qp_index_offset, -12 to 12.
std::array<uint8_t, 52> chroma_qp_table(int offset);

// Raster position of each coefficient: [field scan].
extern const std::array<std::array<uint8_t, 16>, 2> kScans4x4;
extern const std::array<std::array<uint8_t, 64>, 2> kScans8x8;

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_LEVEL_SCALE_H_
