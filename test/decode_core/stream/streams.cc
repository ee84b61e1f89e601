#include "test/decode_core/stream/streams.h"

#include <cstring>
#include <utility>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include "test/catch.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::core::test {
namespace {

struct FreeContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};

AVCodecID codec_id(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return AV_CODEC_ID_H264;
    case Codec::kVp9:
      return AV_CODEC_ID_VP9;
    case Codec::kVp8:
      return AV_CODEC_ID_VP8;
    case Codec::kHevc:
      return AV_CODEC_ID_HEVC;
    case Codec::kAv1:
      return AV_CODEC_ID_AV1;
    case Codec::kMpeg2:
      break;
  }
  return AV_CODEC_ID_MPEG2VIDEO;
}

Shown shown_of(const AVFrame& frame) {
  FrameView view;
  view.format = frame.format == AV_PIX_FMT_YUV420P10 ? SampleFormat::kI42010 : SampleFormat::kI420;
  view.width = static_cast<uint32_t>(frame.width);
  view.height = static_cast<uint32_t>(frame.height);
  for (size_t i = 0; i < 3; ++i) {
    view.planes[i] = {frame.data[i], static_cast<size_t>(frame.linesize[i])};
  }
  return {view.width, view.height, hash_frame(view), static_cast<uint64_t>(frame.pts)};
}

}  // namespace

Result<Stream> read_stream(const std::string& path) {
  auto demuxer = parsed_stream::Demuxer::open(path);
  if (!demuxer) return demuxer.error();
  Stream stream{(*demuxer)->codec(), {}, {}};
  parsed_stream::Demuxer::Packet packet;
  while (true) {
    const auto more = (*demuxer)->next(packet);
    if (!more) continue;
    if (!*more) return stream;
    if (packet.discard) stream.discarded.insert(stream.packets.size());
    stream.packets.emplace_back(packet.data.begin(), packet.data.end());
  }
}

Stream read_clip(const std::string& name) {
  auto stream = read_stream("test/data/" + name);
  if (!stream) FAIL(stream.error().message);
  REQUIRE(stream->packets.size() > 20);
  return *stream;
}

FrameView visible_part(const StreamPicture& picture) {
  const Rect& visible = picture.format.visible;
  FrameView view = picture.frame.view;
  const size_t sample = view.format == SampleFormat::kI42010 ? 2 : 1;
  for (size_t i = 0; i < 3; ++i) {
    const size_t x = i == 0 ? visible.x : visible.x / 2;
    const size_t y = i == 0 ? visible.y : visible.y / 2;
    view.planes[i].data += y * view.planes[i].stride + x * sample;
  }
  view.width = visible.width;
  view.height = visible.height;
  return view;
}

Shown shown_of(const StreamPicture& picture) {
  const FrameView view = visible_part(picture);
  return {view.width, view.height, hash_frame(view), picture.token};
}

std::vector<Shown> decode_plainly(Codec codec, std::span<const Packet> packets) {
  const AVCodec* decoder = avcodec_find_decoder(codec_id(codec));
  const std::unique_ptr<AVCodecContext, FreeContext> context(avcodec_alloc_context3(decoder));
  const std::unique_ptr<AVPacket, FreePacket> packet(av_packet_alloc());
  const std::unique_ptr<AVFrame, FreeFrame> frame(av_frame_alloc());
  context->thread_count = 1;
  context->log_level_offset = 100;  // silent
  REQUIRE(avcodec_open2(context.get(), decoder, nullptr) >= 0);
  std::vector<Shown> shown;
  for (size_t i = 0; i <= packets.size(); ++i) {
    if (i < packets.size()) {
      REQUIRE(av_new_packet(packet.get(), static_cast<int>(packets[i].size())) >= 0);
      std::memcpy(packet->data, packets[i].data(), packets[i].size());
      packet->pts = static_cast<int64_t>(i);
    }
    avcodec_send_packet(context.get(), i < packets.size() ? packet.get() : nullptr);
    av_packet_unref(packet.get());
    while (avcodec_receive_frame(context.get(), frame.get()) >= 0) {
      shown.push_back(shown_of(*frame));
    }
  }
  return shown;
}

std::shared_ptr<Core> make_core(int threads, const std::string& statistics_folder) {
  Settings settings;
  settings.threads = threads;
  settings.statistics_folder = statistics_folder;
  return Core::create(settings);
}

Player::Player(Codec codec, int threads, const std::string& statistics_folder) {
  auto decoder =
      StreamDecoder::create(make_core(threads, statistics_folder), {codec, "v4l2"}, [this] {
        std::lock_guard lock(mutex_);
        ++changes_;
        condition_.notify_all();
      });
  if (!decoder) FAIL(decoder.error().message);
  decoder_ = std::move(*decoder);
}

void Player::take() {
  while (const auto token = decoder_->pop_consumed()) consumed.push_back(*token);
  while (true) {
    const auto format = decoder_->format();
    auto picture = decoder_->pop_picture();
    if (!picture) return;
    // With one consumer nothing can come between the two calls but the first picture.
    formats.push_back(format.value_or(StreamFormat{}));
    if (on_picture) on_picture(*picture);
    shown.push_back(shown_of(*picture));
    pictures.push_back(std::move(*picture));
    constexpr size_t kKept = 8;  // enough to look at; the rest lets its memory go
    if (pictures.size() > kKept) pictures[pictures.size() - 1 - kKept].frame = {};
  }
}

void Player::wait(const std::function<bool()>& condition) {
  constexpr auto kPatience = std::chrono::seconds(60);
  while (true) {
    uint64_t seen = 0;
    {
      std::lock_guard lock(mutex_);
      seen = changes_;
    }
    if (condition()) return;
    std::unique_lock lock(mutex_);
    const bool changed = condition_.wait_for(lock, kPatience, [&] { return changes_ != seen; });
    lock.unlock();
    if (!changed) FAIL("the decoder is stuck");
  }
}

void Player::settle() {
  std::unique_lock lock(mutex_);
  uint64_t seen = 0;
  do {
    seen = changes_;
  } while (
      condition_.wait_for(lock, std::chrono::milliseconds(200), [&] { return changes_ != seen; }));
}

void Player::push(std::span<const Packet> packets, uint64_t first_token) {
  for (const Packet& packet : packets) {
    wait([&] {
      take();
      return decoder_->push(packet, first_token);
    });
    ++first_token;
  }
}

void Player::drain() {
  decoder_->drain();
  wait([&] {
    take();
    return decoder_->drained();
  });
  take();  // tokens that came back since
}

}  // namespace daedalus::core::test
