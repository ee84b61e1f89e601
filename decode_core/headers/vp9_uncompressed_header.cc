#include "decode_core/headers/vp9_uncompressed_header.h"

#include <optional>
#include <string>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {
namespace {

constexpr uint32_t kFrameMarker = 2;
constexpr uint32_t kSyncCode = 0x498342;
constexpr uint8_t kColorSpaceBt601 = 1;
constexpr uint8_t kColorSpaceRgb = 7;
constexpr uint32_t kSubsampling420 =
    V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
constexpr uint32_t kColorFlags = kSubsampling420 | V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING;

// raw_interpolation_filter (VP9 7.2.7 literal_to_type) in the kernel's numbers.
constexpr uint8_t kInterpolationFilter[4] = {
    V4L2_VP9_INTERP_FILTER_EIGHTTAP_SMOOTH,
    V4L2_VP9_INTERP_FILTER_EIGHTTAP,
    V4L2_VP9_INTERP_FILTER_EIGHTTAP_SHARP,
    V4L2_VP9_INTERP_FILTER_BILINEAR,
};

// VP9 6.2.12: segmentation_feature_bits and segmentation_feature_signed.
constexpr uint8_t kFeatureBits[V4L2_VP9_SEG_LVL_MAX] = {8, 6, 2, 0};
constexpr bool kFeatureSigned[V4L2_VP9_SEG_LVL_MAX] = {true, true, false, false};

// Widths of tiles in units of 64 luma samples (VP9 3).
constexpr uint32_t kMinTileWidth = 4;
constexpr uint32_t kMaxTileWidth = 64;

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("VP9 header: ") + what};
}

Error unsupported(const char* what) {
  return {ErrorCode::kUnsupported, std::string("VP9 header: ") + what};
}

}  // namespace

// Reads one header. Each step returns the error that ends it, if any.
class Vp9HeaderReader {
 public:
  Vp9HeaderReader(const Vp9HeaderParser& state, std::span<const uint8_t> data)
      : state_(state), data_(data), bits_(data) {}

  Result<Vp9Header> read() {
    if (Status status = frame_header(); !status.ok()) return status.error();
    if (bits_.overrun()) return corrupt("ends before its last syntax element");
    if (header_.show_existing_frame) return header_;
    if (frame_.compressed_header_size == 0) return corrupt("header_size_in_bytes is 0");
    bits_.align();
    frame_.uncompressed_header_size = static_cast<uint16_t>(bits_.position() / 8);
    if (header_.header_bytes() > data_.size()) {
      return corrupt("the compressed header reaches beyond the frame");
    }
    return header_;
  }

 private:
  // su(n): magnitude, then sign (VP9 4.10.2).
  int su(unsigned count) {
    const int magnitude = static_cast<int>(bits_.u(count));
    return bits_.flag() ? -magnitude : magnitude;
  }

  void set_flag(uint32_t flag, bool on) {
    if (on) frame_.flags |= flag;
  }

  // uncompressed_header() (VP9 6.2).
  Status frame_header() {
    if (bits_.u(2) != kFrameMarker) return corrupt("frame_marker is not 2");
    const uint32_t low = bits_.u(1);
    frame_.profile = static_cast<uint8_t>(bits_.u(1) << 1 | low);
    if (frame_.profile == 3 && bits_.flag()) return unsupported("a profile above 3");
    header_.show_existing_frame = bits_.flag();
    if (header_.show_existing_frame) {
      header_.show_existing_slot = static_cast<uint8_t>(bits_.u(3));
      header_.show_frame = true;
      return {};
    }
    header_.key_frame = !bits_.flag();
    header_.show_frame = bits_.flag();
    header_.error_resilient_mode = bits_.flag();
    set_flag(V4L2_VP9_FRAME_FLAG_KEY_FRAME, header_.key_frame);
    set_flag(V4L2_VP9_FRAME_FLAG_SHOW_FRAME, header_.show_frame);
    set_flag(V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT, header_.error_resilient_mode);
    Status status = header_.key_frame ? key_frame() : non_key_frame();
    if (!status.ok()) return status;
    if (bits_.overrun()) return {};  // read() says so

    contexts();
    loop_filter();
    quantization();
    segmentation();
    tile_info();
    frame_.compressed_header_size = static_cast<uint16_t>(bits_.u(16));
    return {};
  }

  Status key_frame() {
    if (Status status = sync_code(); !status.ok()) return status;
    if (Status status = color_config(); !status.ok()) return status;
    frame_size();
    render_size();
    header_.refresh_frame_flags = 0xff;
    return {};
  }

  Status non_key_frame() {
    header_.intra_only = !header_.show_frame && bits_.flag();
    set_flag(V4L2_VP9_FRAME_FLAG_INTRA_ONLY, header_.intra_only);
    if (!header_.error_resilient_mode) {
      const uint32_t reset = bits_.u(2);
      frame_.reset_frame_context = static_cast<uint8_t>(reset > 0 ? reset - 1 : 0);
    }
    return header_.intra_only ? intra_only_frame() : inter_frame();
  }

  Status intra_only_frame() {
    if (Status status = sync_code(); !status.ok()) return status;
    if (frame_.profile > 0) {
      if (Status status = color_config(); !status.ok()) return status;
    } else {
      header_.color_space = kColorSpaceBt601;
      frame_.bit_depth = 8;
      frame_.flags |= kSubsampling420;
    }
    header_.refresh_frame_flags = static_cast<uint8_t>(bits_.u(8));
    frame_size();
    render_size();
    return {};
  }

  Status inter_frame() {
    header_.color_space = state_.color_space_;
    frame_.bit_depth = state_.bit_depth_;
    frame_.flags |= state_.color_flags_;
    header_.refresh_frame_flags = static_cast<uint8_t>(bits_.u(8));
    for (size_t i = 0; i < kVp9ReferenceCount; ++i) {
      header_.ref_frame_idx[i] = static_cast<uint8_t>(bits_.u(3));
      if (bits_.flag()) frame_.ref_frame_sign_bias |= static_cast<uint8_t>(1u << i);
    }
    if (Status status = frame_size_with_refs(); !status.ok()) return status;
    set_flag(V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV, bits_.flag());
    const bool switchable = bits_.flag();
    frame_.interpolation_filter =
        switchable ? V4L2_VP9_INTERP_FILTER_SWITCHABLE : kInterpolationFilter[bits_.u(2)];
    return {};
  }

  // frame_sync_code() (VP9 6.2.1).
  Status sync_code() {
    if (bits_.u(24) != kSyncCode && !bits_.overrun()) return corrupt("the sync code is wrong");
    return {};
  }

  // color_config() (VP9 6.2.2).
  Status color_config() {
    frame_.bit_depth = 8;
    if (frame_.profile >= 2) frame_.bit_depth = bits_.flag() ? 12 : 10;
    header_.color_space = static_cast<uint8_t>(bits_.u(3));
    const bool any_subsampling = frame_.profile == 1 || frame_.profile == 3;
    if (header_.color_space == kColorSpaceRgb) {
      if (!any_subsampling) return unsupported("RGB in profile 0 or 2");
      frame_.flags |= V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING;
    } else {
      set_flag(V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING, bits_.flag());
      if (any_subsampling) {
        set_flag(V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING, bits_.flag());
        set_flag(V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING, bits_.flag());
        if ((frame_.flags & kSubsampling420) == kSubsampling420) {
          return unsupported("4:2:0 in profile 1 or 3");
        }
      } else {
        frame_.flags |= kSubsampling420;
      }
    }
    if (any_subsampling && bits_.flag()) return unsupported("a reserved bit is set");
    return {};
  }

  void frame_size() {
    frame_.frame_width_minus_1 = static_cast<uint16_t>(bits_.u(16));
    frame_.frame_height_minus_1 = static_cast<uint16_t>(bits_.u(16));
  }

  void render_size() {
    frame_.render_width_minus_1 = frame_.frame_width_minus_1;
    frame_.render_height_minus_1 = frame_.frame_height_minus_1;
    if (!bits_.flag()) return;
    frame_.render_width_minus_1 = static_cast<uint16_t>(bits_.u(16));
    frame_.render_height_minus_1 = static_cast<uint16_t>(bits_.u(16));
  }

  // frame_size_with_refs() (VP9 6.2.5).
  Status frame_size_with_refs() {
    std::optional<uint8_t> found;
    for (size_t i = 0; i < kVp9ReferenceCount && !found; ++i) {
      if (bits_.flag()) found = header_.ref_frame_idx[i];
    }
    if (found) {
      const auto& slot = state_.slots_[*found];
      if (slot.width == 0 || slot.height == 0) {
        return corrupt("the frame size is that of a reference that is missing");
      }
      frame_.frame_width_minus_1 = static_cast<uint16_t>(slot.width - 1);
      frame_.frame_height_minus_1 = static_cast<uint16_t>(slot.height - 1);
    } else {
      frame_size();
    }
    render_size();
    return {};
  }

  // The part of uncompressed_header() about probability contexts, and setup_past_independence()
  // (VP9 7.2) as far as it is about headers.
  void contexts() {
    if (header_.error_resilient_mode) {
      frame_.flags |= V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE;
    } else {
      set_flag(V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX, bits_.flag());
      set_flag(V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE, bits_.flag());
    }
    frame_.frame_context_idx = static_cast<uint8_t>(bits_.u(2));
    if (header_.intra() || header_.error_resilient_mode) {
      constexpr int8_t kDefaultRefDeltas[4] = {1, 0, -1, -1};
      for (size_t i = 0; i < 4; ++i) frame_.lf.ref_deltas[i] = kDefaultRefDeltas[i];
    } else {
      frame_.lf = state_.loop_filter_;
      frame_.seg = state_.segmentation_;
    }
    frame_.lf.flags = 0;
    frame_.seg.flags &= V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
  }

  // loop_filter_params() (VP9 6.2.8).
  void loop_filter() {
    frame_.lf.level = static_cast<uint8_t>(bits_.u(6));
    frame_.lf.sharpness = static_cast<uint8_t>(bits_.u(3));
    if (!bits_.flag()) return;
    frame_.lf.flags |= V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED;
    if (!bits_.flag()) return;
    frame_.lf.flags |= V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE;
    for (int8_t& delta : frame_.lf.ref_deltas) {
      if (bits_.flag()) delta = static_cast<int8_t>(su(6));
    }
    for (int8_t& delta : frame_.lf.mode_deltas) {
      if (bits_.flag()) delta = static_cast<int8_t>(su(6));
    }
  }

  int8_t delta_q() { return static_cast<int8_t>(bits_.flag() ? su(4) : 0); }

  // quantization_params() (VP9 6.2.9).
  void quantization() {
    frame_.quant.base_q_idx = static_cast<uint8_t>(bits_.u(8));
    frame_.quant.delta_q_y_dc = delta_q();
    frame_.quant.delta_q_uv_dc = delta_q();
    frame_.quant.delta_q_uv_ac = delta_q();
  }

  uint8_t probability() { return static_cast<uint8_t>(bits_.flag() ? bits_.u(8) : 255); }

  // segmentation_params() (VP9 6.2.11).
  void segmentation() {
    v4l2_vp9_segmentation& seg = frame_.seg;
    if (!bits_.flag()) return;
    seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_ENABLED;
    if (bits_.flag()) {
      seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP;
      for (uint8_t& tree_prob : seg.tree_probs) tree_prob = probability();
      const bool temporal_update = bits_.flag();
      if (temporal_update) seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE;
      for (uint8_t& pred_prob : seg.pred_probs) pred_prob = temporal_update ? probability() : 255;
    }
    if (bits_.flag()) segmentation_data();
  }

  void segmentation_data() {
    v4l2_vp9_segmentation& seg = frame_.seg;
    seg.flags &= static_cast<uint8_t>(~V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE);
    seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA;
    if (bits_.flag()) seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
    for (size_t segment = 0; segment < 8; ++segment) {
      seg.feature_enabled[segment] = 0;
      for (unsigned feature = 0; feature < V4L2_VP9_SEG_LVL_MAX; ++feature) {
        seg.feature_data[segment][feature] = 0;
        if (!bits_.flag()) continue;
        seg.feature_enabled[segment] |=
            static_cast<uint8_t>(V4L2_VP9_SEGMENT_FEATURE_ENABLED(feature));
        const int value = kFeatureSigned[feature]
                              ? su(kFeatureBits[feature])
                              : static_cast<int>(bits_.u(kFeatureBits[feature]));
        seg.feature_data[segment][feature] = static_cast<int16_t>(value);
      }
    }
  }

  // tile_info() (VP9 6.2.13).
  void tile_info() {
    const uint32_t sb64_cols = (header_.width() + 63) / 64;
    uint8_t min_log2 = 0;
    while ((kMaxTileWidth << min_log2) < sb64_cols) ++min_log2;
    uint8_t max_log2 = 1;
    while ((sb64_cols >> max_log2) >= kMinTileWidth) ++max_log2;
    --max_log2;
    frame_.tile_cols_log2 = min_log2;
    while (frame_.tile_cols_log2 < max_log2 && bits_.flag()) ++frame_.tile_cols_log2;
    frame_.tile_rows_log2 = static_cast<uint8_t>(bits_.u(1));
    if (frame_.tile_rows_log2 != 0) frame_.tile_rows_log2 += static_cast<uint8_t>(bits_.u(1));
  }

  const Vp9HeaderParser& state_;
  const std::span<const uint8_t> data_;
  BitReader bits_;
  Vp9Header header_;
  v4l2_ctrl_vp9_frame& frame_ = header_.frame;
};

Result<Vp9Header> Vp9HeaderParser::parse(std::span<const uint8_t> data) const {
  return Vp9HeaderReader(*this, data).read();
}

void Vp9HeaderParser::update(const Vp9Header& header) {
  if (header.show_existing_frame) return;
  loop_filter_ = header.frame.lf;
  segmentation_ = header.frame.seg;
  color_space_ = header.color_space;
  bit_depth_ = header.frame.bit_depth;
  color_flags_ = header.frame.flags & kColorFlags;
  for (size_t i = 0; i < kVp9SlotCount; ++i) {
    if (header.refresh_frame_flags >> i & 1) slots_[i] = {header.width(), header.height()};
  }
}

void Vp9HeaderParser::set_slot_size(size_t slot, uint32_t width, uint32_t height) {
  if (slot < kVp9SlotCount) slots_[slot] = {width, height};
}

}  // namespace daedalus::headers
