// LayoutDevice: OwnDevice whose pictures come out in another layout, as they do of hardware that
// writes SAND columns, NV15, or padded sizes. What is padding is different junk in every picture.
// It takes dma-bufs, too (V4L2_MEMORY_DMABUF).
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_LAYOUT_DEVICE_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_LAYOUT_DEVICE_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "test/decode_core/hardware/capture_layout.h"
#include "test/decode_core/hardware/own_device.h"

namespace daedalus::core::test {

class LayoutDevice final : public DeviceCalls {
 public:
  struct Layouts {
    CaptureLayout of_8;   // what pictures of 8 bit come out in
    CaptureLayout of_10;  // and those of 10
    // NV12 and P010 can be had as well; they are listed last, and not the default.
    bool linear_too = false;
  };
  explicit LayoutDevice(const Layouts& layouts) : layouts_(layouts) {}
  ~LayoutDevice() override { inner_.await_clients(); }

  int open(const std::string& path) override { return inner_.open(path); }
  int close(int fd) override;
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* mmap(int fd, size_t size, int64_t offset) override;
  int munmap(void* data, size_t size) override;
  int poll(pollfd& entry, int milliseconds) override { return inner_.poll(entry, milliseconds); }
  std::vector<Node> nodes(std::string_view prefix) override { return inner_.nodes(prefix); }

  OwnDevice& inner() { return inner_; }
  // Pictures that were written to dma-bufs.
  int imported() const { return imported_; }
  // So many dma-bufs more are taken, and no other.
  void refuse_imports_after(int count) { allowed_imports_ = count; }

 private:
  // A file's CAPTURE format: what the client sees, and OwnDevice's own.
  struct Formats {
    QueueFormat outer;
    QueueFormat linear;
  };
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  struct Buffer {
    std::span<uint8_t> bytes() const { return {outer.get(), outer_size}; }

    int fd = -1;  // -1: the queue has no such buffer any more
    uint32_t index = 0;
    std::unique_ptr<uint8_t, Free> outer;  // pages, as what is mapped of a device
    size_t outer_size = 0;
    void* linear = nullptr;
    size_t linear_size = 0;
  };

  // A CAPTURE buffer of a queue that takes dma-bufs, and the one that OwnDevice decodes into.
  struct Import {
    std::span<uint8_t> outer;  // the dma-buf that was queued last
    std::span<uint8_t> linear;
  };

  int enumerate(int fd, v4l2_fmtdesc& description);
  int format(int fd, uint32_t request, v4l2_format& format);
  void orphan(int fd);
  int query(int fd, v4l2_buffer& buffer);
  int request(int fd, v4l2_requestbuffers& buffers);
  int queue(int fd, v4l2_buffer& buffer);
  int import(int fd, uint32_t index, int dma_buf, size_t size);
  void end_imports(int fd);
  int dequeue(int fd, v4l2_buffer& buffer);
  void fill(const Formats& formats, const uint8_t* linear, std::span<uint8_t> outer);

  OwnDevice inner_;
  const Layouts layouts_;
  std::mutex mutex_;  // guards all below
  std::map<int, Formats> formats_;
  std::map<std::pair<int, int64_t>, Buffer> queried_;  // by file and offset: not mapped yet
  std::map<void*, Buffer> mapped_;                     // by the client's address
  std::map<int, std::vector<Import>> imports_;         // by file, then by the buffer's index
  std::atomic<int> imported_{0};
  std::atomic<int> allowed_imports_{std::numeric_limits<int>::max()};
  uint8_t junk_ = 1;
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_LAYOUT_DEVICE_H_
