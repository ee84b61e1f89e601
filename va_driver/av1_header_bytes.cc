#include "va_driver/av1_header_bytes.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "decode_core/headers/av1_obu.h"

namespace daedalus::va {
namespace {

using Bytes = std::span<const uint8_t>;

// The unknown of a sequence header, a bit each.
enum Guess : uint32_t {
  kSuperres = 1,
  kWarpedMotion = 2,
  kReferenceMvs = 4,
  kRestoration = 8,
  kSeparateUv = 16,
  kForcedScreenContent = 32,
  kForcedIntegerMv = 64,
  kGuesses = 128,
};

headers::Av1SequenceHeader sequence_of(const core::Av1Parameters& told, uint32_t guess) {
  headers::Av1SequenceHeader out;
  const auto in_told = [&](uint32_t flag) { return (told.sequence.flags & flag) != 0; };
  out.max_width = told.sequence.max_frame_width_minus_1 + 1u;
  out.max_height = told.sequence.max_frame_height_minus_1 + 1u;
  out.bit_depth = told.sequence.bit_depth;
  out.monochrome = in_told(V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME);
  out.still_picture = in_told(V4L2_AV1_SEQUENCE_FLAG_STILL_PICTURE);
  out.order_hint_bits = told.sequence.order_hint_bits;
  constexpr uint32_t kUnknown =
      V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES | V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION |
      V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS | V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION |
      V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q;
  out.tools = told.sequence.flags & ~kUnknown;
  const auto tool = [&](Guess bit, uint32_t flag) {
    if (guess & bit) out.tools |= flag;
  };
  tool(kSuperres, V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES);
  tool(kWarpedMotion, V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION);
  tool(kReferenceMvs, V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS);
  tool(kRestoration, V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION);
  tool(kSeparateUv, V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q);
  const auto in_frame = [&](uint32_t flag) {
    return static_cast<uint8_t>((told.frame.flags & flag) != 0);
  };
  if (guess & kForcedScreenContent) {
    out.force_screen_content_tools = in_frame(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS);
  }
  if (guess & kForcedIntegerMv) {
    out.force_integer_mv = in_frame(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
  }
  return out;
}

template <typename Array>
bool equal(const Array& a, const Array& b) {
  return std::equal(std::begin(a), std::end(a), std::begin(b));
}

bool same_flags(const headers::Av1FrameHeader& read, const v4l2_ctrl_av1_frame& told) {
  uint32_t compared =
      V4L2_AV1_FRAME_FLAG_SHOW_FRAME | V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE |
      V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE | V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS |
      V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC | V4L2_AV1_FRAME_FLAG_USE_SUPERRES |
      V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV | V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE |
      V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS | V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF |
      V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION | V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT |
      V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET | V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT;
  if (!read.show_frame()) compared |= V4L2_AV1_FRAME_FLAG_SHOWABLE_FRAME;
  // What clients say of intra frames differs.
  if (!read.intra()) compared |= V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV;
  return (read.frame.flags & compared) == (told.flags & compared);
}

bool same_frame(const headers::Av1FrameHeader& header, const v4l2_ctrl_av1_frame& told) {
  const v4l2_ctrl_av1_frame& read = header.frame;
  if (read.frame_type != told.frame_type || read.order_hint != told.order_hint ||
      read.primary_ref_frame != told.primary_ref_frame ||
      read.upscaled_width != told.upscaled_width || read.superres_denom != told.superres_denom ||
      read.frame_height_minus_1 != told.frame_height_minus_1 || read.tx_mode != told.tx_mode) {
    return false;
  }
  return header.intra() || (read.interpolation_filter == told.interpolation_filter &&
                            equal(read.ref_frame_idx, told.ref_frame_idx));
}

bool same_tiles(const v4l2_av1_tile_info& read, const v4l2_av1_tile_info& told) {
  return read.flags == told.flags && read.tile_cols == told.tile_cols &&
         read.tile_rows == told.tile_rows &&
         read.context_update_tile_id == told.context_update_tile_id &&
         equal(read.mi_col_starts, told.mi_col_starts) &&
         equal(read.mi_row_starts, told.mi_row_starts);
}

bool same_quantizers(const v4l2_av1_quantization& read, const v4l2_av1_quantization& told) {
  constexpr uint8_t kFlags =
      V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX | V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT;
  return (read.flags & kFlags) == (told.flags & kFlags) && read.base_q_idx == told.base_q_idx &&
         read.delta_q_y_dc == told.delta_q_y_dc && read.delta_q_u_dc == told.delta_q_u_dc &&
         read.delta_q_u_ac == told.delta_q_u_ac && read.delta_q_v_dc == told.delta_q_v_dc &&
         read.delta_q_v_ac == told.delta_q_v_ac && read.qm_y == told.qm_y &&
         read.qm_u == told.qm_u && read.qm_v == told.qm_v && read.delta_q_res == told.delta_q_res;
}

// Deltas that are off or not read are left out: clients differ on them.
bool same_filters(const v4l2_ctrl_av1_frame& read, const v4l2_ctrl_av1_frame& told) {
  const v4l2_av1_loop_filter& a = read.loop_filter;
  const v4l2_av1_loop_filter& b = told.loop_filter;
  const bool updates = (a.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_UPDATE) != 0;
  return equal(a.level, b.level) && a.sharpness == b.sharpness &&
         (!updates || (equal(a.ref_deltas, b.ref_deltas) && equal(a.mode_deltas, b.mode_deltas))) &&
         read.cdef.bits == told.cdef.bits &&
         equal(read.loop_restoration.frame_restoration_type,
               told.loop_restoration.frame_restoration_type) &&
         read.segmentation.flags == told.segmentation.flags &&
         equal(read.global_motion.type, told.global_motion.type);
}

// The bytes from the end of the frame header to the first tile: the tile group's header and, unless
// the tile is the group's last, its size.
bool ends_at_tiles(const headers::Av1FrameHeader& header, size_t bytes) {
  const size_t end = (header.bits + 7) / 8;
  if (end > bytes) return false;
  const size_t rest = bytes - end;
  if (header.tile_count() == 1) return rest == 0;
  const size_t size = header.frame.tile_info.tile_size_bytes;
  const size_t numbers =
      (1 + 2 * (size_t{header.tile_columns_log2} + header.tile_rows_log2) + 7) / 8;
  return rest == 1 || rest == 1 + size || rest == numbers || rest == numbers + size;
}

// The payload of the frame unit among whole units, of which the tiles, and so its end, are cut off;
// empty: there is none.
Bytes frame_in_units(Bytes bytes) {
  while (bytes.size() >= 2) {
    const auto type = static_cast<headers::Av1ObuType>(bytes[0] >> 3 & 15);
    const bool extended = (bytes[0] & 4) != 0;
    const bool sized = (bytes[0] & 2) != 0;
    bytes = bytes.subspan(extended ? 2 : 1);
    size_t size = 0;
    if (sized) {
      const auto told = headers::read_av1_leb128(bytes);
      if (!told) return {};
      bytes = bytes.subspan(told->bytes);
      size = told->value;
    }
    if (type == headers::Av1ObuType::kFrame) return bytes;
    if (!sized || size > bytes.size()) return {};
    bytes = bytes.subspan(size);
  }
  return {};
}

std::optional<uint8_t> read_flags(Bytes bytes, const core::Av1Parameters& told,
                                  headers::Av1HeaderParser& parser, uint32_t guess) {
  parser.set_sequence(sequence_of(told, guess));
  const auto header = parser.parse(bytes, {});
  if (!header.ok() || header->show_existing_frame) return std::nullopt;
  const bool same = same_frame(*header, told.frame) && same_flags(*header, told.frame) &&
                    same_tiles(header->frame.tile_info, told.frame.tile_info) &&
                    same_quantizers(header->frame.quantization, told.frame.quantization) &&
                    same_filters(header->frame, told.frame) && ends_at_tiles(*header, bytes.size());
  if (!same) return std::nullopt;
  return header->frame.refresh_frame_flags;
}

}  // namespace

std::optional<uint8_t> Av1HeaderBytes::refresh_frame_flags(Bytes bytes,
                                                           const core::Av1Parameters& told,
                                                           const headers::Av1Slots& slots) {
  if (bytes.empty()) return std::nullopt;
  if (const auto flags = try_all(bytes, told, slots)) return flags;
  return try_all(frame_in_units(bytes), told, slots);
}

std::optional<uint8_t> Av1HeaderBytes::try_all(Bytes bytes, const core::Av1Parameters& told,
                                               const headers::Av1Slots& slots) {
  headers::Av1HeaderParser parser(slots);
  if (right_guess_) {
    if (const auto flags = read_flags(bytes, told, parser, *right_guess_)) return flags;
  }
  std::optional<uint8_t> found;
  for (uint32_t guess = 0; guess < kGuesses; ++guess) {
    const auto flags = read_flags(bytes, told, parser, guess);
    if (!flags) continue;
    if (found && *found != *flags) {
      right_guess_.reset();
      return std::nullopt;
    }
    found = flags;
    right_guess_ = guess;
  }
  return found;
}

}  // namespace daedalus::va
