#include "test/decode_core/hardware/layout_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

namespace daedalus::core::test {
namespace {

constexpr uint32_t kCapture = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

uint16_t linear_sample(const QueueFormat& format, const uint8_t* bytes, uint32_t component,
                       uint32_t x, uint32_t y) {
  const size_t column = component == 0 ? x : 2 * x + component - 1;
  const size_t row = component == 0 ? y : format.height + y;
  const uint8_t* const at = bytes + row * format.strides[0];
  if (format.fourcc == V4L2_PIX_FMT_NV12) return at[column];
  return static_cast<uint16_t>((at[2 * column] | at[2 * column + 1] << 8) >> 6);
}

}  // namespace

int LayoutDevice::close(int fd) {
  {
    std::lock_guard lock(mutex_);
    formats_.erase(fd);
    orphan(fd);
  }
  return inner_.close(fd);
}

// With the lock held.
void LayoutDevice::orphan(int fd) {
  std::erase_if(queried_, [&](const auto& entry) { return entry.first.first == fd; });
  for (auto& [data, mapped] : mapped_) {
    if (mapped.fd == fd) mapped.fd = -1;
  }
}

int LayoutDevice::ioctl(int fd, uint32_t request, void* argument) {
  switch (request) {
    case VIDIOC_ENUM_FMT:
      return enumerate(fd, *static_cast<v4l2_fmtdesc*>(argument));
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT:
      return format(fd, request, *static_cast<v4l2_format*>(argument));
    case VIDIOC_REQBUFS:
      if (static_cast<v4l2_requestbuffers*>(argument)->type == kCapture) {
        std::lock_guard lock(mutex_);
        orphan(fd);
      }
      return inner_.ioctl(fd, request, argument);
    case VIDIOC_QUERYBUF:
      return query(fd, *static_cast<v4l2_buffer*>(argument));
    case VIDIOC_DQBUF:
      return dequeue(fd, *static_cast<v4l2_buffer*>(argument));
    default:
      return inner_.ioctl(fd, request, argument);
  }
}

int LayoutDevice::enumerate(int fd, v4l2_fmtdesc& description) {
  if (description.type != kCapture) return inner_.ioctl(fd, VIDIOC_ENUM_FMT, &description);
  std::vector<uint32_t> packed, linear;
  for (uint32_t index = 0;; ++index) {
    v4l2_fmtdesc own{};
    own.type = kCapture;
    own.index = index;
    if (inner_.ioctl(fd, VIDIOC_ENUM_FMT, &own) != 0) break;
    if (own.pixelformat != V4L2_PIX_FMT_NV12 && own.pixelformat != V4L2_PIX_FMT_P010) continue;
    linear.push_back(own.pixelformat);
    packed.push_back(
        (own.pixelformat == V4L2_PIX_FMT_NV12 ? layouts_.of_8 : layouts_.of_10).fourcc);
  }
  if (layouts_.linear_too) packed.insert(packed.end(), linear.begin(), linear.end());
  if (description.index >= packed.size()) return errno = EINVAL, -1;
  description.pixelformat = packed[description.index];
  return 0;
}

int LayoutDevice::format(int fd, uint32_t request, v4l2_format& format) {
  if (format.type != kCapture) return inner_.ioctl(fd, request, &format);
  v4l2_pix_format_mplane& pixels = format.fmt.pix_mp;
  const uint32_t wish = pixels.pixelformat;
  if (wish == layouts_.of_8.fourcc) pixels.pixelformat = V4L2_PIX_FMT_NV12;
  if (wish == layouts_.of_10.fourcc) pixels.pixelformat = V4L2_PIX_FMT_P010;
  if (inner_.ioctl(fd, request, &format) != 0) return -1;
  QueueFormat linear;
  linear.fourcc = pixels.pixelformat;
  linear.width = pixels.width;
  linear.height = pixels.height;
  linear.sizes[0] = pixels.plane_fmt[0].sizeimage;
  linear.strides[0] = pixels.plane_fmt[0].bytesperline;
  std::lock_guard lock(mutex_);
  const auto before = formats_.find(fd);
  const bool stays_linear = request == VIDIOC_G_FMT && before != formats_.end() &&
                            before->second.outer.fourcc == linear.fourcc;
  QueueFormat outer = linear;
  if (!(layouts_.linear_too && (wish == linear.fourcc || stays_linear))) {
    const bool narrow = linear.fourcc == V4L2_PIX_FMT_NV12;
    outer = format_of(narrow ? layouts_.of_8 : layouts_.of_10, linear.width, linear.height);
  }
  pixels.pixelformat = outer.fourcc;
  pixels.width = outer.width;
  pixels.height = outer.height;
  pixels.plane_fmt[0].sizeimage = outer.sizes[0];
  pixels.plane_fmt[0].bytesperline = outer.strides[0];
  if (request != VIDIOC_TRY_FMT) formats_[fd] = {outer, linear};
  return 0;
}

int LayoutDevice::query(int fd, v4l2_buffer& buffer) {
  if (inner_.ioctl(fd, VIDIOC_QUERYBUF, &buffer) != 0) return -1;
  if (buffer.type != kCapture) return 0;
  std::lock_guard lock(mutex_);
  Buffer& queried = queried_[{fd, buffer.m.planes[0].m.mem_offset}];
  queried.fd = fd;
  queried.index = buffer.index;
  queried.linear_size = buffer.m.planes[0].length;
  buffer.m.planes[0].length = formats_.at(fd).outer.sizes[0];
  return 0;
}

void* LayoutDevice::mmap(int fd, size_t size, int64_t offset) {
  std::lock_guard lock(mutex_);
  auto queried = queried_.extract({fd, offset});
  if (queried.empty()) return inner_.mmap(fd, size, offset);
  Buffer& buffer = queried.mapped();
  buffer.linear = inner_.mmap(fd, buffer.linear_size, offset);
  if (buffer.linear == MAP_FAILED) return MAP_FAILED;
  constexpr size_t kPage = 4096;
  const size_t whole_pages = (size + kPage - 1) / kPage * kPage;
  buffer.outer.reset(static_cast<uint8_t*>(std::aligned_alloc(kPage, whole_pages)));
  buffer.outer_size = size;
  void* const data = buffer.outer.get();
  mapped_.emplace(data, std::move(buffer));
  return data;
}

int LayoutDevice::munmap(void* data, size_t size) {
  const auto mapped = [&] {
    std::lock_guard lock(mutex_);
    return mapped_.extract(data);
  }();
  if (mapped.empty()) return inner_.munmap(data, size);
  return inner_.munmap(mapped.mapped().linear, mapped.mapped().linear_size);
}

int LayoutDevice::dequeue(int fd, v4l2_buffer& buffer) {
  if (inner_.ioctl(fd, VIDIOC_DQBUF, &buffer) != 0) return -1;
  if (buffer.type != kCapture) return 0;
  std::lock_guard lock(mutex_);
  const Formats& formats = formats_.at(fd);
  for (auto& [data, mapped] : mapped_) {
    if (mapped.fd != fd || mapped.index != buffer.index) continue;
    if (buffer.m.planes[0].bytesused == 0) continue;
    fill(formats, mapped);
    buffer.m.planes[0].bytesused = formats.outer.sizes[0];
  }
  return 0;
}

void LayoutDevice::fill(const Formats& formats, Buffer& buffer) {
  std::ranges::fill(buffer.bytes(), junk_ = static_cast<uint8_t>(junk_ * 5 + 1));
  const QueueFormat& linear = formats.linear;
  const auto* samples = static_cast<const uint8_t*>(buffer.linear);
  for (uint32_t component = 0; component < 3; ++component) {
    const uint32_t width = component == 0 ? linear.width : (linear.width + 1) / 2;
    const uint32_t height = component == 0 ? linear.height : (linear.height + 1) / 2;
    for (uint32_t y = 0; y < height; ++y) {
      for (uint32_t x = 0; x < width; ++x) {
        put_sample(formats.outer, buffer.bytes(), component, x, y,
                   linear_sample(linear, samples, component, x, y));
      }
    }
  }
}

}  // namespace daedalus::core::test
