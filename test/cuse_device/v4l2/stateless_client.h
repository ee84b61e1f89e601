// RequestClient and StatelessPlayer: a client of the stateless node that plays parsed streams,
// several requests in flight.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_STATELESS_CLIENT_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_STATELESS_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cuse_device/v4l2/nodes.h"
#include "decode_core/job.h"
#include "test/cuse_device/v4l2/captured.h"
#include "test/cuse_device/v4l2/test_client.h"
#include "test/decode_core/stream/streams.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::test {

// The nodes of one device over a core of its own.
struct TestNodes {
  explicit TestNodes(const v4l2::NodesOptions& options = {},
                     const std::string& statistics_folder = "");
  explicit TestNodes(const std::shared_ptr<core::Core>& core,
                     const v4l2::NodesOptions& options = {});
  v4l2::Device& stateful() { return *nodes[0]; }
  v4l2::Device& stateless() { return *nodes[1]; }
  v4l2::Device& media() { return *nodes[2]; }
  std::vector<std::unique_ptr<v4l2::Device>> nodes;
};

uint32_t stateless_fourcc(core::Codec codec);

// A control's value for S_EXT_CTRLS.
struct ControlValue {
  uint32_t id = 0;
  std::vector<std::byte> bytes;
};
template <typename T>
ControlValue control_value(uint32_t id, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {id, {bytes.begin(), bytes.end()}};
}

// Media and video file of one client.
class RequestClient {
 public:
  explicit RequestClient(TestNodes& nodes)
      : shared(std::make_shared<TestClient>()),
        media(nodes.media(), shared),
        video(nodes.stateless(), shared) {}

  // MEDIA_IOC_REQUEST_ALLOC; below 0 where it fails.
  int allocate_request();
  v4l2::Request& request(int fd) { return *shared->requests.at(fd); }
  // The ioctls of the handle; each gives the errno.
  int queue_request(int fd);
  int reinit(int fd);
  // S_EXT_CTRLS: into the request, or, below 0, by itself.
  int set_controls(int request_fd, std::span<const ControlValue> values);
  int set_control(int request_fd, const ControlValue& value) {
    return set_controls(request_fd, std::span(&value, 1));
  }
  // QBUF of OUTPUT buffer `index` with these bytes and flags.
  int queue_output(int request_fd, uint32_t index, std::span<const uint8_t> bytes,
                   uint64_t microseconds = 0, uint32_t flags = 0);
  // Waits until the request is complete; false after 20 s.
  bool wait_complete(int fd);

  std::shared_ptr<TestClient> shared;
  TestFile media;
  TestFile video;
};

// The job's controls, with the timestamps of its references in ns.
std::vector<ControlValue> controls_of(const core::DecodeJob& job,
                                      const std::map<const core::Picture*, uint64_t>& timestamps);
// The job's OUTPUT data; H.264 and HEVC with start codes.
std::vector<uint8_t> coded_data_of(const core::DecodeJob& job);

// Plays files through one file of the stateless node.
class StatelessPlayer {
 public:
  struct Manner {
    uint32_t raw_format = V4L2_PIX_FMT_NV12;
    uint32_t requests = 4;                                   // in flight at most
    bool repeat_controls = false;                            // also those that did not change
    bool overwrite_captures = false;                         // destroys each picture when it has it
    bool slice_based = false;                                // H.264, HEVC: one request a slice
    bool tolerant = false;                                   // pictures may be errors
    std::function<void(const core::FrameView&)> on_picture;  // that is shown, in this order
  };
  StatelessPlayer(TestNodes& nodes, const Manner& manner) : client_(nodes), manner_(manner) {}
  // Everything that is shown, in display order; throws std::runtime_error where an ioctl fails.
  std::vector<core::test::Shown> play(const std::string& path);
  RequestClient& client() { return client_; }

 private:
  struct Slot {
    uint32_t index;
    int request;
  };
  struct Target {
    uint64_t timestamp = 0;
    size_t last_use = 0;    // index of an event
    core::Rect visible;     // where it is shown
    int capture = kNotYet;  // the client's buffer with it
    CapturedPicture picture;
  };
  static constexpr int kNotYet = -1;
  static constexpr int kGone = -2;  // the buffers were freed since
  void start(core::Codec codec, uint32_t width, uint32_t height);
  // The pictures have another size from now on.
  void restart(const core::DecodeJob& job);
  void read_events(parsed_stream::ParsedStream& stream);
  // The target of the job that made the picture.
  const core::Picture* target_of(const std::shared_ptr<core::Picture>& shown) const;
  void decode(size_t event, const core::DecodeJob& job);
  void queue(const core::DecodeJob& job, std::span<const uint8_t> data, bool hold);
  void show(const parsed_stream::OutputEvent& output);
  void take_capture();
  void recycle(size_t event);
  void wait_for_slot();

  RequestClient client_;
  const Manner manner_;
  std::vector<parsed_stream::Event> events_;
  std::map<const core::Picture*, Target> targets_;
  std::map<const core::Picture*, uint64_t> timestamps_;
  std::map<const core::Picture*, const core::Picture*> displays_;  // the target of each
  std::deque<Slot> free_;
  std::deque<Slot> queued_;
  std::map<uint32_t, std::vector<std::byte>> sent_;  // by control
  v4l2_pix_format_mplane format_{};
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  size_t captures_due_ = 0;
  std::vector<core::test::Shown> shown_;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_STATELESS_CLIENT_H_
