#include "cuse_device/v4l2/video_file.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace daedalus::v4l2 {
namespace {

// What QUERYCAP says the version of the media framework is whose rules this follows.
constexpr uint32_t kFrameworkVersion = 6u << 16 | 12u << 8;

// What v4l_g_crop and v4l_s_crop take for the crop rectangle: that in which a picture lies.
v4l2_selection crop_selection(uint32_t type) {
  v4l2_selection selection{};
  selection.type = type;
  selection.target = V4L2_TYPE_IS_OUTPUT(type) ? V4L2_SEL_TGT_COMPOSE : V4L2_SEL_TGT_CROP;
  return selection;
}

template <size_t kSize>
void copy_text(const char* text, __u8 (&to)[kSize]) {
  std::memset(to, 0, kSize);
  std::memcpy(to, text, std::min(std::strlen(text), kSize - 1));
}

bool carries_type(uint32_t type) {
  return type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE || type == V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
}

}  // namespace

// The ioctls by number, as the kernel's v4l2_ioctls table.
struct IoctlTable {
  enum Flags : uint32_t {
    kPlain = 0,
    kPriority = 1,    // refused while another file has a higher priority
    kAlwaysCopy = 2,  // the argument goes back on errors too
  };
  struct Entry {
    uint32_t request = 0;
    uint32_t flags = 0;
    int (*call)(VideoFile& file, std::byte* argument, bool always_copy, Client& client) = nullptr;
  };

  template <typename T, int (VideoFile::*kMethod)(T&, Client&)>
  static int call(VideoFile& file, std::byte* argument, bool always_copy, Client& client) {
    T value;
    std::memcpy(&value, argument, sizeof value);
    const int error = (file.*kMethod)(value, client);
    if (error == 0 || always_copy) std::memcpy(argument, &value, sizeof value);
    return error;
  }

  template <typename T, int (VideoFile::*kMethod)(T&, Client&)>
  static constexpr Entry entry(uint32_t request, uint32_t flags = kPlain) {
    static_assert(sizeof(T) < (1u << _IOC_SIZEBITS));
    return {request, flags, &call<T, kMethod>};
  }

  static const Entry* find(uint32_t request) {
    using F = VideoFile;
    static constexpr Entry kEntries[] = {
        entry<v4l2_capability, &F::querycap>(VIDIOC_QUERYCAP),
        entry<uint32_t, &F::g_priority>(VIDIOC_G_PRIORITY),
        entry<uint32_t, &F::s_priority>(VIDIOC_S_PRIORITY, kPriority),
        entry<v4l2_fmtdesc, &F::checked_enum_fmt>(VIDIOC_ENUM_FMT),
        entry<v4l2_format, &F::checked_g_fmt>(VIDIOC_G_FMT),
        entry<v4l2_format, &F::checked_s_fmt>(VIDIOC_S_FMT, kPriority),
        entry<v4l2_format, &F::checked_try_fmt>(VIDIOC_TRY_FMT),
        entry<v4l2_frmsizeenum, &F::enum_framesizes>(VIDIOC_ENUM_FRAMESIZES),
        entry<v4l2_selection, &F::checked_g_selection>(VIDIOC_G_SELECTION),
        entry<v4l2_selection, &F::checked_s_selection>(VIDIOC_S_SELECTION, kPriority),
        entry<v4l2_cropcap, &F::cropcap>(VIDIOC_CROPCAP),
        entry<v4l2_crop, &F::g_crop>(VIDIOC_G_CROP),
        entry<v4l2_crop, &F::s_crop>(VIDIOC_S_CROP, kPriority),
        entry<v4l2_requestbuffers, &F::reqbufs>(VIDIOC_REQBUFS, kPriority),
        entry<v4l2_create_buffers, &F::checked_create_bufs>(VIDIOC_CREATE_BUFS, kPriority),
        entry<v4l2_buffer, &F::querybuf>(VIDIOC_QUERYBUF),
        entry<v4l2_buffer, &F::qbuf>(VIDIOC_QBUF),
        entry<v4l2_buffer, &F::dqbuf>(VIDIOC_DQBUF),
        entry<v4l2_buffer, &F::prepare_buf>(VIDIOC_PREPARE_BUF),
        entry<v4l2_exportbuffer, &F::expbuf>(VIDIOC_EXPBUF),
        entry<int, &F::streamon>(VIDIOC_STREAMON, kPriority),
        entry<int, &F::streamoff>(VIDIOC_STREAMOFF, kPriority),
        entry<v4l2_queryctrl, &F::queryctrl>(VIDIOC_QUERYCTRL),
        entry<v4l2_query_ext_ctrl, &F::query_ext_ctrl>(VIDIOC_QUERY_EXT_CTRL),
        entry<v4l2_querymenu, &F::querymenu>(VIDIOC_QUERYMENU),
        entry<v4l2_control, &F::g_ctrl>(VIDIOC_G_CTRL),
        entry<v4l2_control, &F::s_ctrl>(VIDIOC_S_CTRL, kPriority),
        entry<v4l2_ext_controls, &F::g_ext_ctrls>(VIDIOC_G_EXT_CTRLS, kAlwaysCopy),
        entry<v4l2_ext_controls, &F::s_ext_ctrls>(VIDIOC_S_EXT_CTRLS, kPriority | kAlwaysCopy),
        entry<v4l2_ext_controls, &F::try_ext_ctrls>(VIDIOC_TRY_EXT_CTRLS, kAlwaysCopy),
        entry<v4l2_decoder_cmd, &F::try_decoder_cmd>(VIDIOC_TRY_DECODER_CMD),
        entry<v4l2_decoder_cmd, &F::decoder_cmd>(VIDIOC_DECODER_CMD, kPriority),
        entry<v4l2_event, &F::dqevent>(VIDIOC_DQEVENT),
        entry<v4l2_event_subscription, &F::subscribe_event>(VIDIOC_SUBSCRIBE_EVENT),
        entry<v4l2_event_subscription, &F::unsubscribe_event>(VIDIOC_UNSUBSCRIBE_EVENT),
    };
    const auto* found = std::find_if(std::begin(kEntries), std::end(kEntries),
                                     [&](const Entry& e) { return e.request == request; });
    return found == std::end(kEntries) ? nullptr : found;
  }
};

VideoFile::VideoFile(std::shared_ptr<Priorities> priorities, Config config)
    : output_(config.output),
      capture_(config.capture),
      controls_([this](const ControlInfo& info, uint32_t changes, bool by_client) {
        // A file does not hear of its own changes unless it asked to.
        const uint32_t flags = events_.flags(V4L2_EVENT_CTRL, info.id);
        if (by_client && (flags & V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK) == 0) return;
        v4l2_event event{};
        event.type = V4L2_EVENT_CTRL;
        event.id = info.id;
        controls_.describe(info, changes, &event.u.ctrl);
        push_event(event);
      }),
      config_(std::move(config)),
      priorities_(std::move(priorities)) {
  priorities_->open();
}

VideoFile::~VideoFile() { priorities_->close(priority_); }

VideoFile::Locked::~Locked() {
  const bool changed = std::exchange(file_.change_noted_, false);
  const auto calls = std::exchange(file_.after_unlock_, {});
  file_.mutex_.unlock();
  for (const auto& call : calls) call();
  if (changed) file_.listener_.call();
}

int VideoFile::ioctl(uint32_t request, std::span<std::byte> argument, Client& client) {
  const IoctlTable::Entry* entry = IoctlTable::find(request);
  if (entry == nullptr) return ENOTTY;
  if (argument.size() < _IOC_SIZE(request)) return EFAULT;
  Locked locked(*this);
  if ((entry->flags & IoctlTable::kPriority) && priority_ < priorities_->highest()) return EBUSY;
  return entry->call(*this, argument.data(), (entry->flags & IoctlTable::kAlwaysCopy) != 0, client);
}

// As v4l2_m2m_poll.
short VideoFile::poll() {
  Locked locked(*this);
  const int events = events_.pending() ? POLLPRI : 0;
  const bool output_idle = !output_.streaming() || !output_.has_buffers_inside();
  const bool capture_idle =
      !capture_.streaming() || (!capture_.has_buffers_inside() && !capture_.last_dequeued());
  if (output_idle && capture_idle) return static_cast<short>(events | POLLERR);
  const int output = output_.has_done() ? POLLOUT | POLLWRNORM : 0;
  const int capture = capture_.has_done() || capture_.last_dequeued() ? POLLIN | POLLRDNORM : 0;
  return static_cast<short>(events | output | capture);
}

Result<MappedRange> VideoFile::map(uint64_t offset, size_t size) {
  Locked locked(*this);
  auto range = output_.map(offset, size);
  return range.ok() ? range : capture_.map(offset, size);
}

BufferQueue* VideoFile::queue_of(uint32_t type) {
  if (type == output_.type()) return &output_;
  return type == capture_.type() ? &capture_ : nullptr;
}

void VideoFile::push_event(const v4l2_event& event) {
  if (events_.push(event)) note_change();
}

int VideoFile::querycap(v4l2_capability& capability, Client&) {
  capability = {};
  copy_text("daedalus", capability.driver);
  copy_text(config_.card, capability.card);
  copy_text(config_.bus_info, capability.bus_info);
  capability.version = kFrameworkVersion;
  capability.device_caps = V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_EXT_PIX_FORMAT | V4L2_CAP_STREAMING;
  capability.capabilities = capability.device_caps | V4L2_CAP_DEVICE_CAPS;
  return 0;
}

int VideoFile::g_priority(uint32_t& priority, Client&) {
  priority = priorities_->highest();
  return 0;
}

int VideoFile::s_priority(uint32_t& priority, Client&) {
  if (!Priorities::valid(priority)) return EINVAL;
  priorities_->change(priority_, priority);
  priority_ = priority;
  return 0;
}

int VideoFile::checked_enum_fmt(v4l2_fmtdesc& description, Client& client) {
  return queue_of(description.type) ? enum_fmt(description, client) : EINVAL;
}

int VideoFile::checked_g_fmt(v4l2_format& format, Client& client) {
  return queue_of(format.type) ? g_fmt(format, client) : EINVAL;
}

int VideoFile::g_fmt(v4l2_format& format, Client&) {
  std::memset(&format.fmt, 0, sizeof format.fmt);
  describe(queue_of(format.type)->format(), &format.fmt.pix_mp);
  return 0;
}

int VideoFile::checked_try_fmt(v4l2_format& format, Client& client) {
  return queue_of(format.type) ? try_fmt(format, client) : EINVAL;
}

int VideoFile::checked_s_fmt(v4l2_format& format, Client& client) {
  return queue_of(format.type) ? s_fmt(format, client) : EINVAL;
}

// Selections take the single-planar types too, as the kernel's v4l_g_selection.
int VideoFile::checked_g_selection(v4l2_selection& selection, Client& client) {
  const uint32_t type = selection.type;
  if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE) selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  if (type == V4L2_BUF_TYPE_VIDEO_OUTPUT) selection.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  const int error = carries_type(selection.type) ? g_selection(selection, client) : EINVAL;
  selection.type = type;
  return error;
}

int VideoFile::checked_s_selection(v4l2_selection& selection, Client& client) {
  const uint32_t type = selection.type;
  if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE) selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  if (type == V4L2_BUF_TYPE_VIDEO_OUTPUT) selection.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  const int error = carries_type(selection.type) ? s_selection(selection, client) : EINVAL;
  selection.type = type;
  return error;
}

// The older ioctls of cropping, by selections (as v4l_cropcap, v4l_g_crop and v4l_s_crop).
int VideoFile::cropcap(v4l2_cropcap& capability, Client& client) {
  const bool output = V4L2_TYPE_IS_OUTPUT(capability.type);
  v4l2_selection selection = crop_selection(capability.type);
  selection.target = output ? V4L2_SEL_TGT_COMPOSE_BOUNDS : V4L2_SEL_TGT_CROP_BOUNDS;
  if (const int error = checked_g_selection(selection, client)) return error;
  capability.bounds = selection.r;
  selection.target = output ? V4L2_SEL_TGT_COMPOSE_DEFAULT : V4L2_SEL_TGT_CROP_DEFAULT;
  if (const int error = checked_g_selection(selection, client)) return error;
  capability.defrect = selection.r;
  capability.pixelaspect = {1, 1};
  return 0;
}

int VideoFile::g_crop(v4l2_crop& crop, Client& client) {
  v4l2_selection selection = crop_selection(crop.type);
  if (const int error = checked_g_selection(selection, client)) return error;
  crop.c = selection.r;
  return 0;
}

int VideoFile::s_crop(v4l2_crop& crop, Client& client) {
  v4l2_selection selection = crop_selection(crop.type);
  selection.r = crop.c;
  return checked_s_selection(selection, client);
}

int VideoFile::g_selection(v4l2_selection&, Client&) { return ENOTTY; }
int VideoFile::s_selection(v4l2_selection&, Client&) { return ENOTTY; }

int VideoFile::reqbufs(v4l2_requestbuffers& request, Client&) {
  BufferQueue* queue = queue_of(request.type);
  return queue ? queue->reqbufs(request) : EINVAL;
}

int VideoFile::checked_create_bufs(v4l2_create_buffers& request, Client& client) {
  return queue_of(request.format.type) ? create_bufs(request, client) : EINVAL;
}

int VideoFile::create_bufs(v4l2_create_buffers& request, Client&) {
  return queue_of(request.format.type)->create_bufs(request);
}

int VideoFile::querybuf(v4l2_buffer& buffer, Client& client) {
  BufferQueue* queue = queue_of(buffer.type);
  return queue ? queue->querybuf(buffer, client) : EINVAL;
}

int VideoFile::qbuf(v4l2_buffer& buffer, Client& client) {
  BufferQueue* queue = queue_of(buffer.type);
  return queue ? queue->qbuf(buffer, client) : EINVAL;
}

int VideoFile::dqbuf(v4l2_buffer& buffer, Client& client) {
  BufferQueue* queue = queue_of(buffer.type);
  std::shared_ptr<Buffer> dequeued;
  return queue ? queue->dqbuf(buffer, client, &dequeued) : EINVAL;
}

int VideoFile::prepare_buf(v4l2_buffer& buffer, Client& client) {
  BufferQueue* queue = queue_of(buffer.type);
  return queue ? queue->prepare_buf(buffer, client) : EINVAL;
}

int VideoFile::expbuf(v4l2_exportbuffer& request, Client& client) {
  BufferQueue* queue = queue_of(request.type);
  return queue ? queue->expbuf(request, client) : EINVAL;
}

int VideoFile::streamon(int& type, Client&) {
  BufferQueue* queue = queue_of(static_cast<uint32_t>(type));
  return queue ? queue->streamon(queue->type()) : EINVAL;
}

int VideoFile::streamoff(int& type, Client&) {
  BufferQueue* queue = queue_of(static_cast<uint32_t>(type));
  if (queue == nullptr) return EINVAL;
  note_change();  // a parked DQBUF ends now
  return queue->streamoff(queue->type());
}

int VideoFile::queryctrl(v4l2_queryctrl& query, Client&) { return controls_.query(query); }
int VideoFile::query_ext_ctrl(v4l2_query_ext_ctrl& query, Client&) {
  return controls_.query_ext(query);
}
int VideoFile::querymenu(v4l2_querymenu& query, Client&) { return controls_.query_menu(query); }
int VideoFile::g_ctrl(v4l2_control& control, Client&) { return controls_.get(control); }
int VideoFile::s_ctrl(v4l2_control& control, Client&) { return controls_.set(control); }

int VideoFile::g_ext_ctrls(v4l2_ext_controls& controls, Client& client) {
  return controls_.get_ext(controls, client);
}

int VideoFile::s_ext_ctrls(v4l2_ext_controls& controls, Client& client) {
  return controls_.set_ext(controls, client);
}

int VideoFile::try_ext_ctrls(v4l2_ext_controls& controls, Client& client) {
  if (controls.which == V4L2_CTRL_WHICH_REQUEST_VAL) {  // the node takes no requests
    controls.error_idx = controls.count;
    return EINVAL;
  }
  return controls_.try_ext(controls, client);
}

int VideoFile::try_decoder_cmd(v4l2_decoder_cmd&, Client&) { return ENOTTY; }
int VideoFile::decoder_cmd(v4l2_decoder_cmd&, Client&) { return ENOTTY; }

int VideoFile::dqevent(v4l2_event& event, Client&) { return events_.dequeue(&event); }

bool VideoFile::has_event(uint32_t) const { return false; }

int VideoFile::subscribe_event(v4l2_event_subscription& subscription, Client&) {
  if (subscription.type != V4L2_EVENT_CTRL) {
    return has_event(subscription.type) ? events_.subscribe(subscription) : EINVAL;
  }
  const ControlInfo* info = controls_.find(subscription.id);
  if (info == nullptr || info->id != subscription.id) return EINVAL;
  if (const int error = events_.subscribe(subscription)) return error;
  // A class has no value to begin with (as v4l2_ctrl_add_event).
  const bool has_value = info->type != V4L2_CTRL_TYPE_CTRL_CLASS;
  if (has_value && (subscription.flags & V4L2_EVENT_SUB_FL_SEND_INITIAL)) {
    const bool readable = (info->flags & V4L2_CTRL_FLAG_WRITE_ONLY) == 0;
    v4l2_event event{};
    event.type = V4L2_EVENT_CTRL;
    event.id = info->id;
    controls_.describe(*info, V4L2_EVENT_CTRL_CH_FLAGS | (readable ? V4L2_EVENT_CTRL_CH_VALUE : 0u),
                       &event.u.ctrl);
    push_event(event);
  }
  return 0;
}

int VideoFile::unsubscribe_event(v4l2_event_subscription& subscription, Client&) {
  return events_.unsubscribe(subscription);
}

}  // namespace daedalus::v4l2
