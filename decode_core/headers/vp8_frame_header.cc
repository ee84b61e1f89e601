#include "decode_core/headers/vp8_frame_header.h"

#include <cstring>
#include <string>

#include "decode_core/headers/vp8_bool_decoder.h"
#include "decode_core/headers/vp8_probability_tables.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("VP8 header: ") + what};
}

v4l2_vp8_entropy default_entropy() {
  v4l2_vp8_entropy entropy{};
  std::memcpy(entropy.coeff_probs, kVp8DefaultCoefficients, sizeof(entropy.coeff_probs));
  std::memcpy(entropy.y_mode_probs, kVp8DefaultLumaModes, sizeof(entropy.y_mode_probs));
  std::memcpy(entropy.uv_mode_probs, kVp8DefaultChromaModes, sizeof(entropy.uv_mode_probs));
  std::memcpy(entropy.mv_probs, kVp8DefaultVectors, sizeof(entropy.mv_probs));
  return entropy;
}

}  // namespace

// Reads one header, in the order of RFC 6386 19.2.
class Vp8HeaderReader {
 public:
  Vp8HeaderReader(const Vp8HeaderParser& state, const Vp8FrameTag& tag,
                  std::span<const uint8_t> first_partition,
                  std::span<const uint8_t> other_partitions)
      : bits_(first_partition), other_partitions_(other_partitions) {
    header_.tag = tag;
    start_from(state);
  }

  Result<Vp8Header> read() {
    if (header_.tag.key_frame) {
      header_.color_space = static_cast<uint8_t>(bits_.literal(1));
      header_.clamping_type = static_cast<uint8_t>(bits_.literal(1));
    }
    segmentation();
    loop_filter();
    frame_.num_dct_parts = static_cast<uint8_t>(1u << bits_.literal(2));
    quantization();
    header_.tag.key_frame ? key_frame_refresh() : refresh();
    coefficient_probabilities();
    if (bits_.flag()) {
      frame_.flags |= V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF;
      frame_.prob_skip_false = static_cast<uint8_t>(bits_.literal(8));
    }
    if (!header_.tag.key_frame) inter_probabilities();
    if (bits_.overrun()) return corrupt("reaches beyond the first partition");

    coder_state();
    if (header_.refresh_entropy_probs) header_.next_entropy = frame_.entropy;
    if (header_.tag.key_frame) key_frame_modes();
    if (Status status = dct_partitions(); !status.ok()) return status.error();
    return header_;
  }

 private:
  void start_from(const Vp8HeaderParser& state) {
    const Vp8FrameTag& tag = header_.tag;
    frame_.version = tag.version & 3;
    if (tag.version > 3) frame_.flags |= V4L2_VP8_FRAME_FLAG_EXPERIMENTAL;
    if (tag.show_frame) frame_.flags |= V4L2_VP8_FRAME_FLAG_SHOW_FRAME;
    frame_.first_part_size = tag.first_part_size;
    if (tag.key_frame) {
      frame_.flags |= V4L2_VP8_FRAME_FLAG_KEY_FRAME;
      frame_.width = tag.width;
      frame_.height = tag.height;
      frame_.horizontal_scale = tag.horizontal_scale;
      frame_.vertical_scale = tag.vertical_scale;
      frame_.entropy = default_entropy();
    } else {
      frame_.width = state.width_;
      frame_.height = state.height_;
      frame_.horizontal_scale = state.horizontal_scale_;
      frame_.vertical_scale = state.vertical_scale_;
      frame_.segment = state.segment_;
      frame_.lf = state.loop_filter_;
      frame_.entropy = state.entropy_;
    }
    frame_.segment.flags &= V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE;
    frame_.lf.flags = 0;
    header_.next_entropy = frame_.entropy;
  }

  // A value of `count` bits and a sign if its flag is set, else 0.
  int8_t optional_signed(unsigned count) {
    return static_cast<int8_t>(bits_.flag() ? bits_.signed_literal(count) : 0);
  }

  // segmentation_enabled, update_segmentation().
  void segmentation() {
    v4l2_vp8_segment& segment = frame_.segment;
    if (!bits_.flag()) return;
    segment.flags |= V4L2_VP8_SEGMENT_FLAG_ENABLED;
    const bool update_map = bits_.flag();
    const bool update_data = bits_.flag();
    if (update_data) {
      segment.flags &= ~uint32_t{V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE};
      segment.flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_FEATURE_DATA;
      if (!bits_.flag()) segment.flags |= V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE;
      for (int8_t& value : segment.quant_update) value = optional_signed(7);
      for (int8_t& value : segment.lf_update) value = optional_signed(6);
    }
    if (update_map) {
      segment.flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_MAP;
      for (uint8_t& probability : segment.segment_probs) {
        probability = static_cast<uint8_t>(bits_.flag() ? bits_.literal(8) : 255);
      }
    }
  }

  // filter_type to mb_lf_adjustments().
  void loop_filter() {
    v4l2_vp8_loop_filter& filter = frame_.lf;
    if (bits_.flag()) filter.flags |= V4L2_VP8_LF_FILTER_TYPE_SIMPLE;
    filter.level = static_cast<uint8_t>(bits_.literal(6));
    filter.sharpness_level = static_cast<uint8_t>(bits_.literal(3));
    if (!bits_.flag()) return;
    filter.flags |= V4L2_VP8_LF_ADJ_ENABLE;
    if (!bits_.flag()) return;
    filter.flags |= V4L2_VP8_LF_DELTA_UPDATE;
    for (int8_t& delta : filter.ref_frm_delta) {
      if (bits_.flag()) delta = static_cast<int8_t>(bits_.signed_literal(6));
    }
    for (int8_t& delta : filter.mb_mode_delta) {
      if (bits_.flag()) delta = static_cast<int8_t>(bits_.signed_literal(6));
    }
  }

  // quant_indices().
  void quantization() {
    v4l2_vp8_quantization& quant = frame_.quant;
    quant.y_ac_qi = static_cast<uint8_t>(bits_.literal(7));
    quant.y_dc_delta = optional_signed(4);
    quant.y2_dc_delta = optional_signed(4);
    quant.y2_ac_delta = optional_signed(4);
    quant.uv_dc_delta = optional_signed(4);
    quant.uv_ac_delta = optional_signed(4);
  }

  void key_frame_refresh() {
    header_.refresh_last = header_.refresh_golden = header_.refresh_alternate = true;
    header_.refresh_entropy_probs = bits_.flag();
  }

  void refresh() {
    header_.refresh_golden = bits_.flag();
    header_.refresh_alternate = bits_.flag();
    if (!header_.refresh_golden) {
      header_.copy_to_golden = static_cast<Vp8BufferCopy>(bits_.literal(2));
    }
    if (!header_.refresh_alternate) {
      header_.copy_to_alternate = static_cast<Vp8BufferCopy>(bits_.literal(2));
    }
    if (bits_.flag()) frame_.flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN;
    if (bits_.flag()) frame_.flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT;
    header_.refresh_entropy_probs = bits_.flag();
    header_.refresh_last = bits_.flag();
  }

  // token_prob_update() (RFC 6386 13.4).
  void coefficient_probabilities() {
    for (size_t type = 0; type < 4; ++type) {
      for (size_t band = 0; band < 8; ++band) {
        for (size_t context = 0; context < 3; ++context) {
          for (size_t node = 0; node < V4L2_VP8_COEFF_PROB_CNT; ++node) {
            if (!bits_.read(kVp8CoefficientUpdates[type][band][context][node])) continue;
            frame_.entropy.coeff_probs[type][band][context][node] =
                static_cast<uint8_t>(bits_.literal(8));
          }
        }
      }
    }
  }

  // prob_intra to mv_prob_update() (RFC 6386 17.2).
  void inter_probabilities() {
    frame_.prob_intra = static_cast<uint8_t>(bits_.literal(8));
    frame_.prob_last = static_cast<uint8_t>(bits_.literal(8));
    frame_.prob_gf = static_cast<uint8_t>(bits_.literal(8));
    if (bits_.flag()) {
      for (uint8_t& probability : frame_.entropy.y_mode_probs) {
        probability = static_cast<uint8_t>(bits_.literal(8));
      }
    }
    if (bits_.flag()) {
      for (uint8_t& probability : frame_.entropy.uv_mode_probs) {
        probability = static_cast<uint8_t>(bits_.literal(8));
      }
    }
    for (size_t component = 0; component < 2; ++component) {
      for (size_t i = 0; i < V4L2_VP8_MV_PROB_CNT; ++i) {
        if (!bits_.read(kVp8VectorUpdates[component][i])) continue;
        const uint32_t value = bits_.literal(7);
        frame_.entropy.mv_probs[component][i] = static_cast<uint8_t>(value ? value << 1 : 1);
      }
    }
  }

  // The modes of a key frame have probabilities of their own, which leave those of later frames
  // alone.
  void key_frame_modes() {
    v4l2_vp8_entropy& entropy = frame_.entropy;
    std::memcpy(entropy.y_mode_probs, kVp8KeyFrameLumaModes, sizeof(entropy.y_mode_probs));
    std::memcpy(entropy.uv_mode_probs, kVp8KeyFrameChromaModes, sizeof(entropy.uv_mode_probs));
  }

  void coder_state() {
    frame_.first_part_header_bits = static_cast<uint32_t>(bits_.position());
    frame_.coder_state.range = bits_.range();
    frame_.coder_state.value = bits_.value();
    frame_.coder_state.bit_count = static_cast<uint8_t>((8 - bits_.position() % 8) % 8);
  }

  // The partition sizes between the first partition and the others (RFC 6386 9.5).
  Status dct_partitions() {
    const size_t count = frame_.num_dct_parts;
    const size_t table_bytes = 3 * (count - 1);
    if (other_partitions_.size() < table_bytes) return corrupt("the partition sizes are missing");
    size_t left = other_partitions_.size() - table_bytes;
    for (size_t i = 0; i + 1 < count; ++i) {
      const auto entry = other_partitions_.subspan(3 * i, 3);
      const uint32_t size = entry[0] | uint32_t{entry[1]} << 8 | uint32_t{entry[2]} << 16;
      if (size > left) return corrupt("a coefficient partition reaches beyond the frame");
      frame_.dct_part_sizes[i] = size;
      left -= size;
    }
    frame_.dct_part_sizes[count - 1] = static_cast<uint32_t>(left);
    return {};
  }

  Vp8BoolDecoder bits_;
  const std::span<const uint8_t> other_partitions_;
  Vp8Header header_;
  v4l2_ctrl_vp8_frame& frame_ = header_.frame;
};

Result<Vp8Header> Vp8HeaderParser::parse(std::span<const uint8_t> data) const {
  Result<Vp8FrameTag> tag = parse_vp8_frame_tag(data);
  if (!tag.ok()) return tag.error();
  if (!tag->key_frame && !key_frame_seen_) return corrupt("no key frame came before");
  if (tag->key_frame && (tag->width == 0 || tag->height == 0)) return corrupt("the size is 0");
  const std::span<const uint8_t> partitions = data.subspan(tag->bytes());
  if (tag->first_part_size == 0 || tag->first_part_size > partitions.size()) {
    return corrupt("the first partition is empty or reaches beyond the frame");
  }
  return Vp8HeaderReader(*this, *tag, partitions.first(tag->first_part_size),
                         partitions.subspan(tag->first_part_size))
      .read();
}

void Vp8HeaderParser::update(const Vp8Header& header) {
  key_frame_seen_ = true;
  width_ = header.frame.width;
  height_ = header.frame.height;
  horizontal_scale_ = header.frame.horizontal_scale;
  vertical_scale_ = header.frame.vertical_scale;
  segment_ = header.frame.segment;
  loop_filter_ = header.frame.lf;
  entropy_ = header.next_entropy;
}

}  // namespace daedalus::headers
