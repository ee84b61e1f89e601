#include "decode_core/software/dav1d/rewrite/av1_units.h"

#include <algorithm>

#include "decode_core/headers/av1_obu.h"
#include "decode_core/software/dav1d/rewrite/av1_codes.h"

namespace daedalus::core::rewrite {
namespace {

using headers::Av1ObuType;

// obu_header() with obu_has_size_field, and the size.
void append_unit_header(Av1ObuType type, size_t size, std::vector<uint8_t>& out) {
  out.push_back(static_cast<uint8_t>(static_cast<unsigned>(type) << 3 | 2));
  append_leb128(size, out);
}

// color_config(), 5.5.2, of profile 0.
void write_color_config(BitWriter& bits, const v4l2_ctrl_av1_sequence& sequence) {
  const bool monochrome = sequence.flags & V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME;
  bits.flag(sequence.bit_depth > 8);  // high_bitdepth
  bits.flag(monochrome);
  bits.flag(false);  // color_description_present_flag
  bits.flag(sequence.flags & V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE);
  if (monochrome) return;
  bits.u(2, 0);     // chroma_sample_position
  bits.flag(true);  // separate_uv_delta_q
}

unsigned bytes_of_size(std::span<const std::span<const uint8_t>> tiles) {
  size_t largest = 1;
  for (const auto& tile : tiles) largest = std::max(largest, tile.size());
  unsigned bytes = 1;
  while (bytes < 4 && (largest - 1) >> (8 * bytes) != 0) ++bytes;
  return bytes;
}

}  // namespace

void append_av1_temporal_delimiter(std::vector<uint8_t>& out) {
  append_unit_header(Av1ObuType::kTemporalDelimiter, 0, out);
}

void append_av1_sequence_header(const v4l2_ctrl_av1_sequence& sequence, std::vector<uint8_t>& out) {
  const auto has = [&](uint32_t flag) { return (sequence.flags & flag) != 0; };
  const bool order_hint = sequence.order_hint_bits != 0;
  BitWriter bits;
  bits.u(3, 0);       // seq_profile
  bits.flag(false);   // still_picture
  bits.flag(false);   // reduced_still_picture_header
  bits.flag(false);   // timing_info_present_flag
  bits.flag(false);   // initial_display_delay_present_flag
  bits.u(5, 0);       // operating_points_cnt_minus_1
  bits.u(12, 0);      // operating_point_idc
  bits.u(5, 31);      // seq_level_idx: no limits
  bits.flag(false);   // seq_tier
  bits.u(4, 15);      // frame_width_bits_minus_1
  bits.u(4, 15);      // frame_height_bits_minus_1
  bits.u(16, 65535);  // max_frame_width_minus_1
  bits.u(16, 65535);  // max_frame_height_minus_1
  bits.flag(false);   // frame_id_numbers_present_flag
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK));
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA));
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER));
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND));
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND));
  bits.flag(true);  // enable_warped_motion
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER));
  bits.flag(order_hint);
  if (order_hint) {
    bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP));
    bits.flag(true);  // enable_ref_frame_mvs
  }
  bits.flag(true);  // seq_choose_screen_content_tools
  bits.flag(true);  // seq_choose_integer_mv
  if (order_hint) bits.u(3, sequence.order_hint_bits - 1u);
  bits.flag(true);  // enable_superres
  bits.flag(has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF));
  bits.flag(true);  // enable_restoration
  write_color_config(bits, sequence);
  bits.flag(false);  // film_grain_params_present
  bits.trailing_bits();
  append_unit_header(Av1ObuType::kSequenceHeader, bits.bytes().size(), out);
  out.insert(out.end(), bits.bytes().begin(), bits.bytes().end());
}

Result<Av1SlotState> append_av1_frame(const Av1FrameToWrite& frame,
                                      std::span<const std::span<const uint8_t>> tiles,
                                      std::vector<uint8_t>& out) {
  const unsigned size_bytes = bytes_of_size(tiles);
  BitWriter bits;
  auto state = write_av1_frame_header(bits, frame, size_bytes);
  if (!state) return state.error();
  bits.align_zero();
  if (tiles.size() > 1) {
    bits.flag(false);  // tile_start_and_end_present_flag
    bits.align_zero();
  }
  size_t size = bits.bytes().size() + size_bytes * (tiles.size() - 1);
  for (const auto& tile : tiles) size += tile.size();
  append_unit_header(Av1ObuType::kFrame, size, out);
  out.insert(out.end(), bits.bytes().begin(), bits.bytes().end());
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (i + 1 < tiles.size()) {
      const size_t size_minus_1 = tiles[i].size() - 1;  // tile_size_minus_1, le()
      for (unsigned byte = 0; byte < size_bytes; ++byte) {
        out.push_back(static_cast<uint8_t>(size_minus_1 >> (8 * byte)));
      }
    }
    out.insert(out.end(), tiles[i].begin(), tiles[i].end());
  }
  return state;
}

}  // namespace daedalus::core::rewrite
