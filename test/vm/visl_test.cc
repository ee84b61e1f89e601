// The hardware backend on visl, a stateless decoder of the kernel's own that decodes nothing: what
// arrives there is what was sent. Runs in the virtual machine (visl_test.py).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "decode_core/hardware/device_calls.h"
#include "decode_core/hardware/device_capabilities.h"
#include "decode_core/hardware/discovery.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/picture.h"
#include "decode_core/session.h"
#include "decode_core/surface.h"
#include "decode_core/uapi/controls.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/decode_core/hardware/exporting_client.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::TemporaryFolder;
using Bytes = std::vector<uint8_t>;

// Visl keeps the coded data of each frame until OUTPUT stops, named by the buffer's sequence number
// in its context.
constexpr const char* kBitstreamFolder = "/sys/kernel/debug/visl/bitstream/bitstream";

Bytes read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The system's calls. Of one context, compares what was sent with each request with what the kernel
// and the driver say that they got, when the request has ended.
class WatchedCalls final : public DeviceCalls {
 public:
  int open(const std::string& path) override { return system_.open(path); }
  int close(int fd) override { return system_.close(fd); }
  int munmap(void* data, size_t size) override { return system_.munmap(data, size); }
  int poll(pollfd& entry, int milliseconds) override { return system_.poll(entry, milliseconds); }
  std::vector<Node> nodes(std::string_view prefix) override { return system_.nodes(prefix); }

  void* mmap(int fd, size_t size, int64_t offset) override {
    void* data = system_.mmap(fd, size, offset);
    std::lock_guard lock(mutex_);
    if (data != MAP_FAILED) mapped_[offset] = static_cast<const uint8_t*>(data);
    return data;
  }

  int ioctl(int fd, uint32_t request, void* argument) override {
    if (request == MEDIA_REQUEST_IOC_REINIT) compare(fd);
    // The kernel answers with what the buffer had last.
    if (request == VIDIOC_QBUF) note_coded(argument);
    const int result = system_.ioctl(fd, request, argument);
    if (result != 0) return result;
    std::lock_guard lock(mutex_);
    if (request == VIDIOC_S_EXT_CTRLS) note_controls(fd, argument);
    if (request == VIDIOC_QUERYBUF) note_buffer(argument);
    if (request == VIDIOC_STREAMON) sequence_ = 0;
    return result;
  }

  // Of the requests that ended.
  size_t requests() const { return requests_; }
  size_t controls() const { return controls_; }
  size_t coded_bytes() const { return coded_bytes_; }
  const std::vector<std::string>& differences() const { return differences_; }

 private:
  struct Sent {
    int video = -1;
    std::vector<std::pair<uint32_t, Bytes>> controls;
    Bytes coded;
  };

  void note_controls(int fd, const void* argument) {
    const auto& controls = *static_cast<const v4l2_ext_controls*>(argument);
    if (controls.which != V4L2_CTRL_WHICH_REQUEST_VAL) return;
    Sent& sent = sent_[controls.request_fd];
    sent = {fd, {}, {}};
    for (uint32_t i = 0; i < controls.count; ++i) {
      const v4l2_ext_control& control = controls.controls[i];
      const auto* data = static_cast<const uint8_t*>(control.ptr);
      sent.controls.emplace_back(control.id, Bytes(data, data + control.size));
    }
  }

  void note_buffer(const void* argument) {
    const auto& buffer = *static_cast<const v4l2_buffer*>(argument);
    if (V4L2_TYPE_IS_OUTPUT(buffer.type)) offsets_[buffer.index] = buffer.m.planes[0].m.mem_offset;
  }

  void note_coded(const void* argument) {
    const auto& buffer = *static_cast<const v4l2_buffer*>(argument);
    if (!V4L2_TYPE_IS_OUTPUT(buffer.type)) return;
    std::lock_guard lock(mutex_);
    const uint8_t* data = mapped_.at(offsets_.at(buffer.index));
    sent_[buffer.request_fd].coded.assign(data, data + buffer.m.planes[0].bytesused);
  }

  void compare(int request) {
    std::lock_guard lock(mutex_);
    const auto found = sent_.find(request);
    if (found == sent_.end()) return;
    const Sent& sent = found->second;
    for (const auto& [id, bytes] : sent.controls) {
      if (read_back(sent.video, request, id, bytes.size()) != bytes) {
        differences_.push_back("control " + std::to_string(id));
      }
      ++controls_;
    }
    const Bytes arrived = read_all(kBitstreamFolder + std::to_string(sequence_));
    if (arrived != sent.coded) {
      differences_.push_back("the " + std::to_string(sent.coded.size()) + " bytes of frame " +
                             std::to_string(sequence_) + " are " + std::to_string(arrived.size()));
    }
    coded_bytes_ += arrived.size();
    ++sequence_;
    ++requests_;
    sent_.erase(found);
  }

  Bytes read_back(int video, int request, uint32_t id, size_t size) {
    Bytes bytes(size);
    v4l2_ext_control control{};
    control.id = id;
    control.size = static_cast<uint32_t>(size);
    control.ptr = bytes.data();
    v4l2_ext_controls all{};
    all.which = V4L2_CTRL_WHICH_REQUEST_VAL;
    all.request_fd = request;
    all.count = 1;
    all.controls = &control;
    if (system_.ioctl(video, VIDIOC_G_EXT_CTRLS, &all) != 0) return {};
    return bytes;
  }

  DeviceCalls& system_ = system_device_calls();
  std::mutex mutex_;
  std::map<int64_t, const uint8_t*> mapped_;  // by offset
  std::map<uint32_t, uint32_t> offsets_;      // of OUTPUT buffers, by index
  std::map<int, Sent> sent_;                  // by request
  size_t sequence_ = 0;
  size_t requests_ = 0, controls_ = 0, coded_bytes_ = 0;
  std::vector<std::string> differences_;
};

std::shared_ptr<Core> make_visl_core(DeviceCalls& calls) {
  return make_hardware_core(calls, "hardware");
}

// The clips that visl's CAPTURE formats can show.
constexpr std::array<const char*, 7> kClips = {
    "h264.mp4", "h264_interlaced.mp4", "hevc.mp4", "vp8.webm", "vp9.webm", "mpeg2.mpg", "av1.webm"};

// So many pictures of a clip: the machine is emulated, and visl paints each of them.
constexpr size_t kPictures = 8;

// Decodes the first pictures of a clip and says what was wrong; empty: every one came, whatever
// visl painted on it. `kept`, where not null: the session to go on with, and the one that was used.
std::string play(Core& core, const std::string& clip, std::shared_ptr<Session>* kept = nullptr) {
  auto stream = parsed_stream::ParsedStream::open("test/data/" + clip);
  if (!stream) return stream.error().message;
  std::shared_ptr<Session> session = kept != nullptr ? *kept : nullptr;
  std::vector<std::shared_ptr<Picture>> pictures;
  parsed_stream::Event event;
  while (pictures.size() < kPictures) {
    const auto more = (*stream)->next(event);
    if (!more || !*more) return "the clip ends early";
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) continue;
    if (session == nullptr) {
      auto opened = core.open_session(
          {*(*stream)->profile(), (*stream)->width(), (*stream)->height(), "replay"});
      if (!opened) return opened.error().message;
      session = std::move(*opened);
    }
    if (session->engine() != "visl") return "decoded by " + std::string(session->engine());
    pictures.push_back(decode->job.target);
    if (Status status = session->submit(std::move(decode->job)); !status) {
      return status.error().message;
    }
  }
  session->drain();
  if (kept != nullptr) *kept = session;
  for (const auto& picture : pictures) {
    if (!picture->frame()) return picture->error().message;
    if (picture->concealed()) return "a picture is concealed";
  }
  return "";
}

}  // namespace

TEST_CASE("visl is found, and says what it takes") {
  DeviceCalls& calls = system_device_calls();
  const Discovery found = discover_decoders(calls, {});
  REQUIRE(found.decoders.size() == 1);
  CHECK(found.decoders[0].driver == "visl");
  const auto capabilities = query_capabilities(calls, found.decoders[0], false);
  REQUIRE(capabilities.ok());
  CHECK(capabilities->driver == "visl");
  for (const Profile profile : {Profile::kH264High, Profile::kHevcMain, Profile::kVp8,
                                Profile::kVp9Profile0, Profile::kMpeg2Main, Profile::kAv1Main}) {
    CAPTURE(to_string(profile));
    CHECK(std::ranges::any_of(capabilities->profiles,
                              [&](const auto& known) { return known.profile == profile; }));
  }
}

TEST_CASE("every control and every coded byte arrives as it was sent") {
  for (const char* clip : kClips) {
    CAPTURE(clip);
    WatchedCalls calls;
    const auto core = make_visl_core(calls);
    CHECK(play(*core, clip) == "");
    CHECK(calls.requests() == kPictures);
    CHECK(calls.controls() >= calls.requests());
    CHECK(calls.coded_bytes() > 0);
    CHECK(calls.differences() == std::vector<std::string>());
    std::printf("%s: %zu requests, %zu controls and %zu coded bytes equal\n", clip,
                calls.requests(), calls.controls(), calls.coded_bytes());
  }
}

TEST_CASE("sizes change within one session, there and back") {
  const auto core = make_visl_core(system_device_calls());
  std::shared_ptr<Session> session;
  for (const char* clip : {"h264.mp4", "h264_interlaced.mp4", "h264.mp4"}) {
    CAPTURE(clip);
    const auto before = session;
    CHECK(play(*core, clip, &session) == "");
    if (before != nullptr) CHECK(session == before);
  }
}

TEST_CASE("pictures larger than the OUTPUT buffers get a larger one beside them") {
  class SmallBuffers final : public DeviceCalls {
   public:
    int open(const std::string& path) override { return system_.open(path); }
    int close(int fd) override { return system_.close(fd); }
    int ioctl(int fd, uint32_t request, void* argument) override {
      const int result = system_.ioctl(fd, request, argument);
      if (result != 0) return result;
      if (request == VIDIOC_CREATE_BUFS &&
          V4L2_TYPE_IS_OUTPUT(static_cast<const v4l2_create_buffers*>(argument)->format.type)) {
        ++created;
      }
      if (request == VIDIOC_QUERYBUF && created == 0) {
        auto& buffer = *static_cast<v4l2_buffer*>(argument);
        if (V4L2_TYPE_IS_OUTPUT(buffer.type)) buffer.m.planes[0].length = 2000;
      }
      return result;
    }
    void* mmap(int fd, size_t size, int64_t offset) override {
      return system_.mmap(fd, size, offset);
    }
    int munmap(void* data, size_t size) override { return system_.munmap(data, size); }
    int poll(pollfd& entry, int milliseconds) override { return system_.poll(entry, milliseconds); }
    std::vector<Node> nodes(std::string_view prefix) override { return system_.nodes(prefix); }
    int created = 0;

   private:
    DeviceCalls& system_ = system_device_calls();
  };
  SmallBuffers calls;
  const auto core = make_visl_core(calls);
  CHECK(play(*core, "vp9.webm") == "");
  CHECK(calls.created > 0);
}

TEST_CASE("hundreds of contexts come and go, and eight decode at once") {
  const auto core = make_visl_core(system_device_calls());
  {
    std::vector<std::shared_ptr<Session>> held;
    for (int i = 0; i < 300; ++i) {
      auto session = core->open_session({Profile::kVp8, 64, 64, "replay"});
      REQUIRE(session.ok());
      if (i % 3 == 0) held.push_back(std::move(*session));
    }
  }
  std::array<std::string, 8> wrong;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] { wrong[i] = play(*core, kClips[i % kClips.size()]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& one : wrong) CHECK(one == "");
}

TEST_CASE("a CAPTURE buffer that is exported is the one that is mapped") {
  DeviceCalls& calls = system_device_calls();
  const Discovery found = discover_decoders(calls, {});
  REQUIRE(found.decoders.size() == 1);
  auto node = VideoNode::open(calls, found.decoders[0].video_path);
  REQUIRE(node.ok());
  REQUIRE(node->set_format(Queue::kOutput, V4L2_PIX_FMT_VP8_FRAME, 320, 180, 0).ok());
  REQUIRE(node->request_buffers(Queue::kCapture, 2).ok());
  {
    auto memory = node->map_buffer(Queue::kCapture, 1);
    REQUIRE(memory.ok());
    v4l2_exportbuffer exported{};
    exported.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
    exported.index = 1;
    exported.flags = O_RDWR | O_CLOEXEC;
    REQUIRE(calls.ioctl(node->fd(), VIDIOC_EXPBUF, &exported) == 0);
    const auto bytes = memory->front().bytes();
    void* other = ::mmap(nullptr, bytes.size(), PROT_READ, MAP_SHARED, exported.fd, 0);
    REQUIRE(other != MAP_FAILED);
    std::ranges::fill(bytes, uint8_t{0x5a});
    CHECK(std::memcmp(other, bytes.data(), bytes.size()) == 0);
    ::munmap(other, bytes.size());
    ::close(exported.fd);
  }
  CHECK(node->request_buffers(Queue::kCapture, 0).ok());
}

// The machine's dma-bufs are of /dev/dma_heap; what visl paints is not the picture.
TEST_CASE("surfaces that were exported before are what visl paints") {
  const TemporaryFolder folder;
  {
    const auto core = make_hardware_core(system_device_calls(), "hardware", folder.path());
    auto stream = parsed_stream::ParsedStream::open("test/data/vp9.webm");
    REQUIRE(stream.ok());
    auto opened = core->open_session({*(*stream)->profile(), 0, 0, "replay"});
    REQUIRE(opened.ok());
    std::vector<std::unique_ptr<Surface>> surfaces;
    while (surfaces.size() < kPictures) {
      parsed_stream::Event event;
      const auto more = (*stream)->next(event);
      REQUIRE((more.ok() && *more));
      auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
      if (decode == nullptr) continue;
      DecodeJob& job = decode->job;
      surfaces.push_back(std::make_unique<Surface>(core, SurfaceFormat::kNv12, job.coded_width(),
                                                   job.coded_height()));
      const auto exported = surfaces.back()->export_memory(true);
      REQUIRE(exported.ok());
      CHECK(exported->memory->provider() == "dma_heap");
      const Bytes black(exported->memory->data(),
                        exported->memory->data() + exported->memory->size());
      const auto picture = job.target;
      surfaces.back()->set_picture(picture);
      REQUIRE((*opened)->submit(std::move(job)).ok());
      (*opened)->drain();
      REQUIRE(picture->frame().has_value());
      CHECK(picture->frame()->view.planes[0].data == exported->memory->data());
      CHECK(std::memcmp(exported->memory->data(), black.data(), black.size()) != 0);
    }
  }
  CHECK(count_pictures(folder.path(), "export", "in place") == kPictures);
  CHECK(count_pictures(folder.path(), "pack", "") == 0);
}

}  // namespace daedalus::core::test
