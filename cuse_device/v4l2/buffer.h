// Buffer: one buffer of a queue and the memory of its planes.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_BUFFER_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_BUFFER_H_

#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cuse_device/v4l2/client.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// videobuf2's states.
enum class BufferState : uint8_t {
  kDequeued,   // the client's
  kInRequest,  // bound to a request that is not queued yet
  kQueued,     // ours, nobody works on it
  kActive,     // ours, the device works on it
  kDone,       // waits for DQBUF
  kError,      // likewise, with V4L2_BUF_FLAG_ERROR
};

struct BufferPlane {
  // MMAP: ours; DMABUF: the imported buffer; USERPTR: null.
  std::shared_ptr<core::SurfaceMemory> memory;
  // USERPTR: what stands for the client's memory between QBUF and DQBUF.
  std::unique_ptr<uint8_t[]> shadow;
  uint8_t* data = nullptr;  // the plane's `length` bytes
  uint32_t length = 0;
  uint32_t bytes_used = 0;
  uint32_t data_offset = 0;
  uint64_t user_pointer = 0;  // USERPTR, the client's
  int client_fd = -1;         // DMABUF, the client's
};

// Guarded by its queue's owner's lock; while it is kActive the device may read or write the planes'
// memory without.
struct Buffer {
  uint32_t index = 0;
  BufferState state = BufferState::kDequeued;
  bool prepared = false;
  std::vector<BufferPlane> planes;
  uint32_t flags = 0;  // KEYFRAME, PFRAME, BFRAME, TIMECODE, LAST, M2M_HOLD_CAPTURE_BUF, TSTAMP_SRC
  uint32_t field = V4L2_FIELD_NONE;
  timeval timestamp{};
  v4l2_timecode timecode{};
  uint32_t sequence = 0;
  uint64_t queued_as = 0;            // how many QBUFs of this queue came before
  int request_fd = -1;               // the client's
  std::shared_ptr<Request> request;  // from QBUF until it is done or taken back

  // The payload of plane 0.
  std::span<const uint8_t> payload() const {
    const BufferPlane& plane = planes[0];
    return {plane.data + plane.data_offset, plane.bytes_used - plane.data_offset};
  }
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_BUFFER_H_
