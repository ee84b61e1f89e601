#include "test/clients/parsers/vp9_stream.h"

#include <algorithm>
#include <string>

#include "decode_core/headers/vp9_compressed_header.h"

namespace daedalus::clients {
namespace {

constexpr uint32_t kSubsampled =
    V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
constexpr uint32_t kColour = kSubsampled | V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING;

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("VP9: ") + what}; }

// su(n): magnitude, then sign.
int32_t read_signed(BitReader& reader, int bits) {
  const auto magnitude = static_cast<int32_t>(reader.bits(bits));
  return reader.flag() ? -magnitude : magnitude;
}

void set(uint32_t& flags, uint32_t flag, bool value) {
  if (value) flags |= flag;
}

// color_config() (6.2.2)
Status read_colour(BitReader& reader, v4l2_ctrl_vp9_frame& c) {
  if (c.profile >= 2) c.bit_depth = reader.flag() ? 12 : 10;
  const bool odd = c.profile % 2 != 0;
  if (reader.bits(3) == 7) {  // CS_RGB
    if (!odd) return corrupt("RGB needs profile 1 or 3");
    c.flags |= V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING;
    reader.bits(1);
    return {};
  }
  set(c.flags, V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING, reader.flag());
  if (!odd) {
    c.flags |= kSubsampled;
    return {};
  }
  set(c.flags, V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING, reader.flag());
  set(c.flags, V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING, reader.flag());
  reader.bits(1);
  if ((c.flags & kSubsampled) == kSubsampled) return corrupt("4:2:0 in profile 1 or 3");
  return {};
}

void read_size(BitReader& reader, v4l2_ctrl_vp9_frame& c) {
  c.frame_width_minus_1 = static_cast<uint16_t>(reader.bits(16));
  c.frame_height_minus_1 = static_cast<uint16_t>(reader.bits(16));
}

void read_render_size(BitReader& reader, v4l2_ctrl_vp9_frame& c) {
  c.render_width_minus_1 = c.frame_width_minus_1;
  c.render_height_minus_1 = c.frame_height_minus_1;
  if (!reader.flag()) return;
  c.render_width_minus_1 = static_cast<uint16_t>(reader.bits(16));
  c.render_height_minus_1 = static_cast<uint16_t>(reader.bits(16));
}

// loop_filter_params() (6.2.8)
void read_loop_filter(BitReader& reader, v4l2_vp9_loop_filter& lf) {
  lf.level = static_cast<uint8_t>(reader.bits(6));
  lf.sharpness = static_cast<uint8_t>(reader.bits(3));
  lf.flags = 0;
  if (!reader.flag()) return;
  lf.flags = V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED;
  if (!reader.flag()) return;
  lf.flags |= V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE;
  for (__s8& delta : lf.ref_deltas) {
    if (reader.flag()) delta = static_cast<__s8>(read_signed(reader, 6));
  }
  for (__s8& delta : lf.mode_deltas) {
    if (reader.flag()) delta = static_cast<__s8>(read_signed(reader, 6));
  }
}

// quantization_params() (6.2.9)
void read_quantisation(BitReader& reader, v4l2_vp9_quantization& q) {
  q.base_q_idx = static_cast<uint8_t>(reader.bits(8));
  for (__s8* delta : {&q.delta_q_y_dc, &q.delta_q_uv_dc, &q.delta_q_uv_ac})
    *delta = static_cast<__s8>(reader.flag() ? read_signed(reader, 4) : 0);
}

uint8_t read_probability(BitReader& reader) {
  return static_cast<uint8_t>(reader.flag() ? reader.bits(8) : 255);
}

// segmentation_params() (6.2.11)
void read_segmentation(BitReader& reader, v4l2_vp9_segmentation& seg) {
  seg.flags &= V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
  if (!reader.flag()) return;
  seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_ENABLED;
  if (reader.flag()) {
    seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP;
    for (uint8_t& p : seg.tree_probs) p = read_probability(reader);
    const bool temporal = reader.flag();
    if (temporal) seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE;
    for (uint8_t& p : seg.pred_probs) p = temporal ? read_probability(reader) : 255;
  }
  if (!reader.flag()) return;
  const bool absolute = reader.flag();
  seg.flags &= static_cast<uint8_t>(~V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE);
  seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA;
  if (absolute) seg.flags |= V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
  constexpr int kBits[] = {8, 6, 2, 0};
  for (int segment = 0; segment < 8; ++segment) {
    seg.feature_enabled[segment] = 0;
    for (int feature = 0; feature < 4; ++feature) {
      int32_t value = 0;
      if (reader.flag()) {
        seg.feature_enabled[segment] |= static_cast<uint8_t>(1 << feature);
        value = static_cast<int32_t>(reader.bits(kBits[feature]));
        if (feature < 2 && reader.flag()) value = -value;
      }
      seg.feature_data[segment][feature] = static_cast<__s16>(value);
    }
  }
}

// tile_info() (6.2.13)
void read_tiles(BitReader& reader, v4l2_ctrl_vp9_frame& c) {
  const uint32_t superblocks = (c.frame_width_minus_1 + 64U) / 64;
  uint32_t smallest = 0, largest = 0;
  while ((64U << smallest) < superblocks) ++smallest;
  while ((superblocks >> (largest + 1)) >= 4) ++largest;
  uint32_t log2 = smallest;
  while (log2 < largest && reader.flag()) ++log2;
  c.tile_cols_log2 = static_cast<uint8_t>(log2);
  c.tile_rows_log2 = static_cast<uint8_t>(reader.bits(1));
  if (c.tile_rows_log2) c.tile_rows_log2 = static_cast<uint8_t>(1 + reader.bits(1));
}

// Annex B
std::vector<std::span<const uint8_t>> frames_of(std::span<const uint8_t> packet) {
  if (packet.empty()) return {};
  const uint8_t marker = packet.back();
  const size_t count = (marker & 7) + 1U, bytes = (marker >> 3 & 3) + 1U;
  const size_t index = 2 + count * bytes;
  const bool superframe =
      (marker & 0xe0) == 0xc0 && packet.size() >= index && packet[packet.size() - index] == marker;
  if (!superframe) return {packet};
  std::vector<std::span<const uint8_t>> frames;
  std::span<const uint8_t> sizes = packet.last(index - 1),
                           left = packet.first(packet.size() - index);
  for (size_t i = 0; i < count; ++i) {
    size_t size = 0;
    for (size_t byte = 0; byte < bytes; ++byte) size |= size_t{sizes[i * bytes + byte]} << 8 * byte;
    if (size > left.size()) break;
    if (size > 0) frames.push_back(left.first(size));
    left = left.subspan(size);
  }
  return frames;
}

PictureFormat format_of(const v4l2_ctrl_vp9_frame& c) {
  const bool x = c.flags & V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING;
  const bool y = c.flags & V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  return {c.frame_width_minus_1 + 1U, c.frame_height_minus_1 + 1U, c.bit_depth,
          x && y ? 1
          : x    ? 2
                 : 3};
}

}  // namespace

Status Vp9Stream::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  for (const std::span<const uint8_t> frame : frames_of(packet)) {
    Status status = take_frame(frame, events);
    if (!status && first_error) first_error = std::move(status);
  }
  return first_error;
}

Status Vp9Stream::take_frame(std::span<const uint8_t> bytes, std::vector<Event>& events) {
  BitReader reader(bytes);
  if (reader.bits(2) != 2) return corrupt("frame_marker");
  const uint32_t low = reader.bits(1);
  const auto profile = static_cast<uint8_t>(reader.bits(1) << 1 | low);
  if (profile == 3 && reader.flag()) return corrupt("a reserved profile");
  if (reader.flag()) {  // show_existing_frame
    const Slot& slot = state_.slots[reader.bits(3)];
    if (!slot.picture) return corrupt("the frame to show is missing");
    events.emplace_back(ShownPicture{slot.picture, {0, 0, slot.width, slot.height}});
    return {};
  }
  Result<Frame> read = read_header(reader, profile);
  if (!read) return read.error();
  Frame& frame = *read;
  v4l2_ctrl_vp9_frame& c = frame.control;
  const size_t header = c.uncompressed_header_size;
  if (reader.exhausted() || !c.compressed_header_size ||
      header + c.compressed_header_size > bytes.size())
    return corrupt("truncated header");
  auto compressed =
      headers::parse_vp9_compressed_header(bytes.subspan(header, c.compressed_header_size), c);
  if (!compressed) return compressed.error();

  CodedPicture coded;
  if (!frame.intra) {
    for (const uint8_t slot : frame.references) {
      if (!state_.slots[slot].picture) return corrupt("a reference is missing");
      coded.references.push_back(state_.slots[slot].picture);
    }
    c.last_frame_ts = coded.references[0]->timestamp;
    c.golden_frame_ts = coded.references[1]->timestamp;
    c.alt_frame_ts = coded.references[2]->timestamp;
  }
  coded.controls = Vp9Controls{c, *compressed};
  coded.bitstream.assign(bytes.begin(), bytes.end());
  coded.format = format_of(c);
  coded.target = pictures_.make();
  store(frame, coded.target);
  const ShownPicture shown{coded.target, {0, 0, coded.format.width, coded.format.height}};
  events.emplace_back(std::move(coded));
  if (c.flags & V4L2_VP9_FRAME_FLAG_SHOW_FRAME) events.emplace_back(shown);
  return {};
}

// uncompressed_header() (6.2) from frame_type on.
Result<Vp9Stream::Frame> Vp9Stream::read_header(BitReader& reader, uint8_t profile) const {
  Frame frame;
  v4l2_ctrl_vp9_frame& c = frame.control;
  c.profile = profile;
  c.bit_depth = 8;
  const bool key = !reader.flag();
  const bool show = reader.flag();
  const bool resilient = reader.flag();
  const bool intra_only = !key && !show && reader.flag();
  if (!key && !resilient)
    c.reset_frame_context =
        static_cast<uint8_t>(std::max<int>(static_cast<int>(reader.bits(2)) - 1, 0));
  frame.intra = key || intra_only;
  if (frame.intra) {
    if (reader.bits(24) != 0x498342) return corrupt("frame_sync_code");
    c.flags = 0;
    if (key || profile > 0) {
      if (Status status = read_colour(reader, c); !status) return status.error();
    } else {
      c.flags |= kSubsampled;
    }
    frame.refresh = key ? 0xff : static_cast<uint8_t>(reader.bits(8));
    read_size(reader, c);
    read_render_size(reader, c);
  } else if (Status status = read_references(reader, frame); !status) {
    return status.error();
  }
  set(c.flags, V4L2_VP9_FRAME_FLAG_KEY_FRAME, key);
  set(c.flags, V4L2_VP9_FRAME_FLAG_SHOW_FRAME, show);
  set(c.flags, V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT, resilient);
  set(c.flags, V4L2_VP9_FRAME_FLAG_INTRA_ONLY, intra_only);
  set(c.flags, V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX, !resilient && reader.flag());
  set(c.flags, V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE, resilient || reader.flag());
  c.frame_context_idx = static_cast<uint8_t>(reader.bits(2));
  if (frame.intra || resilient) {
    c.lf.ref_deltas[0] = 1;
    c.lf.ref_deltas[2] = c.lf.ref_deltas[3] = -1;
  } else {
    c.lf = state_.lf;
    c.seg = state_.seg;
  }
  read_loop_filter(reader, c.lf);
  read_quantisation(reader, c.quant);
  read_segmentation(reader, c.seg);
  read_tiles(reader, c);
  c.compressed_header_size = static_cast<uint16_t>(reader.bits(16));
  c.uncompressed_header_size = static_cast<uint16_t>((reader.position() + 7) / 8);
  return frame;
}

Status Vp9Stream::read_references(BitReader& reader, Frame& frame) const {
  v4l2_ctrl_vp9_frame& c = frame.control;
  c.bit_depth = state_.bit_depth;
  c.flags |= state_.colour;
  frame.refresh = static_cast<uint8_t>(reader.bits(8));
  for (size_t i = 0; i < 3; ++i) {
    frame.references[i] = static_cast<uint8_t>(reader.bits(3));
    c.ref_frame_sign_bias |= static_cast<uint8_t>(reader.bits(1) << i);
  }
  // frame_size_with_refs() (6.2.5)
  bool found = false;
  for (size_t i = 0; i < 3 && !found; ++i) {
    found = reader.flag();
    if (!found) continue;
    const Slot& slot = state_.slots[frame.references[i]];
    if (!slot.picture) return corrupt("the reference that gives the size is missing");
    c.frame_width_minus_1 = static_cast<uint16_t>(slot.width - 1);
    c.frame_height_minus_1 = static_cast<uint16_t>(slot.height - 1);
  }
  if (!found) read_size(reader, c);
  read_render_size(reader, c);
  set(c.flags, V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV, reader.flag());
  if (reader.flag()) {
    c.interpolation_filter = V4L2_VP9_INTERP_FILTER_SWITCHABLE;
    return {};
  }
  constexpr uint8_t kFilters[] = {
      V4L2_VP9_INTERP_FILTER_EIGHTTAP_SMOOTH, V4L2_VP9_INTERP_FILTER_EIGHTTAP,
      V4L2_VP9_INTERP_FILTER_EIGHTTAP_SHARP, V4L2_VP9_INTERP_FILTER_BILINEAR};
  c.interpolation_filter = kFilters[reader.bits(2)];
  return {};
}

void Vp9Stream::store(const Frame& frame, const PicturePtr& target) {
  const v4l2_ctrl_vp9_frame& c = frame.control;
  for (size_t i = 0; i < state_.slots.size(); ++i) {
    if (frame.refresh >> i & 1)
      state_.slots[i] = {target, c.frame_width_minus_1 + 1U, c.frame_height_minus_1 + 1U};
  }
  state_.lf = c.lf;
  state_.seg = c.seg;
  state_.bit_depth = c.bit_depth;
  state_.colour = c.flags & kColour;
}

}  // namespace daedalus::clients
