#include "test/cuse_device/v4l2/hostile_parameters.h"

#include <cstring>

namespace daedalus::test {
namespace {

constexpr KnownControl kOthers[] = {
    {V4L2_CID_STATELESS_H264_SPS, sizeof(v4l2_ctrl_h264_sps)},
    {V4L2_CID_STATELESS_H264_PPS, sizeof(v4l2_ctrl_h264_pps)},
    {V4L2_CID_STATELESS_H264_SCALING_MATRIX, sizeof(v4l2_ctrl_h264_scaling_matrix)},
    {V4L2_CID_STATELESS_H264_DECODE_PARAMS, sizeof(v4l2_ctrl_h264_decode_params)},
    {V4L2_CID_STATELESS_VP8_FRAME, sizeof(v4l2_ctrl_vp8_frame)},
    {V4L2_CID_STATELESS_VP9_FRAME, sizeof(v4l2_ctrl_vp9_frame)},
    {V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, sizeof(v4l2_ctrl_vp9_compressed_hdr)},
    {V4L2_CID_STATELESS_MPEG2_SEQUENCE, sizeof(v4l2_ctrl_mpeg2_sequence)},
    {V4L2_CID_STATELESS_MPEG2_PICTURE, sizeof(v4l2_ctrl_mpeg2_picture)},
    {V4L2_CID_STATELESS_MPEG2_QUANTISATION, sizeof(v4l2_ctrl_mpeg2_quantisation)},
};
constexpr KnownControl kHevc[] = {
    {V4L2_CID_STATELESS_HEVC_SPS, sizeof(v4l2_ctrl_hevc_sps)},
    {V4L2_CID_STATELESS_HEVC_PPS, sizeof(v4l2_ctrl_hevc_pps)},
    {V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, sizeof(v4l2_ctrl_hevc_scaling_matrix)},
    {V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, sizeof(v4l2_ctrl_hevc_decode_params)},
    {V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, sizeof(v4l2_ctrl_hevc_slice_params), true},
    {V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS, sizeof(uint32_t), true},
};
constexpr KnownControl kAv1[] = {
    {V4L2_CID_STATELESS_AV1_SEQUENCE, sizeof(v4l2_ctrl_av1_sequence)},
    {V4L2_CID_STATELESS_AV1_FRAME, sizeof(v4l2_ctrl_av1_frame)},
    {V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, sizeof(v4l2_ctrl_av1_tile_group_entry), true},
    {V4L2_CID_STATELESS_AV1_FILM_GRAIN, sizeof(v4l2_ctrl_av1_film_grain)},
};

// Timestamps of CAPTURE buffers, in ns.
uint64_t timestamp(Choices& choices) { return choices.of({0, 1000, 2000, 3000}); }

template <typename T>
void put(const T& value, std::byte* at) {
  std::memcpy(at, &value, sizeof value);
}

v4l2_ctrl_hevc_sps hevc_sps(Choices& choices) {
  v4l2_ctrl_hevc_sps sps{};
  sps.pic_width_in_luma_samples = sps.pic_height_in_luma_samples = 16;
  sps.chroma_format_idc = 1;
  sps.bit_depth_luma_minus8 = sps.bit_depth_chroma_minus8 = choices.byte() % 8 == 0 ? 2 : 0;
  sps.num_short_term_ref_pic_sets = choices.byte() % 4;
  sps.flags = choices.byte() % 4 == 0 ? choices.word() % 512 : 0;
  return sps;
}

v4l2_ctrl_hevc_pps hevc_pps(Choices& choices) {
  v4l2_ctrl_hevc_pps pps{};
  pps.flags = choices.byte() % 4 == 0 ? choices.word() % (1u << 21) : 0;
  return pps;
}

v4l2_ctrl_hevc_decode_params hevc_decode(Choices& choices) {
  v4l2_ctrl_hevc_decode_params decode{};
  decode.pic_order_cnt_val = static_cast<int>(choices.of({0, 1, 8, 0x7fffffff}));
  decode.short_term_ref_pic_set_size = static_cast<uint16_t>(choices.of({0, 1, 7, 65535}));
  decode.num_active_dpb_entries = static_cast<uint8_t>(choices.of({0, 1, 3, 16}));
  decode.num_poc_st_curr_before = static_cast<uint8_t>(choices.of({0, 1, 3, 16}));
  decode.num_poc_lt_curr = static_cast<uint8_t>(choices.of({0, 0, 1, 16}));
  for (v4l2_hevc_dpb_entry& entry : decode.dpb) {
    entry.timestamp = timestamp(choices);
    entry.flags = choices.byte() % 4 == 0;
  }
  for (uint8_t& index : decode.poc_st_curr_before) index = choices.byte() % 20;
  return decode;
}

// `usual`, now and then one of the others.
uint32_t mostly(uint32_t usual, std::initializer_list<uint32_t> others, Choices& choices) {
  return choices.byte() % 16 == 1 ? choices.of(others) : usual;
}

v4l2_ctrl_av1_sequence av1_sequence(Choices& choices) {
  v4l2_ctrl_av1_sequence sequence{};
  sequence.bit_depth = static_cast<uint8_t>(mostly(8, {10, 12}, choices));
  sequence.flags = V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT;
  if (choices.byte() % 4 == 1) sequence.flags = choices.word() % (1u << 20);
  sequence.order_hint_bits = static_cast<uint8_t>(mostly(7, {0, 8, 9}, choices));
  sequence.max_frame_width_minus_1 = sequence.max_frame_height_minus_1 = 15;
  return sequence;
}

v4l2_ctrl_av1_frame av1_frame(Choices& choices) {
  v4l2_ctrl_av1_frame frame{};
  frame.upscaled_width = mostly(16, {8, 0, 9000}, choices);
  frame.frame_width_minus_1 = frame.frame_height_minus_1 = 15;
  frame.tile_info.flags = V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
  frame.tile_info.tile_cols = static_cast<uint8_t>(mostly(1, {2, 0, 64}, choices));
  frame.tile_info.tile_rows = static_cast<uint8_t>(mostly(1, {2, 0, 65}, choices));
  const uint32_t type = choices.byte() % 4;
  std::memcpy(&frame.frame_type, &type, sizeof type);
  frame.flags = choices.byte() % 2 ? V4L2_AV1_FRAME_FLAG_SHOW_FRAME : 0;
  if (choices.byte() % 4 == 1) frame.flags = choices.word() % (1u << 20);
  frame.superres_denom = static_cast<uint8_t>(mostly(8, {9, 16, 17}, choices));
  frame.primary_ref_frame = static_cast<uint8_t>(mostly(7, {0, 6, 8}, choices));
  frame.refresh_frame_flags = choices.byte();
  for (__u64& reference : frame.reference_frame_ts) reference = timestamp(choices);
  for (__s8& index : frame.ref_frame_idx) index = static_cast<__s8>(choices.byte() % 8);
  frame.ref_frame_idx[3] = static_cast<__s8>(mostly(3, {8, 0x80}, choices));
  return frame;
}

v4l2_ctrl_av1_tile_group_entry av1_tile(Choices& choices) {
  v4l2_ctrl_av1_tile_group_entry tile{};
  tile.tile_offset = mostly(choices.byte() % 56, {57, 64}, choices);
  tile.tile_size = mostly(8, {0, 64}, choices);
  tile.tile_col = mostly(0, {1, 63}, choices);
  tile.tile_row = mostly(0, {1, 63}, choices);
  return tile;
}

v4l2_ctrl_av1_film_grain av1_film_grain(Choices& choices) {
  v4l2_ctrl_av1_film_grain grain{};
  grain.flags = choices.byte() % 32;
  grain.num_y_points = static_cast<uint8_t>(mostly(2, {0, 14, 15}, choices));
  grain.point_y_value[1] = choices.byte();
  return grain;
}

// Of an IDR picture and of one that follows it, whose headers the bytes go on with.
void write_hevc_slices(Choices& choices, uint8_t* to) {
  uint8_t slices[] = {0, 0, 1, 0x26, 0x01, 0xaf, 0x55, 0, 0, 1, 0x02, 0x01, 0xd0, 0, 0, 0, 0, 0};
  for (size_t i = 13; i < sizeof slices; ++i) slices[i] = choices.byte();
  if (choices.byte() % 4 == 0) slices[choices.byte() % sizeof slices] = choices.byte();
  std::memcpy(to, slices, sizeof slices);
}

}  // namespace

std::span<const KnownControl> known_controls(Family family) {
  if (family == Family::kHevc) return kHevc;
  if (family == Family::kAv1) return kAv1;
  return kOthers;
}

uint32_t coded_format(Family family, Choices& choices) {
  if (family == Family::kHevc) return V4L2_PIX_FMT_HEVC_SLICE;
  if (family == Family::kAv1) return V4L2_PIX_FMT_AV1_FRAME;
  return choices.of({V4L2_PIX_FMT_H264_SLICE, V4L2_PIX_FMT_VP8_FRAME, V4L2_PIX_FMT_VP9_FRAME,
                     V4L2_PIX_FMT_MPEG2_SLICE});
}

void fill_parameters(uint32_t id, Choices& choices, std::byte* at) {
  constexpr uint16_t kSize[] = {16, 16};
  switch (id) {
    case V4L2_CID_STATELESS_VP8_FRAME:
      return put(kSize, at + offsetof(v4l2_ctrl_vp8_frame, width));
    case V4L2_CID_STATELESS_MPEG2_SEQUENCE:
      return put(kSize, at);
    case V4L2_CID_STATELESS_HEVC_SPS:
      return put(hevc_sps(choices), at);
    case V4L2_CID_STATELESS_HEVC_PPS:
      return put(hevc_pps(choices), at);
    case V4L2_CID_STATELESS_HEVC_DECODE_PARAMS:
      return put(hevc_decode(choices), at);
    case V4L2_CID_STATELESS_AV1_SEQUENCE:
      return put(av1_sequence(choices), at);
    case V4L2_CID_STATELESS_AV1_FRAME:
      return put(av1_frame(choices), at);
    case V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY:
      return put(av1_tile(choices), at);
    case V4L2_CID_STATELESS_AV1_FILM_GRAIN:
      return put(av1_film_grain(choices), at);
    default:
      return;
  }
}

void write_slices(Family family, Choices& choices, uint8_t* to) {
  // A slice of each codec that has them.
  constexpr uint8_t kSlices[] = {0, 0, 1, 0x65, 0x88, 0, 0, 1, 0x01, 0x22};
  std::memcpy(to + choices.byte() % 2, kSlices, sizeof kSlices);
  if (family == Family::kHevc) write_hevc_slices(choices, to);
}

}  // namespace daedalus::test
