#include "decode_core/stream/frame_thread_decoder.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

extern "C" {
#include <libavutil/pixfmt.h>
}

#include "base/enum_value.h"

namespace daedalus::core {
namespace {

// libavcodec stores what the bitstream says, whether its enum has a name for it or not; such a
// value must not be loaded as one of the enum.
template <typename Enum>
uint8_t code_point(const Enum& field) {
  constexpr uint8_t kUnspecified = 2;
  const auto value = plain(field);
  return std::in_range<uint8_t>(value) ? static_cast<uint8_t>(value) : kUnspecified;
}

Colorimetry colorimetry_of(const AVFrame& frame) {
  return {code_point(frame.color_primaries), code_point(frame.color_trc),
          code_point(frame.colorspace),
          frame.color_range == AVCOL_RANGE_JPEG || frame.format == AV_PIX_FMT_YUVJ420P};
}

// libavcodec 61 gives pictures of unspecified colour that of the stream at the time when they come
// out, which may be another one by then. So each remembers what it began with.
bool remember_colorimetry(AVFrame& frame) {
  const Colorimetry colorimetry = colorimetry_of(frame);
  frame.opaque_ref = av_buffer_alloc(sizeof colorimetry);
  if (frame.opaque_ref == nullptr) return false;
  std::memcpy(frame.opaque_ref->data, &colorimetry, sizeof colorimetry);
  return true;
}

Colorimetry remembered_colorimetry(const AVFrame& frame) {
  Colorimetry colorimetry = colorimetry_of(frame);
  if (frame.opaque_ref != nullptr && frame.opaque_ref->size == sizeof colorimetry) {
    std::memcpy(&colorimetry, frame.opaque_ref->data, sizeof colorimetry);
  }
  return colorimetry;
}

StreamFormat format_of(const AVFrame& frame, SampleFormat samples, int reordered) {
  StreamFormat format;
  format.coded_width = static_cast<uint32_t>(frame.width);
  format.coded_height = static_cast<uint32_t>(frame.height);
  format.visible = {0, 0, format.coded_width, format.coded_height};
  format.bit_depth = samples == SampleFormat::kI42010 ? 10 : 8;
  format.min_buffers = 1 + static_cast<uint32_t>(std::clamp(reordered, 0, 16));
  format.colorimetry = colorimetry_of(frame);
  return format;
}

// The cropping window; the whole picture where the fields contradict each other.
Rect window_of(const AVFrame& frame) {
  const auto width = static_cast<size_t>(frame.width);
  const auto height = static_cast<size_t>(frame.height);
  const auto fits = [](size_t before, size_t after, size_t size) {
    return before < size && after < size - before;
  };
  if (!fits(frame.crop_left, frame.crop_right, width) ||
      !fits(frame.crop_top, frame.crop_bottom, height)) {
    return {0, 0, static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
  }
  return {static_cast<uint32_t>(frame.crop_left), static_cast<uint32_t>(frame.crop_top),
          static_cast<uint32_t>(width - frame.crop_left - frame.crop_right),
          static_cast<uint32_t>(height - frame.crop_top - frame.crop_bottom)};
}

bool is_keyframe(const AVFrame& frame) {
#ifdef AV_FRAME_FLAG_KEY
  return (frame.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame.key_frame != 0;
#endif
}

bool is_interlaced(const AVFrame& frame) {
#ifdef AV_FRAME_FLAG_INTERLACED
  return (frame.flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
  return frame.interlaced_frame != 0;
#endif
}

// The two fields of an H.264 picture are decoded by two frame threads, whose accounts of its lost
// macroblocks get in each other's way: libavcodec takes right pictures for damaged ones.
bool is_damaged(const AVFrame& frame, AVCodecID codec) {
  const bool field_pair = codec == AV_CODEC_ID_H264 && is_interlaced(frame);
  const int ignored = field_pair ? FF_DECODE_ERROR_DECODE_SLICES : 0;
  return (frame.decode_error_flags & ~ignored) != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0;
}

// Calls of get_buffer2 come straight from the decoding threads; libavcodec 60 and newer never does
// anything else.
void allow_threaded_callbacks([[maybe_unused]] AVCodecContext& context) {
#if LIBAVCODEC_VERSION_MAJOR < 60
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  context.thread_safe_callbacks = 1;
#pragma GCC diagnostic pop
#endif
}

}  // namespace

Status FrameThreadDecoder::open(Codec codec, int threads) {
  auto context = make_codec_context(codec);
  if (!context) return context.error();
  context_ = std::move(*context);
  packet_.reset(av_packet_alloc());
  frame_.reset(av_frame_alloc());
  if (packet_ == nullptr || frame_ == nullptr) {
    return Error{ErrorCode::kOutOfMemory, "no memory for a decoder"};
  }
  context_->opaque = this;
  context_->get_buffer2 = &FrameThreadDecoder::get_buffer;
  allow_threaded_callbacks(*context_);
  // libdav1d allocates by itself.
  own_memory_ = codec == Codec::kAv1;
  context_->max_pixels = int64_t{kMaxDimension} * kMaxDimension;
  context_->thread_count = threads;
  context_->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
  // H.264 without num_reorder_frames: hold back as many pictures as the level's buffer does
  // (C.4.5.3). Otherwise libavcodec learns the depth on the way and drops the pictures that it
  // learns from.
  if (codec == Codec::kH264) context_->strict_std_compliance = FF_COMPLIANCE_STRICT;
  const int result = avcodec_open2(context_.get(), context_->codec, nullptr);
  if (result < 0) {
    return Error{ErrorCode::kInternal, "libavcodec does not open: " + av_error_text(result)};
  }
  return {};
}

std::span<const uint8_t> FrameThreadDecoder::packet_bytes() const {
  return {packet_->data, static_cast<size_t>(packet_->size)};
}

Status FrameThreadDecoder::send() {
  const int result = avcodec_send_packet(context_.get(), packet_.get());
  av_packet_unref(packet_.get());
  if (result < 0) return error_of(result);
  return {};
}

void FrameThreadDecoder::finish() {
  finishing_ = true;
  // Cannot fail but where it was called before.
  static_cast<void>(avcodec_send_packet(context_.get(), nullptr));
}

Result<FrameThreadDecoder::Received> FrameThreadDecoder::receive() {
  // More in a row than there are frames in flight: it does not get on.
  constexpr int kMaxErrors = 128;
  const int result = avcodec_receive_frame(context_.get(), frame_.get());
  if (result == AVERROR_EOF) return Received{std::nullopt, true};
  if (result < 0 && result != AVERROR(EAGAIN) && ++errors_ <= kMaxErrors) return error_of(result);
  errors_ = 0;
  if (result < 0) return Received{std::nullopt, finishing_};
  auto picture = picture_of(*frame_);
  av_frame_unref(frame_.get());
  if (!picture) return picture.error();
  return Received{std::move(*picture), false};
}

void FrameThreadDecoder::restart() {
  avcodec_flush_buffers(context_.get());
  errors_ = 0;
  finishing_ = false;
}

void FrameThreadDecoder::learn(std::span<const uint8_t> parameter_sets) {
  av_packet_unref(packet_.get());
  if (av_new_packet(packet_.get(), static_cast<int>(parameter_sets.size())) < 0) return;
  std::memcpy(packet_->data, parameter_sets.data(), parameter_sets.size());
  static_cast<void>(send());  // there is no picture in it, which it may call an error
  restart();
}

std::string_view FrameThreadDecoder::profile() const {
  const char* name = avcodec_profile_name(context_->codec_id, context_->profile);
  return name != nullptr ? name : "";
}

int FrameThreadDecoder::get_buffer(AVCodecContext* context, AVFrame* frame, int /*flags*/) {
  try {
    return static_cast<FrameThreadDecoder*>(context->opaque)->allocate(*context, *frame);
  } catch (const std::bad_alloc&) {  // must not pass through libavcodec's frames
    return AVERROR(ENOMEM);
  }
}

int FrameThreadDecoder::allocate(AVCodecContext& context, AVFrame& frame) {
  auto buffer = allocator_.allocate(context, frame);
  if (!buffer) {
    std::lock_guard lock(mutex_);
    allocation_error_ = buffer.error().message;
    return averror_of(buffer.error());
  }
  if (!remember_colorimetry(frame)) return AVERROR(ENOMEM);
  if (!headers_told_.exchange(true)) {
    StreamFormat format = format_of(frame, buffer->view.format, context.has_b_frames);
    format.visible.width = std::clamp(static_cast<uint32_t>(context.width), 1u, format.coded_width);
    format.visible.height =
        std::clamp(static_cast<uint32_t>(context.height), 1u, format.coded_height);
    on_headers_(format);
  }
  return 0;
}

Error FrameThreadDecoder::error_of(int code) {
  std::lock_guard lock(mutex_);
  std::string text = std::exchange(allocation_error_, {});
  if (text.empty()) text = "libavcodec: " + av_error_text(code);
  return {code == AVERROR(ENOMEM) ? ErrorCode::kOutOfMemory : ErrorCode::kCorrupt, std::move(text)};
}

Result<StreamPicture> FrameThreadDecoder::picture_of(const AVFrame& frame) const {
  StreamPicture picture;
  if (own_memory_) {
    auto buffer = FrameAllocator::borrowed_buffer_of(frame);
    if (!buffer) return buffer.error();
    picture.frame = std::move(*buffer);
  } else {
    picture.frame = FrameAllocator::buffer_of(frame);
  }
  picture.format = format_of(frame, picture.frame.view.format, context_->has_b_frames);
  picture.format.colorimetry = remembered_colorimetry(frame);
  picture.format.visible = window_of(frame);
  picture.token = static_cast<uint64_t>(frame.pts);
  picture.keyframe = is_keyframe(frame);
  picture.damaged = is_damaged(frame, context_->codec_id);
  return picture;
}

}  // namespace daedalus::core
