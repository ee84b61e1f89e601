// What the client says of HEVC's slices against the decoder's own reader of their headers, which
// shares nothing with it: where the data begin follows from every element before.
#include <numeric>
#include <string>

#include "decode_core/headers/hevc_slice_header.h"
#include "test/catch.h"
#include "test/clients/parsers/stream_parser.h"
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
  REQUIRE(slice.data_byte_offset == header->data_offset);
  REQUIRE(slice.bit_size == 8 * nal.size());
  REQUIRE(slice.nal_unit_type == static_cast<uint8_t>(header->nal_type));
  REQUIRE(slice.nuh_temporal_id_plus1 == header->temporal_id + 1);
  REQUIRE(slice.slice_segment_addr == header->segment_address);
  REQUIRE(slice.num_entry_point_offsets == header->entry_points);
  const auto& offsets = controls.entry_point_offsets;
  REQUIRE(offsets.size() == header->entry_points);
  REQUIRE(std::accumulate(offsets.begin(), offsets.end(), uint64_t{0}) < nal.size());
  seen->entry_points += offsets.size();
  if (header->dependent) return;
  REQUIRE(slice.slice_type == header->slice_type);
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

TEST_CASE("slices of the clips") {
  Seen all;
  for (const char* clip : {"hevc.mp4", "hevc_10bit.mp4"}) {
    const Seen seen = check_stream(std::string("test/data/") + clip);
    CHECK(seen.inter > 20);
    all.entry_points += seen.entry_points;
  }
  CHECK(all.entry_points > 0);
}

}  // namespace daedalus::clients
