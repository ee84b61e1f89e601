// OpenFile: one open descriptor of a device node, free of any transport.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_OPEN_FILE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_OPEN_FILE_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "cuse_device/v4l2/client.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// What an mmap of the node maps: a part of a buffer's memory.
struct MappedRange {
  std::shared_ptr<core::SurfaceMemory> memory;
  size_t offset = 0;  // into memory->fd()
  size_t size = 0;
};

// What a transport does with the answer of an ioctl. A parked call holds no lock of the file's and
// is repeated after changed().
enum class Parking : uint8_t {
  kNone,        // hands it on
  kIfBlocking,  // parks the call, unless the client opened the node with O_NONBLOCK
  kAlways,      // parks it: the answer is being found out, and comes within a bounded time
};

constexpr Parking parking_of(uint32_t request, int error) {
  if (request == VIDIOC_DQBUF && error == EAGAIN) return Parking::kIfBlocking;
  if (request == VIDIOC_DQEVENT && error == ENOENT) return Parking::kIfBlocking;
  const bool asks_format = request == VIDIOC_G_FMT || request == VIDIOC_G_SELECTION ||
                           request == VIDIOC_S_SELECTION || request == VIDIOC_CROPCAP ||
                           request == VIDIOC_G_CROP;
  return asks_format && error == EAGAIN ? Parking::kAlways : Parking::kNone;
}

// Thread-safe. Destroying it is the close() of the node: streaming stops, buffers that are still
// mapped live on with their mappings.
class OpenFile {
 public:
  virtual ~OpenFile() = default;

  // Carries out one ioctl. `argument` is _IOC_SIZE(request) bytes, copied in and, by the transport,
  // copied out again when the result is 0 (and, as the kernel's video_usercopy does, for
  // VIDIOC_G/S/TRY_EXT_CTRLS, which say where they failed, also on errors).
  // Returns 0 or a positive errno, some of which say that there is nothing yet: see parking_of().
  virtual int ioctl(uint32_t request, std::span<std::byte> argument, Client& client) = 0;

  // The events of poll(2) that hold now: POLLIN|POLLRDNORM a CAPTURE buffer, POLLOUT|POLLWRNORM an
  // OUTPUT buffer, POLLPRI an event; POLLERR as videobuf2 gives it.
  virtual short poll() = 0;

  // mmap(2) of the node at `offset` (v4l2_buffer.m.offset or m.planes[].m.mem_offset).
  virtual Result<MappedRange> map(uint64_t offset, size_t size) = 0;

  // `changed` is called, on any thread and with no lock of ours held, whenever poll() or the answer
  // of a parked ioctl may have changed; it may call the file. One listener; null removes it and
  // waits for running calls (so not from inside one).
  virtual void set_listener(std::function<void()> changed) = 0;
};

enum class NodeKind : uint8_t { kVideo, kMedia };

// One device node. Thread-safe; outlives its open files.
class Device {
 public:
  virtual ~Device() = default;
  virtual NodeKind kind() const = 0;
  // The node's usual name: "video10", "media0".
  virtual std::string name() const = 0;
  virtual Result<std::unique_ptr<OpenFile>> open() = 0;
  // The transport tells it before anybody opens a node of the set: what the media node's topology
  // says of the video nodes.
  virtual void set_device_number(uint32_t /*major*/, uint32_t /*minor*/) {}
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_OPEN_FILE_H_
