// Any bytes as an H.264 byte stream: every header parser, reference marking and output order. What
// comes out must be jobs that an engine accepts, and each picture shown at most once.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <unordered_set>
#include <vector>

#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/job.h"
#include "tools/parsed_stream/parser.h"

namespace {

using daedalus::parsed_stream::DecodeEvent;
using daedalus::parsed_stream::Event;
using daedalus::parsed_stream::OutputEvent;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_events(const std::vector<Event>& events) {
  std::unordered_set<const void*> decoded;
  std::unordered_set<const void*> shown;
  for (const Event& event : events) {
    if (const auto* decode = std::get_if<DecodeEvent>(&event)) {
      const daedalus::Status valid = daedalus::core::validate(decode->job);
      require(valid.ok() || valid.error().code == daedalus::ErrorCode::kUnsupported);
      decoded.insert(decode->job.target.get());
    } else {
      const auto& output = std::get<OutputEvent>(event);
      require(output.visible.width > 0 && output.visible.height > 0);
      require(decoded.contains(output.picture.get()));
      require(shown.insert(output.picture.get()).second);
    }
  }
}

// The way of VA: no parameter sets from the stream.
void read_reference_counts(std::span<const uint8_t> data) {
  v4l2_ctrl_h264_sps sps{};
  sps.chroma_format_idc = 1;
  sps.pic_width_in_mbs_minus1 = 19;
  sps.pic_height_in_map_units_minus1 = 14;
  const v4l2_ctrl_h264_pps pps{};
  daedalus::headers::NalUnits units(data);
  while (const auto nal = units.next()) {
    const auto header = daedalus::headers::parse_h264_slice_header(
        *nal, {sps, pps}, daedalus::headers::H264SliceDepth::kReferenceCounts);
    if (header) require(header->slice.num_ref_idx_l0_active_minus1 < 32);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> stream(data, size);
  read_reference_counts(stream);
  const auto parser = daedalus::parsed_stream::create_h264_parser();
  std::vector<Event> events;
  // Two packets, so that a picture may be cut anywhere.
  const size_t half = size / 2;
  const daedalus::Status first = parser->parse(stream.first(half), events);
  const daedalus::Status second = parser->parse(stream.subspan(half), events);
  if (!first.ok()) require(!first.error().message.empty());
  if (!second.ok()) require(!second.error().message.empty());
  parser->flush(events);
  check_events(events);
  return 0;
}
