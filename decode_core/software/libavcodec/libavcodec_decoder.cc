#include "decode_core/software/libavcodec/libavcodec_decoder.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
}

#include "base/log.h"
#include "decode_core/software/libavcodec/packet_writer.h"

namespace daedalus::core {
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

std::string error_text(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

const char* decoder_name(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return "h264";
    case Codec::kVp9:
      return "vp9";
    case Codec::kVp8:
      return "vp8";
    case Codec::kMpeg2:
      break;
  }
  return "mpeg2video";
}

std::optional<SampleFormat> sample_format_of(int pixel_format) {
  switch (pixel_format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
      return SampleFormat::kI420;
    case AV_PIX_FMT_YUV420P10:
      return SampleFormat::kI42010;
    default:
      return std::nullopt;
  }
}

bool has_references(const DecodeJob& job) {
  if (const auto* h264 = std::get_if<H264Parameters>(&job.parameters)) {
    return std::any_of(std::begin(h264->decode.dpb), std::end(h264->decode.dpb),
                       [](const v4l2_h264_dpb_entry& entry) {
                         return (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0;
                       });
  }
  return true;
}

class LibavcodecDecoder final : public Decoder {
 public:
  explicit LibavcodecDecoder(Codec codec) : codec_(codec), writer_(PacketWriter::create(codec)) {}

  Status open(int threads) {
    const AVCodec* codec = avcodec_find_decoder_by_name(decoder_name(codec_));
    if (codec == nullptr) {
      return Error{ErrorCode::kUnsupported,
                   std::string("this libavcodec has no decoder called ") + decoder_name(codec_)};
    }
    context_.reset(avcodec_alloc_context3(codec));
    packet_.reset(av_packet_alloc());
    output_.reset(av_frame_alloc());
    if (context_ == nullptr || packet_ == nullptr || output_ == nullptr) return out_of_memory();
    context_->opaque = this;
    context_->get_buffer2 = &LibavcodecDecoder::get_buffer;
    context_->thread_count = threads;
    context_->thread_type = FF_THREAD_SLICE;
    context_->flags |= AV_CODEC_FLAG_LOW_DELAY | AV_CODEC_FLAG_OUTPUT_CORRUPT;
    context_->flags2 |= AV_CODEC_FLAG2_SHOW_ALL;
    context_->apply_cropping = 0;
    // The client's libavcodec is this very library, and so is its log: stay out of it. The sum of
    // offset and level (at most 56) has to stay below 256, where flags begin.
    if (!log_enabled(LogLevel::kDebug)) context_->log_level_offset = 100;
    const int result = avcodec_open2(context_.get(), codec, nullptr);
    if (result < 0) {
      return Error{ErrorCode::kInternal, "libavcodec does not open: " + error_text(result)};
    }
    return {};
  }

  DecodeOutcome decode(const DecodeJob& job) override {
    allocated_.reset();
    allocation_error_.clear();
    DecodeOutcome outcome;
    // Nothing to refer to: what the decoder still holds is of before a seek, and would be taken for
    // a gap in frame_num.
    if (codec_ == Codec::kH264 && job.field != FieldRole::kSecondField && !has_references(job)) {
      avcodec_flush_buffers(context_.get());
    }
    if (Status status = writer_->write(job, bytes_); !status) {
      outcome.error = status.error();
      return outcome;
    }
    const int result = send();
    outcome.late_concealed = collect_output();
    outcome.frame = frame_of(job);
    if (outcome.frame.has_value()) {
      outcome.concealed = result < 0;
      remember(job, *outcome.frame);
    } else {
      outcome.error = {ErrorCode::kCorrupt, !allocation_error_.empty() ? allocation_error_
                                            : result < 0 ? "libavcodec: " + error_text(result)
                                                         : "libavcodec decoded no picture"};
    }
    return outcome;
  }

 private:
  static Error out_of_memory() { return {ErrorCode::kOutOfMemory, "no memory for a decoder"}; }

  // One access unit in. Decoding is over when it returns: there are no frame threads.
  int send() {
    const int allocated = av_new_packet(packet_.get(), static_cast<int>(bytes_.size()));
    if (allocated < 0) return allocated;
    std::memcpy(packet_->data, bytes_.data(), bytes_.size());
    int result = avcodec_send_packet(context_.get(), packet_.get());
    if (result == AVERROR(EAGAIN)) {
      collect_output();
      result = avcodec_send_packet(context_.get(), packet_.get());
    }
    av_packet_unref(packet_.get());
    return result;
  }

  // What comes out, in libavcodec's order, which is not ours (H.264 drops pictures where it doubts
  // the reordering): read only for the word on damage. Returns how many pictures that concerns.
  uint32_t collect_output() {
    uint32_t concealed = 0;
    while (avcodec_receive_frame(context_.get(), output_.get()) == 0) {
      if (output_->decode_error_flags != 0) concealed += note_concealed(output_->data[0]) ? 1 : 0;
      av_frame_unref(output_.get());
    }
    return concealed;
  }

  bool note_concealed(const uint8_t* luma) {
    for (const Decoded& decoded : recent_) {
      if (decoded.luma != luma) continue;
      const auto picture = decoded.picture.lock();
      if (picture == nullptr || picture->concealed()) return false;
      picture->note_concealed();
      return true;
    }
    return false;
  }

  // Which buffer is the job's picture. H.264 asks for buffers of frames missing in a gap first, so
  // its own is the last; MPEG-2 makes up missing references after its own, so its own is the first.
  // The others are not held: damaged slices may each begin a frame.
  void note_allocated(FrameBuffer buffer) {
    if (codec_ == Codec::kH264 || !allocated_.has_value()) allocated_ = std::move(buffer);
  }

  std::optional<FrameBuffer> frame_of(const DecodeJob& job) {
    if (allocated_.has_value()) return std::exchange(allocated_, std::nullopt);
    // A second field goes where the first one went.
    if (job.field == FieldRole::kSecondField && !recent_.empty() &&
        recent_.front().id == job.target->id()) {
      return recent_.front().frame;
    }
    return std::nullopt;
  }

  void remember(const DecodeJob& job, const FrameBuffer& frame) {
    // A decoder's delay is at most 16 pictures.
    constexpr size_t kRecent = 20;
    if (!recent_.empty()) recent_.front().frame.reset();
    if (job.field == FieldRole::kSecondField) return;
    recent_.push_front({job.target->id(), job.target, frame.view.planes[0].data, frame});
    if (job.field == FieldRole::kFrame) recent_.front().frame.reset();
    if (recent_.size() > kRecent) recent_.pop_back();
  }

  static int get_buffer(AVCodecContext* context, AVFrame* frame, int /*flags*/) {
    try {
      return static_cast<LibavcodecDecoder*>(context->opaque)->allocate(frame);
    } catch (const std::bad_alloc&) {  // must not pass through libavcodec's frames
      return AVERROR(ENOMEM);
    }
  }

  int allocate(AVFrame* frame) {
    const auto format = sample_format_of(frame->format);
    if (!format.has_value()) {
      const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame->format));
      allocation_error_ = std::string("the stream's samples are ") +
                          (name != nullptr ? name : "of an unknown format") +
                          "; 4:2:0 of 8 or 10 bits is supported";
      return AVERROR(EINVAL);
    }
    const auto limit = static_cast<int>(kMaxDimension);
    if (frame->width <= 0 || frame->height <= 0 || frame->width > limit || frame->height > limit) {
      allocation_error_ = "the stream's size is outside 1x1 to 8192x8192";
      return AVERROR(EINVAL);
    }
    int width = frame->width;
    int height = frame->height;
    std::array<int, AV_NUM_DATA_POINTERS> alignment{};
    avcodec_align_dimensions2(context_.get(), &width, &height, alignment.data());
    return place_planes(frame, *format, static_cast<size_t>(width), static_cast<size_t>(height));
  }

  // Width and height are what libavcodec touches, in luma samples.
  int place_planes(AVFrame* frame, SampleFormat format, size_t width, size_t height) {
    // SIMD loads run over the end of the last row.
    constexpr size_t kTail = 128;
    constexpr size_t kStride = FrameMemory::kAlignment;
    const size_t sample = format == SampleFormat::kI42010 ? 2 : 1;
    const auto stride_of = [&](size_t samples) {
      return (samples * sample + kStride - 1) / kStride * kStride;
    };
    // Chroma rows keep the alignment that libavcodec wants of luma rows.
    const size_t chroma_stride = stride_of((width + 1) / 2);
    const std::array<size_t, 3> stride = {chroma_stride * 2, chroma_stride, chroma_stride};
    const std::array<size_t, 3> rows = {height, (height + 1) / 2, (height + 1) / 2};
    std::array<size_t, 3> offset{};
    size_t size = 0;
    for (size_t plane = 0; plane < 3; ++plane) {
      offset[plane] = size;
      size += (stride[plane] * rows[plane] + kTail + kStride - 1) / kStride * kStride;
    }
    auto memory = pool_.allocate(size);
    if (!memory) {
      allocation_error_ = memory.error().message;
      return AVERROR(ENOMEM);
    }
    FrameBuffer buffer{{format, static_cast<uint32_t>(frame->width),
                        static_cast<uint32_t>(frame->height), {}},
                       *memory};
    for (size_t plane = 0; plane < 3; ++plane) {
      frame->data[plane] = (*memory)->data() + offset[plane];
      frame->linesize[plane] = static_cast<int>(stride[plane]);
      buffer.view.planes[plane] = {frame->data[plane], stride[plane]};
    }
    frame->extended_data = frame->data;
    auto owner = std::make_unique<std::shared_ptr<FrameMemory>>(*memory);
    frame->buf[0] = av_buffer_create((*memory)->data(), size, &LibavcodecDecoder::release,
                                     owner.get(), 0);
    if (frame->buf[0] == nullptr) return AVERROR(ENOMEM);
    static_cast<void>(owner.release());  // the AVBuffer owns it now
    note_allocated(std::move(buffer));
    return 0;
  }

  static void release(void* opaque, uint8_t* /*data*/) {
    delete static_cast<std::shared_ptr<FrameMemory>*>(opaque);
  }

  // A picture that libavcodec may still have something to say of.
  struct Decoded {
    uint64_t id;
    std::weak_ptr<Picture> picture;
    const uint8_t* luma;
    std::optional<FrameBuffer> frame;  // kept for a second field only
  };

  const Codec codec_;
  const std::unique_ptr<PacketWriter> writer_;
  FramePool pool_;
  std::vector<uint8_t> bytes_;
  std::optional<FrameBuffer> allocated_;  // of those asked for during this job, its picture's
  std::string allocation_error_;
  std::deque<Decoded> recent_;  // latest first
  std::unique_ptr<AVPacket, FreePacket> packet_;
  std::unique_ptr<AVFrame, FreeFrame> output_;
  std::unique_ptr<AVCodecContext, FreeContext> context_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> create_libavcodec_decoder(Codec codec, int threads) {
  auto decoder = std::make_unique<LibavcodecDecoder>(codec);
  if (Status status = decoder->open(threads); !status) return status.error();
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace daedalus::core
