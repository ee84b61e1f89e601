#include "test/decode_core/hardware/slice_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "decode_core/uapi/media.h"

namespace daedalus::core::test {
namespace {

constexpr uint32_t kOutput = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
constexpr uint32_t kSliceParams = V4L2_CID_STATELESS_HEVC_SLICE_PARAMS;
constexpr uint32_t kEntryPoints = V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS;

size_t element_size(uint32_t id) {
  return id == kSliceParams ? sizeof(v4l2_ctrl_hevc_slice_params) : sizeof(uint32_t);
}

bool has_slices(uint32_t fourcc) {
  return fourcc == V4L2_PIX_FMT_H264_SLICE || fourcc == V4L2_PIX_FMT_HEVC_SLICE;
}

}  // namespace

int SliceDevice::close(int fd) {
  {
    std::lock_guard lock(mutex_);
    formats_.erase(fd);
  }
  return inner_.close(fd);
}

int SliceDevice::ioctl(int fd, uint32_t request, void* argument) {
  if (const int error = refuse(request, argument)) return errno = error, -1;
  const int result = inner_.ioctl(fd, request, argument);
  if (result == 0) answer(fd, request, argument);
  return result;
}

bool SliceDevice::offers(uint32_t id, uint32_t item) const {
  switch (id) {
    case V4L2_CID_STATELESS_H264_DECODE_MODE:
    case V4L2_CID_STATELESS_HEVC_DECODE_MODE:
      return item == V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED ? driver_.frame_based
                                                                 : driver_.slice_based;
    case V4L2_CID_STATELESS_H264_START_CODE:
    case V4L2_CID_STATELESS_HEVC_START_CODE:
      return item == V4L2_STATELESS_HEVC_START_CODE_NONE || driver_.annex_b;
    default:
      return true;
  }
}

// Of HEVC's arrays; `own`: of any other control.
uint32_t SliceDevice::capacity(uint32_t id, uint32_t own) const {
  if (id == kSliceParams) return driver_.most_slices;
  return id == kEntryPoints ? driver_.most_entry_points : own;
}

int SliceDevice::refuse(uint32_t request, const void* argument) const {
  if (request == VIDIOC_QUERYMENU) {
    const auto& menu = *static_cast<const v4l2_querymenu*>(argument);
    return offers(menu.id, menu.index) ? 0 : EINVAL;
  }
  if (request == VIDIOC_S_CTRL) {
    const auto& control = *static_cast<const v4l2_control*>(argument);
    return offers(control.id, static_cast<uint32_t>(control.value)) ? 0 : EINVAL;
  }
  if (request == VIDIOC_QUERY_EXT_CTRL) {
    const auto& query = *static_cast<const v4l2_query_ext_ctrl*>(argument);
    return capacity(query.id, 1) == 0 ? EINVAL : 0;
  }
  if (request != VIDIOC_S_EXT_CTRLS) return 0;
  const auto& all = *static_cast<const v4l2_ext_controls*>(argument);
  for (uint32_t i = 0; i < all.count; ++i) {
    const v4l2_ext_control& control = all.controls[i];
    const uint32_t most = capacity(control.id, UINT32_MAX);
    if (most == 0) return EINVAL;
    if (most != UINT32_MAX && control.size > most * element_size(control.id)) return ENOSPC;
  }
  return 0;
}

void SliceDevice::answer(int fd, uint32_t request, void* argument) {
  std::lock_guard lock(mutex_);
  switch (request) {
    case VIDIOC_QUERY_EXT_CTRL: {
      auto& query = *static_cast<v4l2_query_ext_ctrl*>(argument);
      query.dims[0] = capacity(query.id, query.dims[0]);
      break;
    }
    case VIDIOC_S_FMT: {
      const auto& format = *static_cast<const v4l2_format*>(argument);
      if (format.type == kOutput) formats_[fd] = format.fmt.pix_mp.pixelformat;
      break;
    }
    case VIDIOC_REQBUFS:
      if (!driver_.holds || !has_slices(formats_[fd])) {
        static_cast<v4l2_requestbuffers*>(argument)->capabilities &=
            ~V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF;
      }
      break;
    case VIDIOC_QUERYBUF: {
      const auto& buffer = *static_cast<const v4l2_buffer*>(argument);
      if (buffer.type == kOutput) queried_[{fd, buffer.m.planes[0].m.mem_offset}] = buffer.index;
      break;
    }
    case VIDIOC_S_EXT_CTRLS:
      note_controls(*static_cast<const v4l2_ext_controls*>(argument));
      break;
    case VIDIOC_QBUF:
      note_buffer(fd, *static_cast<const v4l2_buffer*>(argument));
      break;
    case MEDIA_REQUEST_IOC_QUEUE:
      sent_.push_back(std::move(open_[fd]));
      open_.erase(fd);
      break;
    case MEDIA_REQUEST_IOC_REINIT:
      open_.erase(fd);
      break;
    default:
      break;
  }
}

void SliceDevice::note_controls(const v4l2_ext_controls& controls) {
  if (controls.which != V4L2_CTRL_WHICH_REQUEST_VAL) return;
  for (uint32_t i = 0; i < controls.count; ++i) {
    const v4l2_ext_control& control = controls.controls[i];
    const auto* data = static_cast<const uint8_t*>(control.ptr);
    open_[controls.request_fd].controls[control.id].assign(data, data + control.size);
  }
}

void SliceDevice::note_buffer(int fd, const v4l2_buffer& buffer) {
  if (buffer.type != kOutput) return;
  Sent& sent = open_[buffer.request_fd];
  const uint8_t* data = memory_.at({fd, buffer.index});
  sent.bytes.assign(data, data + buffer.m.planes[0].bytesused);
  sent.timestamp = static_cast<uint64_t>(buffer.timestamp.tv_sec) * 1000000 +
                   static_cast<uint64_t>(buffer.timestamp.tv_usec);
  sent.holds = (buffer.flags & V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) != 0;
}

void* SliceDevice::mmap(int fd, size_t size, int64_t offset) {
  void* const data = inner_.mmap(fd, size, offset);
  std::lock_guard lock(mutex_);
  const auto queried = queried_.find({fd, offset});
  if (data != MAP_FAILED && queried != queried_.end()) {
    memory_[{fd, queried->second}] = static_cast<const uint8_t*>(data);
  }
  return data;
}

std::vector<SliceDevice::Sent> SliceDevice::sent() const {
  std::lock_guard lock(mutex_);
  return sent_;
}

}  // namespace daedalus::core::test
