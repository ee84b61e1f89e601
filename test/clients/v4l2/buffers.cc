#include "test/clients/v4l2/buffers.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace daedalus::v4l2_client {
namespace {

constexpr uint64_t kNanosecond = 1000000000;

const char* name_of(uint32_t type) {
  return type == V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE ? "OUTPUT" : "CAPTURE";
}

struct Argument {
  v4l2_buffer buffer{};
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};

  Argument(uint32_t type, uint32_t memory, uint32_t index) {
    buffer.type = type;
    buffer.memory = memory;
    buffer.index = index;
    buffer.m.planes = planes.data();
    buffer.length = static_cast<uint32_t>(planes.size());
  }
  Argument(const Argument&) = delete;
  Argument& operator=(const Argument&) = delete;
};

uint32_t v4l2_memory(BufferMemory memory) {
  return memory == BufferMemory::kDmabuf ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP;
}

}  // namespace

Status Buffers::allocate(uint32_t count, const v4l2_pix_format_mplane& format) {
  format_ = format;
  v4l2_requestbuffers request{};
  request.type = type_;
  request.memory = v4l2_memory(memory_);
  request.count = count;
  if (calls_.ioctl(fd_, VIDIOC_REQBUFS, &request) != 0)
    return system_error(std::string("REQBUFS ") + name_of(type_));
  planes_.resize(request.count);
  for (uint32_t i = 0; i < request.count; ++i) {
    if (Status status = map_buffer(i); !status) return status;
  }
  return {};
}

Status Buffers::map_buffer(uint32_t index) {
  Argument argument(type_, v4l2_memory(memory_), index);
  if (calls_.ioctl(fd_, VIDIOC_QUERYBUF, &argument.buffer) != 0) return system_error("QUERYBUF");
  planes_[index].resize(argument.buffer.length);
  for (uint32_t i = 0; i < argument.buffer.length; ++i) {
    Status status = map_plane(index, i, argument.planes[i], &planes_[index][i]);
    if (!status) return status;
  }
  return {};
}

Status Buffers::map_plane(uint32_t index, uint32_t plane, const v4l2_plane& description,
                          Plane* to) {
  if (memory_ == BufferMemory::kDmabuf) return make_dma_buf(format_.plane_fmt[plane].sizeimage, to);
  if (memory_ == BufferMemory::kMmap) {
    void* data = calls_.mmap(fd_, description.length, description.m.mem_offset);
    if (data == MAP_FAILED) return system_error("mmap");
    to->bytes = {static_cast<uint8_t*>(data), description.length};
    to->from_node = true;
    return {};
  }
  v4l2_exportbuffer request{};
  request.type = type_;
  request.index = index;
  request.plane = plane;
  request.flags = O_RDWR | O_CLOEXEC;
  if (calls_.ioctl(fd_, VIDIOC_EXPBUF, &request) != 0) return system_error("EXPBUF");
  to->dma_buf.reset(request.fd);
  Result<Mapping> mapping = Mapping::map(request.fd, description.length, 0, true);
  if (!mapping) return mapping.error();
  to->own = std::move(*mapping);
  to->bytes = to->own.bytes();
  return {};
}

// A dma-buf of udmabuf where the system has it; else the memfd itself, which our own node takes.
Status Buffers::make_dma_buf(size_t size, Plane* to) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t whole = (size + page - 1) / page * page;
  UniqueFd memory(::memfd_create("v4l2 client", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(whole)) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0)
    return system_error("memfd");
  Result<Mapping> mapping = Mapping::map(memory.get(), whole, 0, true);
  if (!mapping) return mapping.error();
  to->own = std::move(*mapping);
  to->bytes = to->own.bytes();
  const UniqueFd device(::open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  if (device) {
    udmabuf_create create{};
    create.memfd = static_cast<uint32_t>(memory.get());
    create.flags = UDMABUF_FLAGS_CLOEXEC;
    create.size = whole;
    to->dma_buf.reset(::ioctl(device.get(), UDMABUF_CREATE, &create));
  }
  if (!to->dma_buf) to->dma_buf = std::move(memory);
  return {};
}

void Buffers::unmap() {
  for (auto& buffer : planes_) {
    for (Plane& plane : buffer) {
      if (plane.from_node) calls_.munmap(plane.bytes.data(), plane.bytes.size());
    }
  }
  planes_.clear();
}

Status Buffers::free() {
  if (Status status = stream(false); !status) return status;
  unmap();
  v4l2_requestbuffers request{};
  request.type = type_;
  request.memory = v4l2_memory(memory_);
  if (calls_.ioctl(fd_, VIDIOC_REQBUFS, &request) != 0) return system_error("REQBUFS 0");
  return {};
}

Status Buffers::stream(bool on) {
  int type = static_cast<int>(type_);
  if (calls_.ioctl(fd_, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type) == 0) return {};
  return system_error(std::string(on ? "STREAMON " : "STREAMOFF ") + name_of(type_));
}

Status Buffers::queue(uint32_t index, uint32_t bytes_used, uint64_t timestamp, int request,
                      uint32_t flags) {
  Argument argument(type_, v4l2_memory(memory_), index);
  argument.buffer.length = static_cast<uint32_t>(planes_[index].size());
  argument.buffer.field = V4L2_FIELD_NONE;
  argument.buffer.flags = flags;
  argument.buffer.timestamp.tv_sec = static_cast<time_t>(timestamp / kNanosecond);
  argument.buffer.timestamp.tv_usec = static_cast<suseconds_t>(timestamp % kNanosecond / 1000);
  argument.planes[0].bytesused = bytes_used;
  if (request >= 0) {
    argument.buffer.flags |= V4L2_BUF_FLAG_REQUEST_FD;
    argument.buffer.request_fd = request;
  }
  for (size_t i = 0; memory_ == BufferMemory::kDmabuf && i < planes_[index].size(); ++i) {
    argument.planes[i].m.fd = planes_[index][i].dma_buf.get();
    argument.planes[i].length = static_cast<uint32_t>(planes_[index][i].bytes.size());
  }
  if (calls_.ioctl(fd_, VIDIOC_QBUF, &argument.buffer) == 0) return {};
  return system_error(std::string("QBUF ") + name_of(type_));
}

Result<std::optional<Dequeued>> Buffers::dequeue() {
  Argument argument(type_, v4l2_memory(memory_), 0);
  if (calls_.ioctl(fd_, VIDIOC_DQBUF, &argument.buffer) != 0) {
    if (errno == EAGAIN) return std::optional<Dequeued>();
    return system_error(std::string("DQBUF ") + name_of(type_));
  }
  const timeval& time = argument.buffer.timestamp;
  const uint64_t timestamp =
      static_cast<uint64_t>(time.tv_sec) * kNanosecond + static_cast<uint64_t>(time.tv_usec) * 1000;
  return std::optional<Dequeued>({argument.buffer.index, argument.planes[0].bytesused, timestamp,
                                  (argument.buffer.flags & V4L2_BUF_FLAG_ERROR) != 0,
                                  (argument.buffer.flags & V4L2_BUF_FLAG_LAST) != 0});
}

}  // namespace daedalus::v4l2_client
