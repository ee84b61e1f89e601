#include "cuse_device/v4l2/stateless_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "cuse_device/v4l2/codec_profiles.h"
#include "cuse_device/v4l2/stateless_controls.h"

namespace daedalus::v4l2 {

VideoFile::Config StatelessFile::make_config(const StatelessDevice::Options& options,
                                             core::Core& core) {
  VideoFile::Config config;
  config.card = "Daedalus stateless decoder";
  config.bus_info = "platform:daedalus";
  config.output.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  config.capture.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  for (BufferQueue::Config* queue : {&config.output, &config.capture}) {
    queue->user_pointers = options.user_pointers;
    queue->allocator = &core.memory();
  }
  config.output.supports_requests = options.requests != nullptr;
  config.output.requires_requests = !options.direct_qbuf;
  config.output.supports_hold_capture = true;
  config.output.find_request = [this](int fd, Client& client) { return find_request(fd, client); };
  config.output.bind = [this](Request& request, const std::shared_ptr<Buffer>& buffer) {
    buffer->field = V4L2_FIELD_NONE;  // as the drivers' buf_out_validate
    return request.bind(handle_, buffer);
  };
  config.output.take_out = [this](const auto& request, const auto& buffer) {
    take_out(request, buffer);
  };
  return config;
}

StatelessFile::StatelessFile(std::shared_ptr<core::Core> core,
                             std::shared_ptr<Priorities> priorities,
                             const StatelessDevice::Options& options)
    : VideoFile(std::move(priorities), make_config(options, *core)),
      core_(std::move(core)),
      options_(options),
      coded_formats_(stateless_formats(core_->capabilities())),
      handle_(std::make_shared<RequestFileHandle>(this)) {
  add_stateless_controls(core_->capabilities(), &controls_);
  output_.set_format(coded_queue_format(coded_formats_.front().fourcc, kDefaultWidth,
                                        kDefaultHeight, 0, Colour{}));
  capture_.set_format(capture_format(V4L2_PIX_FMT_NV12));
}

StatelessFile::~StatelessFile() {
  set_listener(nullptr);
  handle_->close();
  {
    std::lock_guard lock(mutex_);
    ++stopping_;
    closing_ = true;
    work_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  // Requests lose their buffers, and those that were queued end.
  Locked locked(*this);
  output_.streamoff(output_.type());
}

const StatelessFormat* StatelessFile::find_coded_format(uint32_t fourcc) const {
  const auto found = std::find_if(coded_formats_.begin(), coded_formats_.end(),
                                  [&](const StatelessFormat& f) { return f.fourcc == fourcc; });
  return found == coded_formats_.end() ? nullptr : &*found;
}

// The depth is what the last parameters say; before there are any, every depth of the codec.
bool StatelessFile::offers(const RawFormat& format) const {
  const core::Codec codec = coded_format().codec;
  if (codec == core::Codec::kVp9 && controls_.was_set(V4L2_CID_STATELESS_VP9_FRAME)) {
    const auto frame =
        controls_.values().structure<v4l2_ctrl_vp9_frame>(V4L2_CID_STATELESS_VP9_FRAME);
    return format.bit_depth == frame.bit_depth;
  }
  if (codec == core::Codec::kHevc && controls_.was_set(V4L2_CID_STATELESS_HEVC_SPS)) {
    const auto sps = controls_.values().structure<v4l2_ctrl_hevc_sps>(V4L2_CID_STATELESS_HEVC_SPS);
    return format.bit_depth == sps.bit_depth_luma_minus8 + 8;
  }
  if (codec == core::Codec::kAv1 && controls_.was_set(V4L2_CID_STATELESS_AV1_SEQUENCE)) {
    const auto sequence =
        controls_.values().structure<v4l2_ctrl_av1_sequence>(V4L2_CID_STATELESS_AV1_SEQUENCE);
    return format.bit_depth == sequence.bit_depth;
  }
  return has_bit_depth(core_->capabilities(), codec, format.bit_depth);
}

// The CAPTURE format of that name, or the preferred one where it is not offered; size and colour
// are those of OUTPUT.
QueueFormat StatelessFile::capture_format(uint32_t fourcc) const {
  const RawFormat* raw = find_raw_format(fourcc);
  if (raw == nullptr || !offers(*raw)) {
    const auto all = raw_formats();
    raw = &*std::find_if(all.begin(), all.end(), [&](const RawFormat& f) { return offers(f); });
  }
  const QueueFormat& coded = output_.format();
  return raw_queue_format(*raw, coded.width, coded.height, coded.colour);
}

int StatelessFile::enum_fmt(v4l2_fmtdesc& description, Client&) {
  if (description.type == output_.type()) {
    if (description.index >= coded_formats_.size()) return EINVAL;
    const StatelessFormat& format = coded_formats_[description.index];
    describe(format.fourcc, format.description, V4L2_FMT_FLAG_COMPRESSED, &description);
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
QueueFormat StatelessFile::fitted_format(const v4l2_format& format) const {
  const v4l2_pix_format_mplane& wish = format.fmt.pix_mp;
  if (format.type == capture_.type()) return capture_format(wish.pixelformat);
  const StatelessFormat* coded = find_coded_format(wish.pixelformat);
  return coded_queue_format(coded ? coded->fourcc : coded_formats_.front().fourcc,
                            clamp_dimension(wish.width, kDefaultWidth),
                            clamp_dimension(wish.height, kDefaultHeight),
                            wish.plane_fmt[0].sizeimage, colour_of(wish));
}

int StatelessFile::try_fmt(v4l2_format& format, Client&) {
  const QueueFormat fitted = fitted_format(format);
  std::memset(&format.fmt, 0, sizeof format.fmt);
  describe(fitted, &format.fmt.pix_mp);
  return 0;
}

// The OUTPUT format governs CAPTURE's, and stays while buffers exist.
int StatelessFile::s_fmt(v4l2_format& format, Client& client) {
  const QueueFormat fitted = fitted_format(format);
  if (format.type == capture_.type()) {
    if (capture_.busy()) return EBUSY;
    capture_.set_format(fitted);
    return try_fmt(format, client);
  }
  const QueueFormat now = output_.format();
  const bool same =
      fitted.fourcc == now.fourcc && fitted.width == now.width && fitted.height == now.height;
  if (output_.busy() || (capture_.busy() && !same)) return EBUSY;
  output_.set_format(fitted);
  if (fitted.fourcc != now.fourcc) session_.reset();
  QueueFormat pictures = capture_.format();
  pictures.colour = fitted.colour;
  if (!capture_.busy()) pictures = capture_format(pictures.fourcc);
  capture_.set_format(pictures);
  return try_fmt(format, client);
}

int StatelessFile::enum_framesizes(v4l2_frmsizeenum& sizes, Client&) {
  if (!find_coded_format(sizes.pixel_format) || sizes.index != 0) return EINVAL;
  const uint32_t fourcc = sizes.pixel_format;
  sizes = {};
  sizes.pixel_format = fourcc;
  sizes.type = V4L2_FRMSIZE_TYPE_CONTINUOUS;
  sizes.stepwise = {1, core::kMaxDimension, 1, 1, core::kMaxDimension, 1};
  return 0;
}

int StatelessFile::reqbufs(v4l2_requestbuffers& request, Client& client) {
  const int error = VideoFile::reqbufs(request, client);
  if (error == 0 && request.type == capture_.type()) shown_ = {};
  return error;
}

int StatelessFile::qbuf(v4l2_buffer& buffer, Client& client) {
  const bool direct = options_.direct_qbuf && buffer.type == output_.type() &&
                      (buffer.flags & V4L2_BUF_FLAG_REQUEST_FD) == 0;
  if (direct && !SelfContainedFrames::possible(coded_format().codec)) return EBADR;
  const int error = VideoFile::qbuf(buffer, client);
  if (error != 0) return error;
  if (buffer.type == capture_.type()) queued_at_[buffer.index] = output_.queued_so_far();
  pump();
  return 0;
}

// False where the system has no thread left.
bool StatelessFile::start_thread() {
  if (thread_.joinable()) return true;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

int StatelessFile::streamon(int& type, Client& client) {
  if (!start_thread()) return EAGAIN;
  const int error = VideoFile::streamon(type, client);
  if (error == 0) pump();
  return error;
}

// What is in flight ends first, as v4l2_m2m_cancel_job waits for the job that runs.
int StatelessFile::streamoff(int& type, Client& client) {
  const BufferQueue* queue = queue_of(static_cast<uint32_t>(type));
  if (queue == nullptr) return EINVAL;
  ++stopping_;
  idle_.wait(mutex_, [this] { return in_flight_.empty(); });
  --stopping_;
  if (queue == &output_) {
    self_contained_ = {};
    if (held_) held_->slices.reset();
  }
  if (queue == &capture_) {
    held_.reset();
    shown_ = {};
    retired_.clear();
  }
  const int error = VideoFile::streamoff(type, client);
  pump();
  return error;
}

// As v4l2_m2m_ioctl_stateless_try_decoder_cmd.
int StatelessFile::try_decoder_cmd(v4l2_decoder_cmd& command, Client&) {
  if (command.cmd != V4L2_DEC_CMD_FLUSH) return EINVAL;
  command.flags = 0;
  return 0;
}

// As v4l2_m2m_ioctl_stateless_decoder_cmd: the last OUTPUT buffer holds no CAPTURE buffer back.
int StatelessFile::decoder_cmd(v4l2_decoder_cmd& command, Client& client) {
  if (const int error = try_decoder_cmd(command, client)) return error;
  if (const auto last = output_.last_queued()) {
    last->flags &= ~static_cast<uint32_t>(V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF);
  } else if (held_) {
    release_held();
  }
  return 0;
}

}  // namespace daedalus::v4l2
