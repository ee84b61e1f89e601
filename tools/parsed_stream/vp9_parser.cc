#include "tools/parsed_stream/vp9_parser.h"

#include <string>
#include <utility>

#include "decode_core/headers/vp9_superframe.h"

namespace daedalus::parsed_stream {

Status Vp9Parser::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  const Result<headers::Vp9Superframe> superframe = headers::split_vp9_superframe(packet);
  if (!superframe.ok()) return superframe.error();
  Status first_error;
  for (const std::span<const uint8_t> frame : superframe->frames()) {
    Status status = parse_frame(frame, events);
    if (!status.ok() && first_error.ok()) first_error = std::move(status);
  }
  return first_error;
}

void Vp9Parser::flush(std::vector<Event>&) {}  // nothing is ever held back

Status Vp9Parser::parse_frame(std::span<const uint8_t> frame, std::vector<Event>& events) {
  Result<headers::Vp9Header> parsed = headers_.parse(frame);
  if (!parsed.ok()) return parsed.error();
  const headers::Vp9Header& header = *parsed;
  if (header.show_existing_frame) return show_existing(header.show_existing_slot, events);

  core::DecodeJob job;
  if (!header.intra()) {
    for (const uint8_t slot : header.ref_frame_idx) {
      if (slots_[slot].picture == nullptr) {
        return Error{ErrorCode::kCorrupt, "VP9: a frame is left out, its reference in slot " +
                                              std::to_string(slot) + " is missing"};
      }
      job.references.push_back(slots_[slot].picture);
    }
  }
  headers_.update(header);
  job.parameters = core::Vp9Parameters{header.frame};
  job.bitstream.assign(frame.begin(), frame.end());
  job.slices = {{0, static_cast<uint32_t>(frame.size())}};
  job.target = std::make_shared<core::Picture>();
  job.refresh_frame_flags = header.refresh_frame_flags;

  const OutputEvent shown{job.target, {0, 0, header.width(), header.height()}};
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    if (header.refresh_frame_flags >> slot & 1) slots_[slot] = shown;
  }
  events.push_back(DecodeEvent{std::move(job)});
  if (header.show_frame) events.push_back(shown);
  return {};
}

Status Vp9Parser::show_existing(size_t slot, std::vector<Event>& events) {
  if (slots_[slot].picture == nullptr) {
    return Error{ErrorCode::kCorrupt,
                 "VP9: the frame to show, of slot " + std::to_string(slot) + ", is missing"};
  }
  events.push_back(slots_[slot]);
  return {};
}

std::unique_ptr<Parser> create_vp9_parser() { return std::make_unique<Vp9Parser>(); }

}  // namespace daedalus::parsed_stream
