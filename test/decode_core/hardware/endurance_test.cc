// What wears a hardware decoder's pools down over thousands of pictures: failures that never end,
// contexts of changing sizes, and clients that hold many pictures or one.
#include <atomic>
#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/statistics.h"
#include "decode_core/hardware/capture_pool.h"
#include "decode_core/hardware/decoder_queues.h"
#include "decode_core/hardware/device_capabilities.h"
#include "decode_core/hardware/discovery.h"
#include "decode_core/picture.h"
#include "decode_core/session.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/stream/streams.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::TemporaryFolder;

// The video node, the media node, and each slot's request.
constexpr size_t kFilesOfContext = 2 + DecoderQueues::kSlots;

// The first picture of a clip, which needs no other.
struct FirstPicture {
  explicit FirstPicture(const std::string& clip) {
    auto stream = parsed_stream::ParsedStream::open("test/data/" + clip);
    REQUIRE(stream.ok());
    profile = *(*stream)->profile();
    parsed_stream::Event event;
    REQUIRE((*stream)->next(event).ok());
    job = std::move(std::get<parsed_stream::DecodeEvent>(event).job);
    job.target = nullptr;
    expected = decode(*make_core(1));
  }

  // The hash of what a context of its own makes of it; else why there is none.
  std::string decode(Core& core) const {
    auto session = core.open_session({profile, job.coded_width(), job.coded_height(), "replay"});
    return session ? decode(**session) : session.error().message;
  }
  std::string decode(Session& session) const {
    DecodeJob again = job;
    again.target = std::make_shared<Picture>();
    const auto picture = again.target;
    if (Status status = session.submit(std::move(again)); !status) return status.error().message;
    picture->wait();
    const auto frame = picture->frame();
    if (!frame) return picture->error().message;
    const FrameHash hash = hash_frame(frame->view);
    return {hash.begin(), hash.end()};
  }

  Profile profile{};
  DecodeJob job;
  std::string expected;
};

// Every second request fails, in three ways in turn, until `failures` did; the session is as good
// as new afterwards.
void fail_for_long(int failures) {
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  const FirstPicture picture("vp8.webm");
  auto opened = core->open_session(
      {picture.profile, picture.job.coded_width(), picture.job.coded_height(), "replay"});
  REQUIRE(opened.ok());
  std::shared_ptr<Session> session = std::move(*opened);
  constexpr uint32_t kNone = ~0u;
  std::atomic<uint32_t> refused{kNone};
  std::atomic<int> failed{0};
  device.set_fault([&](uint32_t request, void* argument) {
    if (request != refused) return 0;
    if (request == VIDIOC_QBUF &&
        !V4L2_TYPE_IS_OUTPUT(static_cast<const v4l2_buffer*>(argument)->type)) {
      return 0;
    }
    if (request == VIDIOC_S_EXT_CTRLS &&
        static_cast<const v4l2_ext_controls*>(argument)->which != V4L2_CTRL_WHICH_REQUEST_VAL) {
      return 0;
    }
    refused = kNone;
    ++failed;
    return EINVAL;
  });
  constexpr uint32_t kRefused[] = {VIDIOC_QBUF, MEDIA_REQUEST_IOC_QUEUE, VIDIOC_S_EXT_CTRLS};
  REQUIRE(picture.decode(*session) == picture.expected);
  for (int i = 0; i < failures; ++i) {
    CAPTURE(i);
    refused = kRefused[i % 3];
    REQUIRE(picture.decode(*session) != picture.expected);
    REQUIRE(failed == i + 1);
    REQUIRE(picture.decode(*session) == picture.expected);
    REQUIRE(device.open_files() == kFilesOfContext);
  }
  session.reset();
  device.await_clients();
}

// A device is asked with a small size, that context goes, another decodes a large picture, and a
// third changes from one to the other.
void race_for_buffers(int times) {
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  const FirstPicture small("hevc_10bit.mp4");
  const FirstPicture large("hevc.mp4");
  DiscoveryOptions options;
  options.own_nodes = true;
  const auto found = discover_decoders(device, options).decoders;
  REQUIRE(found.size() == 2);
  for (int i = 0; i < times; ++i) {
    CAPTURE(i);
    if (i % 50 == 0) REQUIRE(query_capabilities(device, found[1], true).ok());
    REQUIRE(small.decode(*core) == small.expected);
    const auto session = core->open_session(
        {large.profile, large.job.coded_width(), large.job.coded_height(), "replay"});
    REQUIRE(session.ok());
    REQUIRE(large.decode(**session) == large.expected);
    REQUIRE(small.decode(**session) == small.expected);
  }
  device.await_clients();
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
}

// Whether no picture of the only session was copied out of its buffer.
bool is_all_adopted(const std::string& folder) {
  const auto captured = daedalus::test::pictures_of(daedalus::test::only_page(folder), "capture");
  if (captured.contains("copied")) return false;
  REQUIRE(captured.contains("adopted"));
  return true;
}

// Plays the clip again and again until so many frames were shown, the latest `held` of them held by
// the client, and says how many were not exact.
size_t play_holding(const std::string& clip, size_t held, size_t frames) {
  const std::string path = "test/data/" + clip;
  const PlayedFile expected = play_file(*make_core(1), path);
  const TemporaryFolder folder;
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
  std::shared_ptr<Session> session;
  std::deque<std::shared_ptr<Picture>> surfaces;
  size_t shown = 0;
  size_t wrong = 0;
  while (shown < frames) {
    const PlayedFile played =
        play_file(*core, path, &session, [&](const std::shared_ptr<Picture>& picture) {
          surfaces.push_back(picture);
          if (surfaces.size() > held) surfaces.pop_front();
        });
    REQUIRE(played.failure == "");
    REQUIRE(played.pictures.size() == expected.pictures.size());
    for (size_t i = 0; i < played.pictures.size(); ++i) {
      wrong += played.pictures[i] == expected.pictures[i] ? 0 : 1;
    }
    shown += played.pictures.size();
    REQUIRE(device.open_files() == kFilesOfContext);
    REQUIRE(device.mappings() <= DecoderQueues::kSlots + CapturePool::kMostBuffers);
  }
  // In between it depends on how many buffers the references need.
  if (held == 1) REQUIRE(is_all_adopted(folder.path()));
  if (held > CapturePool::kMostBuffers) REQUIRE_FALSE(is_all_adopted(folder.path()));
  return wrong;
}

// Firefox holds a whole pool of surfaces and takes them in turn; mpv lets each picture go at once;
// and somebody holds more than the driver has buffers.
void rotate_and_recycle(size_t frames) {
  for (const std::string clip : {"h264.mp4", "vp9.webm"}) {
    CAPTURE(clip);
    CHECK(play_holding(clip, 20, frames) == 0);
    CHECK(play_holding(clip, 1, frames) == 0);
    CHECK(play_holding(clip, 40, frames) == 0);
  }
}

}  // namespace

TEST_CASE("errors that never end cost no slot", "[sample]") { fail_for_long(300); }
TEST_CASE("errors that never end cost no slot, ten thousand of them", "[full]") {
  fail_for_long(10000);
}

TEST_CASE("a size that changes meets no buffer and no format of the one before", "[sample]") {
  race_for_buffers(30);
}
TEST_CASE("a size that changes meets no buffer and no format of the one before, a thousand times",
          "[full]") {
  race_for_buffers(1000);
}

TEST_CASE("pictures that the client holds and pictures that it lets go", "[sample]") {
  rotate_and_recycle(120);
}
TEST_CASE("pictures that the client holds and pictures that it lets go, ten thousand of each",
          "[full]") {
  rotate_and_recycle(10000);
}

}  // namespace daedalus::core::test
