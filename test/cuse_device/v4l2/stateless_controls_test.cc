// The stateless decoder's controls: their sizes, what they start as and what is refused, as the
// kernel's v4l2-ctrls-core.c.
#include <cerrno>
#include <functional>
#include <string>

#include "cuse_device/v4l2/controls.h"
#include "test/catch.h"
#include "test/cuse_device/v4l2/stateless_client.h"

namespace daedalus::test {
namespace {

// What the ioctl makes of a changed default value: its errno, and the value as it is then.
template <typename T>
class Control {
 public:
  Control(RequestClient& client, uint32_t id) : client_(client), id_(id) {}
  int get(uint32_t which, T* value) {
    v4l2_ext_control control{};
    v4l2_ext_controls controls = call(value, which, &control);
    return client_.video.ioctl(VIDIOC_G_EXT_CTRLS, controls);
  }
  int attempt(const std::function<void(T&)>& change, T* result = nullptr) {
    T value{};
    REQUIRE(get(V4L2_CTRL_WHICH_DEF_VAL, &value) == 0);
    change(value);
    v4l2_ext_control control{};
    v4l2_ext_controls controls = call(&value, V4L2_CTRL_WHICH_CUR_VAL, &control);
    const int error = client_.video.ioctl(VIDIOC_TRY_EXT_CTRLS, controls);
    if (result != nullptr) *result = value;
    return error;
  }

 private:
  v4l2_ext_controls call(T* value, uint32_t which, v4l2_ext_control* control) const {
    control->id = id_;
    control->size = sizeof *value;
    control->ptr = value;
    v4l2_ext_controls controls{};
    controls.which = which;
    controls.count = 1;
    controls.controls = control;
    return controls;
  }
  RequestClient& client_;
  uint32_t id_;
};

}  // namespace

TEST_CASE("every control, its type, its size and its name") {
  TestNodes nodes;
  RequestClient client(nodes);
  struct Expected {
    uint32_t id;
    uint32_t type;
    uint32_t size;
    std::string name;
    uint32_t most = 0;  // of a dynamic array
  };
  const Expected all[] = {
      {V4L2_CID_STATELESS_H264_SPS, V4L2_CTRL_TYPE_H264_SPS, 1048, "H264 Sequence Parameter Set"},
      {V4L2_CID_STATELESS_H264_PPS, V4L2_CTRL_TYPE_H264_PPS, 12, "H264 Picture Parameter Set"},
      {V4L2_CID_STATELESS_H264_SCALING_MATRIX, V4L2_CTRL_TYPE_H264_SCALING_MATRIX, 480,
       "H264 Scaling Matrix"},
      {V4L2_CID_STATELESS_H264_PRED_WEIGHTS, V4L2_CTRL_TYPE_H264_PRED_WEIGHTS, 772,
       "H264 Prediction Weight Table"},
      {V4L2_CID_STATELESS_H264_SLICE_PARAMS, V4L2_CTRL_TYPE_H264_SLICE_PARAMS, 152,
       "H264 Slice Parameters"},
      {V4L2_CID_STATELESS_H264_DECODE_PARAMS, V4L2_CTRL_TYPE_H264_DECODE_PARAMS, 560,
       "H264 Decode Parameters"},
      {V4L2_CID_STATELESS_VP8_FRAME, V4L2_CTRL_TYPE_VP8_FRAME, 1232, "VP8 Frame Parameters"},
      {V4L2_CID_STATELESS_MPEG2_SEQUENCE, V4L2_CTRL_TYPE_MPEG2_SEQUENCE, 12,
       "MPEG-2 Sequence Header"},
      {V4L2_CID_STATELESS_MPEG2_PICTURE, V4L2_CTRL_TYPE_MPEG2_PICTURE, 32, "MPEG-2 Picture Header"},
      {V4L2_CID_STATELESS_MPEG2_QUANTISATION, V4L2_CTRL_TYPE_MPEG2_QUANTISATION, 256,
       "MPEG-2 Quantisation Matrices"},
      {V4L2_CID_STATELESS_VP9_FRAME, V4L2_CTRL_TYPE_VP9_FRAME, 168, "VP9 Frame Decode Parameters"},
      {V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, V4L2_CTRL_TYPE_VP9_COMPRESSED_HDR, 2040,
       "VP9 Probabilities Updates"},
      {V4L2_CID_STATELESS_HEVC_SPS, V4L2_CTRL_TYPE_HEVC_SPS, 40, "HEVC Sequence Parameter Set"},
      {V4L2_CID_STATELESS_HEVC_PPS, V4L2_CTRL_TYPE_HEVC_PPS, 64, "HEVC Picture Parameter Set"},
      {V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, V4L2_CTRL_TYPE_HEVC_SLICE_PARAMS, 280,
       "HEVC Slice Parameters", 384},
      {V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, V4L2_CTRL_TYPE_HEVC_SCALING_MATRIX, 1000,
       "HEVC Scaling Matrix"},
      {V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, V4L2_CTRL_TYPE_HEVC_DECODE_PARAMS, 328,
       "HEVC Decode Parameters"},
      {V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS, V4L2_CTRL_TYPE_U32, 4,
       "HEVC Entry Point Offsets", 4096},
      {V4L2_CID_STATELESS_AV1_SEQUENCE, V4L2_CTRL_TYPE_AV1_SEQUENCE, 12, "AV1 Sequence Parameters"},
      {V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, V4L2_CTRL_TYPE_AV1_TILE_GROUP_ENTRY, 16,
       "AV1 Tile Group Entry", 4096},
      {V4L2_CID_STATELESS_AV1_FRAME, V4L2_CTRL_TYPE_AV1_FRAME, 1784, "AV1 Frame Parameters"},
      {V4L2_CID_STATELESS_AV1_FILM_GRAIN, V4L2_CTRL_TYPE_AV1_FILM_GRAIN, 194, "AV1 Film Grain"},
  };
  size_t seen = 0;
  v4l2_query_ext_ctrl query{};
  query.id = V4L2_CTRL_FLAG_NEXT_COMPOUND;
  for (; client.video.ioctl(VIDIOC_QUERY_EXT_CTRL, query) == 0;
       query.id |= V4L2_CTRL_FLAG_NEXT_COMPOUND) {
    REQUIRE(seen < std::size(all));
    INFO(all[seen].name);
    CHECK(query.id == all[seen].id);
    CHECK(query.type == all[seen].type);
    CHECK(query.elem_size == all[seen].size);
    CHECK(query.elems == 1);
    const bool dynamic = all[seen].most != 0;
    CHECK(query.nr_of_dims == (dynamic ? 1U : 0U));
    CHECK(query.dims[0] == all[seen].most);
    CHECK(query.flags ==
          (V4L2_CTRL_FLAG_HAS_PAYLOAD | (dynamic ? V4L2_CTRL_FLAG_DYNAMIC_ARRAY : 0U)));
    CHECK(query.name == all[seen].name);
    ++seen;
  }
  CHECK(seen == std::size(all));
}

TEST_CASE("the menus of H.264 and HEVC") {
  TestNodes nodes;
  RequestClient client(nodes);
  const auto names = [&](uint32_t id) {
    std::string all;
    for (uint32_t i = 0; i < 4; ++i) {
      v4l2_querymenu menu{};
      menu.id = id;
      menu.index = i;
      if (client.video.ioctl(VIDIOC_QUERYMENU, menu) == 0) {
        all += std::to_string(i) + reinterpret_cast<const char*>(menu.name) + ";";
      }
    }
    return all;
  };
  const auto value = [&](uint32_t id) {
    v4l2_control control{};
    control.id = id;
    REQUIRE(client.video.ioctl(VIDIOC_G_CTRL, control) == 0);
    return control.value;
  };
  for (const uint32_t id :
       {V4L2_CID_STATELESS_H264_DECODE_MODE, V4L2_CID_STATELESS_HEVC_DECODE_MODE}) {
    CHECK(names(id) == "0Slice-Based;1Frame-Based;");
    CHECK(value(id) == V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED);
  }
  for (const uint32_t id :
       {V4L2_CID_STATELESS_H264_START_CODE, V4L2_CID_STATELESS_HEVC_START_CODE}) {
    CHECK(names(id) == "0No Start Code;1Annex B Start Code;");
    CHECK(value(id) == V4L2_STATELESS_H264_START_CODE_ANNEX_B);
  }
}

TEST_CASE("HEVC parameter sets") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Sps = v4l2_ctrl_hevc_sps;
  Control<Sps> control(client, V4L2_CID_STATELESS_HEVC_SPS);
  CHECK(control.attempt([](Sps&) {}) == 0);
  const auto depth = [](Sps& s, int luma, int chroma) {
    s.bit_depth_luma_minus8 = static_cast<uint8_t>(luma);
    s.bit_depth_chroma_minus8 = static_cast<uint8_t>(chroma);
  };
  CHECK(control.attempt([&](Sps& s) { depth(s, 2, 2); }) == 0);
  CHECK(control.attempt([&](Sps& s) { depth(s, 4, 4); }) == EINVAL);
  CHECK(control.attempt([&](Sps& s) { depth(s, 2, 0); }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.chroma_format_idc = 1; }) == 0);
  CHECK(control.attempt([](Sps& s) { s.chroma_format_idc = 2; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.log2_max_pic_order_cnt_lsb_minus4 = 13; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.sps_max_dec_pic_buffering_minus1 = 16; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.log2_min_luma_coding_block_size_minus3 = 4; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) {
    s.log2_min_luma_coding_block_size_minus3 = 255;
    s.log2_diff_max_min_luma_coding_block_size = 255;
  }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.log2_diff_max_min_luma_transform_block_size = 4; }) ==
        EINVAL);
  CHECK(control.attempt([](Sps& s) { s.num_short_term_ref_pic_sets = 65; }) == EINVAL);
  const auto long_term = [](Sps& s) {
    s.flags = V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT;
    s.num_long_term_ref_pics_sps = 33;
  };
  CHECK(control.attempt(long_term) == EINVAL);
  Sps sps{};
  REQUIRE(control.attempt(
              [&](Sps& s) {
                long_term(s);
                s.flags = 0;
                s.pcm_sample_bit_depth_luma_minus1 = 7;
                s.log2_min_pcm_luma_coding_block_size_minus3 = 1;
                s.reserved[5] = 1;
              },
              &sps) == 0);
  CHECK(sps.num_long_term_ref_pics_sps == 0);
  CHECK(sps.pcm_sample_bit_depth_luma_minus1 == 0);
  CHECK(sps.log2_min_pcm_luma_coding_block_size_minus3 == 0);
  CHECK(sps.reserved[5] == 0);

  using Pps = v4l2_ctrl_hevc_pps;
  Control<Pps> pictures(client, V4L2_CID_STATELESS_HEVC_PPS);
  CHECK(pictures.attempt([](Pps&) {}) == 0);
  CHECK(pictures.attempt([](Pps& p) { p.num_extra_slice_header_bits = 8; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.num_ref_idx_l0_default_active_minus1 = 15; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.num_ref_idx_l1_default_active_minus1 = 15; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.init_qp_minus26 = 26; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.init_qp_minus26 = -38; }) == 0);
  CHECK(pictures.attempt([](Pps& p) { p.pps_cb_qp_offset = 13; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.pps_cr_qp_offset = -13; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.pps_tc_offset_div2 = 7; }) == EINVAL);
  CHECK(pictures.attempt([](Pps& p) { p.log2_parallel_merge_level_minus2 = 5; }) == EINVAL);
  const auto tiles = [](Pps& p, uint8_t columns, uint8_t rows) {
    p.flags = V4L2_HEVC_PPS_FLAG_TILES_ENABLED;
    p.num_tile_columns_minus1 = columns;
    p.num_tile_rows_minus1 = rows;
  };
  CHECK(pictures.attempt([&](Pps& p) { tiles(p, 19, 21); }) == 0);
  CHECK(pictures.attempt([&](Pps& p) { tiles(p, 20, 0); }) == EINVAL);
  CHECK(pictures.attempt([&](Pps& p) { tiles(p, 0, 22); }) == EINVAL);
  Pps pps{};
  REQUIRE(pictures.attempt(
              [&](Pps& p) {
                tiles(p, 20, 22);
                p.column_width_minus1[19] = p.row_height_minus1[21] = 9;
                p.diff_cu_qp_delta_depth = 9;
                p.pps_beta_offset_div2 = 9;
                p.flags = V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER |
                          V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED;
              },
              &pps) == 0);
  CHECK(pps.num_tile_columns_minus1 == 0);
  CHECK(pps.row_height_minus1[21] == 0);
  CHECK(pps.diff_cu_qp_delta_depth == 0);
  CHECK(pps.pps_beta_offset_div2 == 0);
  CHECK(pps.flags == V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER);
}

TEST_CASE("HEVC pictures, slices and scaling lists") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Decode = v4l2_ctrl_hevc_decode_params;
  Control<Decode> decode(client, V4L2_CID_STATELESS_HEVC_DECODE_PARAMS);
  CHECK(decode.attempt([](Decode&) {}) == 0);
  CHECK(decode.attempt([](Decode& d) { d.num_active_dpb_entries = 16; }) == 0);
  CHECK(decode.attempt([](Decode& d) { d.num_active_dpb_entries = 17; }) == EINVAL);
  CHECK(decode.attempt([](Decode& d) { d.num_poc_st_curr_before = 17; }) == EINVAL);
  CHECK(decode.attempt([](Decode& d) { d.num_poc_st_curr_after = 17; }) == EINVAL);
  CHECK(decode.attempt([](Decode& d) { d.num_poc_lt_curr = 17; }) == EINVAL);
  Decode params{};
  REQUIRE(decode.attempt([](Decode& d) { d.reserved[2] = 1, d.dpb[15].reserved = 1; }, &params) ==
          0);
  CHECK(params.reserved[2] == 0);
  CHECK(params.dpb[15].reserved == 0);

  using Slice = v4l2_ctrl_hevc_slice_params;
  Control<Slice> slice(client, V4L2_CID_STATELESS_HEVC_SLICE_PARAMS);
  CHECK(slice.attempt([](Slice&) {}) == 0);
  CHECK(slice.attempt([](Slice& s) { s.slice_type = 3; }) == EINVAL);
  CHECK(slice.attempt([](Slice& s) { s.colour_plane_id = 3; }) == EINVAL);
  CHECK(slice.attempt([](Slice& s) { s.num_ref_idx_l0_active_minus1 = 16; }) == EINVAL);
  CHECK(slice.attempt([](Slice& s) { s.num_ref_idx_l1_active_minus1 = 16; }) == EINVAL);
  Slice params_of_slice{};
  REQUIRE(slice.attempt([](Slice& s) { s.reserved0[2] = s.reserved1[1] = 1; }, &params_of_slice) ==
          0);
  CHECK(params_of_slice.reserved0[2] == 0);
  CHECK(params_of_slice.reserved1[1] == 0);

  using Matrix = v4l2_ctrl_hevc_scaling_matrix;
  Control<Matrix> matrix(client, V4L2_CID_STATELESS_HEVC_SCALING_MATRIX);
  Matrix defaults{};
  REQUIRE(matrix.get(V4L2_CTRL_WHICH_CUR_VAL, &defaults) == 0);
  CHECK(defaults.scaling_list_4x4[0][15] == 16);
  CHECK(defaults.scaling_list_32x32[0][63] == 115);  // table 7-6
}

TEST_CASE("AV1 sequences and frames") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Sequence = v4l2_ctrl_av1_sequence;
  Control<Sequence> sequence(client, V4L2_CID_STATELESS_AV1_SEQUENCE);
  Sequence start{};
  REQUIRE(sequence.get(V4L2_CTRL_WHICH_CUR_VAL, &start) == 0);
  CHECK(start.bit_depth == 8);
  CHECK(sequence.attempt([](Sequence&) {}) == 0);
  CHECK(sequence.attempt([](Sequence& s) { s.bit_depth = 10; }) == 0);
  CHECK(sequence.attempt([](Sequence& s) { s.bit_depth = 12; }) == EINVAL);
  CHECK(sequence.attempt([](Sequence& s) { s.seq_profile = 1; }) == EINVAL);
  CHECK(sequence.attempt([](Sequence& s) { s.flags = (1u << 20) - 1; }) == 0);
  CHECK(sequence.attempt([](Sequence& s) { s.flags = 1u << 20; }) == EINVAL);
  REQUIRE(sequence.attempt([](Sequence& s) { s.reserved = 1; }, &start) == 0);
  CHECK(start.reserved == 0);

  using Frame = v4l2_ctrl_av1_frame;
  Control<Frame> frame(client, V4L2_CID_STATELESS_AV1_FRAME);
  CHECK(frame.attempt([](Frame&) {}) == 0);
  CHECK(frame.attempt([](Frame& f) { f.flags = 1u << 20; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.superres_denom = 16; }) == 0);
  CHECK(frame.attempt([](Frame& f) { f.superres_denom = 17; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.quantization.flags = 8; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.quantization.delta_q_y_dc = -64; }) == 0);
  CHECK(frame.attempt([](Frame& f) { f.quantization.delta_q_y_dc = -65; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.quantization.delta_q_v_ac = 64; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.quantization.qm_v = 16; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.quantization.delta_q_res = 4; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.flags = 32; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.feature_data[7][0] = -255; }) == 0);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.feature_data[7][0] = -256; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.feature_data[0][4] = 64; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.feature_data[0][5] = 7; }) == 0);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.feature_data[0][5] = -1; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.segmentation.feature_data[0][7] = 1; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_filter.flags = 16; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_filter.level[3] = 64; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_filter.sharpness = 8; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_filter.ref_deltas[7] = 64; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_filter.mode_deltas[1] = -65; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.cdef.damping_minus_3 = 4; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.cdef.bits = 4; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.cdef.y_sec_strength[0] = 4; }) == 0);
  CHECK(frame.attempt([](Frame& f) { f.cdef.y_sec_strength[0] = 5; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.cdef.uv_pri_strength[1] = 16; }) == 0);  // not in use
  CHECK(frame.attempt([](Frame& f) { f.cdef.bits = 1, f.cdef.uv_pri_strength[1] = 16; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_restoration.lr_unit_shift = 4; }) == EINVAL);
  CHECK(frame.attempt([](Frame& f) { f.loop_restoration.lr_uv_shift = 2; }) == EINVAL);
  Frame cleared{};
  REQUIRE(frame.attempt(
              [](Frame& f) {
                f.reserved[3] = f.tile_info.reserved[0] = f.global_motion.reserved[1] = 1;
                f.loop_restoration.reserved = 1;
              },
              &cleared) == 0);
  CHECK(cleared.reserved[3] == 0);
  CHECK(cleared.tile_info.reserved[0] == 0);
  CHECK(cleared.global_motion.reserved[1] == 0);
  CHECK(cleared.loop_restoration.reserved == 0);
}

TEST_CASE("AV1 film grain") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Grain = v4l2_ctrl_av1_film_grain;
  Control<Grain> control(client, V4L2_CID_STATELESS_AV1_FILM_GRAIN);
  CHECK(control.attempt([](Grain&) {}) == 0);
  CHECK(control.attempt([](Grain& g) { g.flags = 32; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.film_grain_params_ref_idx = 8; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.num_y_points = 15; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.num_cb_points = 11; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.num_cr_points = 11; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.grain_scaling_minus_8 = 4; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.ar_coeff_lag = 4; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.ar_coeff_shift_minus_6 = 4; }) == EINVAL);
  CHECK(control.attempt([](Grain& g) { g.grain_scale_shift = 4; }) == EINVAL);
  // Points ascend where they are used.
  const auto points = [](Grain& g, uint32_t flags, uint8_t second) {
    g.flags = static_cast<uint8_t>(flags);
    g.num_cr_points = 2;
    g.point_cr_value[0] = 5;
    g.point_cr_value[1] = second;
  };
  const uint32_t apply = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN;
  CHECK(control.attempt([&](Grain& g) { points(g, apply, 6); }) == 0);
  CHECK(control.attempt([&](Grain& g) { points(g, apply, 5); }) == EINVAL);
  CHECK(control.attempt([&](Grain& g) { points(g, 0, 5); }) == 0);
  Grain cleared{};
  REQUIRE(control.attempt([](Grain& g) { g.reserved[3] = 1; }, &cleared) == 0);
  CHECK(cleared.reserved[3] == 0);
}

TEST_CASE("H.264 sequence parameter sets") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Sps = v4l2_ctrl_h264_sps;
  Control<Sps> control(client, V4L2_CID_STATELESS_H264_SPS);
  CHECK(control.attempt([](Sps&) {}) == 0);
  CHECK(control.attempt([](Sps& s) { s.log2_max_frame_num_minus4 = 13; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.log2_max_pic_order_cnt_lsb_minus4 = 13; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.pic_order_cnt_type = 3; }) == EINVAL);
  CHECK(control.attempt([](Sps& s) { s.max_num_ref_frames = 33; }) == EINVAL);
  const auto high = [](Sps& s) { s.profile_idc = 100; };
  CHECK(control.attempt([&](Sps& s) { high(s), s.chroma_format_idc = 2; }) == EINVAL);
  CHECK(control.attempt([&](Sps& s) { high(s), s.bit_depth_luma_minus8 = 2; }) == EINVAL);
  CHECK(control.attempt([&](Sps& s) { high(s), s.bit_depth_chroma_minus8 = 2; }) == EINVAL);

  // Elements that mean nothing beside others.
  Sps sps{};
  REQUIRE(control.attempt(
              [](Sps& s) {
                s.profile_idc = 66;
                s.chroma_format_idc = 3;
                s.bit_depth_luma_minus8 = 6;
                s.offset_for_non_ref_pic = 5;
                s.offset_for_ref_frame[7] = 5;
                s.flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY |
                          V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD |
                          V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE |
                          V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS;
              },
              &sps) == 0);
  CHECK(sps.chroma_format_idc == 1);
  CHECK(sps.bit_depth_luma_minus8 == 0);
  CHECK(sps.offset_for_non_ref_pic == 0);
  CHECK(sps.offset_for_ref_frame[7] == 0);
  CHECK(sps.flags == V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY);
  REQUIRE(control.attempt(
              [](Sps& s) {
                s.pic_order_cnt_type = 1;
                s.log2_max_pic_order_cnt_lsb_minus4 = 13;
                s.offset_for_ref_frame[7] = 5;
              },
              &sps) == 0);
  CHECK(sps.log2_max_pic_order_cnt_lsb_minus4 == 0);
  CHECK(sps.offset_for_ref_frame[7] == 5);
}

TEST_CASE("H.264 picture parameter sets and pictures") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Pps = v4l2_ctrl_h264_pps;
  Control<Pps> control(client, V4L2_CID_STATELESS_H264_PPS);
  CHECK(control.attempt([](Pps&) {}) == 0);
  CHECK(control.attempt([](Pps& p) { p.num_slice_groups_minus1 = 8; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.num_ref_idx_l0_default_active_minus1 = 32; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.num_ref_idx_l1_default_active_minus1 = 32; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.weighted_bipred_idc = 3; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.pic_init_qp_minus26 = -63; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.pic_init_qp_minus26 = 26; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.pic_init_qs_minus26 = -27; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.chroma_qp_index_offset = 13; }) == EINVAL);
  CHECK(control.attempt([](Pps& p) { p.second_chroma_qp_index_offset = -13; }) == EINVAL);

  using Decode = v4l2_ctrl_h264_decode_params;
  Control<Decode> decode(client, V4L2_CID_STATELESS_H264_DECODE_PARAMS);
  CHECK(decode.attempt([](Decode& d) { d.nal_ref_idc = 4; }) == EINVAL);
  Decode result{};
  REQUIRE(decode.attempt([](Decode& d) { d.reserved = 1, d.dpb[15].reserved[4] = 1; }, &result) ==
          0);
  CHECK(result.reserved == 0);
  CHECK(result.dpb[15].reserved[4] == 0);
}

TEST_CASE("H.264 slices") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Slice = v4l2_ctrl_h264_slice_params;
  Control<Slice> control(client, V4L2_CID_STATELESS_H264_SLICE_PARAMS);
  CHECK(control.attempt([](Slice&) {}) == 0);
  CHECK(control.attempt([](Slice& s) { s.colour_plane_id = 3; }) == EINVAL);
  CHECK(control.attempt([](Slice& s) { s.cabac_init_idc = 3; }) == EINVAL);
  CHECK(control.attempt([](Slice& s) { s.disable_deblocking_filter_idc = 3; }) == EINVAL);
  CHECK(control.attempt([](Slice& s) { s.slice_alpha_c0_offset_div2 = 7; }) == EINVAL);
  CHECK(control.attempt([](Slice& s) { s.slice_beta_offset_div2 = -7; }) == EINVAL);
  CHECK(control.attempt([](Slice& s) { s.num_ref_idx_l0_active_minus1 = 32; }) == EINVAL);
  Slice slice{};
  REQUIRE(control.attempt(
              [](Slice& s) {
                s.slice_type = V4L2_H264_SLICE_TYPE_I;
                s.num_ref_idx_l0_active_minus1 = 32;
                s.num_ref_idx_l1_active_minus1 = 32;
                s.flags = V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED;
                s.reserved = 1;
              },
              &slice) == 0);
  CHECK(slice.num_ref_idx_l0_active_minus1 == 0);
  CHECK(slice.num_ref_idx_l1_active_minus1 == 0);
  CHECK(slice.flags == 0);
  CHECK(slice.reserved == 0);
  using Weights = v4l2_ctrl_h264_pred_weights;
  Control<Weights> weights(client, V4L2_CID_STATELESS_H264_PRED_WEIGHTS);
  CHECK(weights.attempt([](Weights& w) { w.luma_log2_weight_denom = 7; }) == 0);
  CHECK(weights.attempt([](Weights& w) { w.luma_log2_weight_denom = 8; }) == EINVAL);
  CHECK(weights.attempt([](Weights& w) { w.chroma_log2_weight_denom = 8; }) == EINVAL);
}

TEST_CASE("VP8 and MPEG-2") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Vp8 = v4l2_ctrl_vp8_frame;
  Control<Vp8> vp8(client, V4L2_CID_STATELESS_VP8_FRAME);
  for (const uint8_t parts : {1, 2, 4, 8}) {
    CHECK(vp8.attempt([&](Vp8& f) { f.num_dct_parts = parts; }) == 0);
  }
  for (const uint8_t parts : {0, 3, 9}) {
    CHECK(vp8.attempt([&](Vp8& f) { f.num_dct_parts = parts; }) == EINVAL);
  }
  Vp8 frame{};
  REQUIRE(vp8.attempt([](Vp8& f) { f.lf.padding = 1, f.coder_state.padding = 1; }, &frame) == 0);
  CHECK(frame.lf.padding == 0);
  CHECK(frame.coder_state.padding == 0);

  using Sequence = v4l2_ctrl_mpeg2_sequence;
  Control<Sequence> sequence(client, V4L2_CID_STATELESS_MPEG2_SEQUENCE);
  CHECK(sequence.attempt([](Sequence&) {}) == 0);
  CHECK(sequence.attempt([](Sequence& s) { s.chroma_format = 0; }) == EINVAL);
  CHECK(sequence.attempt([](Sequence& s) { s.chroma_format = 4; }) == EINVAL);
  using Picture = v4l2_ctrl_mpeg2_picture;
  Control<Picture> picture(client, V4L2_CID_STATELESS_MPEG2_PICTURE);
  CHECK(picture.attempt([](Picture&) {}) == 0);
  CHECK(picture.attempt([](Picture& p) { p.intra_dc_precision = 4; }) == EINVAL);
  CHECK(picture.attempt([](Picture& p) { p.picture_structure = 0; }) == EINVAL);
  CHECK(picture.attempt([](Picture& p) { p.picture_structure = 4; }) == EINVAL);
  CHECK(picture.attempt([](Picture& p) { p.picture_coding_type = 4; }) == EINVAL);
  CHECK(picture.attempt([](Picture& p) { p.picture_coding_type = 0; }) == EINVAL);

  using Matrices = v4l2_ctrl_mpeg2_quantisation;
  Control<Matrices> matrices(client, V4L2_CID_STATELESS_MPEG2_QUANTISATION);
  Matrices defaults{};
  REQUIRE(matrices.get(V4L2_CTRL_WHICH_CUR_VAL, &defaults) == 0);
  CHECK(defaults.intra_quantiser_matrix[0] == 8);
  CHECK(defaults.intra_quantiser_matrix[63] == 83);
  CHECK(defaults.non_intra_quantiser_matrix[63] == 16);
}

TEST_CASE("VP9") {
  TestNodes nodes;
  RequestClient client(nodes);
  using Frame = v4l2_ctrl_vp9_frame;
  Control<Frame> control(client, V4L2_CID_STATELESS_VP9_FRAME);
  CHECK(control.attempt([](Frame&) {}) == 0);
  CHECK(control.attempt([](Frame& f) { f.flags |= 0x400; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.flags |= 0x24; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.flags = 0; }) == EINVAL);  // 4:4:4
  CHECK(control.attempt([](Frame& f) { f.bit_depth = 10; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.profile = 2, f.bit_depth = 10; }) == 0);
  CHECK(control.attempt([](Frame& f) { f.profile = 2, f.bit_depth = 12; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.profile = 4; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.reset_frame_context = 3; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.frame_context_idx = 4; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.interpolation_filter = 5; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.tile_cols_log2 = 7; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.reference_mode = 3; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.lf.flags = 4; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.lf.level = 64; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.lf.sharpness = 8; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.lf.ref_deltas[3] = -64; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.lf.mode_deltas[1] = 64; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.quant.delta_q_uv_ac = 16; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.seg.flags = 0x20; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.seg.feature_enabled[7] = 0x10; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.seg.feature_data[7][0] = 255; }) == 0);
  CHECK(control.attempt([](Frame& f) { f.seg.feature_data[7][0] = -256; }) == EINVAL);
  CHECK(control.attempt([](Frame& f) { f.seg.feature_data[7][3] = 1; }) == EINVAL);
  using Header = v4l2_ctrl_vp9_compressed_hdr;
  Control<Header> header(client, V4L2_CID_STATELESS_VP9_COMPRESSED_HDR);
  CHECK(header.attempt([](Header& h) { h.tx_mode = 4; }) == 0);
  CHECK(header.attempt([](Header& h) { h.tx_mode = 5; }) == EINVAL);
}

TEST_CASE("a value that is refused changes nothing in the request") {
  TestNodes nodes;
  RequestClient client(nodes);
  const int fd = client.allocate_request();
  const auto decode =
      control_value(V4L2_CID_STATELESS_H264_DECODE_PARAMS, v4l2_ctrl_h264_decode_params{});
  v4l2_ctrl_h264_pps bad{};
  bad.weighted_bipred_idc = 3;
  const ControlValue values[] = {decode, control_value(V4L2_CID_STATELESS_H264_PPS, bad)};
  CHECK(client.set_controls(fd, values) == EINVAL);
  REQUIRE(client.video.start_output(V4L2_PIX_FMT_H264_SLICE, 1, 64, 64) == 0);
  const auto sps = control_value(V4L2_CID_STATELESS_H264_SPS, v4l2_ctrl_h264_sps{});
  const auto pps = control_value(V4L2_CID_STATELESS_H264_PPS, v4l2_ctrl_h264_pps{});
  REQUIRE(client.set_control(-1, sps) == 0);
  REQUIRE(client.set_control(-1, pps) == 0);
  constexpr uint8_t kByte[] = {1};
  REQUIRE(client.queue_output(fd, 0, kByte) == 0);
  CHECK(client.queue_request(fd) == ENOENT);  // no decode parameters
}

TEST_CASE("structures that are too short") {
  TestNodes nodes;
  RequestClient client(nodes);
  std::vector<std::byte> bytes(16);
  CHECK(client.set_control(-1, {V4L2_CID_STATELESS_VP8_FRAME, bytes}) == EFAULT);
}

}  // namespace daedalus::test
