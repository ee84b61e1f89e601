#include "test/clients/v4l2/player.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "tools/parsed_stream/demuxer.h"

namespace daedalus::v4l2_client {
namespace {

using clients::CodedPicture;
using clients::Event;
using clients::PictureFormat;
using clients::ShownPicture;
using parsed_stream::Demuxer;

// No later picture refers to any before it.
bool is_key_frame(const CodedPicture& coded) {
  if (const auto* av1 = std::get_if<clients::Av1Controls>(&coded.controls)) {
    return av1->frame.frame_type == V4L2_AV1_KEY_FRAME &&
           (av1->frame.flags & V4L2_AV1_FRAME_FLAG_SHOW_FRAME);
  }
  const auto* vp9 = std::get_if<clients::Vp9Controls>(&coded.controls);
  return vp9 == nullptr || (vp9->frame.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME);
}

// Between key frames a VP9 or AV1 stream may change its size while references keep theirs (VP9
// 7.2.5, AV1 7.9.1), but CAPTURE buffers have one format while they live: for each picture the
// format that serves all from its key frame to the next.
Result<std::vector<PictureFormat>> plan_formats(const std::string& path) {
  auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.error();
  const auto parser = clients::create_parser((*demuxer)->codec());
  if (parser == nullptr) {
    return Error{ErrorCode::kUnsupported, path + ": a codec that this client does not know"};
  }
  std::vector<PictureFormat> formats;
  size_t run = 0;  // where it began
  const auto finish_run = [&] {
    PictureFormat largest;
    for (size_t i = run; i < formats.size(); ++i) {
      largest.width = std::max(largest.width, formats[i].width);
      largest.height = std::max(largest.height, formats[i].height);
    }
    for (; run < formats.size(); ++run) {
      formats[run].width = largest.width;
      formats[run].height = largest.height;
    }
  };
  std::vector<Event> events;
  const auto headers = (*demuxer)->headers();
  if (!headers.empty()) (void)parser->parse(headers, events);
  Demuxer::Packet packet;
  for (;;) {
    const Result<bool> more = (*demuxer)->next(packet);
    if (!more) continue;
    if (!*more) break;
    events.clear();
    (void)parser->parse(packet.data, events);  // play() reports
    for (const Event& event : events) {
      const auto* coded = std::get_if<CodedPicture>(&event);
      if (!coded) continue;
      if (is_key_frame(*coded)) finish_run();
      formats.push_back(coded->format);
    }
  }
  finish_run();
  return formats;
}

class Player {
 public:
  Player(Demuxer& demuxer, StatelessDecoder& decoder, std::vector<PictureFormat> plan)
      : demuxer_(demuxer),
        decoder_(decoder),
        parser_(clients::create_parser(demuxer.codec())),
        plan_(std::move(plan)) {}

  Status play(Played* played) {
    played_ = played;
    if (Status status = take(demuxer_.headers(), false); !status) return status;
    Demuxer::Packet packet;
    for (;;) {
      const Result<bool> more = demuxer_.next(packet);
      if (!more) {
        skip(more.error());
        continue;
      }
      if (!*more) break;
      if (Status status = take(packet.data, packet.discard); !status) return status;
    }
    parser_->flush(events_);
    if (Status status = handle_events(false); !status) return status;
    return decoder_.drain();
  }

 private:
  void skip(const Error& error) {
    if (played_->skipped++ == 0) played_->first_skip = error.message;
  }

  Status take(std::span<const uint8_t> packet, bool discard) {
    if (packet.empty()) return {};
    if (Status status = parser_->parse(packet, events_); !status) skip(status.error());
    return handle_events(discard);
  }

  Status handle_events(bool discard) {
    for (Event& event : std::exchange(events_, {})) {
      if (auto* coded = std::get_if<CodedPicture>(&event)) {
        if (discard) discarded_.insert(coded->target->timestamp);
        if (Status status = decode(*coded); !status) return status;
      } else {
        const auto& shown = std::get<ShownPicture>(event);
        if (discard || discarded_.contains(shown.picture->timestamp)) continue;
        if (Status status = decoder_.show(shown); !status) return status;
      }
    }
    return {};
  }

  Status decode(const CodedPicture& coded) {
    const size_t index = next_++;
    const PictureFormat& format = index < plan_.size() ? plan_[index] : coded.format;
    if (Status status = decoder_.set_format(format); !status) return status;
    Status status = decoder_.decode(coded);
    if (status || status.error().code != ErrorCode::kCorrupt) return status;
    skip(status.error());
    return {};
  }

  Demuxer& demuxer_;
  StatelessDecoder& decoder_;
  const std::unique_ptr<clients::StreamParser> parser_;
  const std::vector<PictureFormat> plan_;
  std::vector<Event> events_;
  std::set<uint64_t> discarded_;  // the container says that they are not shown
  size_t next_ = 0;
  Played* played_ = nullptr;
};

}  // namespace

Result<Played> play_file(SystemCalls& calls, const std::string& path, const DecoderOptions& options,
                         const StatelessDecoder::Show& show) {
  auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.error();
  std::vector<PictureFormat> plan;
  const core::Codec codec = (*demuxer)->codec();
  if (codec == core::Codec::kVp9 || codec == core::Codec::kAv1) {
    auto planned = plan_formats(path);
    if (!planned) return planned.error();
    plan = std::move(*planned);
  }
  auto decoder = StatelessDecoder::open(calls, codec, options, show);
  if (!decoder) return decoder.error();
  Played played;
  const Status status = Player(**demuxer, **decoder, std::move(plan)).play(&played);
  if (!status) return status.error();
  played.decoded = (*decoder)->decoded();
  played.errors = (*decoder)->errors();
  played.lost = (*decoder)->lost();
  played.timing = (*decoder)->timing();
  played.video_path = (*decoder)->node().video_path;
  played.media_path = (*decoder)->node().media_path;
  return played;
}

}  // namespace daedalus::v4l2_client
