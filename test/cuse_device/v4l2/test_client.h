// TestClient and TestFile: a client of an in-process V4L2 node over plain memory.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_TEST_CLIENT_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_TEST_CLIENT_H_

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "cuse_device/v4l2/client.h"
#include "cuse_device/v4l2/open_file.h"
#include "cuse_device/v4l2/request.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::test {

inline constexpr uint32_t kOutput = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
inline constexpr uint32_t kCapture = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

// Pointers that no client may be believed.
inline void* bad_pointer() { return reinterpret_cast<void*>(uintptr_t{0x10}); }

// The process itself is the client; addresses below 64 KiB are not mapped.
class TestClient : public v4l2::Client {
 public:
  bool read(uint64_t address, void* to, size_t size) override;
  bool write(uint64_t address, const void* from, size_t size) override;
  int give_fd(UniqueFd fd, bool close_on_exec) override;
  Result<UniqueFd> take_fd(int client_fd) override;
  int give_request(std::shared_ptr<v4l2::Request> request) override;
  std::shared_ptr<v4l2::Request> find_request(int client_fd) override;

  // As CUSE: the first read of a range fails, and writes only go to ranges that were read.
  bool fetch_first = false;
  bool wrote_unread = false;
  // Where not empty, all that the client has.
  std::span<std::byte> arena;
  std::map<int, UniqueFd> fds;
  std::map<int, std::shared_ptr<v4l2::Request>> requests;

 private:
  bool mapped(uint64_t address, size_t size) const;
  std::set<std::pair<uint64_t, size_t>> fetched_;
};

// One open file and its client.
class TestFile {
 public:
  explicit TestFile(v4l2::Device& device,
                    std::shared_ptr<TestClient> client = std::make_shared<TestClient>());
  ~TestFile();

  // The errno of the ioctl, 0 for success; waits where a transport always would.
  template <typename T>
  int ioctl(uint32_t request, T& argument) {
    return ioctl_bytes(request, std::as_writable_bytes(std::span(&argument, 1)));
  }
  int ioctl_bytes(uint32_t request, std::span<std::byte> argument);
  // Without O_NONBLOCK: repeats a call that would wait, for 20 s at most.
  template <typename T>
  int blocking(uint32_t request, T& argument) {
    const int waits = request == VIDIOC_DQEVENT ? ENOENT : EAGAIN;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      const int seen = changes();
      const T before = argument;
      const int error = ioctl(request, argument);
      if (error != waits || !wait_for_change(seen, deadline)) return error;
      argument = before;
    }
  }
  // Waits until all of `events` hold; false after 20 s.
  bool wait_poll(short events);
  short poll() { return file_->poll(); }
  v4l2::OpenFile& file() { return *file_; }
  TestClient& client() { return *client_; }

  // Short forms; each gives the errno.
  int set_format(uint32_t type, uint32_t fourcc, uint32_t width = 0, uint32_t height = 0);
  v4l2_pix_format_mplane format(uint32_t type);
  int request_buffers(uint32_t type, uint32_t count, uint32_t memory = V4L2_MEMORY_MMAP,
                      uint32_t* granted = nullptr);
  int stream(uint32_t type, bool on);
  int subscribe(uint32_t type, uint32_t id = 0, uint32_t flags = 0);
  int command(uint32_t command);
  // The planes come with it.
  struct Buffer {
    v4l2_buffer buffer{};
    v4l2_plane planes[VIDEO_MAX_PLANES]{};
    Buffer(uint32_t type, uint32_t index, uint32_t memory = V4L2_MEMORY_MMAP);
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    bool last() const { return (buffer.flags & V4L2_BUF_FLAG_LAST) != 0; }
  };
  int query(Buffer& buffer) { return ioctl(VIDIOC_QUERYBUF, buffer.buffer); }
  int queue(Buffer& buffer) { return ioctl(VIDIOC_QBUF, buffer.buffer); }
  int dequeue(Buffer& buffer) { return ioctl(VIDIOC_DQBUF, buffer.buffer); }
  int dequeue_blocking(Buffer& buffer) { return blocking(VIDIOC_DQBUF, buffer.buffer); }
  int queue_capture(uint32_t index);
  // Puts `bytes` into an OUTPUT buffer and queues it.
  int queue_output(uint32_t index, std::span<const uint8_t> bytes, int64_t microseconds = 0);
  // A plane's memory as mmap shows it.
  v4l2::MappedRange map(uint32_t type, uint32_t index, uint32_t plane = 0);
  uint8_t* data(const v4l2::MappedRange& range) { return range.memory->data() + range.offset; }
  // Allocates, queues all and starts.
  int start_capture(uint32_t count);
  int start_output(uint32_t fourcc, uint32_t count, uint32_t width = 0, uint32_t height = 0);
  // The type of the next event; 0 where none is pending.
  uint32_t next_event();
  uint32_t next_event_blocking();

 private:
  int changes();
  bool wait_for_change(int seen, std::chrono::steady_clock::time_point deadline);

  std::mutex mutex_;
  std::condition_variable condition_;
  int changes_ = 0;
  std::shared_ptr<TestClient> client_;
  std::unique_ptr<v4l2::OpenFile> file_;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_TEST_CLIENT_H_
