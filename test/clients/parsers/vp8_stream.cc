#include "test/clients/parsers/vp8_stream.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "decode_core/headers/vp8_probability_tables.h"

namespace daedalus::clients {
namespace {

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("VP8: ") + what}; }

size_t tag_size(const v4l2_ctrl_vp8_frame& f) { return V4L2_VP8_FRAME_IS_KEY_FRAME(&f) ? 10 : 3; }

void read_segmentation(BoolReader& reader, v4l2_vp8_segment& segment) {
  segment.flags &= V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE;
  if (!reader.flag()) return;
  segment.flags |= V4L2_VP8_SEGMENT_FLAG_ENABLED;
  const bool map = reader.flag(), data = reader.flag();
  if (data) {
    const bool absolute = reader.flag();
    segment.flags = V4L2_VP8_SEGMENT_FLAG_ENABLED | V4L2_VP8_SEGMENT_FLAG_UPDATE_FEATURE_DATA;
    if (!absolute) segment.flags |= V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE;
    for (__s8& value : segment.quant_update) value = static_cast<__s8>(reader.optional_signed(7));
    for (__s8& value : segment.lf_update) value = static_cast<__s8>(reader.optional_signed(6));
  }
  if (!map) return;
  segment.flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_MAP;
  for (uint8_t& p : segment.segment_probs)
    p = static_cast<uint8_t>(reader.flag() ? reader.literal(8) : 255);
}

void read_loop_filter(BoolReader& reader, v4l2_vp8_loop_filter& lf) {
  lf.flags = reader.flag() ? V4L2_VP8_LF_FILTER_TYPE_SIMPLE : 0;
  lf.level = static_cast<uint8_t>(reader.literal(6));
  lf.sharpness_level = static_cast<uint8_t>(reader.literal(3));
  if (!reader.flag()) return;
  lf.flags |= V4L2_VP8_LF_ADJ_ENABLE;
  if (!reader.flag()) return;
  lf.flags |= V4L2_VP8_LF_DELTA_UPDATE;
  for (__s8& delta : lf.ref_frm_delta) {
    if (reader.flag()) delta = static_cast<__s8>(reader.signed_literal(6));
  }
  for (__s8& delta : lf.mb_mode_delta) {
    if (reader.flag()) delta = static_cast<__s8>(reader.signed_literal(6));
  }
}

void read_quantisation(BoolReader& reader, v4l2_vp8_quantization& q) {
  q.y_ac_qi = static_cast<uint8_t>(reader.literal(7));
  for (__s8* delta :
       {&q.y_dc_delta, &q.y2_dc_delta, &q.y2_ac_delta, &q.uv_dc_delta, &q.uv_ac_delta})
    *delta = static_cast<__s8>(reader.optional_signed(4));
}

void read_coefficients(BoolReader& reader, v4l2_vp8_entropy& entropy) {
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 8; ++j) {
      for (size_t k = 0; k < 3; ++k) {
        for (size_t l = 0; l < V4L2_VP8_COEFF_PROB_CNT; ++l) {
          if (reader.read(headers::kVp8CoefficientUpdates[i][j][k][l]))
            entropy.coeff_probs[i][j][k][l] = static_cast<uint8_t>(reader.literal(8));
        }
      }
    }
  }
}

// RFC 6386 9.11 from prob_intra on, 17.2.
void read_inter_probabilities(BoolReader& reader, v4l2_ctrl_vp8_frame& f) {
  f.prob_intra = static_cast<uint8_t>(reader.literal(8));
  f.prob_last = static_cast<uint8_t>(reader.literal(8));
  f.prob_gf = static_cast<uint8_t>(reader.literal(8));
  if (reader.flag()) {
    for (uint8_t& p : f.entropy.y_mode_probs) p = static_cast<uint8_t>(reader.literal(8));
  }
  if (reader.flag()) {
    for (uint8_t& p : f.entropy.uv_mode_probs) p = static_cast<uint8_t>(reader.literal(8));
  }
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < V4L2_VP8_MV_PROB_CNT; ++j) {
      if (!reader.read(headers::kVp8VectorUpdates[i][j])) continue;
      const uint32_t x = reader.literal(7);
      f.entropy.mv_probs[i][j] = static_cast<uint8_t>(x ? x * 2 : 1);
    }
  }
}

// RFC 6386 9.5
Status read_partitions(std::span<const uint8_t> packet, v4l2_ctrl_vp8_frame& f) {
  std::span<const uint8_t> rest = packet.subspan(tag_size(f) + f.first_part_size);
  const size_t table = 3 * (f.num_dct_parts - 1U);
  if (rest.size() < table) return corrupt("partition sizes");
  size_t left = rest.size() - table;
  for (size_t i = 0; i + 1 < f.num_dct_parts; ++i) {
    f.dct_part_sizes[i] =
        rest[3 * i] | uint32_t{rest[3 * i + 1]} << 8 | uint32_t{rest[3 * i + 2]} << 16;
    if (f.dct_part_sizes[i] > left) return corrupt("a partition beyond the frame");
    left -= f.dct_part_sizes[i];
  }
  f.dct_part_sizes[f.num_dct_parts - 1] = static_cast<uint32_t>(left);
  return {};
}

}  // namespace

Status Vp8Stream::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  v4l2_ctrl_vp8_frame f = state_;
  if (Status status = read_tag(packet, f); !status) return status;
  const bool key = V4L2_VP8_FRAME_IS_KEY_FRAME(&f);
  BoolReader reader(packet.subspan(tag_size(f), f.first_part_size));
  const v4l2_vp8_entropy before = f.entropy;
  const Updates updates = read_header(reader, f);
  if (reader.position() > f.first_part_size * 8) return corrupt("truncated header");
  f.first_part_header_bits = reader.position();
  f.coder_state.range = static_cast<uint8_t>(reader.range());
  f.coder_state.value = static_cast<uint8_t>(reader.value());
  f.coder_state.bit_count = static_cast<uint8_t>((8 - reader.position() % 8) % 8);
  if (Status status = read_partitions(packet, f); !status) return status;

  state_ = v4l2_ctrl_vp8_frame{};
  state_.segment = f.segment;
  state_.lf = f.lf;
  state_.width = f.width;
  state_.height = f.height;
  state_.horizontal_scale = f.horizontal_scale;
  state_.vertical_scale = f.vertical_scale;
  state_.entropy = updates.keep_probabilities ? f.entropy : before;
  if (key) {  // the modes of key frames have probabilities of their own (RFC 6386 11.2, 11.3)
    std::memcpy(f.entropy.y_mode_probs, headers::kVp8KeyFrameLumaModes, 4);
    std::memcpy(f.entropy.uv_mode_probs, headers::kVp8KeyFrameChromaModes, 3);
  }

  CodedPicture coded;
  if (!key) coded.references = {last_, golden_, alternate_};
  f.last_frame_ts = key ? 0 : timestamp_of(last_);
  f.golden_frame_ts = key ? 0 : timestamp_of(golden_);
  f.alt_frame_ts = key ? 0 : timestamp_of(alternate_);
  coded.controls = Vp8Controls{f};
  coded.bitstream.assign(packet.begin(), packet.end());
  coded.format = {f.width, f.height, 8, 1};
  coded.target = pictures_.make();
  update_references(updates, coded.target);
  const ShownPicture shown{coded.target, {0, 0, f.width, f.height}};
  events.emplace_back(std::move(coded));
  if (f.flags & V4L2_VP8_FRAME_FLAG_SHOW_FRAME) events.emplace_back(shown);
  return {};
}

// The frame tag (RFC 6386 9.1) and what a key frame resets.
Status Vp8Stream::read_tag(std::span<const uint8_t> packet, v4l2_ctrl_vp8_frame& f) const {
  if (packet.size() < 3) return corrupt("a frame without its tag");
  const uint32_t tag = packet[0] | uint32_t{packet[1]} << 8 | uint32_t{packet[2]} << 16;
  const bool key = (tag & 1) == 0;
  const uint32_t version = tag >> 1 & 7;
  f.first_part_size = tag >> 5;
  f.flags = key ? V4L2_VP8_FRAME_FLAG_KEY_FRAME : 0;
  if (tag >> 4 & 1) f.flags |= V4L2_VP8_FRAME_FLAG_SHOW_FRAME;
  if (version > 3) f.flags |= V4L2_VP8_FRAME_FLAG_EXPERIMENTAL;
  if (!key && !last_) return corrupt("no key frame yet");
  if (key) {
    if (packet.size() < 10 || packet[3] != 0x9d || packet[4] != 0x01 || packet[5] != 0x2a)
      return corrupt("a key frame without its start code");
    const uint32_t width = packet[6] | uint32_t{packet[7]} << 8;
    const uint32_t height = packet[8] | uint32_t{packet[9]} << 8;
    f.segment = {};
    f.lf = {};
    f.width = width & 0x3fff;
    f.height = height & 0x3fff;
    f.horizontal_scale = static_cast<uint8_t>(width >> 14);
    f.vertical_scale = static_cast<uint8_t>(height >> 14);
    if (!f.width || !f.height) return corrupt("a size of 0");
    std::memcpy(f.entropy.coeff_probs, headers::kVp8DefaultCoefficients,
                sizeof f.entropy.coeff_probs);
    std::memcpy(f.entropy.y_mode_probs, headers::kVp8DefaultLumaModes, 4);
    std::memcpy(f.entropy.uv_mode_probs, headers::kVp8DefaultChromaModes, 3);
    std::memcpy(f.entropy.mv_probs, headers::kVp8DefaultVectors, sizeof f.entropy.mv_probs);
  }
  f.version = version & 3;
  if (!f.first_part_size || f.first_part_size > packet.size() - tag_size(f))
    return corrupt("the first partition");
  return {};
}

// The frame header (RFC 6386 9.2 to 9.11, 19.2).
Vp8Stream::Updates Vp8Stream::read_header(BoolReader& reader, v4l2_ctrl_vp8_frame& f) const {
  Updates updates;
  const bool key = V4L2_VP8_FRAME_IS_KEY_FRAME(&f);
  if (key) reader.literal(2);  // color_space, clamping_type
  read_segmentation(reader, f.segment);
  read_loop_filter(reader, f.lf);
  f.num_dct_parts = static_cast<uint8_t>(1U << reader.literal(2));
  read_quantisation(reader, f.quant);
  if (!key) {
    updates.golden = reader.flag();
    updates.alternate = reader.flag();
    if (!updates.golden) updates.copy_to_golden = reader.literal(2);
    if (!updates.alternate) updates.copy_to_alternate = reader.literal(2);
    if (reader.flag()) f.flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN;
    if (reader.flag()) f.flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT;
  }
  updates.keep_probabilities = reader.flag();
  if (!key) updates.last = reader.flag();
  read_coefficients(reader, f.entropy);
  if (reader.flag()) {
    f.flags |= V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF;
    f.prob_skip_false = static_cast<uint8_t>(reader.literal(8));
  }
  if (!key) read_inter_probabilities(reader, f);
  return updates;
}

void Vp8Stream::update_references(const Updates& updates, const PicturePtr& target) {
  const PicturePtr golden = golden_, alternate = alternate_;
  if (updates.copy_to_golden == 1) golden_ = last_;
  if (updates.copy_to_golden == 2) golden_ = alternate;
  if (updates.copy_to_alternate == 1) alternate_ = last_;
  if (updates.copy_to_alternate == 2) alternate_ = golden;
  if (updates.golden) golden_ = target;
  if (updates.alternate) alternate_ = target;
  if (updates.last) last_ = target;
}

}  // namespace daedalus::clients
