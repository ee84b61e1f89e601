// BufferQueue: one OUTPUT or CAPTURE queue of the multi-planar API, as videobuf2 does: its states,
// its order of checks, its errnos.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_BUFFER_QUEUE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_BUFFER_QUEUE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cuse_device/v4l2/buffer.h"
#include "cuse_device/v4l2/client.h"
#include "cuse_device/v4l2/format.h"
#include "cuse_device/v4l2/open_file.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// Not thread-safe: the open file's lock guards it. The ioctls return 0 or a positive errno.
class BufferQueue {
 public:
  struct Config {
    uint32_t type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;  // or CAPTURE_MPLANE
    bool supports_requests = false;
    bool requires_requests = false;      // a QBUF without request is EBADR
    bool supports_hold_capture = false;  // V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF
    bool user_pointers = true;           // V4L2_MEMORY_USERPTR
    core::MemoryAllocator* allocator = nullptr;
    // The request that a QBUF names, or null (EINVAL): not one of this device's.
    std::function<std::shared_ptr<Request>(int request_fd, Client&)> find_request;
    // Binds a buffer to it: 0, or EBUSY where that is queued already.
    std::function<int(Request&, const std::shared_ptr<Buffer>&)> bind;
    // The buffer is done or taken back, and leaves its request.
    std::function<void(const std::shared_ptr<Request>&, const std::shared_ptr<Buffer>&)> take_out;
  };

  explicit BufferQueue(Config config) : config_(std::move(config)) {}

  // The queue's format; changing it while buffers exist is the caller's to refuse (busy()).
  const QueueFormat& format() const { return format_; }
  void set_format(const QueueFormat& format) { format_ = format; }

  int reqbufs(v4l2_requestbuffers& request);
  int create_bufs(v4l2_create_buffers& request);
  int querybuf(v4l2_buffer& argument, Client& client);
  int prepare_buf(v4l2_buffer& argument, Client& client);
  // Without request: the buffer is kQueued. With: kInRequest.
  int qbuf(v4l2_buffer& argument, Client& client);
  // EAGAIN: nothing is done yet. `dequeued` is the buffer that the client has now.
  int dqbuf(v4l2_buffer& argument, Client& client, std::shared_ptr<Buffer>* dequeued);
  int expbuf(v4l2_exportbuffer& request, Client& client);
  int streamon(uint32_t type);
  // The caller has made sure that the device works on no buffer. Returns every buffer.
  int streamoff(uint32_t type);
  Result<MappedRange> map(uint64_t offset, size_t size) const;

  uint32_t type() const { return config_.type; }
  bool output() const { return V4L2_TYPE_IS_OUTPUT(config_.type); }
  bool streaming() const { return streaming_; }
  bool busy() const { return !buffers_.empty(); }
  size_t buffer_count() const { return buffers_.size(); }
  // For poll(): something is queued, active or done; something is done.
  bool has_buffers_inside() const { return inside_ != 0; }
  bool has_done() const { return !done_.empty(); }
  // The buffer that DQBUF would take now is the one marked as the last.
  bool last_is_next() const {
    return !done_.empty() && (done_.front()->flags & V4L2_BUF_FLAG_LAST) != 0;
  }
  bool last_dequeued() const { return last_dequeued_; }
  void clear_last_dequeued() { last_dequeued_ = false; }
  // QBUFs so far: Buffer::queued_as of the next.
  uint64_t queued_so_far() const { return queued_so_far_; }

  // The device's side. The first queued buffer, if the queue streams; it stays queued.
  std::shared_ptr<Buffer> peek_queued() const;
  // It becomes kActive.
  std::shared_ptr<Buffer> take_queued();
  // The same for a buffer to write into, which need not be the first: of memory that only the CPU
  // knows the one queued last, whose pages exist and are still in the caches.
  std::shared_ptr<Buffer> take_warmest();
  // An active buffer goes back to the end that waits for DQBUF. One that is no longer active (the
  // queue was stopped) stays as it is.
  void done(const std::shared_ptr<Buffer>& buffer, BufferState state);
  // The last buffer that is queued, or null.
  std::shared_ptr<Buffer> last_queued() const { return queued_.empty() ? nullptr : queued_.back(); }
  // The buffer of that index; null beyond the last.
  std::shared_ptr<Buffer> at(uint32_t index) const {
    return index < buffers_.size() ? buffers_[index] : nullptr;
  }
  // A buffer of a request that was queued: kInRequest becomes kQueued.
  void queue_of_request(const std::shared_ptr<Buffer>& buffer);
  // A buffer of a request that was emptied: kInRequest becomes kDequeued.
  void unbind(const std::shared_ptr<Buffer>& buffer);

  static constexpr uint32_t kMaxBuffers = 64;
  // Most memory of one queue's MMAP buffers.
  static constexpr uint64_t kMaxMemory = uint64_t{2} << 30;

 private:
  struct ClientPlanes {
    uint64_t address = 0;
    uint32_t count = 0;  // as many as the client has room for
    std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
    int read(const v4l2_buffer& argument, Client& client);
  };
  uint32_t capabilities() const;
  int check_memory(uint32_t memory, uint32_t type) const;
  using PlaneSizes = std::span<const uint32_t>;  // bytes, one a memory plane
  std::shared_ptr<Buffer> make_buffer(uint32_t index, uint32_t memory, PlaneSizes sizes) const;
  uint32_t add_buffers(uint32_t count, uint32_t memory, PlaneSizes sizes);
  int find_buffer(const v4l2_buffer& argument, Client& client, ClientPlanes* planes,
                  std::shared_ptr<Buffer>* buffer) const;
  int check_request(const v4l2_buffer& argument, const ClientPlanes& planes, const Buffer& buffer,
                    Client& client, std::shared_ptr<Request>* request) const;
  int prepare(const v4l2_buffer& argument, const ClientPlanes& planes, Client& client,
              Buffer* buffer) const;
  int take_plane_memory(const v4l2_plane& from, Client& client, uint32_t required,
                        BufferPlane* plane) const;
  int check_sizes(const v4l2_buffer& argument, const ClientPlanes& planes,
                  const Buffer& buffer) const;
  int import_dma_buf(const v4l2_plane& from, Client& client, uint32_t required,
                     BufferPlane* plane) const;
  int shadow_user_memory(const v4l2_plane& from, Client& client, uint32_t required,
                         BufferPlane* plane) const;
  uint32_t plane_cookie(uint32_t index, uint32_t plane) const;
  static int write_user_memory(const Buffer& buffer, Client& client);
  int answer(const Buffer& buffer, v4l2_buffer* argument, ClientPlanes* planes,
             Client& client) const;
  void cancel();
  void leave_request(const std::shared_ptr<Buffer>& buffer);

  const Config config_;
  QueueFormat format_;
  uint32_t memory_ = 0;  // enum v4l2_memory, while there are buffers
  std::vector<std::shared_ptr<Buffer>> buffers_;
  std::deque<std::shared_ptr<Buffer>> queued_;
  std::deque<std::shared_ptr<Buffer>> done_;
  size_t inside_ = 0;  // queued, active or done
  uint64_t queued_so_far_ = 0;
  uint32_t next_sequence_ = 0;
  bool streaming_ = false;
  bool last_dequeued_ = false;
  bool uses_requests_ = false;
  bool uses_qbuf_ = false;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_BUFFER_QUEUE_H_
