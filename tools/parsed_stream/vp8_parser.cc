#include "tools/parsed_stream/vp8_parser.h"

#include <utility>

namespace daedalus::parsed_stream {

Status Vp8Parser::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Result<headers::Vp8Header> parsed = headers_.parse(packet);
  if (!parsed.ok()) return parsed.error();
  const headers::Vp8Header& header = *parsed;
  headers_.update(header);

  core::DecodeJob job;
  job.parameters = core::Vp8Parameters{header.frame};
  job.bitstream.assign(packet.begin(), packet.end());
  job.slices = {{0, static_cast<uint32_t>(packet.size())}};
  job.target = std::make_shared<core::Picture>();
  if (!header.tag.key_frame) job.references = {last_, golden_, alternate_};
  update_references(header, job.target);

  const OutputEvent shown{job.target, {0, 0, header.frame.width, header.frame.height}};
  events.push_back(DecodeEvent{std::move(job)});
  if (header.tag.show_frame) events.push_back(shown);
  return {};
}

void Vp8Parser::flush(std::vector<Event>&) {}  // nothing is ever held back

// RFC 6386 9.7; both copies take the buffers as they were before this frame.
void Vp8Parser::update_references(const headers::Vp8Header& header, const PicturePtr& current) {
  const auto next = [&](bool refresh, headers::Vp8BufferCopy copy, const PicturePtr& own,
                        const PicturePtr& other) {
    if (refresh) return current;
    if (copy == headers::Vp8BufferCopy::kLast) return last_;
    if (copy == headers::Vp8BufferCopy::kOther) return other;
    return own;
  };
  PicturePtr golden = next(header.refresh_golden, header.copy_to_golden, golden_, alternate_);
  PicturePtr alternate =
      next(header.refresh_alternate, header.copy_to_alternate, alternate_, golden_);
  golden_ = std::move(golden);
  alternate_ = std::move(alternate);
  if (header.refresh_last) last_ = current;
}

std::unique_ptr<Parser> create_vp8_parser() { return std::make_unique<Vp8Parser>(); }

}  // namespace daedalus::parsed_stream
