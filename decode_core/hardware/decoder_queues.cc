#include "decode_core/hardware/decoder_queues.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "decode_core/hardware/capture_format.h"
#include "decode_core/hardware/format_negotiation.h"
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

// Surfaces that have memory before their first picture are decoded into, where the driver takes it.
// What is to be unpacked is read once, by the CPU, for which drivers may map their buffers
// uncached, or by a GPU, which imports dma-bufs: ours are better for both.
Result<std::unique_ptr<CapturePool>> DecoderQueues::allocate_capture(const DecodeJob& job,
                                                                     const QueueFormat& format) {
  const auto destination = destination_of(job);
  const bool packed = is_packed_capture(format.fourcc) && format.planes == 1;
  if (imports_ && (packed || (destination && suits(*destination, format)))) {
    auto pool = CapturePool::allocate(node_, format, capture_count(job), &memory_);
    if (pool) return pool;
    log(LogLevel::kInfo, "%s: %s: %s", node_.path().c_str(),
        packed ? "pictures lie in the driver's memory" : "surfaces are not decoded into",
        pool.error().message.c_str());
  }
  return CapturePool::allocate(node_, format, capture_count(job), nullptr);
}

std::optional<Destination> DecoderQueues::destination_of(const DecodeJob& job) const {
  auto destination = shown_picture(job).destination();
  const bool fills = destination && is_whole(job) && destination->width <= job.coded_width() &&
                     destination->height <= job.coded_height();
  return fills ? std::move(destination) : std::nullopt;
}

Status DecoderQueues::allocate(const DecodeJob& job, const QueueFormat& capture_format) {
  allocated_ = true;
  auto slots = RequestSlots::allocate(node_, media_, kSlots);
  if (!slots) return slots.error();
  slots_ = std::move(*slots);
  auto capture = allocate_capture(job, capture_format);
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
  const SequenceControl sequence(job);
  const auto format =
      negotiate_formats(node_, interface_, sequence, {width_, height_}, bit_depth_, coded_bytes);
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
