#include "decode_core/hardware/decoder_queues.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "decode_core/hardware/capture_format.h"
#include "decode_core/hardware/request_content.h"

namespace daedalus::core {
namespace {

// CAPTURE buffers: as many as there can be references, the picture under way, and one more.
uint32_t capture_count(const DecodeJob& job) {
  uint32_t references = 0;
  switch (job.codec()) {
    case Codec::kH264: {
      const auto& h264 = std::get<H264Parameters>(job.parameters);
      uint32_t held = 0;
      for (const v4l2_h264_dpb_entry& entry : h264.decode.dpb) {
        if ((entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0) ++held;
      }
      references = std::max<uint32_t>(h264.sps.max_num_ref_frames, held);
      break;
    }
    case Codec::kHevc: {
      const auto& hevc = std::get<HevcParameters>(job.parameters);
      references = std::max<uint32_t>(hevc.sps.sps_max_dec_pic_buffering_minus1 + 1u,
                                      hevc.decode.num_active_dpb_entries);
      break;
    }
    case Codec::kVp9:
    case Codec::kAv1:
      references = 8;
      break;
    case Codec::kVp8:
      references = 3;
      break;
    case Codec::kMpeg2:
      references = 2;
      break;
  }
  constexpr uint32_t kMostReferences = 16;
  return std::min(references, kMostReferences) + 2;
}

bool refers_to_nothing(const DecodeJob& job) {
  return std::ranges::all_of(job.references,
                             [](const auto& reference) { return reference == nullptr; });
}

// A coded picture of intra blocks is seldom larger than half of its samples.
constexpr size_t kLeastCodedBytes = size_t{512} << 10;

}  // namespace

// References of another size can only be had in buffers that hold both: a picture in mid-chain that
// is smaller (VP9 7.2, frame_size_with_refs; AV1 5.9.7) goes into those of the larger ones.
bool DecoderQueues::fits_size(const DecodeJob& job) const {
  if (is_whole(job)) return true;
  const bool scales = job.codec() == Codec::kVp9 || job.codec() == Codec::kAv1;
  return scales && !begins_chain(job) && job.coded_width() <= width_ &&
         job.coded_height() <= height_;
}

bool DecoderQueues::fit(const DecodeJob& job) const {
  if (!running() || !fits_size(job) || bit_depth_of(job) != bit_depth_) return false;
  return capture_count(job) <= capture_->count() || !refers_to_nothing(job);
}

Status DecoderQueues::set_output_format(size_t coded_bytes) {
  const size_t usual = size_t{width_} * height_ / 4 * 3;
  const auto wanted = static_cast<uint32_t>(std::max({coded_bytes, usual, kLeastCodedBytes}));
  const auto format = node_.set_format(Queue::kOutput, interface_.fourcc, width_, height_, wanted);
  if (!format) return format.error();
  if (format->fourcc == interface_.fourcc) return {};
  return Error{ErrorCode::kUnsupported, node_.path() + ": VIDIOC_S_FMT gives another codec"};
}

// The driver's own choice, else the first that it lists and we can read; what has to be unpacked is
// the last resort.
Result<QueueFormat> DecoderQueues::find_capture_format() const {
  for (const bool packed : {false, true}) {
    const auto suits = [&](uint32_t fourcc) {
      return bit_depth_of_capture(fourcc) == bit_depth_ && is_packed_capture(fourcc) == packed;
    };
    auto format = node_.get_format(Queue::kCapture);
    if (!format || suits(format->fourcc)) return format;
    for (const uint32_t fourcc : node_.formats(Queue::kCapture)) {
      if (!suits(fourcc)) continue;
      format = node_.set_format(Queue::kCapture, fourcc, width_, height_, 0);
      if (!format || suits(format->fourcc)) return format;
    }
  }
  return Error{ErrorCode::kUnsupported, node_.path() + ": no CAPTURE format that can be read has " +
                                            std::to_string(bit_depth_) + " bits"};
}

Result<QueueFormat> DecoderQueues::choose_capture_format() const {
  auto format = find_capture_format();
  if (!format || holds_picture(*format, width_, height_)) return format;
  return Error{ErrorCode::kUnsupported, node_.path() + ": its CAPTURE buffers do not hold " +
                                            std::to_string(width_) + "x" + std::to_string(height_)};
}

Status DecoderQueues::allocate(const DecodeJob& job, const QueueFormat& capture_format) {
  allocated_ = true;
  auto slots = RequestSlots::allocate(node_, media_, kSlots);
  if (!slots) return slots.error();
  slots_ = std::move(*slots);
  auto capture = CapturePool::allocate(node_, capture_format, capture_count(job));
  if (!capture) return capture.error();
  capture_ = std::move(*capture);
  for (const Queue queue : {Queue::kOutput, Queue::kCapture}) {
    if (Status status = node_.stream(queue, true); !status) return status;
  }
  return {};
}

Status DecoderQueues::set_up(const DecodeJob& job, size_t coded_bytes) {
  stop();
  width_ = job.coded_width();
  height_ = job.coded_height();
  bit_depth_ = bit_depth_of(job);
  // The size, then the kind of stream, then what pictures can become. Each makes the driver choose
  // what comes after it anew, so none of them is said twice, nor once there are buffers.
  if (Status status = set_output_format(coded_bytes); !status) return status;
  const SequenceControl sequence(job);
  if (Status status = node_.set_controls(sequence.values(), -1); !status) {
    return Error{ErrorCode::kUnsupported, status.error().message};
  }
  const auto format = choose_capture_format();
  if (!format) return format.error();
  Status status = allocate(job, *format);
  if (!status) stop();
  return status;
}

void DecoderQueues::stop() {
  if (!std::exchange(allocated_, false)) return;
  capture_.reset();
  slots_.reset();
  for (const Queue queue : {Queue::kOutput, Queue::kCapture}) {
    // The driver may be gone; what it still has ends with the descriptor.
    if (Status status = node_.stream(queue, false); !status) {
      log(LogLevel::kDebug, "%s", status.error().message.c_str());
    }
    if (const auto freed = node_.request_buffers(queue, 0); !freed) {
      log(LogLevel::kDebug, "%s", freed.error().message.c_str());
    }
  }
}

}  // namespace daedalus::core
