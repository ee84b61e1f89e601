#include "test/clients/parsers/hevc_stream.h"

#include "test/clients/parsers/hevc_slice_controls.h"

namespace daedalus::clients {
namespace {

// The slices behind start codes, and what their headers say.
void add_slices(const core::DecodeJob& job, const core::HevcParameters& parameters,
                CodedPicture* coded) {
  const v4l2_ctrl_hevc_slice_params* before = nullptr;
  coded->slice_controls.reserve(job.slices.size());  // `before` stays where it is
  for (size_t i = 0; i < job.slices.size(); ++i) {
    const auto nal = job.bytes_of(job.slices[i]);
    coded->bitstream.insert(coded->bitstream.end(), {0, 0, 1});
    coded->slices.push_back(static_cast<uint32_t>(coded->bitstream.size()));
    coded->bitstream.insert(coded->bitstream.end(), nal.begin(), nal.end());
    // Of a damaged header the node hears as much as could be read.
    auto& controls = coded->slice_controls.emplace_back().emplace<HevcSliceControls>();
    (void)read_hevc_slice_controls(nal, parameters, parameters.slices[i], before, &controls);
    before = &controls.slice;
  }
}

}  // namespace

Status HevcStream::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  std::vector<parsed_stream::Event> theirs;
  Status status = parser_->parse(packet, theirs);
  convert(theirs, events);
  return status;
}

void HevcStream::flush(std::vector<Event>& events) {
  std::vector<parsed_stream::Event> theirs;
  parser_->flush(theirs);
  convert(theirs, events);
}

void HevcStream::convert(std::vector<parsed_stream::Event>& theirs, std::vector<Event>& events) {
  for (const parsed_stream::Event& event : theirs) {
    if (const auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      events.emplace_back(coded_picture(decode->job));
      continue;
    }
    const auto& output = std::get<parsed_stream::OutputEvent>(event);
    const core::Rect& r = output.visible;
    events.emplace_back(ShownPicture{pictures_.of(output.picture), {r.x, r.y, r.width, r.height}});
  }
  theirs.clear();
  pictures_.forget();
}

CodedPicture HevcStream::coded_picture(const core::DecodeJob& job) {
  const auto& parameters = std::get<core::HevcParameters>(job.parameters);
  const v4l2_ctrl_hevc_sps& sps = parameters.sps;
  CodedPicture coded;
  HevcControls controls{sps, parameters.pps, parameters.scaling_matrix, parameters.decode};
  for (size_t i = 0; i < job.references.size(); ++i) {
    const auto& reference = job.references[i];
    controls.decode.dpb[i].timestamp = pictures_.timestamp_of(reference);
    coded.references.push_back(reference ? pictures_.of(reference) : nullptr);
  }
  coded.controls = controls;
  add_slices(job, parameters, &coded);
  coded.format = {sps.pic_width_in_luma_samples, sps.pic_height_in_luma_samples,
                  sps.bit_depth_luma_minus8 + 8, sps.chroma_format_idc};
  coded.target = pictures_.of(job.target);
  return coded;
}

}  // namespace daedalus::clients
