// Headers written anew, read back by the header parsers, which know nothing of the writers.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_pps.h"
#include "decode_core/headers/h264_scaling.h"
#include "decode_core/headers/h264_sps.h"
#include "decode_core/headers/mpeg2_headers.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "decode_core/software/libavcodec/rewrite/h264_parameter_sets.h"
#include "decode_core/software/libavcodec/rewrite/mpeg2_headers.h"
#include "test/catch.h"

namespace daedalus::core::rewrite {
namespace {

using Bytes = std::vector<uint8_t>;

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  // Both ends included.
  template <typename T = int>
  T in(int64_t low, int64_t high) {
    return static_cast<T>(std::uniform_int_distribution<int64_t>(low, high)(engine_));
  }
  uint32_t flags(std::initializer_list<uint32_t> choice) {
    uint32_t chosen = 0;
    for (const uint32_t flag : choice) chosen |= in(0, 1) != 0 ? flag : 0;
    return chosen;
  }

 private:
  std::mt19937 engine_;
};

// The one NAL unit of an Annex B stream.
Bytes only_nal(const Bytes& stream) {
  headers::NalUnits units(stream);
  const auto nal = units.next();
  REQUIRE(nal.has_value());
  REQUIRE_FALSE(units.next().has_value());
  return {nal->begin(), nal->end()};
}

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

TEST_CASE("the bit writer writes what a bit reader reads") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    struct Word {
      int kind;
      unsigned count;
      uint32_t value;
    };
    std::vector<Word> words;
    BitWriter writer;
    for (int i = 0; i < 50; ++i) {
      Word word{random.in(0, 3), random.in<unsigned>(0, 32), random.in<uint32_t>(0, UINT32_MAX)};
      if (random.in(0, 1) != 0) word.value >>= random.in(0, 31);
      if (word.kind == 0) {
        if (word.count < 32) word.value &= (1u << word.count) - 1;
        writer.u(word.count, word.value);
      } else if (word.kind == 1) {
        word.value = std::min(word.value, UINT32_MAX - 1);
        writer.ue(word.value);
      } else if (word.kind == 2) {
        if (word.value == 0x80000000u) word.value = 0;
        writer.se(static_cast<int32_t>(word.value));
      } else {
        writer.flag((word.value & 1) != 0);
      }
      words.push_back(word);
    }
    writer.trailing_bits();
    headers::BitReader reader(writer.bytes());
    for (const Word& word : words) {
      if (word.kind == 0) REQUIRE(reader.u(word.count) == word.value);
      if (word.kind == 1) REQUIRE(reader.ue() == word.value);
      if (word.kind == 2) REQUIRE(reader.se() == static_cast<int32_t>(word.value));
      if (word.kind == 3) REQUIRE(reader.flag() == ((word.value & 1) != 0));
    }
    REQUIRE(reader.flag());
    REQUIRE(reader.bits_left() < 8);
    while (reader.bits_left() > 0) REQUIRE_FALSE(reader.flag());
  }
}

TEST_CASE("a NAL unit never holds a start code and gives its payload back") {
  Random random(2);
  for (int round = 0; round < 500; ++round) {
    Bytes payload(random.in<size_t>(0, 40));
    for (uint8_t& byte : payload) byte = random.in<uint8_t>(0, 4) * random.in<uint8_t>(0, 1);
    payload.push_back(0x80);
    Bytes stream = {0xff};
    append_nal(0x67, payload, stream);
    REQUIRE(Bytes(stream.begin(), stream.begin() + 5) == Bytes{0xff, 0, 0, 1, 0x67});
    for (size_t i = 4; i + 2 < stream.size(); ++i) {
      REQUIRE_FALSE((stream[i] == 0 && stream[i + 1] == 0 && stream[i + 2] <= 2));
    }
    payload.insert(payload.begin(), 0x67);
    REQUIRE(headers::extract_rbsp(std::span(stream).subspan(4)) == payload);
  }
}

v4l2_ctrl_h264_sps random_sps(Random& random) {
  v4l2_ctrl_h264_sps sps{};
  sps.level_idc = random.in<uint8_t>(9, 62);
  sps.seq_parameter_set_id = random.in<uint8_t>(0, 31);
  sps.chroma_format_idc = random.in<uint8_t>(0, 1);
  sps.log2_max_frame_num_minus4 = random.in<uint8_t>(0, 12);
  sps.pic_order_cnt_type = random.in<uint8_t>(0, 2);
  sps.max_num_ref_frames = random.in<uint8_t>(0, 16);
  sps.pic_width_in_mbs_minus1 = random.in<uint16_t>(0, 511);
  sps.pic_height_in_map_units_minus1 = random.in<uint16_t>(0, 255);
  sps.flags =
      random.flags({V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS,
                    V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED,
                    V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY, V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE});
  if ((sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) == 0) {
    sps.flags |= V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
    sps.flags |= random.flags({V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD});
  }
  if (sps.pic_order_cnt_type == 0) {
    sps.log2_max_pic_order_cnt_lsb_minus4 = random.in<uint8_t>(0, 12);
  } else if (sps.pic_order_cnt_type == 1) {
    sps.flags |= random.flags({V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO});
    const auto offset = [&] {
      const int64_t most = random.in(0, 3) == 0 ? INT32_MAX : 300;
      return random.in<int32_t>(-most, most);
    };
    sps.offset_for_non_ref_pic = offset();
    sps.offset_for_top_to_bottom_field = offset();
    sps.num_ref_frames_in_pic_order_cnt_cycle =
        random.in<uint8_t>(0, random.in(0, 5) == 0 ? 255 : 4);
    for (int i = 0; i < sps.num_ref_frames_in_pic_order_cnt_cycle; ++i) {
      sps.offset_for_ref_frame[i] = offset();
    }
  }
  return sps;
}

TEST_CASE("a sequence parameter set reads as it was written") {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    const v4l2_ctrl_h264_sps sps = random_sps(random);
    Bytes stream;
    append_sps(sps, stream);
    const auto parsed = headers::parse_h264_sps(only_nal(stream));
    REQUIRE(parsed.ok());
    v4l2_ctrl_h264_sps expected = sps;
    expected.profile_idc = 100;
    REQUIRE(same_bytes(parsed->control, expected));
    REQUIRE_FALSE(parsed->scaling_matrix_present);
    REQUIRE_FALSE(parsed->restriction.has_value());
    REQUIRE(parsed->cropping.right + parsed->cropping.bottom == 0);
  }
}

TEST_CASE("a sequence parameter set without a level has room for 16 frames") {
  Random random(4);
  v4l2_ctrl_h264_sps sps = random_sps(random);
  sps.level_idc = 0;
  sps.pic_width_in_mbs_minus1 = 119;
  sps.pic_height_in_map_units_minus1 = 67;
  sps.flags |= V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
  Bytes stream;
  append_sps(sps, stream);
  const auto parsed = headers::parse_h264_sps(only_nal(stream));
  REQUIRE(parsed.ok());
  CHECK(headers::h264_max_dpb_frames(parsed->control) == 16);
}

TEST_CASE("the least offset, which has no code, does not spoil the parameter set") {
  v4l2_ctrl_h264_sps sps{};
  sps.level_idc = 40;
  sps.chroma_format_idc = 1;
  sps.pic_order_cnt_type = 1;
  sps.offset_for_non_ref_pic = INT32_MIN;
  sps.max_num_ref_frames = 7;
  sps.flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
  Bytes stream;
  append_sps(sps, stream);
  const auto parsed = headers::parse_h264_sps(only_nal(stream));
  REQUIRE(parsed.ok());
  CHECK(parsed->control.offset_for_non_ref_pic == -INT32_MAX);
  CHECK(parsed->control.max_num_ref_frames == 7);
}

v4l2_ctrl_h264_pps random_pps(Random& random, uint8_t sps_id) {
  v4l2_ctrl_h264_pps pps{};
  pps.pic_parameter_set_id = random.in<uint8_t>(0, 255);
  pps.seq_parameter_set_id = sps_id;
  pps.num_ref_idx_l0_default_active_minus1 = random.in<uint8_t>(0, 31);
  pps.num_ref_idx_l1_default_active_minus1 = random.in<uint8_t>(0, 31);
  pps.weighted_bipred_idc = random.in<uint8_t>(0, 2);
  pps.pic_init_qp_minus26 = random.in<int8_t>(-26, 25);
  pps.pic_init_qs_minus26 = random.in<int8_t>(-26, 25);
  pps.chroma_qp_index_offset = random.in<int8_t>(-12, 12);
  pps.second_chroma_qp_index_offset = random.in<int8_t>(-12, 12);
  pps.flags = static_cast<uint16_t>(random.flags(
      {V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE,
       V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT, V4L2_H264_PPS_FLAG_WEIGHTED_PRED,
       V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT,
       V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED, V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT,
       V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE, V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT}));
  return pps;
}

v4l2_ctrl_h264_scaling_matrix random_matrix(Random& random) {
  v4l2_ctrl_h264_scaling_matrix matrix{};
  for (auto& list : matrix.scaling_list_4x4) {
    for (uint8_t& value : list) value = random.in<uint8_t>(1, 255);
  }
  for (auto& list : matrix.scaling_list_8x8) {
    for (uint8_t& value : list) value = random.in<uint8_t>(1, 255);
  }
  return matrix;
}

TEST_CASE("a picture parameter set reads as it was written, scaling lists too") {
  Random random(5);
  for (int round = 0; round < 2000; ++round) {
    Bytes sps_stream;
    const v4l2_ctrl_h264_sps sps = random_sps(random);
    append_sps(sps, sps_stream);
    const auto parsed_sps = headers::parse_h264_sps(only_nal(sps_stream));
    REQUIRE(parsed_sps.ok());

    const v4l2_ctrl_h264_pps pps = random_pps(random, sps.seq_parameter_set_id);
    const v4l2_ctrl_h264_scaling_matrix matrix = random_matrix(random);
    const bool scaling = (pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) != 0;
    Bytes stream;
    append_pps(pps, pps.pic_parameter_set_id, scaling ? &matrix : nullptr, stream);
    const auto parsed = headers::parse_h264_pps(only_nal(stream), *parsed_sps);
    REQUIRE(parsed.ok());
    REQUIRE(same_bytes(parsed->control, pps));
    if (!scaling) {
      REQUIRE(same_bytes(parsed->scaling_matrix, headers::h264_flat_scaling_matrix()));
      continue;
    }
    REQUIRE(same_bytes(parsed->scaling_matrix.scaling_list_4x4, matrix.scaling_list_4x4));
    if ((pps.flags & V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE) == 0) continue;
    for (int i = 0; i < 2; ++i) {
      REQUIRE(same_bytes(parsed->scaling_matrix.scaling_list_8x8[i], matrix.scaling_list_8x8[i]));
    }
  }
}

TEST_CASE("a scaling list entry of 0 is written as 16") {
  const v4l2_ctrl_h264_scaling_matrix zeros{};
  v4l2_ctrl_h264_pps pps{};
  pps.flags = V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE;
  Bytes stream;
  append_pps(pps, 0, &zeros, stream);
  const auto parsed = headers::parse_h264_pps(only_nal(stream), headers::H264Sps{});
  REQUIRE(parsed.ok());
  const auto flat = headers::h264_flat_scaling_matrix();
  CHECK(same_bytes(parsed->scaling_matrix.scaling_list_4x4, flat.scaling_list_4x4));
  CHECK(same_bytes(parsed->scaling_matrix.scaling_list_8x8[1], flat.scaling_list_8x8[1]));
}

v4l2_ctrl_mpeg2_quantisation random_quantisation(Random& random) {
  v4l2_ctrl_mpeg2_quantisation quantisation{};
  for (uint8_t& value : quantisation.intra_quantiser_matrix) value = random.in<uint8_t>(1, 255);
  for (uint8_t& value : quantisation.non_intra_quantiser_matrix) value = random.in<uint8_t>(1, 255);
  return quantisation;
}

TEST_CASE("MPEG-2 headers read as they were written") {
  Random random(6);
  for (int round = 0; round < 2000; ++round) {
    v4l2_ctrl_mpeg2_sequence sequence{};
    // 6.3.3: the low 12 bits are not 0.
    sequence.horizontal_size = random.in<uint16_t>(1, 8191);
    sequence.vertical_size = random.in<uint16_t>(1, 8191);
    if (sequence.horizontal_size % 4096 == 0 || sequence.vertical_size % 4096 == 0) continue;
    sequence.flags = static_cast<uint8_t>(random.flags({V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE}));
    sequence.chroma_format = 1;

    v4l2_ctrl_mpeg2_picture picture{};
    picture.picture_coding_type = random.in<uint8_t>(1, 3);
    picture.picture_structure = random.in<uint8_t>(1, 3);
    for (auto& direction : picture.f_code) {
      for (uint8_t& code : direction) code = random.in<uint8_t>(1, 15);
    }
    picture.intra_dc_precision = random.in<uint8_t>(0, 3);
    picture.flags =
        random.flags({V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST, V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT,
                      V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV, V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE,
                      V4L2_MPEG2_PIC_FLAG_INTRA_VLC, V4L2_MPEG2_PIC_FLAG_ALT_SCAN,
                      V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST, V4L2_MPEG2_PIC_FLAG_PROGRESSIVE});
    if (sequence.flags != 0) picture.flags |= V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;
    if ((picture.flags & V4L2_MPEG2_PIC_FLAG_PROGRESSIVE) != 0) {
      picture.picture_structure = V4L2_MPEG2_PIC_FRAME;
    }
    const v4l2_ctrl_mpeg2_quantisation of_sequence = random_quantisation(random);
    const v4l2_ctrl_mpeg2_quantisation of_picture = random_quantisation(random);

    Bytes stream;
    append_sequence(sequence, of_sequence, stream);
    const size_t sequence_size = stream.size();
    append_picture(picture, of_picture, stream);

    headers::Mpeg2HeaderParser parser;
    headers::Mpeg2UnitReader units(stream);
    int count = 0;
    while (const auto unit = units.next()) {
      REQUIRE(parser.parse(*unit).ok());
      ++count;
      if (unit->offset + unit->bytes.size() != sequence_size) continue;
      REQUIRE(same_bytes(parser.quantisation().intra_quantiser_matrix,
                         of_sequence.intra_quantiser_matrix));
      REQUIRE(same_bytes(parser.quantisation().non_intra_quantiser_matrix,
                         of_sequence.non_intra_quantiser_matrix));
    }
    REQUIRE(count == 6);  // three of the sequence, three of the picture: no start code by accident
    REQUIRE(parser.has_sequence());
    REQUIRE(parser.has_picture());
    REQUIRE(parser.closed_gop());
    v4l2_ctrl_mpeg2_sequence read = parser.sequence().control;
    read.profile_and_level_indication = 0;
    REQUIRE(same_bytes(read, sequence));
    REQUIRE(same_bytes(parser.picture().control, picture));
    REQUIRE(same_bytes(parser.quantisation().intra_quantiser_matrix,
                       of_picture.intra_quantiser_matrix));
    REQUIRE(same_bytes(parser.quantisation().non_intra_quantiser_matrix,
                       of_picture.non_intra_quantiser_matrix));
  }
}

}  // namespace
}  // namespace daedalus::core::rewrite
