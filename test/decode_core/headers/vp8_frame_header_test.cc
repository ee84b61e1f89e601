#include "decode_core/headers/vp8_frame_header.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "test/catch.h"
#include "test/decode_core/headers/vp8_header_writer.h"

namespace daedalus::headers {
namespace {

using test::vp8_key_frame;
using test::Vp8Bits;
using test::write_vp8;

Vp8HeaderParser after(const Vp8Bits& bits) {
  Vp8HeaderParser parser;
  const auto header = parser.parse(write_vp8(bits));
  REQUIRE(header.ok());
  parser.update(*header);
  return parser;
}

TEST_CASE("a VP8 key frame's header is read whole") {
  Vp8Bits bits = vp8_key_frame(175, 143);
  bits.tag.version = 2;
  bits.tag.horizontal_scale = 1;
  bits.tag.vertical_scale = 3;
  bits.clamping_type = true;
  bits.segmentation.emplace();
  bits.segmentation->probabilities = {{9, std::nullopt, 200}};
  bits.segmentation->data = Vp8Bits::Segmentation::Data{};
  bits.segmentation->data->quant = {{-127, std::nullopt, 5, 0}};
  bits.segmentation->data->filter = {{63, -63, std::nullopt, 1}};
  bits.simple_filter = true;
  bits.level = 63;
  bits.sharpness = 7;
  bits.deltas_enabled = true;
  bits.deltas = {{1, std::nullopt, -2, 63, std::nullopt, -63, 4, 5}};
  bits.y_ac_qi = 127;
  bits.q_deltas = {-15, 15, 0, 1, -1};
  bits.coefficients[{0, 0, 0, 0}] = 77;
  bits.coefficients[{3, 7, 2, 10}] = 0;
  bits.prob_skip_false = 123;
  const auto header = Vp8HeaderParser().parse(write_vp8(bits));
  REQUIRE(header.ok());
  CHECK(header->clamping_type == 1);
  CHECK(header->refresh_last);
  CHECK(header->refresh_golden);
  CHECK(header->refresh_alternate);
  const v4l2_ctrl_vp8_frame& frame = header->frame;
  CHECK(frame.width == 175);
  CHECK(frame.height == 143);
  CHECK(frame.horizontal_scale == 1);
  CHECK(frame.vertical_scale == 3);
  CHECK(frame.version == 2);
  CHECK(frame.flags == (V4L2_VP8_FRAME_FLAG_KEY_FRAME | V4L2_VP8_FRAME_FLAG_SHOW_FRAME |
                        V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF));
  CHECK(frame.segment.flags ==
        (V4L2_VP8_SEGMENT_FLAG_ENABLED | V4L2_VP8_SEGMENT_FLAG_UPDATE_MAP |
         V4L2_VP8_SEGMENT_FLAG_UPDATE_FEATURE_DATA | V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE));
  CHECK(frame.segment.quant_update[0] == -127);
  CHECK(frame.segment.quant_update[1] == 0);
  CHECK(frame.segment.lf_update[1] == -63);
  CHECK(frame.segment.segment_probs[0] == 9);
  CHECK(frame.segment.segment_probs[1] == 255);
  CHECK(frame.lf.level == 63);
  CHECK(frame.lf.sharpness_level == 7);
  CHECK(frame.lf.flags ==
        (V4L2_VP8_LF_ADJ_ENABLE | V4L2_VP8_LF_DELTA_UPDATE | V4L2_VP8_LF_FILTER_TYPE_SIMPLE));
  CHECK(frame.lf.ref_frm_delta[3] == 63);
  CHECK(frame.lf.mb_mode_delta[1] == -63);
  CHECK(frame.quant.y_ac_qi == 127);
  CHECK(frame.quant.y_dc_delta == -15);
  CHECK(frame.quant.y2_dc_delta == 15);
  CHECK(frame.quant.uv_ac_delta == -1);
  CHECK(frame.prob_skip_false == 123);
  CHECK(frame.entropy.coeff_probs[0][0][0][0] == 77);
  CHECK(frame.entropy.coeff_probs[3][7][2][10] == 0);
  CHECK(frame.entropy.coeff_probs[0][1][0][0] == 253);
  CHECK(frame.entropy.y_mode_probs[0] == 145);
  CHECK(frame.entropy.uv_mode_probs[2] == 183);
  CHECK(header->next_entropy.y_mode_probs[0] == 112);
  CHECK(header->next_entropy.uv_mode_probs[2] == 204);
  CHECK(frame.entropy.mv_probs[1][0] == 164);
  CHECK(frame.num_dct_parts == 1);
  CHECK(frame.dct_part_sizes[0] == 3);
}

TEST_CASE("what a VP8 key frame sets lasts, and the next key frame resets it") {
  Vp8Bits bits = vp8_key_frame(64, 48);
  bits.segmentation.emplace();
  bits.segmentation->data = Vp8Bits::Segmentation::Data{};
  bits.segmentation->data->absolute = true;
  bits.segmentation->data->quant[2] = 30;
  bits.deltas_enabled = true;
  bits.deltas.emplace();
  (*bits.deltas)[5] = -9;
  bits.coefficients[{1, 2, 1, 3}] = 40;
  Vp8HeaderParser parser = after(bits);

  Vp8Bits inter;
  inter.segmentation.emplace();
  inter.deltas_enabled = true;
  inter.bias_alternate = true;
  inter.prob_intra = 1;
  inter.prob_last = 2;
  inter.prob_gf = 255;
  inter.vectors[{0, 4}] = 0;
  inter.vectors[{1, 18}] = 100;
  inter.luma_modes = {{1, 2, 3, 4}};
  inter.chroma_modes = {{5, 6, 7}};
  const auto header = parser.parse(write_vp8(inter));
  REQUIRE(header.ok());
  const v4l2_ctrl_vp8_frame& frame = header->frame;
  CHECK(frame.width == 64);
  CHECK(frame.segment.flags == V4L2_VP8_SEGMENT_FLAG_ENABLED);
  CHECK(frame.segment.quant_update[2] == 30);
  CHECK(frame.lf.mb_mode_delta[1] == -9);
  CHECK(frame.lf.flags == V4L2_VP8_LF_ADJ_ENABLE);
  CHECK(frame.entropy.coeff_probs[1][2][1][3] == 40);
  CHECK(frame.flags == (V4L2_VP8_FRAME_FLAG_SHOW_FRAME | V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT));
  CHECK(frame.prob_intra == 1);
  CHECK(frame.prob_last == 2);
  CHECK(frame.prob_gf == 255);
  CHECK(frame.entropy.mv_probs[0][4] == 1);
  CHECK(frame.entropy.mv_probs[1][18] == 200);
  CHECK(frame.entropy.y_mode_probs[3] == 4);
  CHECK(frame.entropy.uv_mode_probs[0] == 5);
  parser.update(*header);

  const auto key = parser.parse(write_vp8(vp8_key_frame(32, 32)));
  REQUIRE(key.ok());
  CHECK(key->frame.width == 32);
  CHECK(key->frame.segment.quant_update[2] == 0);
  CHECK(key->frame.lf.mb_mode_delta[1] == 0);
  CHECK(key->frame.entropy.coeff_probs[1][2][1][3] == kVp8DefaultCoefficients[1][2][1][3]);
  CHECK(key->next_entropy.y_mode_probs[3] == kVp8DefaultLumaModes[3]);
}

TEST_CASE("VP8 probabilities of a frame without refresh_entropy_probs end with it") {
  Vp8HeaderParser parser = after(vp8_key_frame(16, 16));
  Vp8Bits bits;
  bits.refresh_entropy = false;
  bits.coefficients[{2, 3, 0, 5}] = 11;
  bits.vectors[{0, 0}] = 50;
  const auto header = parser.parse(write_vp8(bits));
  REQUIRE(header.ok());
  CHECK(header->frame.entropy.coeff_probs[2][3][0][5] == 11);
  CHECK(header->frame.entropy.mv_probs[0][0] == 100);
  parser.update(*header);
  const auto next = parser.parse(write_vp8({}));
  REQUIRE(next.ok());
  CHECK(next->frame.entropy.coeff_probs[2][3][0][5] == kVp8DefaultCoefficients[2][3][0][5]);
  CHECK(next->frame.entropy.mv_probs[0][0] == kVp8DefaultVectors[0][0]);
}

TEST_CASE("VP8 buffer updates are as transmitted") {
  Vp8HeaderParser parser = after(vp8_key_frame(16, 16));
  Vp8Bits bits;
  bits.refresh_alternate = true;
  bits.copy_to_golden = 2;
  bits.refresh_last = false;
  auto header = parser.parse(write_vp8(bits));
  REQUIRE(header.ok());
  CHECK_FALSE(header->refresh_golden);
  CHECK(header->refresh_alternate);
  CHECK_FALSE(header->refresh_last);
  CHECK(header->copy_to_golden == Vp8BufferCopy::kOther);
  bits = {};
  bits.refresh_golden = true;
  bits.copy_to_alternate = 1;
  header = parser.parse(write_vp8(bits));
  REQUIRE(header.ok());
  CHECK(header->copy_to_golden == Vp8BufferCopy::kNone);
  CHECK(header->copy_to_alternate == Vp8BufferCopy::kLast);
}

// What hardware does: it begins in the first partition at first_part_header_bits with the coder's
// state, `value` being the 8 bits of the window.
class ResumedDecoder {
 public:
  ResumedDecoder(const v4l2_ctrl_vp8_frame& frame, const uint8_t* partition)
      : partition_(partition),
        next_bit_(frame.first_part_header_bits + 8),
        range_(frame.coder_state.range),
        value_(frame.coder_state.value) {
    // The bits beyond the window, which a comparison with whole splits does not need.
    CHECK((next_bit_ + frame.coder_state.bit_count) % 8 == 0);
  }

  bool read(uint8_t probability) {
    const uint32_t split = 1 + (((range_ - 1) * probability) >> 8);
    const bool bit = value_ >= split;
    if (bit) {
      value_ -= split;
      range_ -= split;
    } else {
      range_ = split;
    }
    for (; range_ < 128; range_ <<= 1, ++next_bit_) {
      value_ = value_ << 1 | (partition_[next_bit_ / 8] >> (7 - next_bit_ % 8) & 1);
    }
    return bit;
  }

 private:
  const uint8_t* partition_;
  size_t next_bit_;
  uint32_t range_;
  uint32_t value_;
};

TEST_CASE("a decoder that starts from the VP8 coder state reads on where the header ends") {
  std::mt19937 random(1);
  for (int round = 0; round < 64; ++round) {
    Vp8Bits bits = vp8_key_frame(16, 16);
    bits.y_ac_qi = random() % 128;
    bits.level = random() % 64;
    bits.coefficients[{static_cast<int>(random() % 4), 1, 1, 1}] = static_cast<uint8_t>(random());
    if (random() % 2) bits.prob_skip_false = random() % 256;
    for (int i = 0; i < 200; ++i) {
      bits.after.emplace_back(static_cast<uint8_t>(1 + random() % 255), random() % 2 != 0);
    }
    const auto data = write_vp8(bits);
    const auto header = Vp8HeaderParser().parse(data);
    REQUIRE(header.ok());
    ResumedDecoder decoder(header->frame, data.data() + Vp8FrameTag::kKeyFrameBytes);
    for (const auto& [probability, bit] : bits.after) {
      REQUIRE(decoder.read(probability) == bit);
    }
  }
}

TEST_CASE("VP8 coefficient partitions are found, and must fit") {
  Vp8Bits bits = vp8_key_frame(16, 16);
  bits.log2_partitions = 2;
  bits.partitions = {std::vector<uint8_t>(300), {}, {1}, {1, 2}};
  auto data = write_vp8(bits);
  const auto header = Vp8HeaderParser().parse(data);
  REQUIRE(header.ok());
  CHECK(header->frame.num_dct_parts == 4);
  CHECK(header->frame.dct_part_sizes[0] == 300);
  CHECK(header->frame.dct_part_sizes[1] == 0);
  CHECK(header->frame.dct_part_sizes[2] == 1);
  CHECK(header->frame.dct_part_sizes[3] == 2);
  data[Vp8FrameTag::kKeyFrameBytes + header->frame.first_part_size + 1] = 2;  // 300 becomes 556
  CHECK(Vp8HeaderParser().parse(data).error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a damaged VP8 frame is refused") {
  CHECK_FALSE(Vp8HeaderParser().parse(write_vp8({})).ok());  // no key frame
  CHECK_FALSE(Vp8HeaderParser().parse(write_vp8(vp8_key_frame(0, 16))).ok());
  CHECK_FALSE(Vp8HeaderParser().parse(write_vp8(vp8_key_frame(16, 0))).ok());
  // The header needs more bits than the first partition has.
  auto data = write_vp8(vp8_key_frame(16, 16));
  auto tag = parse_vp8_frame_tag(data);
  REQUIRE(tag.ok());
  tag->first_part_size = 2;
  const auto bytes = write_vp8_frame_tag(*tag);
  std::copy(bytes.begin(), bytes.end(), data.begin());
  CHECK_FALSE(Vp8HeaderParser().parse(data).ok());
  tag->first_part_size = 0;
  const auto empty = write_vp8_frame_tag(*tag);
  std::copy(empty.begin(), empty.end(), data.begin());
  CHECK_FALSE(Vp8HeaderParser().parse(data).ok());
}

TEST_CASE("a VP8 frame that is cut before its last partition is refused") {
  Vp8Bits bits = vp8_key_frame(16, 16);
  bits.log2_partitions = 1;
  bits.partitions = {{1, 2}, {}};
  const auto data = write_vp8(bits);
  REQUIRE(Vp8HeaderParser().parse(data).ok());
  for (size_t size = 0; size < data.size(); ++size) {
    const std::vector<uint8_t> cut(data.begin(), data.begin() + static_cast<ptrdiff_t>(size));
    CHECK(Vp8HeaderParser().parse(cut).error().code == ErrorCode::kCorrupt);
  }
}

TEST_CASE("a VP8 frame tag that is written reads back") {
  Vp8FrameTag tag;
  tag.key_frame = GENERATE(false, true);
  tag.version = 5;
  tag.show_frame = GENERATE(false, true);
  tag.first_part_size = Vp8FrameTag::kMaxFirstPartSize;
  tag.width = Vp8FrameTag::kMaxDimension;
  tag.height = 1;
  tag.horizontal_scale = 2;
  tag.vertical_scale = 3;
  const auto bytes = write_vp8_frame_tag(tag);
  CHECK(tag.bytes() == (tag.key_frame ? 10u : 3u));
  const auto read = parse_vp8_frame_tag(std::span(bytes).first(tag.bytes()));
  REQUIRE(read.ok());
  CHECK(read->key_frame == tag.key_frame);
  CHECK(read->version == 5);
  CHECK(read->show_frame == tag.show_frame);
  CHECK(read->first_part_size == tag.first_part_size);
  CHECK(read->width == (tag.key_frame ? tag.width : 0));
  CHECK(read->height == (tag.key_frame ? 1 : 0));
  CHECK(read->horizontal_scale == (tag.key_frame ? 2 : 0));
  CHECK(read->vertical_scale == (tag.key_frame ? 3 : 0));
  CHECK_FALSE(parse_vp8_frame_tag(std::span(bytes).first(tag.bytes() - 1)).ok());
}

TEST_CASE("the VP8 frame tag's bytes are those of RFC 6386 9.1") {
  Vp8FrameTag tag;
  tag.key_frame = true;
  tag.first_part_size = 0x12345;
  tag.width = 176;
  tag.height = 144;
  const std::array<uint8_t, 10> expected = {0xb0, 0x68, 0x24, 0x9d, 0x01, 0x2a, 176, 0, 144, 0};
  CHECK(write_vp8_frame_tag(tag) == expected);
  auto wrong = expected;
  wrong[4] = 2;
  CHECK_FALSE(parse_vp8_frame_tag(wrong).ok());
}

}  // namespace
}  // namespace daedalus::headers
