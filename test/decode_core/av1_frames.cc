#include "test/decode_core/av1_frames.h"

#include <algorithm>

#include "decode_core/software/dav1d/rewrite/av1_global_motion.h"

namespace daedalus::core::rewrite::test {
namespace {

class FrameChooser {
 public:
  FrameChooser(Av1Random& random, const Av1Sequence& sequence, const Av1Slots& slots)
      : random_(random), sequence_(sequence), slots_(slots) {}

  v4l2_ctrl_av1_frame choose() {
    type_and_flags();
    size();
    tiles();
    quantization();
    segmentation();
    filters();
    global_motion();
    return frame_;
  }

 private:
  bool has(uint32_t flag) const { return (frame_.flags & flag) != 0; }
  uint8_t byte(int low, int high) { return static_cast<uint8_t>(random_.in(low, high)); }
  // Mostly 0.
  int8_t delta(int most) {
    return static_cast<int8_t>(random_.in(0, 2) == 0 ? random_.in(-most - 1, most) : 0);
  }

  void type_and_flags() {
    const bool empty = std::find(slots_.begin(), slots_.end(), nullptr) != slots_.end();
    frame_.frame_type =
        empty ? V4L2_AV1_KEY_FRAME
              : static_cast<v4l2_av1_frame_type>(random_.in(0, 3) == 0 ? random_.in(0, 3)
                                                                       : V4L2_AV1_INTER_FRAME);
    frame_.flags = random_.flags(0xfffff);
    if (random_.in(0, 3) != 0) frame_.flags &= ~uint32_t{V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE};
    if (frame_.frame_type == V4L2_AV1_SWITCH_FRAME) {
      frame_.flags |= V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE;
    }
    intra_ =
        frame_.frame_type == V4L2_AV1_KEY_FRAME || frame_.frame_type == V4L2_AV1_INTRA_ONLY_FRAME;
    if (intra_) frame_.flags |= V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV;  // as is inferred
    const bool no_primary = intra_ || has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
    frame_.primary_ref_frame = no_primary ? 7 : byte(0, 7);
    frame_.order_hint = random_.flags((1u << sequence_.control.order_hint_bits) - 1);
    frame_.interpolation_filter = static_cast<v4l2_av1_interpolation_filter>(random_.in(0, 4));
    frame_.tx_mode = static_cast<v4l2_av1_tx_mode>(random_.in(1, 2));
  }

  void size() {
    frame_.upscaled_width = sequence_.width;
    frame_.frame_height_minus_1 = sequence_.height + random_.flags(0xffff) % (sequence_.height / 2);
    width_ = frame_.upscaled_width;
    if (!sequence_.superres || !random_.coin()) {
      frame_.flags &= ~uint32_t{V4L2_AV1_FRAME_FLAG_USE_SUPERRES};
      return;
    }
    frame_.flags |= V4L2_AV1_FRAME_FLAG_USE_SUPERRES;
    frame_.superres_denom = byte(9, 16);
    width_ = (width_ * 8 + frame_.superres_denom / 2) / frame_.superres_denom;
  }

  // Sizes of tiles, minus 1, that cover a side of so many superblocks.
  template <size_t N>
  uint8_t cut(uint32_t superblocks, uint32_t (&sizes_minus_1)[N]) {
    uint8_t count = 0;
    while (superblocks > 0) {
      const uint32_t size = 1 + random_.flags(0xffff) % superblocks;
      sizes_minus_1[count++] = size - 1;
      superblocks -= size;
    }
    return count;
  }

  uint8_t uniform(uint32_t superblocks) {
    const uint32_t size = 1 + (superblocks - 1) / (1u << random_.in(0, 3));
    return static_cast<uint8_t>((superblocks + size - 1) / size);
  }

  void tiles() {
    const uint32_t side =
        sequence_.control.flags & V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK ? 128 : 64;
    const uint32_t columns = (width_ + side - 1) / side;
    const uint32_t rows = (frame_.frame_height_minus_1 + side) / side;
    v4l2_av1_tile_info& info = frame_.tile_info;
    if (random_.coin()) {
      info.flags = V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
      info.tile_cols = uniform(columns);
      info.tile_rows = uniform(rows);
    } else {
      info.tile_cols = cut(columns, info.width_in_sbs_minus_1);
      info.tile_rows = cut(rows, info.height_in_sbs_minus_1);
    }
    info.context_update_tile_id = byte(0, info.tile_cols * info.tile_rows - 1);
  }

  void quantization() {
    v4l2_av1_quantization& q = frame_.quantization;
    q.base_q_idx = random_.in(0, 3) == 0 ? 0 : byte(0, 255);
    q.flags = byte(0, 7);
    if (random_.coin()) {
      q.delta_q_y_dc = delta(63);
      q.delta_q_u_dc = delta(63);
      q.delta_q_u_ac = delta(63);
      q.delta_q_v_dc = random_.coin() ? q.delta_q_u_dc : delta(63);
      q.delta_q_v_ac = random_.coin() ? q.delta_q_u_ac : delta(63);
    }
    q.qm_y = byte(0, 15);
    q.qm_u = byte(0, 15);
    q.qm_v = byte(0, 15);
    q.delta_q_res = byte(0, 3);
  }

  void segmentation() {
    v4l2_av1_segmentation& segmentation = frame_.segmentation;
    segmentation.flags = byte(0, 15);
    if (frame_.primary_ref_frame == 7) {
      segmentation.flags = random_.coin() ? 0
                                          : V4L2_AV1_SEGMENTATION_FLAG_ENABLED |
                                                V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP |
                                                V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA;
    }
    constexpr std::array<int16_t, V4L2_AV1_SEG_LVL_MAX> kMost = {255, 63, 63, 63, 63, 7, 0, 0};
    for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
      segmentation.feature_enabled[segment] = byte(0, 255);
      for (size_t id = 0; id < kMost.size(); ++id) {
        const int low = id < 5 ? -kMost[id] : 0;
        segmentation.feature_data[segment][id] = static_cast<int16_t>(random_.in(low, kMost[id]));
      }
    }
  }

  void filters() {
    v4l2_av1_loop_filter& filter = frame_.loop_filter;
    filter.flags = byte(0, 15);
    for (uint8_t& level : filter.level) level = random_.coin() ? byte(0, 63) : 0;
    filter.sharpness = byte(0, 7);
    for (int8_t& value : filter.ref_deltas) value = static_cast<int8_t>(random_.in(-64, 63));
    for (int8_t& value : filter.mode_deltas) value = static_cast<int8_t>(random_.in(-64, 63));
    filter.delta_lf_res = byte(0, 3);
    v4l2_av1_cdef& cdef = frame_.cdef;
    cdef.damping_minus_3 = byte(0, 3);
    cdef.bits = byte(0, 3);
    constexpr std::array<uint8_t, 4> kSecondary = {0, 1, 2, 4};
    for (size_t i = 0; i < V4L2_AV1_CDEF_MAX; ++i) {
      cdef.y_pri_strength[i] = byte(0, 15);
      cdef.y_sec_strength[i] = kSecondary[byte(0, 3)];
      cdef.uv_pri_strength[i] = byte(0, 15);
      cdef.uv_sec_strength[i] = kSecondary[byte(0, 3)];
    }
    v4l2_av1_loop_restoration& restoration = frame_.loop_restoration;
    const bool large = sequence_.control.flags & V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK;
    for (auto& type : restoration.frame_restoration_type) {
      type = static_cast<v4l2_av1_frame_restoration_type>(random_.coin() ? random_.in(0, 3) : 0);
    }
    restoration.lr_unit_shift = byte(large ? 1 : 0, 2);
    // Chroma units of 32 columns, which dav1d 1.0 does not survive with AVX-512, are left out.
    restoration.lr_uv_shift = restoration.lr_unit_shift > 0 ? byte(0, 1) : 0;
  }

  int32_t parameter(int magnitude, int precision, bool diagonal) {
    const int32_t most = 1 << magnitude;
    const int32_t scaled = random_.coin() ? random_.in(-most, most) : random_.in(-3, 3);
    return scaled * (1 << (16 - precision)) + (diagonal ? 1 << 16 : 0);
  }

  void global_motion() {
    v4l2_av1_global_motion& motion = frame_.global_motion;
    const bool integer = has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) &&
                         has(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
    const bool high = !integer && has(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
    for (size_t ref = 1; ref < V4L2_AV1_TOTAL_REFS_PER_FRAME; ++ref) {
      const int type = intra_ ? 0 : random_.in(0, 3);
      motion.type[ref] = static_cast<v4l2_av1_warp_model>(type);
      auto& params = motion.params[ref];
      std::copy_n(default_av1_global_motion()[ref].begin(), 6, params);
      if (type == V4L2_AV1_WARP_MODEL_IDENTITY) continue;
      const bool translation = type == V4L2_AV1_WARP_MODEL_TRANSLATION;
      for (size_t i = 0; i < 2; ++i) {
        params[i] = !translation ? parameter(12, 6, false)
                    : high       ? parameter(9, 3, false)
                                 : parameter(8, 2, false);
      }
      if (translation) continue;
      for (size_t i = 2; i < 6; ++i) params[i] = parameter(12, 15, i % 3 == 2);
      if (type == V4L2_AV1_WARP_MODEL_ROTZOOM) {
        params[4] = -params[3];
        params[5] = params[2];
      }
    }
  }

  Av1Random& random_;
  const Av1Sequence& sequence_;
  const Av1Slots& slots_;
  v4l2_ctrl_av1_frame frame_{};
  uint32_t width_ = 0;
  bool intra_ = false;
};

}  // namespace

std::vector<uint8_t> Av1Random::bytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(engine_());
  return bytes;
}

Av1Sequence choose_av1_sequence(Av1Random& random) {
  Av1Sequence sequence;
  v4l2_ctrl_av1_sequence& control = sequence.control;
  control.flags = random.flags(0xfffff);
  if (random.in(0, 3) != 0) control.flags &= ~uint32_t{V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME};
  control.bit_depth = random.coin() ? 8 : 10;
  control.order_hint_bits = static_cast<uint8_t>(random.in(0, 8));
  if (control.order_hint_bits == 0) {
    control.flags &= ~uint32_t{V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT};
  } else {
    control.flags |= V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT;
  }
  sequence.width = static_cast<uint32_t>(random.in(16, 300));
  sequence.height = static_cast<uint32_t>(random.in(16, 150));
  sequence.superres = random.coin();
  return sequence;
}

v4l2_ctrl_av1_frame choose_av1_frame(Av1Random& random, const Av1Sequence& sequence,
                                     const Av1Slots& slots) {
  return FrameChooser(random, sequence, slots).choose();
}

}  // namespace daedalus::core::rewrite::test
