// The memory of a queue's buffers: allocated for MMAP, imported for DMABUF, the client's for
// USERPTR.
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

#include "cuse_device/v4l2/buffer_queue.h"

namespace daedalus::v4l2 {
namespace {

// Cookies of mmap are multiples of 64 KiB, so that they are page aligned whatever the page size.
constexpr uint32_t kCookieShift = 16;
// CAPTURE begins here (as v4l2-mem2mem's DST_QUEUE_OFF_BASE).
constexpr uint32_t kCaptureCookies = 1u << 30;

// Whether a mapping of `fd` stays valid whatever the client does with its descriptor: a dma-buf has
// one size for life, a memfd only when it is sealed.
bool cannot_shrink(int fd, bool* dma_buf) {
  dma_buf_sync request{};
  request.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ;
  *dma_buf = ::ioctl(fd, DMA_BUF_IOCTL_SYNC, &request) == 0;
  if (*dma_buf) {
    request.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ;
    ::ioctl(fd, DMA_BUF_IOCTL_SYNC, &request);
    return true;
  }
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

bool same_file(int a, int b) {
  struct stat of_a, of_b;
  return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

}  // namespace

uint32_t BufferQueue::plane_cookie(uint32_t index, uint32_t plane) const {
  return (output() ? 0 : kCaptureCookies) + ((index * VIDEO_MAX_PLANES + plane) << kCookieShift);
}

std::shared_ptr<Buffer> BufferQueue::make_buffer(uint32_t index, uint32_t memory,
                                                 PlaneSizes sizes) const {
  auto buffer = std::make_shared<Buffer>();
  buffer->index = index;
  buffer->planes.resize(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    buffer->planes[i].length = sizes[i];
    if (memory != V4L2_MEMORY_MMAP) continue;
    auto allocated = config_.allocator->allocate(sizes[i], false);
    if (!allocated.ok()) return nullptr;
    buffer->planes[i].memory = *allocated;
    buffer->planes[i].data = (*allocated)->data();
  }
  return buffer;
}

// Adds up to `count` buffers and says how many.
uint32_t BufferQueue::add_buffers(uint32_t count, uint32_t memory, PlaneSizes sizes) {
  uint64_t held = 0;
  for (const auto& buffer : buffers_) {
    for (const BufferPlane& plane : buffer->planes) held += plane.length;
  }
  const uint64_t each = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
  uint32_t added = 0;
  for (; added < count; ++added) {
    if (memory == V4L2_MEMORY_MMAP && held + each > kMaxMemory) break;
    auto buffer = make_buffer(static_cast<uint32_t>(buffers_.size()), memory, sizes);
    if (!buffer) break;
    buffers_.push_back(std::move(buffer));
    held += each;
  }
  if (added != 0) memory_ = memory;
  return added;
}

int BufferQueue::take_plane_memory(const v4l2_plane& from, Client& client, uint32_t required,
                                   BufferPlane* plane) const {
  return memory_ == V4L2_MEMORY_DMABUF ? import_dma_buf(from, client, required, plane)
                                       : shadow_user_memory(from, client, required, plane);
}

// As __prepare_dmabuf: a length of 0 means the whole buffer.
int BufferQueue::import_dma_buf(const v4l2_plane& from, Client& client, uint32_t required,
                                BufferPlane* plane) const {
  auto fd = client.take_fd(from.m.fd);
  if (!fd.ok()) return EINVAL;
  const off_t size = ::lseek(fd->get(), 0, SEEK_END);
  if (size <= 0) return EINVAL;
  const uint64_t length = from.length != 0 ? from.length : static_cast<uint64_t>(size);
  if (length > static_cast<uint64_t>(size) || length < required || length > UINT32_MAX) {
    return EINVAL;
  }
  const bool known =
      plane->memory && plane->length == length && same_file(fd->get(), plane->memory->fd());
  if (!known) {
    bool dma_buf = false;
    if (!cannot_shrink(fd->get(), &dma_buf)) return EINVAL;
    auto mapping = Mapping::map(fd->get(), length, 0, true);
    if (!mapping.ok()) return EINVAL;
    plane->memory = std::make_shared<core::SurfaceMemory>(
        std::move(*fd), std::move(mapping).value(), dma_buf, true, "import");
    plane->data = plane->memory->data();
    plane->length = static_cast<uint32_t>(length);
  }
  plane->client_fd = from.m.fd;
  return 0;
}

// An OUTPUT buffer is read now, a CAPTURE buffer is written at DQBUF: the client's memory can only
// be reached while one of its calls is being served.
int BufferQueue::shadow_user_memory(const v4l2_plane& from, Client& client, uint32_t required,
                                    BufferPlane* plane) const {
  if (from.length < required) return EINVAL;
  // Untouched memory costs nothing, so only what is copied in counts.
  if (from.length > (output() ? kMaxCodedBufferSize : kMaxMemory / 4)) return ENOMEM;
  std::unique_ptr<uint8_t[]> shadow(new (std::nothrow) uint8_t[from.length]);
  if (!shadow) return ENOMEM;
  const uint32_t used = from.bytesused != 0 ? from.bytesused : from.length;
  if (output()) {
    if (!client.read(from.m.userptr, shadow.get(), used)) return EFAULT;
  } else {
    // Both ends are there: as much as can be said before the picture is.
    uint8_t byte;
    const bool reachable = client.read(from.m.userptr, &byte, 1) &&
                           client.read(from.m.userptr + from.length - 1, &byte, 1);
    if (!reachable) return EFAULT;
  }
  plane->shadow = std::move(shadow);
  plane->data = plane->shadow.get();
  plane->length = from.length;
  plane->user_pointer = from.m.userptr;
  return 0;
}

int BufferQueue::write_user_memory(const Buffer& buffer, Client& client) {
  for (const BufferPlane& plane : buffer.planes) {
    if (!plane.shadow || buffer.state != BufferState::kDone) continue;
    if (!client.write(plane.user_pointer, plane.data, plane.bytes_used)) return EFAULT;
  }
  return 0;
}

int BufferQueue::expbuf(v4l2_exportbuffer& request, Client& client) {
  if (memory_ != V4L2_MEMORY_MMAP || request.type != config_.type) return EINVAL;
  if (request.flags & ~static_cast<uint32_t>(O_CLOEXEC | O_ACCMODE)) return EINVAL;
  if (request.index >= buffers_.size()) return EINVAL;
  const Buffer& buffer = *buffers_[request.index];
  if (request.plane >= buffer.planes.size()) return EINVAL;
  UniqueFd fd(::fcntl(buffer.planes[request.plane].memory->fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return EMFILE;
  const int given = client.give_fd(std::move(fd), (request.flags & O_CLOEXEC) != 0);
  if (given < 0) return -given;
  request.fd = given;
  std::memset(request.reserved, 0, sizeof request.reserved);
  return 0;
}

Result<MappedRange> BufferQueue::map(uint64_t offset, size_t size) const {
  const Error invalid{ErrorCode::kInvalidArgument, "no buffer plane has that mmap offset"};
  const uint64_t base = output() ? 0 : kCaptureCookies;
  if (memory_ != V4L2_MEMORY_MMAP || offset < base || offset % (1u << kCookieShift) != 0) {
    return invalid;
  }
  const uint64_t cookie = (offset - base) >> kCookieShift;
  if (cookie / VIDEO_MAX_PLANES >= buffers_.size()) return invalid;
  const Buffer& buffer = *buffers_[cookie / VIDEO_MAX_PLANES];
  if (cookie % VIDEO_MAX_PLANES >= buffer.planes.size()) return invalid;
  const BufferPlane& plane = buffer.planes[cookie % VIDEO_MAX_PLANES];
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  if (size == 0 || size > (plane.length + page - 1) / page * page) return invalid;
  return MappedRange{plane.memory, 0, size};
}

}  // namespace daedalus::v4l2
