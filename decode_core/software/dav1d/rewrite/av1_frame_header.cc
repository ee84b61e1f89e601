#include "decode_core/software/dav1d/rewrite/av1_frame_header.h"

#include <algorithm>

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/av1_order_hints.h"
#include "decode_core/software/dav1d/rewrite/av1_codes.h"
#include "decode_core/software/dav1d/rewrite/av1_global_motion.h"
#include "decode_core/software/dav1d/rewrite/av1_tile_info.h"

namespace daedalus::core::rewrite {
namespace {

using headers::kAv1NoPrimaryReference;

// su(1 + `magnitude_bits`) of the value, or the nearest that it can tell.
void write_signed(BitWriter& bits, unsigned magnitude_bits, int32_t value) {
  const int32_t most = (1 << magnitude_bits) - 1;
  write_su(bits, magnitude_bits + 1, std::clamp(value, -most - 1, most));
}

// The value, cut to `count` bits.
void write_cut(BitWriter& bits, unsigned count, uint32_t value) {
  bits.u(count, std::min(value, (1u << count) - 1));
}

// The segmentation features' values (5.9.14): bits, and whether signed.
struct Feature {
  unsigned bits;
  bool is_signed;
};
constexpr std::array<Feature, V4L2_AV1_SEG_LVL_MAX> kFeatures = {
    {{8, true}, {6, true}, {6, true}, {6, true}, {6, true}, {3, false}, {0, false}, {0, false}}};

class HeaderWriter {
 public:
  HeaderWriter(BitWriter& bits, const Av1FrameToWrite& input)
      : bits_(bits), input_(input), sequence_(input.sequence), frame_(input.frame) {
    intra_ = headers::av1_is_intra(frame_.frame_type);
    error_resilient_ =
        frame_.frame_type == V4L2_AV1_SWITCH_FRAME || has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
    primary_ref_ = intra_ || error_resilient_
                       ? kAv1NoPrimaryReference
                       : std::min(frame_.primary_ref_frame, kAv1NoPrimaryReference);
    const uint32_t denominator = std::clamp<uint32_t>(frame_.superres_denom, 9, 16);
    width_ = frame_.upscaled_width;
    if (has(V4L2_AV1_FRAME_FLAG_USE_SUPERRES)) {
      width_ = (frame_.upscaled_width * 8 + denominator / 2) / denominator;
    }
    // Where both widths are the same there is nothing to scale.
    superres_denominator_ = width_ != frame_.upscaled_width ? denominator : 0;
    intrabc_ = intra_ && superres_denominator_ == 0 &&
               has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) &&
               has(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC);
  }

  Result<Av1SlotState> write(unsigned tile_size_bytes) {
    state_.order_hint = frame_.order_hint & ((1u << sequence_.order_hint_bits) - 1);
    frame_type();
    references();
    if (!has(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE)) {
      flag(V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF);
    }
    const Av1TileFrame tile_frame{
        width_, frame_.frame_height_minus_1 + 1,
        (sequence_.flags & V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK) != 0};
    const Status tiles = write_av1_tile_info(bits_, frame_.tile_info, tile_frame, tile_size_bytes);
    if (!tiles) return tiles.error();
    quantization();
    segmentation();
    deltas();
    coded_lossless_ = is_coded_lossless();
    if (!coded_lossless_ && !intrabc_) loop_filter();
    if (!coded_lossless_ && !intrabc_ && sequence_has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF)) cdef();
    if ((!coded_lossless_ || superres_denominator_ != 0) && !intrabc_) loop_restoration();
    if (!coded_lossless_) bits_.flag(frame_.tx_mode == V4L2_AV1_TX_MODE_SELECT);
    if (!intra_) modes();
    flag(V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
    state_.global_motion = default_av1_global_motion();
    if (!intra_) {
      if (Status status = global_motion(); !status) return status.error();
    }
    return state_;
  }

 private:
  bool has(uint32_t frame_flag) const { return (frame_.flags & frame_flag) != 0; }
  bool sequence_has(uint32_t sequence_flag) const { return (sequence_.flags & sequence_flag) != 0; }
  bool monochrome() const { return sequence_has(V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME); }
  void flag(uint32_t frame_flag) { bits_.flag(has(frame_flag)); }
  const Av1SlotState* primary_state() const {
    if (primary_ref_ == kAv1NoPrimaryReference) return nullptr;
    return input_.slots[input_.ref_frame_idx[primary_ref_]];
  }

  // Up to primary_ref_frame.
  void frame_type() {
    bits_.flag(false);  // show_existing_frame
    bits_.u(2, frame_.frame_type == V4L2_AV1_SWITCH_FRAME ? V4L2_AV1_INTER_FRAME
                                                          : (frame_.frame_type & 3));
    bits_.flag(false);  // show_frame
    bits_.flag(false);  // showable_frame
    bits_.flag(error_resilient_);
    flag(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE);
    flag(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS);
    if (has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS)) {
      flag(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
    }
    bits_.flag(true);  // frame_size_override_flag
    bits_.u(sequence_.order_hint_bits, state_.order_hint);
    if (!intra_ && !error_resilient_) bits_.u(3, primary_ref_);
  }

  void references() {
    bits_.u(8, input_.refresh_frame_flags);
    if ((!intra_ || input_.refresh_frame_flags != 0xff) && error_resilient_) ref_order_hints();
    if (intra_) {
      frame_size();
      if (has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) && superres_denominator_ == 0) {
        bits_.flag(intrabc_);
      }
      return;
    }
    if (sequence_.order_hint_bits != 0) bits_.flag(false);  // frame_refs_short_signaling
    for (const uint8_t index : input_.ref_frame_idx) bits_.u(3, index);
    if (!error_resilient_) bits_.u(V4L2_AV1_REFS_PER_FRAME, 0);  // found_ref
    frame_size();
    const bool integer = has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) &&
                         has(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
    high_precision_ = !integer && has(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
    if (!integer) bits_.flag(high_precision_);
    const bool switchable = frame_.interpolation_filter == V4L2_AV1_INTERPOLATION_FILTER_SWITCHABLE;
    bits_.flag(switchable);
    if (!switchable) bits_.u(2, frame_.interpolation_filter & 3);
    flag(V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE);
    if (!error_resilient_ && sequence_.order_hint_bits != 0) {
      flag(V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS);
    }
  }

  void ref_order_hints() {
    for (const Av1SlotState* slot : input_.slots) {
      bits_.u(sequence_.order_hint_bits, slot != nullptr ? slot->order_hint : 0);
    }
  }

  // frame_size(), superres_params() and render_size() (5.9.5 to 5.9.8).
  void frame_size() {
    bits_.u(16, frame_.upscaled_width - 1);
    bits_.u(16, frame_.frame_height_minus_1);
    bits_.flag(superres_denominator_ != 0);
    if (superres_denominator_ != 0) bits_.u(3, superres_denominator_ - 9);
    bits_.flag(false);  // render_and_frame_size_different
  }

  void delta_q(int8_t value) {
    bits_.flag(value != 0);
    if (value != 0) write_signed(bits_, 6, value);
  }

  // quantization_params(), 5.9.12.
  void quantization() {
    const v4l2_av1_quantization& q = frame_.quantization;
    bits_.u(8, q.base_q_idx);
    delta_q(q.delta_q_y_dc);
    if (!monochrome()) {
      const bool different = q.delta_q_u_dc != q.delta_q_v_dc || q.delta_q_u_ac != q.delta_q_v_ac;
      bits_.flag(different);
      delta_q(q.delta_q_u_dc);
      delta_q(q.delta_q_u_ac);
      if (different) delta_q(q.delta_q_v_dc);
      if (different) delta_q(q.delta_q_v_ac);
    }
    const bool matrices = q.flags & V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX;
    bits_.flag(matrices);
    if (!matrices) return;
    write_cut(bits_, 4, q.qm_y);
    write_cut(bits_, 4, q.qm_u);
    if (!monochrome()) write_cut(bits_, 4, q.qm_v);  // separate_uv_delta_q is 1
  }

  // segmentation_params(), 5.9.14.
  void segmentation() {
    const v4l2_av1_segmentation& from = frame_.segmentation;
    const bool enabled = from.flags & V4L2_AV1_SEGMENTATION_FLAG_ENABLED;
    bits_.flag(enabled);
    if (!enabled) return;
    const Av1SlotState* previous = primary_state();
    bool update_data = true;
    if (previous != nullptr) {
      const bool update_map = from.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP;
      bits_.flag(update_map);
      if (update_map) bits_.flag(from.flags & V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE);
      update_data = from.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA;
      bits_.flag(update_data);
      state_.segmentation = previous->segmentation;
    }
    state_.segmentation.flags = V4L2_AV1_SEGMENTATION_FLAG_ENABLED;
    if (update_data) segmentation_features();
  }

  void segmentation_features() {
    const v4l2_av1_segmentation& from = frame_.segmentation;
    for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
      state_.segmentation.feature_enabled[segment] = from.feature_enabled[segment];
      for (size_t id = 0; id < kFeatures.size(); ++id) {
        const bool enabled =
            (from.feature_enabled[segment] & V4L2_AV1_SEGMENT_FEATURE_ENABLED(id)) != 0;
        bits_.flag(enabled);
        if (!enabled) continue;
        const Feature& feature = kFeatures[id];
        const int32_t most = (1 << feature.bits) - 1;
        const int32_t value = std::clamp<int32_t>(from.feature_data[segment][id],
                                                  feature.is_signed ? -most : 0, most);
        if (feature.is_signed) {
          write_su(bits_, feature.bits + 1, value);
        } else {
          bits_.u(feature.bits, static_cast<uint32_t>(value));
        }
        state_.segmentation.feature_data[segment][id] = static_cast<int16_t>(value);
      }
    }
  }

  // delta_q_params() and delta_lf_params(), 5.9.17 and 5.9.18.
  void deltas() {
    const v4l2_av1_quantization& q = frame_.quantization;
    if (q.base_q_idx == 0) return;
    const bool delta_q_present = q.flags & V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT;
    bits_.flag(delta_q_present);
    if (!delta_q_present) return;
    write_cut(bits_, 2, q.delta_q_res);
    if (intrabc_) return;
    const v4l2_av1_loop_filter& filter = frame_.loop_filter;
    const bool delta_lf_present = filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT;
    bits_.flag(delta_lf_present);
    if (!delta_lf_present) return;
    write_cut(bits_, 2, filter.delta_lf_res);
    bits_.flag(filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI);
  }

  // CodedLossless: every segment at quantiser 0 and no delta (5.9.2).
  bool is_coded_lossless() const {
    const v4l2_av1_quantization& q = frame_.quantization;
    if (q.delta_q_y_dc != 0) return false;
    const bool chroma_delta =
        q.delta_q_u_dc != 0 || q.delta_q_u_ac != 0 || q.delta_q_v_dc != 0 || q.delta_q_v_ac != 0;
    if (!monochrome() && chroma_delta) return false;
    if (state_.segmentation.flags == 0) return q.base_q_idx == 0;
    for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
      const bool alternative = (state_.segmentation.feature_enabled[segment] &
                                V4L2_AV1_SEGMENT_FEATURE_ENABLED(V4L2_AV1_SEG_LVL_ALT_Q)) != 0;
      const int index =
          q.base_q_idx +
          (alternative ? state_.segmentation.feature_data[segment][V4L2_AV1_SEG_LVL_ALT_Q] : 0);
      if (index > 0) return false;
    }
    return true;
  }

  // loop_filter_params(), 5.9.11.
  void loop_filter() {
    const v4l2_av1_loop_filter& filter = frame_.loop_filter;
    write_cut(bits_, 6, filter.level[0]);
    write_cut(bits_, 6, filter.level[1]);
    if (!monochrome() && (filter.level[0] != 0 || filter.level[1] != 0)) {
      write_cut(bits_, 6, filter.level[2]);
      write_cut(bits_, 6, filter.level[3]);
    }
    write_cut(bits_, 3, filter.sharpness);
    const bool enabled = filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED;
    bits_.flag(enabled);
    if (!enabled) return;
    const bool update = filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_UPDATE;
    bits_.flag(update);
    if (!update) return;
    const auto write_delta = [this](int8_t delta) {
      bits_.flag(true);  // update_ref_delta, update_mode_delta
      write_signed(bits_, 6, delta);
    };
    for (const int8_t delta : filter.ref_deltas) write_delta(delta);
    for (const int8_t delta : filter.mode_deltas) write_delta(delta);
  }

  // cdef_params(), 5.9.19.
  void cdef() {
    const v4l2_av1_cdef& cdef = frame_.cdef;
    const unsigned count_log2 = std::min<unsigned>(cdef.bits, 3);
    write_cut(bits_, 2, cdef.damping_minus_3);
    bits_.u(2, count_log2);
    for (size_t i = 0; i < size_t{1} << count_log2; ++i) {
      write_cut(bits_, 4, cdef.y_pri_strength[i]);
      write_cut(bits_, 2, cdef.y_sec_strength[i]);  // 4 is told as 3
      if (monochrome()) continue;
      write_cut(bits_, 4, cdef.uv_pri_strength[i]);
      write_cut(bits_, 2, cdef.uv_sec_strength[i]);
    }
  }

  // lr_params(), 5.9.20.
  void loop_restoration() {
    // lr_type by FrameRestorationType (the inverse of Remap_Lr_Type).
    constexpr std::array<uint32_t, 4> kTypes = {0, 2, 3, 1};
    const v4l2_av1_loop_restoration& restoration = frame_.loop_restoration;
    bool uses = false;
    bool uses_chroma = false;
    for (size_t plane = 0; plane < (monochrome() ? 1 : 3); ++plane) {
      const uint32_t type = kTypes[restoration.frame_restoration_type[plane] & 3];
      bits_.u(2, type);
      uses = uses || type != 0;
      uses_chroma = uses_chroma || (plane > 0 && type != 0);
    }
    if (!uses) return;
    const unsigned shift = std::min<unsigned>(restoration.lr_unit_shift, 2);
    if (sequence_has(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK)) {
      bits_.flag(shift > 1);
    } else {
      bits_.flag(shift > 0);
      if (shift > 0) bits_.flag(shift > 1);
    }
    if (uses_chroma) bits_.flag(restoration.lr_uv_shift != 0);
  }

  // frame_reference_mode(), skip_mode_params() and allow_warped_motion (5.9.23, 5.9.22).
  void modes() {
    flag(V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT);
    if (has(V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT)) {
      std::array<uint32_t, V4L2_AV1_REFS_PER_FRAME> hints{};
      for (size_t i = 0; i < hints.size(); ++i) {
        const Av1SlotState* slot = input_.slots[input_.ref_frame_idx[i]];
        hints[i] = slot != nullptr ? slot->order_hint : 0;
      }
      if (headers::av1_skip_mode_frames(sequence_.order_hint_bits, state_.order_hint, hints)) {
        flag(V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT);
      }
    }
    if (!error_resilient_) flag(V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION);
  }

  Status global_motion() {
    const Av1SlotState* previous = primary_state();
    const Av1GlobalMotion& from =
        previous != nullptr ? previous->global_motion : default_av1_global_motion();
    return write_av1_global_motion(bits_, frame_.global_motion, from, high_precision_,
                                   state_.global_motion);
  }

  BitWriter& bits_;
  const Av1FrameToWrite& input_;
  const v4l2_ctrl_av1_sequence& sequence_;
  const v4l2_ctrl_av1_frame& frame_;
  Av1SlotState state_;
  uint32_t width_ = 0;                 // FrameWidth
  uint32_t superres_denominator_ = 0;  // 0: no super-resolution
  uint32_t primary_ref_ = kAv1NoPrimaryReference;
  bool intra_ = false;  // FrameIsIntra
  bool error_resilient_ = false;
  bool intrabc_ = false;
  bool high_precision_ = false;
  bool coded_lossless_ = false;
};

}  // namespace

Result<Av1SlotState> write_av1_frame_header(BitWriter& bits, const Av1FrameToWrite& frame,
                                            unsigned tile_size_bytes) {
  return HeaderWriter(bits, frame).write(tile_size_bytes);
}

}  // namespace daedalus::core::rewrite
