#include "decode_core/hardware/video_node.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace daedalus::core {
namespace {

// Bounds what a driver that never says "no more" can make us do.
constexpr uint32_t kMostFormats = 256;

template <size_t kSize>
std::string text_of(const __u8 (&text)[kSize]) {
  const char* begin = reinterpret_cast<const char*>(text);
  return {begin, ::strnlen(begin, kSize)};
}

}  // namespace

Result<VideoNode> VideoNode::open(DeviceCalls& calls, const std::string& path) {
  DeviceFd fd(calls, calls.open(path));
  if (!fd) return system_error("open " + path);
  VideoNode node(calls, std::move(fd), path);
  v4l2_capability capability{};
  if (node.call(VIDIOC_QUERYCAP, &capability) != 0) return node.failure("VIDIOC_QUERYCAP");
  const uint32_t has = (capability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0
                           ? capability.device_caps
                           : capability.capabilities;
  node.multi_planar_ = (has & V4L2_CAP_VIDEO_M2M_MPLANE) != 0;
  if ((!node.multi_planar_ && (has & V4L2_CAP_VIDEO_M2M) == 0) || (has & V4L2_CAP_STREAMING) == 0) {
    return Error{ErrorCode::kUnsupported, path + ": no mem2mem node that streams"};
  }
  node.driver_ = text_of(capability.driver);
  node.card_ = text_of(capability.card);
  return node;
}

Error VideoNode::failure(const std::string& what) const {
  return system_error(path_ + ": " + what);
}

uint32_t VideoNode::type_of(Queue queue) const {
  if (queue == Queue::kOutput) {
    return multi_planar_ ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT;
  }
  return multi_planar_ ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

std::vector<uint32_t> VideoNode::formats(Queue queue) const {
  std::vector<uint32_t> found;
  for (uint32_t index = 0; index < kMostFormats; ++index) {
    v4l2_fmtdesc description{};
    description.type = type_of(queue);
    description.index = index;
    if (call(VIDIOC_ENUM_FMT, &description) != 0) break;
    found.push_back(description.pixelformat);
  }
  return found;
}

std::optional<SizeRange> VideoNode::frame_sizes(uint32_t fourcc) const {
  std::optional<SizeRange> range;
  for (uint32_t index = 0; index < kMostFormats; ++index) {
    v4l2_frmsizeenum sizes{};
    sizes.pixel_format = fourcc;
    sizes.index = index;
    if (call(VIDIOC_ENUM_FRAMESIZES, &sizes) != 0) break;
    if (sizes.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
      return SizeRange{sizes.stepwise.min_width, sizes.stepwise.min_height,
                       sizes.stepwise.max_width, sizes.stepwise.max_height};
    }
    const uint32_t width = sizes.discrete.width;
    const uint32_t height = sizes.discrete.height;
    if (!range) range = SizeRange{width, height, width, height};
    range->min_width = std::min(range->min_width, width);
    range->min_height = std::min(range->min_height, height);
    range->max_width = std::max(range->max_width, width);
    range->max_height = std::max(range->max_height, height);
  }
  return range;
}

void VideoNode::fill(Queue queue, uint32_t fourcc, uint32_t width, uint32_t height,
                     uint32_t coded_bytes, v4l2_format* format) const {
  *format = {};
  format->type = type_of(queue);
  if (multi_planar_) {
    v4l2_pix_format_mplane& pixels = format->fmt.pix_mp;
    pixels.pixelformat = fourcc;
    pixels.width = width;
    pixels.height = height;
    pixels.field = V4L2_FIELD_NONE;
    pixels.num_planes = 1;
    pixels.plane_fmt[0].sizeimage = coded_bytes;
  } else {
    v4l2_pix_format& pixels = format->fmt.pix;
    pixels.pixelformat = fourcc;
    pixels.width = width;
    pixels.height = height;
    pixels.field = V4L2_FIELD_NONE;
    pixels.sizeimage = coded_bytes;
  }
}

Result<QueueFormat> VideoNode::read(const v4l2_format& format) const {
  QueueFormat read;
  if (!multi_planar_) {
    const v4l2_pix_format& pixels = format.fmt.pix;
    read.fourcc = pixels.pixelformat;
    read.width = pixels.width;
    read.height = pixels.height;
    read.sizes[0] = pixels.sizeimage;
    read.strides[0] = pixels.bytesperline;
    return read;
  }
  const v4l2_pix_format_mplane& pixels = format.fmt.pix_mp;
  if (pixels.num_planes == 0 || pixels.num_planes > VIDEO_MAX_PLANES) {
    return Error{ErrorCode::kUnsupported,
                 path_ + ": a format of " + std::to_string(pixels.num_planes) + " planes"};
  }
  read.fourcc = pixels.pixelformat;
  read.width = pixels.width;
  read.height = pixels.height;
  read.planes = pixels.num_planes;
  for (uint32_t i = 0; i < read.planes; ++i) {
    read.sizes[i] = pixels.plane_fmt[i].sizeimage;
    read.strides[i] = pixels.plane_fmt[i].bytesperline;
  }
  return read;
}

Result<QueueFormat> VideoNode::try_format(Queue queue, uint32_t fourcc, uint32_t width,
                                          uint32_t height, uint32_t coded_bytes) const {
  v4l2_format format;
  fill(queue, fourcc, width, height, coded_bytes, &format);
  if (call(VIDIOC_TRY_FMT, &format) != 0) return failure("VIDIOC_TRY_FMT");
  return read(format);
}

Result<QueueFormat> VideoNode::set_format(Queue queue, uint32_t fourcc, uint32_t width,
                                          uint32_t height, uint32_t coded_bytes) {
  v4l2_format format;
  fill(queue, fourcc, width, height, coded_bytes, &format);
  if (call(VIDIOC_S_FMT, &format) != 0) return failure("VIDIOC_S_FMT");
  return read(format);
}

Result<QueueFormat> VideoNode::get_format(Queue queue) const {
  v4l2_format format{};
  format.type = type_of(queue);
  if (call(VIDIOC_G_FMT, &format) != 0) return failure("VIDIOC_G_FMT");
  return read(format);
}

uint32_t VideoNode::memory_of(Queue queue) const {
  return queue == Queue::kCapture ? capture_memory_ : V4L2_MEMORY_MMAP;
}

Result<GrantedBuffers> VideoNode::request_buffers(Queue queue, uint32_t count, v4l2_memory memory) {
  v4l2_requestbuffers buffers{};
  buffers.type = type_of(queue);
  buffers.memory = memory;
  buffers.count = count;
  if (call(VIDIOC_REQBUFS, &buffers) != 0) return failure("VIDIOC_REQBUFS");
  if (queue == Queue::kCapture) capture_memory_ = memory;
  return GrantedBuffers{buffers.count, buffers.capabilities};
}

Result<CreatedBuffers> VideoNode::create_buffers(Queue queue, uint32_t count, uint32_t bytes) {
  v4l2_create_buffers buffers{};
  buffers.memory = memory_of(queue);
  buffers.count = count;
  buffers.format.type = type_of(queue);
  if (call(VIDIOC_G_FMT, &buffers.format) != 0) return failure("VIDIOC_G_FMT");
  // Drivers refuse less than the format says (queue_setup).
  if (multi_planar_) {
    v4l2_plane_pix_format& plane = buffers.format.fmt.pix_mp.plane_fmt[0];
    plane.sizeimage = std::max<uint32_t>(plane.sizeimage, bytes);
  } else {
    v4l2_pix_format& pixels = buffers.format.fmt.pix;
    pixels.sizeimage = std::max<uint32_t>(pixels.sizeimage, bytes);
  }
  if (call(VIDIOC_CREATE_BUFS, &buffers) != 0) return failure("VIDIOC_CREATE_BUFS");
  return CreatedBuffers{buffers.index, buffers.count};
}

Result<std::vector<DeviceMapping>> VideoNode::map_buffer(Queue queue, uint32_t index) const {
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  v4l2_buffer buffer{};
  buffer.type = type_of(queue);
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  if (multi_planar_) {
    buffer.m.planes = planes.data();
    buffer.length = VIDEO_MAX_PLANES;
  }
  if (call(VIDIOC_QUERYBUF, &buffer) != 0) return failure("VIDIOC_QUERYBUF");
  const uint32_t count = multi_planar_ ? std::min<uint32_t>(buffer.length, VIDEO_MAX_PLANES) : 1;
  std::vector<DeviceMapping> mappings;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t length = multi_planar_ ? planes[i].length : buffer.length;
    const uint32_t offset = multi_planar_ ? planes[i].m.mem_offset : buffer.m.offset;
    void* data = calls_->mmap(fd_.get(), length, offset);
    if (data == MAP_FAILED) return failure("mmap");
    mappings.emplace_back(*calls_, data, length);
  }
  return mappings;
}

Result<UniqueFd> VideoNode::export_buffer(Queue queue, uint32_t index, uint32_t plane) const {
  v4l2_exportbuffer buffer{};
  buffer.type = type_of(queue);
  buffer.index = index;
  buffer.plane = plane;
  buffer.flags = O_RDWR | O_CLOEXEC;
  if (call(VIDIOC_EXPBUF, &buffer) != 0) return failure("VIDIOC_EXPBUF");
  return UniqueFd(buffer.fd);
}

Status VideoNode::queue_buffer(v4l2_buffer& buffer, std::span<v4l2_plane> planes) {
  if (multi_planar_) {
    buffer.m.planes = planes.data();
    buffer.length = static_cast<uint32_t>(planes.size());
  } else {
    buffer.bytesused = planes[0].bytesused;
    buffer.length = planes[0].length;
    buffer.m.fd = planes[0].m.fd;
  }
  if (call(VIDIOC_QBUF, &buffer) != 0) return failure("VIDIOC_QBUF");
  return {};
}

Status VideoNode::queue_output(uint32_t index, uint32_t bytes, uint64_t timestamp, int request,
                               uint32_t flags) {
  v4l2_plane plane{};
  plane.bytesused = bytes;
  v4l2_buffer buffer{};
  buffer.type = type_of(Queue::kOutput);
  buffer.memory = memory_of(Queue::kOutput);
  buffer.index = index;
  buffer.flags = flags;
  buffer.timestamp.tv_sec = static_cast<time_t>(timestamp / 1000000);
  buffer.timestamp.tv_usec = static_cast<suseconds_t>(timestamp % 1000000);
  if (request >= 0) {
    buffer.flags |= V4L2_BUF_FLAG_REQUEST_FD;
    buffer.request_fd = request;
  }
  return queue_buffer(buffer, {&plane, 1});
}

Status VideoNode::queue_capture(uint32_t index, const QueueFormat& format,
                                const SurfaceMemory* dma_buf) {
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  v4l2_buffer buffer{};
  buffer.type = type_of(Queue::kCapture);
  buffer.memory = memory_of(Queue::kCapture);
  buffer.index = index;
  if (dma_buf != nullptr) {
    planes[0].m.fd = dma_buf->fd();
    planes[0].length = static_cast<uint32_t>(dma_buf->size());
  }
  return queue_buffer(buffer, std::span(planes).first(format.planes));
}

Result<std::optional<DequeuedBuffer>> VideoNode::dequeue(Queue queue) {
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  v4l2_buffer buffer{};
  buffer.type = type_of(queue);
  buffer.memory = memory_of(queue);
  if (multi_planar_) {
    buffer.m.planes = planes.data();
    buffer.length = VIDEO_MAX_PLANES;
  }
  if (call(VIDIOC_DQBUF, &buffer) != 0) {
    if (errno == EAGAIN) return std::optional<DequeuedBuffer>();
    return failure("VIDIOC_DQBUF");
  }
  DequeuedBuffer done;
  done.index = buffer.index;
  done.timestamp = static_cast<uint64_t>(buffer.timestamp.tv_sec) * 1000000 +
                   static_cast<uint64_t>(buffer.timestamp.tv_usec);
  done.error = (buffer.flags & V4L2_BUF_FLAG_ERROR) != 0;
  done.bytes_used[0] = buffer.bytesused;
  for (uint32_t i = 0; multi_planar_ && i < VIDEO_MAX_PLANES; ++i) {
    done.bytes_used[i] = planes[i].bytesused;
  }
  return std::optional(done);
}

Status VideoNode::stream(Queue queue, bool on) {
  int type = static_cast<int>(type_of(queue));
  if (call(on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type) == 0) return {};
  return failure(on ? "VIDIOC_STREAMON" : "VIDIOC_STREAMOFF");
}

Status VideoNode::flush_held() {
  v4l2_decoder_cmd command{};
  command.cmd = V4L2_DEC_CMD_FLUSH;
  if (call(VIDIOC_DECODER_CMD, &command) == 0) return {};
  return failure("V4L2_DEC_CMD_FLUSH");
}

std::optional<v4l2_query_ext_ctrl> VideoNode::query_control(uint32_t id) const {
  v4l2_query_ext_ctrl query{};
  query.id = id;
  if (call(VIDIOC_QUERY_EXT_CTRL, &query) != 0) return std::nullopt;
  if ((query.flags & V4L2_CTRL_FLAG_DISABLED) != 0) return std::nullopt;
  return query;
}

bool VideoNode::has_menu_item(uint32_t id, uint32_t item) const {
  v4l2_querymenu menu{};
  menu.id = id;
  menu.index = item;
  return call(VIDIOC_QUERYMENU, &menu) == 0;
}

Status VideoNode::set_menu(uint32_t id, uint32_t item) {
  v4l2_control control{};
  control.id = id;
  control.value = static_cast<int32_t>(item);
  if (call(VIDIOC_S_CTRL, &control) == 0) return {};
  return failure("VIDIOC_S_CTRL " + std::to_string(id) + " = " + std::to_string(item));
}

Status VideoNode::set_controls(std::span<const ControlValue> values, int request) {
  if (values.empty()) return {};
  std::vector<v4l2_ext_control> array;
  for (const ControlValue& value : values) {
    v4l2_ext_control control{};
    control.id = value.id;
    control.size = value.size;
    control.ptr = const_cast<void*>(value.data);  // the ioctl only reads it
    array.push_back(control);
  }
  v4l2_ext_controls all{};
  all.which = request < 0 ? V4L2_CTRL_WHICH_CUR_VAL : V4L2_CTRL_WHICH_REQUEST_VAL;
  all.request_fd = request < 0 ? 0 : request;
  all.count = static_cast<uint32_t>(array.size());
  all.controls = array.data();
  if (call(VIDIOC_S_EXT_CTRLS, &all) == 0) return {};
  const Error error = failure("VIDIOC_S_EXT_CTRLS");
  if (all.error_idx >= array.size()) return error;
  return Error{error.code, error.message + ", control " + std::to_string(array[all.error_idx].id)};
}

Result<short> VideoNode::wait(int fd, short events, int milliseconds) const {
  pollfd entry{fd, events, 0};
  const int ready = calls_->poll(entry, milliseconds);
  if (ready < 0) return failure("poll");
  if (ready == 0) {
    return Error{ErrorCode::kTimeout,
                 path_ + ": nothing came within " + std::to_string(milliseconds) + " ms"};
  }
  return entry.revents;
}

}  // namespace daedalus::core
