#include "test/clients/parsers/av1_stream.h"

#include <iterator>
#include <utility>

namespace daedalus::clients {
namespace {

PictureFormat format_of(const core::Av1Parameters& parameters) {
  constexpr uint32_t kAcross = V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X;
  constexpr uint32_t kDown = V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;
  const v4l2_ctrl_av1_sequence& sequence = parameters.sequence;
  int chroma_format_idc = 3;
  if (sequence.flags & kAcross) chroma_format_idc = sequence.flags & kDown ? 1 : 2;
  if (sequence.flags & V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) chroma_format_idc = 0;
  return {parameters.frame.upscaled_width, parameters.frame.frame_height_minus_1 + 1,
          sequence.bit_depth, chroma_format_idc};
}

}  // namespace

Status Av1Stream::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  std::vector<parsed_stream::Event> theirs;
  Status status = parser_->parse(packet, theirs);
  convert(theirs, events);
  return status;
}

void Av1Stream::flush(std::vector<Event>& events) {
  std::vector<parsed_stream::Event> theirs;
  parser_->flush(theirs);
  convert(theirs, events);
}

void Av1Stream::convert(std::vector<parsed_stream::Event>& theirs, std::vector<Event>& events) {
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

CodedPicture Av1Stream::coded_picture(const core::DecodeJob& job) {
  const auto& parameters = std::get<core::Av1Parameters>(job.parameters);
  CodedPicture coded;
  Av1Controls controls{parameters.sequence, parameters.frame, parameters.film_grain,
                       parameters.tiles};
  for (size_t i = 0; i < std::size(controls.frame.reference_frame_ts); ++i) {
    const auto& reference = job.references[i];
    controls.frame.reference_frame_ts[i] = pictures_.timestamp_of(reference);
    coded.references.push_back(reference ? pictures_.of(reference) : nullptr);
  }
  coded.controls = std::move(controls);
  coded.bitstream = job.bitstream;
  coded.format = format_of(parameters);
  coded.target = pictures_.of(job.target);
  // Film grain is the decoder's business: the client knows one picture.
  if (job.display) pictures_.join(job.target, job.display);
  return coded;
}

}  // namespace daedalus::clients
