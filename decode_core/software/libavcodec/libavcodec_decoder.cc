#include "decode_core/software/libavcodec/libavcodec_decoder.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/software/libavcodec/codec_context.h"
#include "decode_core/software/libavcodec/frame_allocator.h"
#include "decode_core/software/libavcodec/packet_writer.h"

namespace daedalus::core {
namespace {

bool has_references(const DecodeJob& job) {
  if (const auto* h264 = std::get_if<H264Parameters>(&job.parameters)) {
    return std::any_of(std::begin(h264->decode.dpb), std::end(h264->decode.dpb),
                       [](const v4l2_h264_dpb_entry& entry) {
                         return (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0;
                       });
  }
  if (const auto* hevc = std::get_if<HevcParameters>(&job.parameters)) {
    return hevc->decode.num_active_dpb_entries != 0;
  }
  return true;
}

// Whether the job itself says that a picture which it refers to is missing (HEVC).
bool lacks_references(const DecodeJob& job) {
  const auto* hevc = std::get_if<HevcParameters>(&job.parameters);
  if (hevc == nullptr) return false;
  const v4l2_ctrl_hevc_decode_params& decode = hevc->decode;
  const auto lacks = [&](const uint8_t* set, uint8_t count) {
    return std::any_of(set, set + count, [&](uint8_t index) {
      return index >= job.references.size() || job.references[index] == nullptr;
    });
  };
  return lacks(decode.poc_st_curr_before, decode.num_poc_st_curr_before) ||
         lacks(decode.poc_st_curr_after, decode.num_poc_st_curr_after) ||
         lacks(decode.poc_lt_curr, decode.num_poc_lt_curr);
}

class LibavcodecDecoder final : public Decoder {
 public:
  LibavcodecDecoder(Codec codec, std::shared_ptr<FrameMemorySource> memory)
      : codec_(codec), writer_(PacketWriter::create(codec)), allocator_(std::move(memory)) {}

  Status open(int threads) {
    auto context = make_codec_context(codec_);
    if (!context) return context.error();
    context_ = std::move(*context);
    packet_.reset(av_packet_alloc());
    output_.reset(av_frame_alloc());
    if (packet_ == nullptr || output_ == nullptr) {
      return Error{ErrorCode::kOutOfMemory, "no memory for a decoder"};
    }
    context_->opaque = this;
    context_->get_buffer2 = &LibavcodecDecoder::get_buffer;
    context_->thread_count = threads;
    context_->thread_type = FF_THREAD_SLICE;
    context_->flags |= AV_CODEC_FLAG_LOW_DELAY | AV_CODEC_FLAG_OUTPUT_CORRUPT;
    context_->flags2 |= AV_CODEC_FLAG2_SHOW_ALL;
    const int result = avcodec_open2(context_.get(), context_->codec, nullptr);
    if (result < 0) {
      return Error{ErrorCode::kInternal, "libavcodec does not open: " + av_error_text(result)};
    }
    return {};
  }

  DecodeOutcome decode(const DecodeJob& job) override {
    allocated_.reset();
    made_up_ = 0;
    allocation_error_.clear();
    DecodeOutcome outcome;
    // Nothing to refer to: what the decoder still holds is of before a seek, and would be taken for
    // a gap in frame_num or have the same order count.
    if (job.field != FieldRole::kSecondField && !has_references(job)) {
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
      outcome.concealed = result < 0 || made_up_ != 0 || lacks_references(job);
      remember(job, *outcome.frame);
    } else {
      outcome.error = {ErrorCode::kCorrupt, !allocation_error_.empty() ? allocation_error_
                                            : result < 0 ? "libavcodec: " + av_error_text(result)
                                                         : "libavcodec decoded no picture"};
    }
    return outcome;
  }

 private:
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
  // its own is the last; MPEG-2 and HEVC make up missing references after their own, so theirs is
  // the first. The others are not held: damaged slices may each begin a frame. Of HEVC it is asked
  // for no others but those.
  void note_allocated(FrameBuffer buffer) {
    if (codec_ == Codec::kHevc && allocated_.has_value()) ++made_up_;
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
      return static_cast<LibavcodecDecoder*>(context->opaque)->allocate(*context, *frame);
    } catch (const std::bad_alloc&) {  // must not pass through libavcodec's frames
      return AVERROR(ENOMEM);
    }
  }

  int allocate(AVCodecContext& context, AVFrame& frame) {
    auto buffer = allocator_.allocate(context, frame);
    if (!buffer) {
      allocation_error_ = buffer.error().message;
      return averror_of(buffer.error());
    }
    note_allocated(std::move(*buffer));
    return 0;
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
  FrameAllocator allocator_;
  std::vector<uint8_t> bytes_;
  std::optional<FrameBuffer> allocated_;  // of those asked for during this job, its picture's
  uint32_t made_up_ = 0;                  // references of this job's picture, HEVC only
  std::string allocation_error_;
  std::deque<Decoded> recent_;  // latest first
  AvPacket packet_;
  AvFrame output_;
  AvCodecContext context_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> create_libavcodec_decoder(
    Codec codec, int threads, std::shared_ptr<FrameMemorySource> memory) {
  auto decoder = std::make_unique<LibavcodecDecoder>(codec, std::move(memory));
  if (Status status = decoder->open(threads); !status) return status.error();
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace daedalus::core
