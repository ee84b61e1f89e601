// Reference lists against the test client's own (test/clients/parsers), on random pictures;
// distance scale factors and implicit weights by values worked out by hand.
#include "decode_core/software/h264/reference_lists.h"

#include <random>
#include <vector>

#include "test/catch.h"
#include "test/clients/parsers/h264_reference_lists.h"

namespace daedalus::core::h264 {
namespace {

struct RandomPicture {
  v4l2_ctrl_h264_sps sps{};  // frame_num modulo 16
  v4l2_ctrl_h264_decode_params decode{};
  std::array<uint8_t, V4L2_H264_NUM_DPB_ENTRIES> decoded{};
  Slice slice;
  clients::H264SliceHeader client_slice;
};

// Frame numbers, long-term indices and order counts differ, as those of real pictures do.
RandomPicture random_picture(std::mt19937& random) {
  RandomPicture picture;
  const bool field = random() % 2 != 0;
  const bool bottom = field && random() % 2 != 0;
  v4l2_ctrl_h264_decode_params& decode = picture.decode;
  decode.frame_num = static_cast<uint16_t>(random() % 16);
  decode.top_field_order_cnt = static_cast<int32_t>(random() % 64) * 2;
  decode.bottom_field_order_cnt = decode.top_field_order_cnt + 1;
  if (field) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
  if (bottom) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  const size_t entries = random() % 9;
  for (size_t i = 0; i < entries; ++i) {
    v4l2_h264_dpb_entry& entry = decode.dpb[random() % V4L2_H264_NUM_DPB_ENTRIES];
    entry.frame_num = static_cast<uint16_t>((decode.frame_num + 16 - i) % 16);
    entry.top_field_order_cnt = static_cast<int32_t>(i) * 18 + static_cast<int32_t>(random() % 6);
    entry.bottom_field_order_cnt = entry.top_field_order_cnt + 1;
    entry.fields = static_cast<uint8_t>(random() % 3 == 0 ? 1 + random() % 2 : 3);
    entry.flags = V4L2_H264_DPB_ENTRY_FLAG_VALID;
    if (random() % 8 != 0) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
    if (random() % 4 == 0) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
  }
  picture.decoded.fill(V4L2_H264_FRAME_REF);

  headers::H264SliceHeader& header = picture.slice.header;
  const bool b = random() % 2 != 0;
  header.field_pic = field;
  header.bottom_field = bottom;
  header.slice.slice_type = b ? V4L2_H264_SLICE_TYPE_B : V4L2_H264_SLICE_TYPE_P;
  header.slice.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(random() % (field ? 32 : 16));
  header.slice.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(random() % (field ? 32 : 16));
  clients::H264SliceHeader& client = picture.client_slice;
  client.type = b ? clients::H264SliceType::kB : clients::H264SliceType::kP;
  client.field_pic = field;
  client.bottom_field = bottom;
  client.reference_count[0] = static_cast<uint8_t>(header.slice.num_ref_idx_l0_active_minus1 + 1);
  if (b) {
    client.reference_count[1] = static_cast<uint8_t>(header.slice.num_ref_idx_l1_active_minus1 + 1);
  }
  for (size_t list = 0; list < (b ? 2u : 1u); ++list) {
    for (size_t n = random() % 4; n > 0; --n) {
      const auto idc = static_cast<uint8_t>(random() % 3);
      const uint32_t value = random() % (field ? 32 : 16);
      header.list_modifications[list].push_back({idc, value});
      client.modifications[list].push_back({idc, value});
    }
  }
  return picture;
}

uint8_t fields_of(PictureStructure structure) {
  switch (structure) {
    case PictureStructure::kTopField:
      return V4L2_H264_TOP_FIELD_REF;
    case PictureStructure::kBottomField:
      return V4L2_H264_BOTTOM_FIELD_REF;
    case PictureStructure::kFrame:
      break;
  }
  return V4L2_H264_FRAME_REF;
}

}  // namespace

TEST_CASE("lists of frames and fields are the test client's") {
  std::mt19937 random(824);
  size_t compared = 0;
  for (int round = 0; round < 4000; ++round) {
    size_t differences = 0;
    RandomPicture picture = random_picture(random);
    const OrderCounts counts(picture.decode, picture.decoded);
    build_reference_lists(picture.sps, picture.decode, counts, picture.slice);
    clients::H264ListContext context{picture.sps, picture.decode, {}};
    for (size_t i = 0; i < context.order_counts.size(); ++i) {
      context.order_counts[i] = counts.references[i][0];
    }
    const auto expected = clients::h264_reference_lists(context, picture.client_slice);
    for (size_t list = 0; list < 2; ++list) {
      REQUIRE(picture.slice.list_sizes[list] == expected[list].size());
      for (size_t i = 0; i < expected[list].size(); ++i) {
        const Reference& reference = picture.slice.lists[list][i];
        const clients::H264Reference& wanted = expected[list][i];
        const bool missing = reference.entry == Reference::kMissing;
        differences += missing != wanted.none();
        if (missing || wanted.none()) continue;
        differences += reference.entry != wanted.dpb_index;
        differences += fields_of(reference.structure) != wanted.fields;
        ++compared;
      }
    }
    CAPTURE(round);
    REQUIRE(differences == 0);
  }
  CHECK(compared > 10000);
}

TEST_CASE("distance scale factors") {
  // Half-way between its references: 128, so half the vector. Equal counts, long-term: unscaled.
  CHECK(distance_scale_factor(4, 0, 8, false) == 128);
  CHECK(distance_scale_factor(2, 0, 8, false) == 64);
  CHECK(distance_scale_factor(4, 6, 6, false) == 256);
  CHECK(distance_scale_factor(4, 0, 8, true) == 256);
  CHECK(distance_scale_factor(12, 8, 4, false) == -256);
  CHECK(distance_scale_factor(1000, 0, 2, false) == 1023);
  CHECK(distance_scale_factor(INT32_MAX, INT32_MIN, INT32_MAX, false) == 256);
}

TEST_CASE("implicit weights follow the distances, in frames and in the fields of MBAFF frames") {
  v4l2_ctrl_h264_decode_params decode{};
  decode.top_field_order_cnt = 4;
  decode.bottom_field_order_cnt = 5;
  decode.dpb[0].top_field_order_cnt = 0;
  decode.dpb[0].bottom_field_order_cnt = 1;
  decode.dpb[1].top_field_order_cnt = 16;
  decode.dpb[1].bottom_field_order_cnt = 17;
  std::array<uint8_t, V4L2_H264_NUM_DPB_ENTRIES> decoded{};
  decoded.fill(V4L2_H264_FRAME_REF);
  const OrderCounts counts(decode, decoded);
  Slice slice;
  slice.weighted = WeightedPrediction::kImplicit;
  slice.list_sizes = {1, 1};
  slice.lists[0][0] = {0, PictureStructure::kFrame, false};
  slice.lists[1][0] = {1, PictureStructure::kFrame, false};
  build_implicit_weights(counts, PictureStructure::kFrame, true, slice);
  // A quarter of the way: w1 is 16.
  const auto frame = prediction_weights(slice, {0, 0}, PictureStructure::kFrame);
  REQUIRE(frame.has_value());
  CHECK(frame->weight[0] == std::array<int16_t, 2>{48, 16});
  CHECK(frame->log2_denominator[2] == 5);
  // Of one list alone, and from the field before to the other parity of the one after: 4 of 17.
  CHECK_FALSE(prediction_weights(slice, {0, -1}, PictureStructure::kFrame).has_value());
  const auto top = prediction_weights(slice, {0, 1}, PictureStructure::kTopField);
  REQUIRE(top.has_value());
  CHECK(top->weight[1] == std::array<int16_t, 2>{49, 15});
  // Long-term references weigh alike.
  slice.lists[0][0].long_term = true;
  build_implicit_weights(counts, PictureStructure::kFrame, true, slice);
  CHECK_FALSE(prediction_weights(slice, {0, 0}, PictureStructure::kFrame).has_value());
}

}  // namespace daedalus::core::h264
