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
    end_imports(fd);
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
      return this->request(fd, *static_cast<v4l2_requestbuffers*>(argument));
    case VIDIOC_QBUF:
      return queue(fd, *static_cast<v4l2_buffer*>(argument));
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

// OwnDevice has mapped buffers for what the client wants to be in dma-bufs, unless both are linear.
int LayoutDevice::request(int fd, v4l2_requestbuffers& buffers) {
  if (buffers.type != kCapture) return inner_.ioctl(fd, VIDIOC_REQBUFS, &buffers);
  std::lock_guard lock(mutex_);
  orphan(fd);
  end_imports(fd);
  const auto formats = formats_.find(fd);
  const bool unpacks =
      formats != formats_.end() && formats->second.outer.fourcc != formats->second.linear.fourcc;
  if (buffers.memory != V4L2_MEMORY_DMABUF || !unpacks) {
    return inner_.ioctl(fd, VIDIOC_REQBUFS, &buffers);
  }
  buffers.memory = V4L2_MEMORY_MMAP;
  const int result = inner_.ioctl(fd, VIDIOC_REQBUFS, &buffers);
  buffers.memory = V4L2_MEMORY_DMABUF;
  if (result == 0 && buffers.count != 0) imports_[fd].resize(buffers.count);
  return result;
}

// With the lock held.
void LayoutDevice::end_imports(int fd) {
  const auto imports = imports_.extract(fd);
  if (imports.empty()) return;
  for (const Import& import : imports.mapped()) {
    if (!import.outer.empty()) ::munmap(import.outer.data(), import.outer.size());
    if (!import.linear.empty()) inner_.munmap(import.linear.data(), import.linear.size());
  }
}

// With the lock held.
int LayoutDevice::import(int fd, uint32_t index, int dma_buf, size_t size) {
  if (size < formats_.at(fd).outer.sizes[0] || allowed_imports_ == 0) return errno = EINVAL, -1;
  --allowed_imports_;
  Import& import = imports_.at(fd).at(index);
  if (import.linear.empty()) {
    v4l2_plane plane{};
    v4l2_buffer buffer{};
    buffer.type = kCapture;
    buffer.memory = V4L2_MEMORY_MMAP;
    buffer.index = index;
    buffer.m.planes = &plane;
    buffer.length = 1;
    if (inner_.ioctl(fd, VIDIOC_QUERYBUF, &buffer) != 0) return -1;
    void* const linear = inner_.mmap(fd, plane.length, plane.m.mem_offset);
    if (linear == MAP_FAILED) return -1;
    import.linear = {static_cast<uint8_t*>(linear), plane.length};
  }
  void* const outer = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf, 0);
  if (outer == MAP_FAILED) return -1;
  if (!import.outer.empty()) ::munmap(import.outer.data(), import.outer.size());
  import.outer = {static_cast<uint8_t*>(outer), size};
  return 0;
}

int LayoutDevice::queue(int fd, v4l2_buffer& buffer) {
  if (buffer.type == kCapture && buffer.memory == V4L2_MEMORY_DMABUF) {
    std::lock_guard lock(mutex_);
    if (imports_.contains(fd)) {
      const v4l2_plane& plane = buffer.m.planes[0];
      if (import(fd, buffer.index, plane.m.fd, plane.length) != 0) return -1;
      buffer.memory = V4L2_MEMORY_MMAP;
    }
  }
  return inner_.ioctl(fd, VIDIOC_QBUF, &buffer);
}

int LayoutDevice::dequeue(int fd, v4l2_buffer& buffer) {
  std::unique_lock lock(mutex_);
  const auto imports = imports_.find(fd);
  if (buffer.type == kCapture && imports != imports_.end()) {
    buffer.memory = V4L2_MEMORY_MMAP;
    if (inner_.ioctl(fd, VIDIOC_DQBUF, &buffer) != 0) return -1;
    if (buffer.m.planes[0].bytesused == 0) return 0;
    const Import& import = imports->second.at(buffer.index);
    fill(formats_.at(fd), import.linear.data(), import.outer);
    buffer.m.planes[0].bytesused = formats_.at(fd).outer.sizes[0];
    ++imported_;
    return 0;
  }
  lock.unlock();
  if (inner_.ioctl(fd, VIDIOC_DQBUF, &buffer) != 0) return -1;
  if (buffer.type != kCapture) return 0;
  lock.lock();
  const Formats& formats = formats_.at(fd);
  for (auto& [data, mapped] : mapped_) {
    if (mapped.fd != fd || mapped.index != buffer.index) continue;
    if (buffer.m.planes[0].bytesused == 0) continue;
    fill(formats, static_cast<const uint8_t*>(mapped.linear), mapped.bytes());
    buffer.m.planes[0].bytesused = formats.outer.sizes[0];
  }
  return 0;
}

void LayoutDevice::fill(const Formats& formats, const uint8_t* samples, std::span<uint8_t> outer) {
  std::ranges::fill(outer, junk_ = static_cast<uint8_t>(junk_ * 5 + 1));
  const QueueFormat& linear = formats.linear;
  for (uint32_t component = 0; component < 3; ++component) {
    const uint32_t width = component == 0 ? linear.width : (linear.width + 1) / 2;
    const uint32_t height = component == 0 ? linear.height : (linear.height + 1) / 2;
    for (uint32_t y = 0; y < height; ++y) {
      for (uint32_t x = 0; x < width; ++x) {
        put_sample(formats.outer, outer, component, x, y,
                   linear_sample(linear, samples, component, x, y));
      }
    }
  }
}

}  // namespace daedalus::core::test
