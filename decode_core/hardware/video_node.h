// VideoNode: the ioctls of one open mem2mem video node, single- and multi-planar alike.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_VIDEO_NODE_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_VIDEO_NODE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core {

// The two queues of a mem2mem node, as V4L2 names them: coded data goes into OUTPUT, pictures come
// out of CAPTURE.
enum class Queue : uint8_t { kOutput, kCapture };

// The format of a queue.
struct QueueFormat {
  uint32_t fourcc = 0;
  uint32_t width = 0;  // luma samples
  uint32_t height = 0;
  uint32_t planes = 1;                               // with memory of their own
  std::array<uint32_t, VIDEO_MAX_PLANES> sizes{};    // bytes
  std::array<uint32_t, VIDEO_MAX_PLANES> strides{};  // bytes
};

// What VIDIOC_ENUM_FRAMESIZES allows, luma samples.
struct SizeRange {
  uint32_t min_width = 0, min_height = 0;
  uint32_t max_width = 0, max_height = 0;
};

struct GrantedBuffers {
  uint32_t count = 0;
  uint32_t capabilities = 0;  // V4L2_BUF_CAP_…
};

struct CreatedBuffers {
  uint32_t first = 0;  // index
  uint32_t count = 0;
};

// One buffer that came back.
struct DequeuedBuffer {
  uint32_t index = 0;
  uint64_t timestamp = 0;  // as it was queued
  bool error = false;      // V4L2_BUF_FLAG_ERROR
  std::array<uint32_t, VIDEO_MAX_PLANES> bytes_used{};
};

// A control as VIDIOC_S_EXT_CTRLS takes it: a structure or an array that lives elsewhere.
struct ControlValue {
  uint32_t id = 0;
  const void* data = nullptr;
  uint32_t size = 0;  // bytes
};

// OUTPUT buffers are V4L2_MEMORY_MMAP, those of CAPTURE as they are requested. Timestamps are
// microseconds. Not thread-safe. Errors say which ioctl failed, and on which node.
class VideoNode {
 public:
  // kUnsupported: not a mem2mem node that streams. The calls outlive it.
  static Result<VideoNode> open(DeviceCalls& calls, const std::string& path);

  const std::string& path() const { return path_; }
  const std::string& driver() const { return driver_; }  // v4l2_capability.driver
  const std::string& card() const { return card_; }
  bool multi_planar() const { return multi_planar_; }
  DeviceCalls& calls() const { return *calls_; }

  // What VIDIOC_ENUM_FMT lists, in its order; at most 256.
  std::vector<uint32_t> formats(Queue queue) const;
  // nullopt where the driver does not say.
  std::optional<SizeRange> frame_sizes(uint32_t fourcc) const;
  // `coded_bytes`: of one buffer of OUTPUT. The driver may give something else than was asked for.
  Result<QueueFormat> try_format(Queue queue, uint32_t fourcc, uint32_t width, uint32_t height,
                                 uint32_t coded_bytes) const;
  Result<QueueFormat> set_format(Queue queue, uint32_t fourcc, uint32_t width, uint32_t height,
                                 uint32_t coded_bytes);
  Result<QueueFormat> get_format(Queue queue) const;

  // 0 frees them. `memory`: V4L2_MEMORY_DMABUF for CAPTURE buffers that get theirs by
  // queue_capture().
  Result<GrantedBuffers> request_buffers(Queue queue, uint32_t count,
                                         v4l2_memory memory = V4L2_MEMORY_MMAP);
  // Buffers beside those that are there, of `bytes` each, or as many as the format says
  // (VIDIOC_CREATE_BUFS). Unlike VIDIOC_S_FMT it may be called at any time: formats, streaming and
  // the other queue stay as they are.
  Result<CreatedBuffers> create_buffers(Queue queue, uint32_t count, uint32_t bytes);
  // The memory of a buffer's planes.
  Result<std::vector<DeviceMapping>> map_buffer(Queue queue, uint32_t index) const;
  // A plane of a buffer as a dma-buf that may be read and written (VIDIOC_EXPBUF).
  Result<UniqueFd> export_buffer(Queue queue, uint32_t index, uint32_t plane) const;
  // `request` is a media request's descriptor, or -1. `flags`: V4L2_BUF_FLAG_….
  Status queue_output(uint32_t index, uint32_t bytes, uint64_t timestamp, int request,
                      uint32_t flags);
  // `dma_buf`: of buffers that were requested so; the format has one memory plane.
  Status queue_capture(uint32_t index, const QueueFormat& format,
                       const SurfaceMemory* dma_buf = nullptr);
  // nullopt: none is done.
  Result<std::optional<DequeuedBuffer>> dequeue(Queue queue);
  Status stream(Queue queue, bool on);
  // V4L2_DEC_CMD_FLUSH: a CAPTURE buffer that is held back is given out.
  Status flush_held();

  std::optional<v4l2_query_ext_ctrl> query_control(uint32_t id) const;
  // Whether a menu control has that item.
  bool has_menu_item(uint32_t id, uint32_t item) const;
  Status set_menu(uint32_t id, uint32_t item);
  // Into a media request, or below 0 into the node itself.
  Status set_controls(std::span<const ControlValue> values, int request);

  // Waits for an event of `fd`; kTimeout where none came. POLLERR counts as an event.
  Result<short> wait(int fd, short events, int milliseconds) const;
  int fd() const { return fd_.get(); }

 private:
  VideoNode(DeviceCalls& calls, DeviceFd fd, std::string path)
      : calls_(&calls), fd_(std::move(fd)), path_(std::move(path)) {}
  int call(uint32_t request, void* argument) const {
    return calls_->ioctl(fd_.get(), request, argument);
  }
  Error failure(const std::string& what) const;
  uint32_t type_of(Queue queue) const;
  uint32_t memory_of(Queue queue) const;
  void fill(Queue queue, uint32_t fourcc, uint32_t width, uint32_t height, uint32_t coded_bytes,
            v4l2_format* format) const;
  Result<QueueFormat> read(const v4l2_format& format) const;
  Status queue_buffer(v4l2_buffer& buffer, std::span<v4l2_plane> planes);

  DeviceCalls* calls_;
  DeviceFd fd_;
  std::string path_;
  std::string driver_;
  std::string card_;
  bool multi_planar_ = false;
  v4l2_memory capture_memory_ = V4L2_MEMORY_MMAP;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_VIDEO_NODE_H_
