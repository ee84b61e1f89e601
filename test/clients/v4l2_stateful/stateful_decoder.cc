#include "test/clients/v4l2_stateful/stateful_decoder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace daedalus::v4l2_client {
namespace {

constexpr uint32_t kOutput = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
constexpr uint32_t kCapture = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
// Bitstream without a picture keeps its place no longer than that.
constexpr size_t kMostWaiting = 256;

uint32_t bitstream_fourcc(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return V4L2_PIX_FMT_H264;
    case core::Codec::kVp9:
      return V4L2_PIX_FMT_VP9;
    case core::Codec::kVp8:
      return V4L2_PIX_FMT_VP8;
    case core::Codec::kHevc:
      return V4L2_PIX_FMT_HEVC;
    case core::Codec::kAv1:
      return V4L2_PIX_FMT_AV1;
    case core::Codec::kMpeg2:
      return V4L2_PIX_FMT_MPEG2;
  }
  return 0;
}

}  // namespace

// ---- Opening: "Initialization" ----

StatefulDecoder::StatefulDecoder(SystemCalls& calls, DecoderNode node,
                                 const StatefulOptions& options, Show show)
    : calls_(calls), node_(std::move(node)), options_(options), show_(std::move(show)) {}

StatefulDecoder::~StatefulDecoder() {
  if (output_) (void)output_->free();
  if (capture_) (void)capture_->free();
}

Result<std::unique_ptr<StatefulDecoder>> StatefulDecoder::open(SystemCalls& calls,
                                                               core::Codec codec, size_t largest,
                                                               const StatefulOptions& options,
                                                               Show show) {
  const uint32_t fourcc = bitstream_fourcc(codec);
  Result<DecoderNode> node = find_stateful_node(calls, fourcc, options.video_path);
  if (!node) return node.error();
  std::unique_ptr<StatefulDecoder> decoder(
      new StatefulDecoder(calls, std::move(*node), options, std::move(show)));
  if (Status status = decoder->initialize(fourcc, largest); !status) return status.error();
  return decoder;
}

// 1 to 3; its size is for the node to find.
Status StatefulDecoder::initialize(uint32_t fourcc, size_t largest) {
  v4l2_format format{};
  format.type = kOutput;
  v4l2_pix_format_mplane& pixels = format.fmt.pix_mp;
  pixels.pixelformat = fourcc;
  pixels.num_planes = 1;
  pixels.plane_fmt[0].sizeimage = static_cast<uint32_t>(largest);
  if (calls_.ioctl(node_.video.get(), VIDIOC_S_FMT, &format) != 0)
    return system_error("S_FMT OUTPUT");
  if (pixels.pixelformat != fourcc || pixels.plane_fmt[0].sizeimage < largest)
    return Error{ErrorCode::kUnsupported, "S_FMT OUTPUT: the node gives another format"};
  if (Status status = subscribe(V4L2_EVENT_SOURCE_CHANGE); !status) return status;
  if (Status status = subscribe(V4L2_EVENT_EOS); !status) return status;
  output_ = std::make_unique<Buffers>(calls_, node_.video.get(), kOutput, options_.output_memory);
  if (Status status = output_->allocate(options_.output_buffers, pixels); !status) return status;
  for (uint32_t i = static_cast<uint32_t>(output_->count()); i > 0; --i) idle_.push_back(i - 1);
  return output_->stream(true);
}

Status StatefulDecoder::subscribe(uint32_t event) {
  v4l2_event_subscription subscription{};
  subscription.type = event;
  if (calls_.ioctl(node_.video.get(), VIDIOC_SUBSCRIBE_EVENT, &subscription) == 0) return {};
  return system_error("SUBSCRIBE_EVENT");
}

// ---- "Capture Setup" ----

Result<v4l2_pix_format_mplane> StatefulDecoder::get_capture_format() {
  v4l2_format format{};
  format.type = kCapture;
  if (calls_.ioctl(node_.video.get(), VIDIOC_G_FMT, &format) != 0)
    return system_error("G_FMT CAPTURE");
  return format.fmt.pix_mp;
}

// The one asked for, or the node's own choice, or the first that it lists and this client reads.
// What the node lists now has the stream's bit depth.
Status StatefulDecoder::choose_capture_format() {
  const auto fits = [&](uint32_t fourcc) {
    return options_.capture_fourcc != 0 ? fourcc == options_.capture_fourcc : is_readable(fourcc);
  };
  Result<v4l2_pix_format_mplane> now = get_capture_format();
  if (!now) return now.error();
  capture_format_ = *now;
  if (fits(now->pixelformat)) return {};
  v4l2_fmtdesc description{};
  description.type = kCapture;
  while (calls_.ioctl(node_.video.get(), VIDIOC_ENUM_FMT, &description) == 0 &&
         !fits(description.pixelformat))
    ++description.index;
  if (!fits(description.pixelformat))
    return Error{ErrorCode::kUnsupported, "the node has no CAPTURE format that fits the stream"};
  v4l2_format format{};
  format.type = kCapture;
  format.fmt.pix_mp = *now;
  format.fmt.pix_mp.pixelformat = description.pixelformat;
  if (calls_.ioctl(node_.video.get(), VIDIOC_S_FMT, &format) != 0)
    return system_error("S_FMT CAPTURE");
  capture_format_ = format.fmt.pix_mp;
  if (fits(capture_format_.pixelformat)) return {};
  return Error{ErrorCode::kUnsupported, "S_FMT CAPTURE: the node gives another format"};
}

Status StatefulDecoder::query_visible() {
  v4l2_selection selection{};
  selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;  // with multi-planar queues, too
  selection.target = V4L2_SEL_TGT_COMPOSE;
  if (calls_.ioctl(node_.video.get(), VIDIOC_G_SELECTION, &selection) != 0)
    return system_error("G_SELECTION COMPOSE");
  if (selection.r.left < 0 || selection.r.top < 0)
    return Error{ErrorCode::kSystem, "the node's picture begins outside its buffer"};
  visible_ = {static_cast<uint32_t>(selection.r.left), static_cast<uint32_t>(selection.r.top),
              selection.r.width, selection.r.height};
  return {};
}

Result<uint32_t> StatefulDecoder::query_min_buffers() {
  v4l2_control control{};
  control.id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE;
  if (calls_.ioctl(node_.video.get(), VIDIOC_G_CTRL, &control) != 0)
    return system_error("G_CTRL MIN_BUFFERS_FOR_CAPTURE");
  return static_cast<uint32_t>(std::max(control.value, 1));
}

// The first time, and again after each source change.
Status StatefulDecoder::set_up_capture() {
  if (capture_) {
    ++changes_;
    if (Status status = capture_->free(); !status) return status;
  }
  if (Status status = choose_capture_format(); !status) return status;
  if (Status status = query_visible(); !status) return status;
  const Result<uint32_t> least = query_min_buffers();
  if (!least) return least.error();
  const uint32_t count = std::min<uint32_t>(*least + options_.extra_captures, VIDEO_MAX_FRAME);
  capture_ =
      std::make_unique<Buffers>(calls_, node_.video.get(), kCapture, options_.capture_memory);
  if (Status status = capture_->allocate(count, capture_format_); !status) return status;
  for (uint32_t i = 0; i < capture_->count(); ++i) {
    if (Status status = capture_->queue(i); !status) return status;
  }
  source_changed_ = last_ = false;
  return capture_->stream(true);
}

// ---- "Decoding" ----

Status StatefulDecoder::decode(std::span<const uint8_t> bitstream, uint64_t timestamp) {
  while (idle_.empty()) {
    if (Status status = step(true); !status) return status;
  }
  const uint32_t index = idle_.back();
  const std::span<uint8_t> memory = output_->plane(index, 0);
  if (bitstream.empty() || bitstream.size() > memory.size())
    return Error{ErrorCode::kInvalidArgument, "not a piece of bitstream that fits a buffer"};
  std::ranges::copy(bitstream, memory.begin());
  idle_.pop_back();
  queued_[timestamp] = std::chrono::steady_clock::now();
  if (queued_.size() > kMostWaiting) queued_.erase(queued_.begin());
  return output_->queue(index, static_cast<uint32_t>(bitstream.size()), timestamp);
}

// OUTPUT buffers are taken back only where one is wanted: a node without any buffer reports
// POLLERR, which here is an error.
Status StatefulDecoder::step(bool wants_output) {
  const bool wants_picture = capture_ && !last_;
  pollfd poll{node_.video.get(), POLLPRI, 0};
  if (wants_output) poll.events |= POLLOUT;
  if (wants_picture) poll.events |= POLLIN;
  const int ready = calls_.poll(&poll, 1, options_.timeout);
  if (ready < 0) return system_error("poll");
  if (ready == 0) return Error{ErrorCode::kTimeout, "nothing comes from the node"};
  const auto is_ready = [&](int event) { return (poll.events & poll.revents & event) != 0; };
  if (is_ready(POLLPRI)) {
    if (Status status = take_events(); !status) return status;
  } else if (!is_ready(POLLIN) && !is_ready(POLLOUT)) {
    return Error{ErrorCode::kSystem, "poll: POLLERR"};
  }
  if (is_ready(POLLOUT)) {
    if (Status status = take_output(); !status) return status;
  }
  if (is_ready(POLLIN)) {
    if (Status status = take_picture(); !status) return status;
  }
  return follow_last();
}

Status StatefulDecoder::take_events() {
  v4l2_event event{};
  while (calls_.ioctl(node_.video.get(), VIDIOC_DQEVENT, &event) == 0) {
    if (event.type == V4L2_EVENT_EOS) end_of_stream_ = true;
    if (event.type == V4L2_EVENT_SOURCE_CHANGE &&
        (event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION))
      source_changed_ = true;
  }
  return errno == ENOENT ? Status() : system_error("DQEVENT");
}

Status StatefulDecoder::take_output() {
  const Result<std::optional<Dequeued>> buffer = output_->dequeue();
  if (!buffer) return buffer.error();
  if (*buffer) idle_.push_back((*buffer)->index);
  return {};
}

Status StatefulDecoder::take_picture() {
  const Result<std::optional<Dequeued>> buffer = capture_->dequeue();
  if (!buffer) return buffer.error();
  if (!*buffer) return {};
  if ((*buffer)->error) ++errors_;
  last_ = (*buffer)->last;
  if (Status status = show_picture(**buffer); !status) return status;
  return last_ ? Status() : capture_->queue((*buffer)->index);
}

// Empty buffers have no picture: the last one may be.
Status StatefulDecoder::show_picture(const Dequeued& buffer) {
  if (buffer.bytes_used == 0) return {};
  if (const auto queued = queued_.find(buffer.timestamp); queued != queued_.end()) {
    const auto taken = std::chrono::steady_clock::now() - queued->second;
    timing_.add(std::chrono::duration<double, std::milli>(taken).count());
    queued_.erase(queued);
  }
  std::array<std::span<const uint8_t>, VIDEO_MAX_PLANES> planes;
  const size_t count = std::min<size_t>(capture_format_.num_planes, planes.size());
  for (size_t i = 0; i < count; ++i) planes[i] = capture_->plane(buffer.index, i);
  if (!read_picture(capture_format_, std::span(planes).first(count), visible_, &frame_))
    return Error{ErrorCode::kInternal, "a picture is larger than its CAPTURE buffer"};
  ++shown_;
  return show_(frame_, buffer.timestamp);
}

// "Dynamic Resolution Change" and "End of Stream": an event says why a buffer is the last. It may
// come before or after it; without CAPTURE there is none to wait for.
Status StatefulDecoder::follow_last() {
  if (capture_ && !last_) return {};
  if (source_changed_) return set_up_capture();
  if (end_of_stream_) drained_ = true;
  return {};
}

// ---- "Drain" ----

Status StatefulDecoder::drain() {
  v4l2_decoder_cmd command{};
  command.cmd = V4L2_DEC_CMD_STOP;
  if (calls_.ioctl(node_.video.get(), VIDIOC_DECODER_CMD, &command) != 0)
    return system_error("DECODER_CMD STOP");
  while (!drained_) {
    if (Status status = step(false); !status) return status;
  }
  return {};
}

}  // namespace daedalus::v4l2_client
