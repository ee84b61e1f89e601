// Buffers of one queue: allocated, mapped, queued and dequeued.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_BUFFERS_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_BUFFERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/mapping.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "decode_core/uapi/controls.h"
#include "test/clients/v4l2/system_calls.h"

namespace daedalus::v4l2_client {

enum class BufferMemory : uint8_t {
  kMmap,    // V4L2_MEMORY_MMAP, mapped from the node
  kExpbuf,  // V4L2_MEMORY_MMAP, exported (EXPBUF) and mapped from the dma-buf
  kDmabuf,  // V4L2_MEMORY_DMABUF: buffers of udmabuf, else plain memfd, imported
};

// What DQBUF said.
struct Dequeued {
  uint32_t index = 0;
  uint32_t bytes_used = 0;  // of plane 0
  uint64_t timestamp = 0;   // ns
  bool error = false;       // V4L2_BUF_FLAG_ERROR
  bool last = false;        // V4L2_BUF_FLAG_LAST
};

class Buffers {
 public:
  Buffers(SystemCalls& calls, int fd, uint32_t type, BufferMemory memory)
      : calls_(calls), fd_(fd), type_(type), memory_(memory) {}
  ~Buffers() { unmap(); }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  // REQBUFS and mappings; the node may give another number. The queue's format is `format`.
  Status allocate(uint32_t count, const v4l2_pix_format_mplane& format);
  // STREAMOFF and REQBUFS with a count of 0.
  Status free();
  Status stream(bool on);
  size_t count() const { return planes_.size(); }

  // The memory of plane `plane`.
  std::span<uint8_t> plane(uint32_t index, size_t plane) const {
    return planes_[index][plane].bytes;
  }

  // QBUF; `bytes_used` of plane 0, for OUTPUT buffers. Below 0: without request.
  Status queue(uint32_t index, uint32_t bytes_used = 0, uint64_t timestamp = 0, int request = -1,
               uint32_t flags = 0);
  // DQBUF; nullopt: EAGAIN.
  Result<std::optional<Dequeued>> dequeue();

 private:
  struct Plane {
    std::span<uint8_t> bytes;
    bool from_node = false;  // mapped by SystemCalls
    Mapping own;             // else
    UniqueFd dma_buf;        // exported or to be imported
  };
  Status map_buffer(uint32_t index);
  Status map_plane(uint32_t index, uint32_t plane, const v4l2_plane& description, Plane* to);
  Status make_dma_buf(size_t size, Plane* to) const;
  void unmap();

  SystemCalls& calls_;
  const int fd_;
  const uint32_t type_;
  const BufferMemory memory_;
  v4l2_pix_format_mplane format_{};
  std::vector<std::vector<Plane>> planes_;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_BUFFERS_H_
