#include "cuse_device/v4l2/stateful_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "cuse_device/v4l2/codec_profiles.h"
#include "decode_core/stream/stream_capabilities.h"

namespace daedalus::v4l2 {
namespace {

VideoFile::Config file_config(core::Core& core, bool user_pointers) {
  VideoFile::Config config;
  config.card = "Daedalus stateful decoder";
  config.bus_info = "platform:daedalus";
  config.output.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  config.capture.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  for (BufferQueue::Config* queue : {&config.output, &config.capture}) {
    queue->user_pointers = user_pointers;
    queue->allocator = &core.memory();
  }
  return config;
}

// For headers of what is queued already.
constexpr auto kHeaderPatience = std::chrono::milliseconds(200);

std::vector<core::ProfileCapability> capabilities_of(const core::Core& core, bool av1) {
  auto capabilities = core::stream_capabilities(core);
  if (!av1) {
    std::erase_if(capabilities, [](const core::ProfileCapability& capability) {
      return core::codec_of(capability.profile) == core::Codec::kAv1;
    });
  }
  return capabilities;
}

int errno_of(const Error& error) { return error.code == ErrorCode::kOutOfMemory ? ENOMEM : EIO; }

}  // namespace

StatefulFile::StatefulFile(std::shared_ptr<core::Core> core, std::shared_ptr<Priorities> priorities,
                           StatefulDevice::MakeDecoder make_decoder, bool user_pointers, bool av1)
    : VideoFile(std::move(priorities), file_config(*core, user_pointers)),
      core_(std::move(core)),
      make_decoder_(std::move(make_decoder)),
      capabilities_(capabilities_of(*core_, av1)),
      coded_formats_(coded_formats(capabilities_)) {
  add_stateful_controls(capabilities_, &controls_);
  output_.set_format(coded_queue_format(coded_formats_.front().fourcc, kDefaultWidth,
                                        kDefaultHeight, 0, Colour{}));
  capture_.set_format(capture_format(V4L2_PIX_FMT_NV12));
}

StatefulFile::~StatefulFile() {
  set_listener(nullptr);
  work_.stop();
  if (thread_.joinable()) thread_.join();
}

const CodedFormat* StatefulFile::find_coded_format(uint32_t fourcc) const {
  const auto found = std::find_if(coded_formats_.begin(), coded_formats_.end(),
                                  [&](const CodedFormat& f) { return f.fourcc == fourcc; });
  return found == coded_formats_.end() ? nullptr : &*found;
}

// Before the stream is known every depth of its codec is offered, then its own.
bool StatefulFile::offers(const RawFormat& format) const {
  if (stream_) return format.bit_depth == stream_->bit_depth;
  return has_bit_depth(capabilities_, coded_format().codec, format.bit_depth);
}

core::Rect StatefulFile::visible() const {
  if (stream_) return stream_->visible;
  return {0, 0, output_.format().width, output_.format().height};
}

// The CAPTURE format of that name, or the preferred one where the stream does not have it. Buffers
// hold the visible part of the picture and nothing more: the output pass crops.
QueueFormat StatefulFile::capture_format(uint32_t fourcc) const {
  const RawFormat* raw = find_raw_format(fourcc);
  if (raw == nullptr || !offers(*raw)) {
    const auto all = raw_formats();
    raw = &*std::find_if(all.begin(), all.end(), [&](const RawFormat& f) { return offers(f); });
  }
  Colour colour = output_.format().colour;
  if (stream_) {
    const core::Colorimetry& c = stream_->colorimetry;
    const Colour coded = colour_of(c.primaries, c.transfer, c.matrix, c.full_range);
    if (coded != Colour{}) colour = coded;
  }
  const core::Rect size = visible();
  return raw_queue_format(*raw, size.width, size.height, colour);
}

int StatefulFile::enum_fmt(v4l2_fmtdesc& description, Client&) {
  if (description.type == output_.type()) {
    if (description.index >= coded_formats_.size()) return EINVAL;
    const CodedFormat& format = coded_formats_[description.index];
    describe(format.fourcc, format.description, format.flags | V4L2_FMT_FLAG_COMPRESSED,
             &description);
    return 0;
  }
  uint32_t index = description.index;
  for (const RawFormat& format : raw_formats()) {
    if (!offers(format) || index-- != 0) continue;
    describe(format.fourcc, format.description, 0, &description);
    return 0;
  }
  return EINVAL;
}

// What S_FMT would make of the client's wish.
QueueFormat StatefulFile::fitted_format(const v4l2_format& format) const {
  const v4l2_pix_format_mplane& wish = format.fmt.pix_mp;
  if (format.type == capture_.type()) return capture_format(wish.pixelformat);
  const CodedFormat* coded = find_coded_format(wish.pixelformat);
  const uint32_t fourcc = coded ? coded->fourcc : coded_formats_.front().fourcc;
  return coded_queue_format(fourcc, clamp_dimension(wish.width, kDefaultWidth),
                            clamp_dimension(wish.height, kDefaultHeight),
                            wish.plane_fmt[0].sizeimage, colour_of(wish));
}

bool StatefulFile::looks_for_headers() const {
  return state_ == StatefulState::kInitialization && decoder_ && output_.streaming() &&
         !capture_.streaming() && (!in_flight_.empty() || output_.peek_queued());
}

// Who asks for the format with bitstream queued wants that of the bitstream. As s5p-mfc's, the
// answer waits (EAGAIN, Parking::kAlways) until the engine has looked for headers in it: libavcodec
// asks three times in a row while it sets CAPTURE up and mixes what it hears, so it must not hear
// of two formats.
int StatefulFile::wait_for_headers() {
  if (!looks_for_headers()) return 0;
  const auto now = std::chrono::steady_clock::now();
  if (!patience_ends_) {
    patience_ends_ = now + kHeaderPatience;
    work_.set_due(*patience_ends_);
  }
  if (now < *patience_ends_) return EAGAIN;
  patience_ends_.reset();
  return 0;
}

int StatefulFile::g_fmt(v4l2_format& format, Client& client) {
  if (format.type == capture_.type()) {
    if (const int error = wait_for_headers()) return error;
  }
  return VideoFile::g_fmt(format, client);
}

int StatefulFile::try_fmt(v4l2_format& format, Client&) {
  const QueueFormat fitted = fitted_format(format);
  std::memset(&format.fmt, 0, sizeof format.fmt);
  describe(fitted, &format.fmt.pix_mp);
  return 0;
}

// Commit points: the OUTPUT format governs CAPTURE's, and stays while buffers exist.
int StatefulFile::s_fmt(v4l2_format& format, Client& client) {
  const QueueFormat fitted = fitted_format(format);
  if (format.type == capture_.type()) {
    if (capture_.busy()) return EBUSY;
    capture_.set_format(fitted);
    return try_fmt(format, client);
  }
  const QueueFormat& now = output_.format();
  const bool same =
      fitted.fourcc == now.fourcc && fitted.width == now.width && fitted.height == now.height;
  if (output_.busy() || (capture_.busy() && !same)) return EBUSY;
  output_.set_format(fitted);
  forget_stream();
  return try_fmt(format, client);
}

int StatefulFile::enum_framesizes(v4l2_frmsizeenum& sizes, Client&) {
  const RawFormat* raw = find_raw_format(sizes.pixel_format);
  const bool known = find_coded_format(sizes.pixel_format) || (raw && offers(*raw));
  if (!known || sizes.index != 0) return EINVAL;
  const uint32_t fourcc = sizes.pixel_format;
  sizes = {};
  sizes.pixel_format = fourcc;
  sizes.type = V4L2_FRMSIZE_TYPE_CONTINUOUS;
  sizes.stepwise = {1, core::kMaxDimension, 1, 1, core::kMaxDimension, 1};
  return 0;
}

// Capture setup, 2: the crop rectangle lies in the coded picture, the compose rectangle in the
// buffer.
int StatefulFile::g_selection(v4l2_selection& selection, Client&) {
  if (selection.type != capture_.type()) return EINVAL;
  if (const int error = wait_for_headers()) return error;
  const core::Rect shown = visible();
  core::Rect rect;
  switch (selection.target) {
    case V4L2_SEL_TGT_CROP_BOUNDS:
      rect = {0, 0, stream_ ? stream_->coded_width : shown.width,
              stream_ ? stream_->coded_height : shown.height};
      break;
    case V4L2_SEL_TGT_CROP:
    case V4L2_SEL_TGT_CROP_DEFAULT:
      rect = shown;
      break;
    case V4L2_SEL_TGT_COMPOSE:
    case V4L2_SEL_TGT_COMPOSE_DEFAULT:
    case V4L2_SEL_TGT_COMPOSE_BOUNDS:
    case V4L2_SEL_TGT_COMPOSE_PADDED:
      rect = {0, 0, shown.width, shown.height};
      break;
    default:
      return EINVAL;
  }
  selection.r = {static_cast<int32_t>(rect.x), static_cast<int32_t>(rect.y), rect.width,
                 rect.height};
  selection.flags = 0;
  std::memset(selection.reserved, 0, sizeof selection.reserved);
  return 0;
}

// Neither rectangle can move: the client's is adjusted, or refused where it must not be.
int StatefulFile::s_selection(v4l2_selection& selection, Client& client) {
  if (selection.type != capture_.type()) return EINVAL;
  if (selection.target != V4L2_SEL_TGT_CROP && selection.target != V4L2_SEL_TGT_COMPOSE) {
    return EINVAL;
  }
  v4l2_selection fixed = selection;
  if (const int error = g_selection(fixed, client)) return error;
  const bool smaller = fixed.r.width < selection.r.width || fixed.r.height < selection.r.height;
  const bool larger = fixed.r.width > selection.r.width || fixed.r.height > selection.r.height;
  if ((selection.flags & V4L2_SEL_FLAG_GE) && smaller) return ERANGE;
  if ((selection.flags & V4L2_SEL_FLAG_LE) && larger) return ERANGE;
  selection = fixed;
  return 0;
}

// Freeing the OUTPUT buffers leads back to initialization.
int StatefulFile::reqbufs(v4l2_requestbuffers& request, Client& client) {
  const int error = VideoFile::reqbufs(request, client);
  if (error == 0 && request.type == output_.type() && request.count == 0) forget_stream();
  return error;
}

int StatefulFile::qbuf(v4l2_buffer& buffer, Client& client) {
  if (const int error = VideoFile::qbuf(buffer, client)) return error;
  if (buffer.type == capture_.type()) {
    if (std::exchange(starved_, false)) work_.raise();
  } else if (decoder_) {
    feed();  // not by way of the thread, which would have to be woken for it
  }
  return 0;
}

int StatefulFile::dqbuf(v4l2_buffer& argument, Client& client) {
  BufferQueue* queue = queue_of(argument.type);
  if (queue == nullptr) return EINVAL;
  std::shared_ptr<Buffer> dequeued;
  if (const int error = queue->dqbuf(argument, client, &dequeued)) return error;
  if (queue == &capture_ && (dequeued->flags & V4L2_BUF_FLAG_LAST)) last_dequeued();
  if (queue == &capture_) tell_end(capture_.last_is_next());
  return 0;
}

int StatefulFile::streamon(int& type, Client& client) {
  const bool output = static_cast<uint32_t>(type) == output_.type();
  if (!start_thread()) return EAGAIN;
  if (output && !decoder_ && output_.busy()) {
    const core::StreamDecoder::Config config{coded_format().codec, "v4l2"};
    auto decoder = make_decoder_(config, [this] { work_.raise(); });
    if (!decoder.ok()) {
      log(LogLevel::kError, "V4L2: %s", decoder.error().message.c_str());
      return errno_of(decoder.error());
    }
    decoder_ = std::move(decoder).value();
  }
  const bool ran = (output ? output_ : capture_).streaming();
  if (const int error = VideoFile::streamon(type, client)) return error;
  if (!ran && (state_ == StatefulState::kStopped || state_ == StatefulState::kEnding ||
               (!output && state_ == StatefulState::kCaptureSetup))) {
    resume();
  }
  note_change();  // nobody waits for headers once CAPTURE runs
  work_.raise();
  return 0;
}

int StatefulFile::streamoff(int& type, Client& client) {
  const BufferQueue* queue = queue_of(static_cast<uint32_t>(type));
  if (queue == nullptr) return EINVAL;
  if (queue == &capture_) {
    ++capture_stopping_;
    idle_.wait(mutex_, [this] { return !writing_; });
    --capture_stopping_;
  }
  const bool ran = queue->streaming();
  if (const int error = VideoFile::streamoff(type, client)) return error;
  if (!ran) return 0;
  if (queue == &output_) {
    stop_output();
  } else {
    stop_capture();
  }
  work_.raise();
  return 0;
}

// As v4l2_m2m_ioctl_try_decoder_cmd.
int StatefulFile::try_decoder_cmd(v4l2_decoder_cmd& command, Client&) {
  if (command.cmd != V4L2_DEC_CMD_START && command.cmd != V4L2_DEC_CMD_STOP) return EINVAL;
  const uint32_t wanted = command.cmd;
  command = {};
  command.cmd = wanted;
  return 0;
}

int StatefulFile::decoder_cmd(v4l2_decoder_cmd& command, Client& client) {
  if (const int error = try_decoder_cmd(command, client)) return error;
  const int error = command.cmd == V4L2_DEC_CMD_START ? start() : stop();
  work_.raise();
  return error;
}

bool StatefulFile::has_event(uint32_t type) const {
  return type == V4L2_EVENT_EOS || type == V4L2_EVENT_SOURCE_CHANGE;
}

}  // namespace daedalus::v4l2
