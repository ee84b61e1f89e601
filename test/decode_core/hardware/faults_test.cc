// What becomes of slots and of streams when the device fails.
#include <atomic>
#include <cerrno>
#include <set>
#include <string>
#include <thread>

#include "base/statistics.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/failover_decoder.h"
#include "decode_core/hardware/hardware_decoder.h"
#include "decode_core/hardware/request_slots.h"
#include "decode_core/session.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/corpus.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/hardware/slice_device.h"
#include "test/decode_core/stream/streams.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::only_page;
using daedalus::test::TemporaryFolder;

constexpr uint32_t kSlots = 4;

VideoNode open_node(OwnDevice& device) {
  auto node = VideoNode::open(device, "/dev/video11");
  REQUIRE(node.ok());
  return std::move(*node);
}

// An open node with its slots.
struct Context {
  explicit Context(OwnDevice& device)
      : node(open_node(device)), media(device, device.open("/dev/media0")) {
    REQUIRE(media);
    REQUIRE(node.set_format(Queue::kOutput, V4L2_PIX_FMT_VP8_FRAME, 64, 64, 4096).ok());
    auto allocated = RequestSlots::allocate(node, media.get(), kSlots);
    REQUIRE(allocated.ok());
    slots = std::move(*allocated);
  }
  VideoNode node;
  DeviceFd media;
  std::unique_ptr<RequestSlots> slots;
};

OwnDevice::Fault failing(std::set<uint32_t> requests, int error) {
  return [requests = std::move(requests), error](uint32_t request, void*) {
    return requests.contains(request) ? error : 0;
  };
}

// The clip through "prefer-hardware" on a device that passes for hardware and fails with `fault`.
struct Outcome {
  PlayedFile played;
  StatisticsSnapshot page;
};
Outcome play_path(const std::string& path, OwnDevice::Fault fault, OwnDevice::Answer answer = {}) {
  const TemporaryFolder folder;
  OwnDevice device;
  device.set_driver("test-vpu");
  const auto core = make_hardware_core(device, "prefer-hardware", folder.path());
  device.set_fault(std::move(fault));
  device.set_answer(std::move(answer));
  Outcome outcome;
  outcome.played = play_file(*core, path);
  outcome.page = only_page(folder.path());
  return outcome;
}
Outcome play(const std::string& clip, OwnDevice::Fault fault, OwnDevice::Answer answer = {}) {
  return play_path("test/data/" + clip, std::move(fault), std::move(answer));
}

// The first and one past the last picture that differ; equal: none does.
std::pair<size_t, size_t> differing(const PlayedFile& played, const PlayedFile& expected) {
  REQUIRE(played.pictures.size() == expected.pictures.size());
  size_t first = 0;
  size_t end = 0;
  for (size_t i = 0; i < played.pictures.size(); ++i) {
    if (played.pictures[i].hash == expected.pictures[i].hash) continue;
    if (end == 0) first = i;
    end = i + 1;
  }
  return {first, end};
}

}  // namespace

TEST_CASE("slots are given out in turn, and each keeps its request") {
  OwnDevice device;
  Context context(device);
  std::set<int> requests;
  for (uint32_t i = 0; i < kSlots; ++i) requests.insert(context.slots->request(i));
  CHECK(requests.size() == kSlots);
  for (uint32_t i = 0; i < 3 * kSlots; ++i) {
    const auto slot = context.slots->acquire();
    REQUIRE(slot.has_value());
    CHECK(*slot == i % kSlots);
    CHECK(requests.contains(context.slots->request(*slot)));
    context.slots->release(*slot);
  }
  for (uint32_t i = 0; i < kSlots; ++i) REQUIRE(context.slots->acquire().has_value());
  CHECK_FALSE(context.slots->acquire().has_value());
}

TEST_CASE("ten thousand requests that the driver refuses cost no slot") {
  OwnDevice device;
  Context context(device);
  const size_t files = device.open_files();
  for (int i = 0; i < 10000; ++i) {
    const auto slot = context.slots->acquire();
    REQUIRE(slot.has_value());
    const int request = context.slots->request(*slot);
    device.set_fault(failing({VIDIOC_QBUF}, EINVAL));
    CHECK_FALSE(context.node.queue_output(*slot, 10, 1, request, 0).ok());
    device.set_fault({});
    // Nor do those that get as far as the request, which is refused for want of controls.
    if (i % 2 == 0) {
      REQUIRE(context.node.queue_output(*slot, 10, 1, request, 0).ok());
      REQUIRE_FALSE(context.slots->submit(*slot).ok());
    }
    context.slots->release(*slot);
    REQUIRE(context.slots->request(*slot) == request);
  }
  CHECK(context.slots->living() == kSlots);
  CHECK(device.open_files() == files);
}

TEST_CASE("a request that is not to be had back is replaced, and a slot without one is dead") {
  OwnDevice device;
  Context context(device);
  const auto slot = context.slots->acquire();
  const int before = context.slots->request(*slot);
  device.set_fault(failing({MEDIA_REQUEST_IOC_REINIT}, EBUSY));
  context.slots->release(*slot);
  CHECK(context.slots->request(*slot) != before);
  CHECK(context.slots->living() == kSlots);

  const auto next = context.slots->acquire();
  device.set_fault(failing({MEDIA_REQUEST_IOC_REINIT, MEDIA_IOC_REQUEST_ALLOC}, EBUSY));
  context.slots->release(*next);
  CHECK(context.slots->living() == kSlots - 1);
  const auto buried = context.slots->acquire();
  context.slots->bury(*buried);
  CHECK(context.slots->living() == kSlots - 2);
  device.set_fault({});
  std::set<uint32_t> given;
  while (const auto living = context.slots->acquire()) given.insert(*living);
  CHECK(given.size() == kSlots - 2);
  CHECK_FALSE(given.contains(*next));
  CHECK_FALSE(given.contains(*buried));
}

TEST_CASE("hardware that is there comes before software, by itself") {
  const PlayedFile expected = play_file(*make_core(1), "test/data/h264.mp4");
  const Outcome outcome = play("h264.mp4", {});
  CHECK(outcome.played.engine == "test-vpu");
  CHECK(outcome.page.backend == "hardware");
  CHECK(outcome.page.engine == "test-vpu");
  CHECK(decoded_by(outcome.page, "test-vpu") == outcome.page.pictures);
  CHECK(outcome.played.pictures == expected.pictures);
}

TEST_CASE("a device that fails for good is followed by software from the next key picture on") {
  const std::string clip = GENERATE("h264.mp4", "vp8.webm", "mpeg2.mpg", "hevc.mp4", "av1.webm");
  const uint32_t what = GENERATE(VIDIOC_QBUF, VIDIOC_S_EXT_CTRLS, MEDIA_REQUEST_IOC_QUEUE,
                                 OwnDevice::kPoll, VIDIOC_DQBUF);
  // In pictures; one clip fails early and late, too.
  const int after = GENERATE(0, 2, 5);
  if (clip != "h264.mp4" && after != 2) return;
  CAPTURE(clip, what, after);
  const PlayedFile expected = play_file(*make_core(1), "test/data/" + clip);
  // Counted by pictures; from then on every such call fails.
  std::atomic<int> pictures{0};
  const Outcome outcome = play(clip, [&, what, after](uint32_t request, void*) {
    if (request == MEDIA_REQUEST_IOC_REINIT) ++pictures;
    if (request != what || pictures < after) return 0;
    return what == OwnDevice::kPoll ? ETIME : what == VIDIOC_DQBUF ? ENODEV : EIO;
  });
  const auto [first, end] = differing(outcome.played, expected);
  const size_t count = expected.pictures.size();
  // Software decodes the whole of what follows the second key picture, which is in the middle.
  CHECK(end <= count / 2 + 8);
  CHECK(decoded_by(outcome.page, "software") >= count / 2 - 8);
  CHECK(decoded_by(outcome.page, "test-vpu") >= static_cast<uint64_t>(after > 0 ? after - 1 : 0));
  for (size_t i = count / 2 + 8; i < count; ++i) {
    CHECK_FALSE(outcome.played.pictures[i].concealed);
  }
}

TEST_CASE("one picture that fails does not end the hardware") {
  const PlayedFile expected = play_file(*make_core(1), "test/data/vp8.webm");
  std::atomic<int> queued{0};
  const Outcome outcome = play("vp8.webm", [&](uint32_t request, void*) {
    return request == MEDIA_REQUEST_IOC_QUEUE && ++queued == 5 ? EINVAL : 0;
  });
  CHECK(outcome.page.errors == 1);
  CHECK(decoded_by(outcome.page, "software") == 0);
  CHECK(decoded_by(outcome.page, "test-vpu") == outcome.page.pictures);
  const auto [first, end] = differing(outcome.played, expected);
  // The clip has pictures that are not shown.
  CHECK(first <= 4);
  CHECK(end > first);
  CHECK(end <= expected.pictures.size() / 2);
}

// The drivers' watchdogs end such requests, and give both buffers back as damaged.
TEST_CASE("a device that hangs is given up") {
  const PlayedFile expected = play_file(*make_core(1), "test/data/h264.mp4");
  std::atomic<int> hangs{0};
  const Outcome outcome = play(
      "h264.mp4",
      [&](uint32_t request, void*) {
        if (request == OwnDevice::kPoll && ++hangs <= kFailuresBeforeFailover) {
          std::this_thread::sleep_for(kRequestTimeout / 2 + std::chrono::milliseconds(100));
        }
        return 0;
      },
      [](uint32_t request, void* argument) {
        if (request != VIDIOC_DQBUF) return;
        static_cast<v4l2_buffer*>(argument)->flags |= V4L2_BUF_FLAG_ERROR;
      });
  CHECK(decoded_by(outcome.page, "test-vpu") == kFailuresBeforeFailover);
  const size_t count = expected.pictures.size();
  CHECK(decoded_by(outcome.page, "software") >= count / 2 - 8);
  // What the software's stages did is told as well.
  uint64_t predicted = 0;
  for (const auto& stage : outcome.page.stages)
    predicted += stage.name == "mc" ? stage.pictures : 0;
  CHECK(predicted == decoded_by(outcome.page, "software"));
  for (size_t i = count / 2 + 8; i < count; ++i) {
    CHECK(outcome.played.pictures[i] == expected.pictures[i]);
  }
}

TEST_CASE("pictures that refer to a damaged one are not the device's failures") {
  std::atomic<int> given{0};
  const Outcome outcome = play("vp8.webm", {}, [&](uint32_t request, void* argument) {
    if (request != VIDIOC_DQBUF) return;
    auto& buffer = *static_cast<v4l2_buffer*>(argument);
    if (buffer.type != V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) return;
    // As drivers do that know: the damaged one, and all that come of it.
    if (++given >= 5 && given < 15) buffer.flags |= V4L2_BUF_FLAG_ERROR;
  });
  CHECK(outcome.page.concealed >= 10);
  CHECK(decoded_by(outcome.page, "software") == 0);
}

// Where the device holds the frame's buffer for the second field, it must not go on doing so: the
// next request would give that back, and find no buffer to decode into.
TEST_CASE("a second field that fails costs its frame, and nothing is waited for", "[corpus]") {
  daedalus::test::for_each_corpus_stream("h264", [](const std::string& path, const auto& row) {
    if (row.at("tools").find("PAFF") == std::string::npos || row.at("frames") != "10") return false;
    CAPTURE(path);
    const PlayedFile expected = play_file(*make_core(1), path);
    bool first = false, failed = false;
    int started = 0;
    const Outcome outcome = play_path(path, [&](uint32_t request, void* argument) {
      if (request == VIDIOC_STREAMON) ++started;
      if (request == VIDIOC_QBUF) {
        const auto& buffer = *static_cast<v4l2_buffer*>(argument);
        if (buffer.type != V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE) return 0;
        const bool hold = (buffer.flags & V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) != 0;
        const bool fails = first && !hold && !failed;
        first = hold;
        if (!fails) return 0;
        failed = true;
        return EINVAL;
      }
      return 0;
    });
    CHECK(failed);
    CHECK(started == 2);
    CHECK(outcome.page.errors <= 2);
    CHECK(decoded_by(outcome.page, "software") == 0);
    CHECK(outcome.played.failure == "");
    const auto [begin, end] = differing(outcome.played, expected);
    CHECK(end > begin);
    return true;
  });
}

// The device holds the picture's buffer for the slices that do not come any more: it must be had
// back, as with a second field.
TEST_CASE("a slice that fails costs its picture, and neither slot nor buffer") {
  const std::string clip = GENERATE("hevc_slices.mp4", "h264.mp4");
  const uint32_t what =
      GENERATE(VIDIOC_S_EXT_CTRLS, VIDIOC_QBUF, MEDIA_REQUEST_IOC_QUEUE, MEDIA_REQUEST_IOC_REINIT);
  const int slice = GENERATE(0, 1, 3);  // of four
  CAPTURE(clip, what, slice);
  const std::string path = "test/data/" + clip;
  const PlayedFile expected = play_file(*make_core(1), path);
  const TemporaryFolder folder;
  SliceDevice device({.most_entry_points = 256});
  device.inner().set_driver("test-vpu");
  constexpr int kPicture = 6;
  std::atomic<int> slices{0}, started{0}, failed{0};
  {
    const auto core = make_hardware_core(device, "prefer-hardware", folder.path());
    device.inner().set_fault([&, what](uint32_t request, void* argument) {
      if (request == VIDIOC_STREAMON) ++started;
      if (request == VIDIOC_S_EXT_CTRLS) {
        const auto& controls = *static_cast<const v4l2_ext_controls*>(argument);
        if (controls.which != V4L2_CTRL_WHICH_REQUEST_VAL) return 0;
        ++slices;
      }
      if (request != what || failed > 0 || slices != 4 * kPicture + slice + 1) return 0;
      if (request == VIDIOC_QBUF &&
          static_cast<const v4l2_buffer*>(argument)->type != V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE) {
        return 0;
      }
      ++failed;
      return request == MEDIA_REQUEST_IOC_REINIT ? EBUSY : EINVAL;
    });
    std::shared_ptr<Session> session;
    const PlayedFile played = play_file(*core, path, &session);
    CHECK(failed == 1);
    CHECK(played.failure == "");
    CHECK(started == 2);  // the queues go on as they are
    // The video node, the media node, and each slot's request.
    CHECK(device.inner().open_files() == 2 + kSlots);
    const StatisticsSnapshot page = only_page(folder.path());
    const bool lost = what != MEDIA_REQUEST_IOC_REINIT;
    CHECK(page.errors == (lost ? 1 : 0));
    CHECK(decoded_by(page, "software") == 0);
    const auto [begin, end] = differing(played, expected);
    CHECK((end > begin) == lost);
    CHECK((page.concealed > 0) == lost);  // those that refer to it
    CHECK(end <= expected.pictures.size() / 2);
    // Every picture before and after it had all of its slices' requests.
    const auto sent = device.sent();
    const auto requests = static_cast<size_t>(slices);
    CHECK(sent.size() == (lost ? requests - 1 : requests));
  }
  CHECK(device.inner().open_files() == 0);
  CHECK(device.inner().mappings() == 0);
}

TEST_CASE("what the hardware refuses altogether software decodes at once") {
  const PlayedFile expected = play_file(*make_core(1), "test/data/h264.mp4");
  const Outcome outcome = play("h264.mp4", [](uint32_t request, void* argument) {
    // Of the sequence, which a driver refuses where it does not decode such streams.
    if (request != VIDIOC_S_EXT_CTRLS) return 0;
    const auto* controls = static_cast<const v4l2_ext_controls*>(argument);
    return controls->which == V4L2_CTRL_WHICH_CUR_VAL ? EINVAL : 0;
  });
  CHECK(outcome.page.errors == 0);
  CHECK(decoded_by(outcome.page, "test-vpu") == 0);
  CHECK(outcome.played.pictures == expected.pictures);
}

// rkvdec since the vdpu381 wants the SPS's reference picture sets, and decodes wrongly without.
TEST_CASE("HEVC that the driver cannot be told enough of is software's", "[corpus]") {
  const auto wants_sets = [](uint32_t request, void* argument) {
    if (request != VIDIOC_QUERY_EXT_CTRL) return 0;
    const auto& query = *static_cast<v4l2_query_ext_ctrl*>(argument);
    return query.id == kHevcExtSpsStRps ? OwnDevice::kAnswered : 0;
  };
  const Outcome without = play("hevc.mp4", wants_sets);
  CHECK(decoded_by(without.page, "test-vpu") == without.page.pictures);
  daedalus::test::for_each_corpus_stream("hevc", [&](const std::string& path, const auto& row) {
    if (std::stoi("0" + row.at("frames")) > 60) return false;
    auto stream = parsed_stream::ParsedStream::open(path);
    parsed_stream::Event event;
    if (!stream || !(*stream)->next(event).ok()) return false;
    const auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) return false;
    const auto& sps = std::get<HevcParameters>(decode->job.parameters).sps;
    if (sps.num_short_term_ref_pic_sets == 0) return false;
    CAPTURE(path);
    const Outcome outcome = play_path(path, wants_sets);
    CHECK(decoded_by(outcome.page, "test-vpu") == 0);
    CHECK(decoded_by(outcome.page, "software") == outcome.page.pictures);
    CHECK(outcome.page.errors == 0);
    CHECK(outcome.played.pictures == play_file(*make_core(1), path).pictures);
    return true;
  });
}

}  // namespace daedalus::core::test
