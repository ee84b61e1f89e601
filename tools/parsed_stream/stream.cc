#include "tools/parsed_stream/stream.h"

#include <utility>

namespace daedalus::parsed_stream {
namespace {

std::optional<core::Profile> h264_profile(const v4l2_ctrl_h264_sps& sps) {
  switch (sps.profile_idc) {
    case 66:
      return core::Profile::kH264ConstrainedBaseline;
    case 77:
      return core::Profile::kH264Main;
    case 88:  // Extended, of which Main's tools alone are in use with constraint_set1_flag (A.2.2)
      if (sps.constraint_set_flags & V4L2_H264_SPS_CONSTRAINT_SET1_FLAG) {
        return core::Profile::kH264Main;
      }
      return std::nullopt;
    case 100:
      return core::Profile::kH264High;
    default:
      return std::nullopt;
  }
}

std::optional<core::Profile> vp9_profile(const v4l2_ctrl_vp9_frame& frame) {
  if (frame.profile == 0) return core::Profile::kVp9Profile0;
  if (frame.profile == 2 && frame.bit_depth == 10) return core::Profile::kVp9Profile2;
  return std::nullopt;
}

std::optional<core::Profile> mpeg2_profile(const v4l2_ctrl_mpeg2_sequence& sequence) {
  switch (sequence.profile_and_level_indication >> 4) {  // ISO 13818-2 table 8-2
    case 5:
      return core::Profile::kMpeg2Simple;
    case 4:
      return core::Profile::kMpeg2Main;
    default:
      return std::nullopt;
  }
}

// What the structure tells: every Main stream is one of Main 10 too, and 4:0:0 is of neither.
std::optional<core::Profile> hevc_profile(const v4l2_ctrl_hevc_sps& sps) {
  if (sps.chroma_format_idc != 1) return std::nullopt;
  return sps.bit_depth_luma_minus8 == 0 ? core::Profile::kHevcMain : core::Profile::kHevcMain10;
}

std::optional<core::Profile> av1_profile(const v4l2_ctrl_av1_sequence& sequence) {
  if (sequence.seq_profile != 0) return std::nullopt;
  return core::Profile::kAv1Main;
}

}  // namespace

std::unique_ptr<Parser> create_parser(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return create_h264_parser();
    case core::Codec::kVp9:
      return create_vp9_parser();
    case core::Codec::kVp8:
      return create_vp8_parser();
    case core::Codec::kMpeg2:
      return create_mpeg2_parser();
    case core::Codec::kHevc:
      return create_hevc_parser();
    case core::Codec::kAv1:
      return create_av1_parser();
  }
  return nullptr;
}

std::optional<core::Profile> profile_of(const core::DecodeJob& job) {
  switch (job.codec()) {
    case core::Codec::kH264:
      return h264_profile(std::get<core::H264Parameters>(job.parameters).sps);
    case core::Codec::kVp9:
      return vp9_profile(std::get<core::Vp9Parameters>(job.parameters).frame);
    case core::Codec::kVp8:
      return core::Profile::kVp8;
    case core::Codec::kMpeg2:
      return mpeg2_profile(std::get<core::Mpeg2Parameters>(job.parameters).sequence);
    case core::Codec::kHevc:
      return hevc_profile(std::get<core::HevcParameters>(job.parameters).sps);
    case core::Codec::kAv1:
      return av1_profile(std::get<core::Av1Parameters>(job.parameters).sequence);
  }
  return std::nullopt;
}

Result<std::unique_ptr<ParsedStream>> ParsedStream::open(const std::string& path) {
  Result<std::unique_ptr<Demuxer>> demuxer = Demuxer::open(path);
  if (!demuxer.ok()) return demuxer.error();
  std::unique_ptr<Parser> parser = create_parser((*demuxer)->codec());
  std::unique_ptr<ParsedStream> stream(new ParsedStream(std::move(*demuxer), std::move(parser)));
  const std::span<const uint8_t> headers = stream->demuxer_->headers();
  if (!headers.empty()) {
    // What is wrong with them shows again in the pictures.
    (void)stream->parser_->parse(headers, stream->events_);
  }
  while (!stream->note_first_picture()) {
    const Result<bool> more = stream->read_packet();
    if (!more.ok()) {
      if (!stream->first_error_) stream->first_error_ = more.error();
    } else if (!*more) {
      return Error{ErrorCode::kCorrupt,
                   path + ": no picture to decode" +
                       (stream->first_error_ ? "; " + stream->first_error_->message : "")};
    }
  }
  return stream;
}

bool ParsedStream::note_first_picture() {
  for (const Event& event : events_) {
    const auto* decode = std::get_if<DecodeEvent>(&event);
    if (decode == nullptr) continue;
    profile_ = profile_of(decode->job);
    width_ = decode->job.coded_width();
    height_ = decode->job.coded_height();
    return true;
  }
  return false;
}

Result<bool> ParsedStream::next(Event& event) {
  if (first_error_) return *std::exchange(first_error_, std::nullopt);
  while (next_event_ == events_.size()) {
    const Result<bool> more = read_packet();
    if (!more.ok() || !*more) return more;
  }
  event = std::move(events_[next_event_++]);
  return true;
}

Result<bool> ParsedStream::read_packet() {
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
  }
  if (flushed_) return false;
  Demuxer::Packet packet;
  const Result<bool> more = demuxer_->next(packet);
  if (!more.ok()) return more;
  if (!*more) {
    flushed_ = true;
    parser_->flush(events_);
    drop_discarded(false);
    return true;
  }
  const Status status = parser_->parse(packet.data, events_);
  drop_discarded(packet.discard);
  if (!status.ok()) return status.error();
  return true;
}

void ParsedStream::drop_discarded(bool packet_discarded) {
  if (!packet_discarded && discarded_.empty()) return;
  std::vector<Event> kept;
  for (Event& event : events_) {
    if (const auto* decode = std::get_if<DecodeEvent>(&event)) {
      if (packet_discarded) {
        const core::DecodeJob& job = decode->job;
        discarded_.insert((job.display != nullptr ? job.display : job.target)->id());
      }
    } else if (discarded_.contains(std::get<OutputEvent>(event).picture->id())) {
      continue;
    }
    kept.push_back(std::move(event));
  }
  events_ = std::move(kept);
}

}  // namespace daedalus::parsed_stream
