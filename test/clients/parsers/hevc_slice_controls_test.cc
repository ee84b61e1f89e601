// What the client says of HEVC's slices against the decoder's own reader of their headers, which
// shares nothing with it: where the data begin follows from every element before.
#include "test/clients/parsers/hevc_slice_controls.h"

#include <cstring>
#include <numeric>
#include <string>

#include "decode_core/headers/hevc_slice_header.h"
#include "test/catch.h"
#include "test/clients/parsers/stream_parser.h"
#include "test/decode_core/hevc_slices.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::clients {
namespace {

struct Seen {
  size_t inter = 0, entry_points = 0;
};

void check_slice(const HevcControls& picture, std::span<const uint8_t> nal,
                 const HevcSliceControls& controls, Seen* seen) {
  const v4l2_ctrl_hevc_slice_params& slice = controls.slice;
  const v4l2_ctrl_hevc_decode_params& decode = picture.decode;
  const auto header = headers::parse_hevc_slice_header(
      nal, {picture.sps, picture.pps, nullptr, headers::hevc_total_references(decode),
            slice.short_term_ref_pic_set_size});
  REQUIRE(header.ok());
  REQUIRE(slice.data_byte_offset == header->slice.data_byte_offset);
  REQUIRE(slice.bit_size == 8 * nal.size());
  REQUIRE(slice.nal_unit_type == static_cast<uint8_t>(header->nal_type));
  REQUIRE(slice.nuh_temporal_id_plus1 == header->temporal_id + 1);
  REQUIRE(slice.slice_segment_addr == header->slice.slice_segment_addr);
  REQUIRE(slice.num_entry_point_offsets == header->slice.num_entry_point_offsets);
  const auto& offsets = controls.entry_point_offsets;
  REQUIRE(offsets.size() == header->slice.num_entry_point_offsets);
  REQUIRE(std::accumulate(offsets.begin(), offsets.end(), uint64_t{0}) < nal.size());
  seen->entry_points += offsets.size();
  if (header->dependent) return;
  REQUIRE(slice.slice_type == header->slice.slice_type);
  if (slice.slice_type == V4L2_HEVC_SLICE_TYPE_I) return;
  REQUIRE(slice.num_ref_idx_l0_active_minus1 + 1 == header->active_references[0]);
  if (header->is_b())
    REQUIRE(slice.num_ref_idx_l1_active_minus1 + 1 == header->active_references[1]);
  for (int i = 0; i <= slice.num_ref_idx_l0_active_minus1; ++i)
    REQUIRE(slice.ref_idx_l0[i] < decode.num_active_dpb_entries);
  ++seen->inter;
}

Seen check_stream(const std::string& path) {
  INFO(path);
  auto demuxer = parsed_stream::Demuxer::open(path);
  REQUIRE(demuxer.ok());
  const auto parser = create_parser(core::Codec::kHevc);
  std::vector<Event> events;
  REQUIRE(parser->parse((*demuxer)->headers(), events).ok());
  parsed_stream::Demuxer::Packet packet;
  while (*(*demuxer)->next(packet)) REQUIRE(parser->parse(packet.data, events).ok());
  parser->flush(events);
  Seen seen;
  for (const Event& event : events) {
    const auto* coded = std::get_if<CodedPicture>(&event);
    if (coded == nullptr) continue;
    const std::span<const uint8_t> all = coded->bitstream;
    for (size_t i = 0; i < coded->slices.size(); ++i) {
      const size_t end = i + 1 < coded->slices.size() ? coded->slices[i + 1] - 3 : all.size();
      check_slice(std::get<HevcControls>(coded->controls),
                  all.subspan(coded->slices[i], end - coded->slices[i]),
                  std::get<HevcSliceControls>(coded->slice_controls[i]), &seen);
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("every field of random slices, by two readers") {
  namespace slices = core::rewrite::test;
  size_t inter = 0, weighted = 0, dependent = 0, long_term = 0, entry_points = 0;
  for (uint32_t seed = 1; seed <= 20000; ++seed) {
    CAPTURE(seed);
    slices::Random random(seed);
    slices::Slice slice = slices::choose_slice(random);
    slices::Elements elements;
    const slices::Bytes nal = slices::write_slice(random, slice, elements);
    core::HevcParameters picture;
    picture.sps = slice.sps;
    picture.pps = slice.pps;
    picture.decode = slice.decode;
    const core::HevcSliceParameters lists{slice.reference_set_bits, slice.lists};
    HevcSliceControls expected;
    REQUIRE(read_hevc_slice_controls(nal, picture, lists, nullptr, &expected));
    const auto header = headers::parse_hevc_slice_header(
        nal, {slice.sps, slice.pps, nullptr, headers::hevc_total_references(slice.decode),
              slice.reference_set_bits});
    REQUIRE(header.ok());
    // What the picture tells, and what is not known of a dependent one.
    v4l2_ctrl_hevc_slice_params ours = header->slice;
    v4l2_ctrl_hevc_slice_params& theirs = expected.slice;
    ours.bit_size = theirs.bit_size;
    ours.slice_pic_order_cnt = theirs.slice_pic_order_cnt;
    std::memcpy(ours.ref_idx_l0, theirs.ref_idx_l0, sizeof ours.ref_idx_l0);
    std::memcpy(ours.ref_idx_l1, theirs.ref_idx_l1, sizeof ours.ref_idx_l1);
    if (slice.dependent) ours.slice_type = theirs.slice_type;
    REQUIRE(std::memcmp(&ours, &theirs, sizeof ours) == 0);
    REQUIRE(header->entry_point_offsets == expected.entry_point_offsets);
    const v4l2_hevc_pred_weight_table none{};
    inter += slice.inter();
    weighted += std::memcmp(&ours.pred_weight_table, &none, sizeof none) != 0;
    dependent += slice.dependent;
    long_term += ours.long_term_ref_pic_set_size > 0;
    entry_points += expected.entry_point_offsets.size();
  }
  CHECK(inter > 1000);
  CHECK(weighted > 200);
  CHECK(dependent > 500);
  CHECK(long_term > 1000);
  CHECK(entry_points > 10000);
}

TEST_CASE("slices of the clips") {
  Seen all;
  for (const char* clip : {"hevc.mp4", "hevc_10bit.mp4", "hevc_slices.mp4"}) {
    const Seen seen = check_stream(std::string("test/data/") + clip);
    CHECK(seen.inter > 20);
    all.entry_points += seen.entry_points;
  }
  CHECK(all.entry_points > 0);
}

}  // namespace daedalus::clients
