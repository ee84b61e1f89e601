// AV1's headers as we write them, read back by dav1d and by our own reader: every field of random
// headers in every form.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <vector>

extern "C" {
#include <dav1d/dav1d.h>
}

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/av1_obu.h"
#include "decode_core/headers/av1_sequence_header.h"
#include "decode_core/software/dav1d/rewrite/av1_global_motion.h"
#include "decode_core/software/dav1d/rewrite/av1_tile_info.h"
#include "decode_core/software/dav1d/rewrite/av1_units.h"
#include "test/catch.h"
#include "test/decode_core/av1_frames.h"

namespace daedalus::core::rewrite::test {
namespace {

using Bytes = std::vector<uint8_t>;

struct CloseDecoder {
  void operator()(Dav1dContext* decoder) const { dav1d_close(&decoder); }
};
using Decoder = std::unique_ptr<Dav1dContext, CloseDecoder>;

Decoder make_decoder() {
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.output_invisible_frames = 1;
  settings.apply_grain = 0;
  Dav1dContext* decoder = nullptr;
  REQUIRE(dav1d_open(&decoder, &settings) == 0);
  return Decoder(decoder);
}

// The headers of the picture that a temporal unit decodes to.
struct Read {
  Dav1dSequenceHeader sequence;
  Dav1dFrameHeader frame;
};

std::optional<Read> decode(Dav1dContext* decoder, const Bytes& unit) {
  Dav1dData data{};
  std::copy(unit.begin(), unit.end(), dav1d_data_create(&data, unit.size()));
  const int result = dav1d_send_data(decoder, &data);
  if (data.sz != 0) dav1d_data_unref(&data);
  Dav1dPicture picture{};
  if (result != 0 || dav1d_get_picture(decoder, &picture) != 0) return std::nullopt;
  const Read read{*picture.seq_hdr, *picture.frame_hdr};
  dav1d_picture_unref(&picture);
  return read;
}

struct Check {
  const v4l2_ctrl_av1_sequence& sequence;
  const v4l2_ctrl_av1_frame& frame;
  const Av1FrameToWrite& written;
  const Av1SlotState& state;
  const Dav1dFrameHeader& read;

  bool has(uint32_t flag) const { return (frame.flags & flag) != 0; }
  bool monochrome() const { return (sequence.flags & V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) != 0; }
  bool intra() const {
    return frame.frame_type == V4L2_AV1_KEY_FRAME || frame.frame_type == V4L2_AV1_INTRA_ONLY_FRAME;
  }
  bool no_resilience() const { return !has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE); }

  void all() const {
    basics();
    tiles();
    quantization();
    segmentation();
    filters();
    if (!intra()) inter();
  }

  void basics() const {
    CHECK(static_cast<int>(read.frame_type) ==
          (frame.frame_type == V4L2_AV1_SWITCH_FRAME ? 1 : static_cast<int>(frame.frame_type)));
    CHECK(read.width[1] == static_cast<int>(frame.upscaled_width));
    CHECK(read.height == static_cast<int>(frame.frame_height_minus_1) + 1);
    CHECK((read.error_resilient_mode == 0) == no_resilience());
    CHECK(read.disable_cdf_update == has(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE));
    CHECK((read.refresh_context != 0) == (!has(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE) &&
                                          !has(V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF)));
    CHECK(read.allow_screen_content_tools == has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS));
    CHECK(read.frame_offset == static_cast<int>(state.order_hint));
    CHECK(read.frame_offset == static_cast<int>(frame.order_hint));
    CHECK(read.primary_ref_frame == frame.primary_ref_frame);
    CHECK(read.refresh_frame_flags == written.refresh_frame_flags);
    const bool scaled = read.width[0] != read.width[1];
    CHECK((read.super_res.enabled != 0) == scaled);
    if (scaled) CHECK(read.super_res.width_scale_denominator == frame.superres_denom);
    CHECK((read.allow_intrabc != 0) ==
          (intra() && !scaled && has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) &&
           has(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC)));
    CHECK(read.reduced_txtp_set == has(V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET));
  }

  void tiles() const {
    const v4l2_av1_tile_info& info = frame.tile_info;
    CHECK(read.tiling.cols == info.tile_cols);
    CHECK(read.tiling.rows == info.tile_rows);
    if (read.tiling.log2_cols + read.tiling.log2_rows > 0) {
      CHECK(read.tiling.update == info.context_update_tile_id);
    }
    CHECK((read.tiling.uniform != 0) ==
          ((info.flags & V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING) != 0));
    if (read.tiling.uniform) return;
    for (size_t i = 0; i < info.tile_cols; ++i) {
      CHECK(read.tiling.col_start_sb[i + 1] - read.tiling.col_start_sb[i] - 1 ==
            static_cast<int>(info.width_in_sbs_minus_1[i]));
    }
    for (size_t i = 0; i < info.tile_rows; ++i) {
      CHECK(read.tiling.row_start_sb[i + 1] - read.tiling.row_start_sb[i] - 1 ==
            static_cast<int>(info.height_in_sbs_minus_1[i]));
    }
  }

  void quantization() const {
    const v4l2_av1_quantization& q = frame.quantization;
    CHECK(read.quant.yac == q.base_q_idx);
    CHECK(read.quant.ydc_delta == q.delta_q_y_dc);
    if (!monochrome()) {
      CHECK(read.quant.udc_delta == q.delta_q_u_dc);
      CHECK(read.quant.uac_delta == q.delta_q_u_ac);
      CHECK(read.quant.vdc_delta == q.delta_q_v_dc);
      CHECK(read.quant.vac_delta == q.delta_q_v_ac);
    }
    const bool matrices = q.flags & V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX;
    CHECK((read.quant.qm != 0) == matrices);
    if (matrices) {
      CHECK(read.quant.qm_y == q.qm_y);
      CHECK(read.quant.qm_u == q.qm_u);
      if (!monochrome()) CHECK(read.quant.qm_v == q.qm_v);
    }
    const bool delta_q =
        q.base_q_idx != 0 && (q.flags & V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT) != 0;
    CHECK((read.delta.q.present != 0) == delta_q);
    if (delta_q) CHECK(read.delta.q.res_log2 == q.delta_q_res);
    const v4l2_av1_loop_filter& filter = frame.loop_filter;
    const bool delta_lf = delta_q && !read.allow_intrabc &&
                          (filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT) != 0;
    CHECK((read.delta.lf.present != 0) == delta_lf);
    if (!delta_lf) return;
    CHECK(read.delta.lf.res_log2 == filter.delta_lf_res);
    CHECK((read.delta.lf.multi != 0) ==
          ((filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI) != 0));
  }

  static int value(const v4l2_av1_segmentation& s, size_t segment, int id, int none) {
    return s.feature_enabled[segment] & V4L2_AV1_SEGMENT_FEATURE_ENABLED(id)
               ? s.feature_data[segment][id]
               : none;
  }

  void segmentation() const {
    const v4l2_av1_segmentation& s = frame.segmentation;
    const bool enabled = s.flags & V4L2_AV1_SEGMENTATION_FLAG_ENABLED;
    REQUIRE((read.segmentation.enabled != 0) == enabled);
    if (!enabled) return;
    CHECK((read.segmentation.update_map != 0) ==
          ((s.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP) != 0));
    CHECK((read.segmentation.temporal != 0) ==
          ((s.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP) != 0 &&
           (s.flags & V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE) != 0));
    CHECK((read.segmentation.update_data != 0) ==
          ((s.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA) != 0));
    for (size_t i = 0; i < V4L2_AV1_MAX_SEGMENTS; ++i) {
      const Dav1dSegmentationData& segment = read.segmentation.seg_data.d[i];
      const auto in_force = [&](int id, int none) {
        return value(state.segmentation, i, id, none);
      };
      CHECK(segment.delta_q == in_force(0, 0));
      CHECK(segment.delta_lf_y_v == in_force(1, 0));
      CHECK(segment.delta_lf_y_h == in_force(2, 0));
      CHECK(segment.delta_lf_u == in_force(3, 0));
      CHECK(segment.delta_lf_v == in_force(4, 0));
      CHECK(segment.ref == in_force(5, -1));
      CHECK((segment.skip != 0) == (in_force(6, -1) == 0));
      CHECK((segment.globalmv != 0) == (in_force(7, -1) == 0));
      if ((s.flags & V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA) != 0) {
        for (int id = 0; id < 6; ++id) CHECK(in_force(id, -1000) == value(s, i, id, -1000));
      }
    }
  }

  void filters() const {
    if (!read.all_lossless && !read.allow_intrabc) {
      loop_filter();
      if (sequence.flags & V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF) cdef();
    }
    if ((!read.all_lossless || read.super_res.enabled) && !read.allow_intrabc) restoration();
    if (!read.all_lossless) {
      CHECK((read.txfm_mode == DAV1D_TX_SWITCHABLE) == (frame.tx_mode == V4L2_AV1_TX_MODE_SELECT));
    }
  }

  void loop_filter() const {
    const v4l2_av1_loop_filter& filter = frame.loop_filter;
    CHECK(read.loopfilter.level_y[0] == filter.level[0]);
    CHECK(read.loopfilter.level_y[1] == filter.level[1]);
    if (!monochrome() && (filter.level[0] || filter.level[1])) {
      CHECK(read.loopfilter.level_u == filter.level[2]);
      CHECK(read.loopfilter.level_v == filter.level[3]);
    }
    CHECK(read.loopfilter.sharpness == filter.sharpness);
    const bool enabled = filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED;
    CHECK((read.loopfilter.mode_ref_delta_enabled != 0) == enabled);
    if (!enabled || (filter.flags & V4L2_AV1_LOOP_FILTER_FLAG_DELTA_UPDATE) == 0) return;
    for (size_t i = 0; i < 8; ++i) {
      CHECK(read.loopfilter.mode_ref_deltas.ref_delta[i] == filter.ref_deltas[i]);
    }
    for (size_t i = 0; i < 2; ++i) {
      CHECK(read.loopfilter.mode_ref_deltas.mode_delta[i] == filter.mode_deltas[i]);
    }
  }

  void cdef() const {
    const v4l2_av1_cdef& cdef = frame.cdef;
    CHECK(read.cdef.damping == cdef.damping_minus_3 + 3);
    REQUIRE(read.cdef.n_bits == cdef.bits);
    for (size_t i = 0; i < size_t{1} << cdef.bits; ++i) {
      const auto strength = [](int primary, int secondary) {
        return primary << 2 | (secondary == 4 ? 3 : secondary);
      };
      CHECK(read.cdef.y_strength[i] == strength(cdef.y_pri_strength[i], cdef.y_sec_strength[i]));
      if (monochrome()) continue;
      CHECK(read.cdef.uv_strength[i] == strength(cdef.uv_pri_strength[i], cdef.uv_sec_strength[i]));
    }
  }

  void restoration() const {
    const v4l2_av1_loop_restoration& restoration = frame.loop_restoration;
    constexpr Dav1dRestorationType kTypes[] = {DAV1D_RESTORATION_NONE, DAV1D_RESTORATION_WIENER,
                                               DAV1D_RESTORATION_SGRPROJ,
                                               DAV1D_RESTORATION_SWITCHABLE};
    bool luma = false;
    bool chroma = false;
    for (size_t plane = 0; plane < (monochrome() ? 1 : 3); ++plane) {
      const auto type = kTypes[restoration.frame_restoration_type[plane]];
      CHECK(read.restoration.type[plane] == type);
      if (type != DAV1D_RESTORATION_NONE) (plane == 0 ? luma : chroma) = true;
    }
    if (luma || chroma) CHECK(read.restoration.unit_size[0] == 6 + restoration.lr_unit_shift);
    if (chroma) {
      CHECK(read.restoration.unit_size[1] ==
            6 + restoration.lr_unit_shift - restoration.lr_uv_shift);
    }
  }

  void inter() const {
    const bool integer = has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) &&
                         has(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
    CHECK((read.force_integer_mv != 0) == integer);
    CHECK((read.hp != 0) == (!integer && has(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV)));
    CHECK(static_cast<int>(read.subpel_filter_mode) ==
          static_cast<int>(frame.interpolation_filter));
    CHECK((read.switchable_motion_mode != 0) == has(V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE));
    CHECK((read.use_ref_frame_mvs != 0) == (no_resilience() && sequence.order_hint_bits != 0 &&
                                            has(V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS)));
    CHECK((read.switchable_comp_refs != 0) == has(V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT));
    CHECK((read.skip_mode_enabled != 0) ==
          (read.skip_mode_allowed && has(V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT)));
    CHECK((read.warp_motion != 0) ==
          (no_resilience() && has(V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION)));
    for (size_t i = 0; i < V4L2_AV1_REFS_PER_FRAME; ++i) {
      CHECK(read.refidx[i] == written.ref_frame_idx[i]);
      const Dav1dWarpedMotionParams& motion = read.gmv[i];
      CHECK(static_cast<int>(motion.type) == static_cast<int>(frame.global_motion.type[i + 1]));
      CHECK(std::equal(std::begin(motion.matrix), std::end(motion.matrix),
                       frame.global_motion.params[i + 1]));
      CHECK(std::equal(std::begin(motion.matrix), std::end(motion.matrix),
                       state.global_motion[i + 1].begin()));
    }
  }
};

// The frame unit of a temporal unit as our own reader understands it, written once more: the same
// bits, if the reader agrees with the writer on every field.
void check_reader(headers::Av1HeaderParser& parser, const Bytes& unit,
                  const Av1FrameToWrite& written, std::span<const std::span<const uint8_t>> tiles) {
  headers::Av1Obus units(unit);
  while (const auto next = units.next()) {
    if (next->type == headers::Av1ObuType::kSequenceHeader) {
      const auto sequence = headers::parse_av1_sequence_header(next->payload);
      REQUIRE(sequence.ok());
      parser.set_sequence(*sequence);
    }
    if (next->type != headers::Av1ObuType::kFrame) continue;
    const auto header = parser.parse(next->payload, {});
    INFO((header.ok() ? "" : header.error().message));
    REQUIRE(header.ok());
    CHECK(header->frame.refresh_frame_flags == written.refresh_frame_flags);
    Av1FrameToWrite again{parser.sequence()->control(), header->frame, written.ref_frame_idx,
                          written.refresh_frame_flags, written.slots};
    if (!header->intra()) {
      for (size_t i = 0; i < again.ref_frame_idx.size(); ++i) {
        again.ref_frame_idx[i] = static_cast<uint8_t>(header->frame.ref_frame_idx[i]);
      }
    }
    Bytes twin;
    REQUIRE(append_av1_frame(again, tiles, twin).ok());
    REQUIRE(twin.size() <= unit.size());
    CHECK(std::equal(twin.begin(), twin.end(), unit.end() - static_cast<ptrdiff_t>(twin.size())));
    parser.update(*header);
  }
}

// One random sequence; returns how many frames of it were not intra.
int check_sequence(uint32_t seed) {
  Av1Random random(seed);
  const Bytes data = random.bytes(300'000);
  const Decoder decoder = make_decoder();
  const Av1Sequence sequence = choose_av1_sequence(random);
  headers::Av1HeaderParser parser;
  std::array<std::optional<Av1SlotState>, V4L2_AV1_TOTAL_REFS_PER_FRAME> slots;
  int inter = 0;
  for (int i = 0; i < 20; ++i) {
    INFO("sequence " << seed << " frame " << i);
    Av1Slots states{};
    for (size_t n = 0; n < slots.size(); ++n) states[n] = slots[n] ? &*slots[n] : nullptr;
    std::array<uint8_t, V4L2_AV1_REFS_PER_FRAME> refs{};
    for (uint8_t& ref : refs) ref = static_cast<uint8_t>(random.in(0, 7));
    const v4l2_ctrl_av1_frame frame = choose_av1_frame(random, sequence, states);
    Av1FrameToWrite written{sequence.control, frame, refs, 0, states};
    written.refresh_frame_flags = static_cast<uint8_t>(i == 0 ? 0xff : random.in(0, 255));
    // dav1d fails where a tile is read beyond its end: these suffice for whatever they mean.
    std::vector<std::span<const uint8_t>> tiles;
    for (int n = 0; n < frame.tile_info.tile_cols * frame.tile_info.tile_rows; ++n) {
      const auto size = static_cast<size_t>(random.in(100'000, 300'000));
      tiles.push_back(std::span(data).first(size));
    }
    Bytes unit;
    append_av1_temporal_delimiter(unit);
    append_av1_sequence_header(sequence.control, unit);
    const auto state = append_av1_frame(written, tiles, unit);
    REQUIRE(state.ok());
    check_reader(parser, unit, written, tiles);
    const auto read = decode(decoder.get(), unit);
    // A random vector of intra block copy may point nowhere.
    if (!read.has_value() && (frame.flags & V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC) != 0) break;
    REQUIRE(read.has_value());
    Check{sequence.control, frame, written, *state, read->frame}.all();
    for (size_t n = 0; n < slots.size(); ++n) {
      if (written.refresh_frame_flags >> n & 1) slots[n] = *state;
    }
    if (read->frame.frame_type == DAV1D_FRAME_TYPE_INTER) ++inter;
  }
  return inter;
}

TEST_CASE("random frame headers read back as they were meant") {
  int inter = 0;
  for (uint32_t seed = 0; seed < 50; ++seed) inter += check_sequence(seed);
  CHECK(inter > 500);
}

TEST_CASE("the sequence header tells the parameters that frames share") {
  Av1Random random(1);
  for (int i = 0; i < 500; ++i) {
    const Av1Sequence sequence = choose_av1_sequence(random);
    const v4l2_ctrl_av1_sequence& control = sequence.control;
    const auto has = [&](uint32_t flag) { return (control.flags & flag) != 0; };
    Bytes unit;
    append_av1_sequence_header(control, unit);
    Dav1dSequenceHeader read;
    REQUIRE(dav1d_parse_sequence_header(&read, unit.data(), unit.size()) == 0);
    CHECK(read.profile == 0);
    CHECK(read.hbd == (control.bit_depth == 10));
    CHECK(read.sb128 == has(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK));
    CHECK(read.filter_intra == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA));
    CHECK(read.intra_edge_filter == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER));
    CHECK(read.inter_intra == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND));
    CHECK(read.masked_compound == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND));
    CHECK(read.dual_filter == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER));
    CHECK(read.order_hint == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT));
    CHECK(read.order_hint_n_bits == control.order_hint_bits);
    CHECK(read.jnt_comp == (read.order_hint && has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP)));
    CHECK(read.cdef == has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF));
    CHECK(read.monochrome == has(V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME));
    CHECK(read.color_range == has(V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE));
    CHECK(read.film_grain_present == 0);
  }
}

TEST_CASE("tiles that no header can tell are refused") {
  struct Case {
    const char* reason;
    v4l2_av1_tile_info info;
  };
  const auto make = [](bool uniform, uint8_t columns, uint8_t rows, uint32_t width_minus_1) {
    v4l2_av1_tile_info info{};
    info.flags = uniform ? V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING : 0;
    info.tile_cols = columns;
    info.tile_rows = rows;
    info.width_in_sbs_minus_1[0] = width_minus_1;
    info.height_in_sbs_minus_1[0] = 1;
    return info;
  };
  // 5x2 superblocks.
  const Av1TileFrame frame{320, 128, false};
  BitWriter good;
  CHECK(write_av1_tile_info(good, make(false, 1, 1, 4), frame, 4).ok());
  CHECK(write_av1_tile_info(good, make(true, 3, 2, 0), frame, 4).ok());
  auto bad_id = make(true, 3, 2, 0);
  bad_id.context_update_tile_id = 6;
  const std::vector<Case> cases = {
      {"columns", make(true, 4, 1, 0)}, {"rows", make(true, 5, 3, 0)},
      {"larger", make(false, 1, 1, 5)}, {"larger", make(false, 1, 1, UINT32_MAX)},
      {"cover", make(false, 1, 1, 3)},  {"context_update_tile_id", bad_id}};
  for (const Case& test : cases) {
    BitWriter bits;
    const Status status = write_av1_tile_info(bits, test.info, frame, 4);
    INFO(test.reason);
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(status.error().message, Catch::Matchers::ContainsSubstring(test.reason));
  }
}

TEST_CASE("global motion that no header can tell is refused, and nothing is written") {
  Av1Random random(2);
  Av1Sequence sequence = choose_av1_sequence(random);
  const Av1SlotState state;
  Av1Slots slots;
  slots.fill(&state);
  const std::array<uint8_t, V4L2_AV1_REFS_PER_FRAME> refs{};
  const Bytes tile = {1, 2, 3};
  for (const int32_t value : {1, (1 << 13) + (1 << 1) + 1, INT32_MAX, INT32_MIN}) {
    v4l2_ctrl_av1_frame frame{};
    frame.frame_type = V4L2_AV1_INTER_FRAME;
    frame.primary_ref_frame = 7;
    frame.upscaled_width = 64;
    frame.frame_height_minus_1 = 63;
    frame.tile_info.tile_cols = frame.tile_info.tile_rows = 1;
    frame.global_motion.type[3] = V4L2_AV1_WARP_MODEL_AFFINE;
    const std::vector<std::span<const uint8_t>> tiles = {tile};
    Bytes unit;
    std::copy_n(default_av1_global_motion()[3].begin(), 6, frame.global_motion.params[3]);
    CHECK(append_av1_frame({sequence.control, frame, refs, 0, slots}, tiles, unit).ok());
    for (const auto type : {V4L2_AV1_WARP_MODEL_AFFINE, V4L2_AV1_WARP_MODEL_ROTZOOM}) {
      for (const size_t index : {2, 3}) {
        unit.clear();
        v4l2_ctrl_av1_frame wrong = frame;
        wrong.global_motion.type[3] = type;
        wrong.global_motion.params[3][index] = value;
        CHECK_FALSE(append_av1_frame({sequence.control, wrong, refs, 0, slots}, tiles, unit).ok());
        CHECK(unit.empty());
      }
    }
  }
}

}  // namespace
}  // namespace daedalus::core::rewrite::test
