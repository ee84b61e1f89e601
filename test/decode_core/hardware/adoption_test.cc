// Frames that lie in CAPTURE buffers: nothing overwrites or unmaps them while somebody holds them,
// whatever becomes of the queue, the session and the device, and all is given back in the end.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mapping.h"
#include "base/statistics.h"
#include "decode_core/hardware/capture_pool.h"
#include "decode_core/hardware/decoder_queues.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"
#include "decode_core/surface.h"
#include "test/catch.h"
#include "test/decode_core/hardware/exporting_client.h"
#include "test/decode_core/hardware/layout_device.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/stream/streams.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::TemporaryFolder;

// Frames as they were when they were shown; the pictures themselves are let go.
class HeldFrames {
 public:
  Show show() {
    return [this](const std::shared_ptr<Picture>& picture) {
      auto frame = picture->frame();
      if (!frame) return;
      const FrameHash hash = hash_frame(frame->view);
      held_.push_back({std::move(*frame), hash});
    };
  }
  size_t changed() const {
    size_t changed = 0;
    for (const auto& [frame, hash] : held_) changed += hash_frame(frame.view) == hash ? 0 : 1;
    return changed;
  }
  size_t count() const { return held_.size(); }
  // Blocks of memory that the frames lie in.
  size_t blocks() const {
    std::set<const void*> blocks;
    for (const auto& [frame, hash] : held_) blocks.insert(frame.view.planes[0].data);
    return blocks.size();
  }
  void let_go() { held_.clear(); }

 private:
  struct Held {
    FrameBuffer frame;
    FrameHash hash;
  };
  std::vector<Held> held_;
};

uint64_t taken(const std::string& folder, const std::string& how) {
  return count_pictures(folder, "capture", how);
}

std::string clip_path(const std::string& clip) { return "test/data/" + clip; }

bool is_capture(const void* buffer) {
  return static_cast<const v4l2_buffer*>(buffer)->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
}

// What a device without a way to add buffers, or to let mapped ones live on, makes of a clip.
void check_copied(const OwnDevice::Fault& fault, const OwnDevice::Answer& answer) {
  const std::string path = clip_path("h264.mp4");
  const TemporaryFolder folder;
  OwnDevice device;
  HeldFrames held;
  const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
  device.set_fault(fault);
  device.set_answer(answer);
  const PlayedFile played = play_file(*core, path, nullptr, held.show());
  CHECK(played.failure == "");
  CHECK(played.pictures == play_file(*make_core(1), path).pictures);
  CHECK(held.changed() == 0);
  CHECK(taken(folder.path(), "adopted") == 0);
  CHECK(taken(folder.path(), "copied") >= played.pictures.size());
}

}  // namespace

TEST_CASE("frames outlive the size of the queue, the session, the core and every open file") {
  const auto [one, other] = GENERATE(std::pair("h264.mp4", "h264_interlaced.mp4"),
                                     std::pair("vp9.webm", "vp9_10bit.webm"));
  CAPTURE(one, other);
  const TemporaryFolder folder;
  OwnDevice device;
  HeldFrames held;
  {
    const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
    std::shared_ptr<Session> session;
    for (const std::string clip : {one, other, one}) {
      const PlayedFile played = play_file(*core, clip_path(clip), &session, held.show());
      CHECK(played.failure == "");
      CHECK(held.changed() == 0);
    }
  }
  CHECK(taken(folder.path(), "adopted") > 0);
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() > 0);
  CHECK(device.mappings() <= held.blocks());
  CHECK(held.changed() == 0);
  held.let_go();
  CHECK(device.mappings() == 0);
}

TEST_CASE("however many frames are held, the pool grows to its bound and the rest is copied") {
  const std::string clip = GENERATE("h264.mp4", "vp9.webm", "mpeg2.mpg");
  CAPTURE(clip);
  const PlayedFile expected = play_file(*make_core(1), clip_path(clip));
  const TemporaryFolder folder;
  OwnDevice device;
  std::atomic<size_t> most{0};
  device.set_answer([&](uint32_t request, void* argument) {
    if (request != VIDIOC_CREATE_BUFS) return;
    const auto& created = *static_cast<const v4l2_create_buffers*>(argument);
    most = created.index + created.count;
  });
  HeldFrames held;
  {
    const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
    std::shared_ptr<Session> session;
    const PlayedFile first = play_file(*core, clip_path(clip), &session, held.show());
    CHECK(first.pictures == expected.pictures);
    REQUIRE(held.count() > CapturePool::kMostBuffers);
    CHECK(most == CapturePool::kMostBuffers);
    CHECK(device.mappings() == CapturePool::kMostBuffers + DecoderQueues::kSlots);
    CHECK(taken(folder.path(), "copied") > 0);
    CHECK(held.changed() == 0);
    // Buffers are there again once their frames are let go.
    held.let_go();
    const uint64_t copied = taken(folder.path(), "copied");
    CHECK(play_file(*core, clip_path(clip), &session).pictures == expected.pictures);
    CHECK(taken(folder.path(), "copied") == copied);
    CHECK(most == CapturePool::kMostBuffers);
  }
  CHECK(device.mappings() == 0);
}

TEST_CASE("a buffer is queued by nobody while its frame is held") {
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  std::atomic<uint32_t> last{0};  // that the device gave back
  std::set<uint32_t> lent;
  std::atomic<bool> violated{false};
  device.set_answer([&](uint32_t request, void* argument) {
    if (request == VIDIOC_DQBUF && is_capture(argument)) {
      last = static_cast<v4l2_buffer*>(argument)->index;
    }
  });
  device.set_fault([&](uint32_t request, void* argument) {
    if (request == VIDIOC_QBUF && is_capture(argument) &&
        lent.contains(static_cast<v4l2_buffer*>(argument)->index)) {
      violated = true;
    }
    return 0;
  });
  auto stream = parsed_stream::ParsedStream::open(clip_path("vp8.webm"));
  REQUIRE(stream.ok());
  auto session = core->open_session({*(*stream)->profile(), 0, 0, "replay"});
  REQUIRE(session.ok());
  std::vector<FrameBuffer> frames;
  for (int pictures = 0; pictures < 30;) {
    parsed_stream::Event event;
    REQUIRE((*stream)->next(event).ok());
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) continue;
    const auto picture = decode->job.target;
    REQUIRE((*session)->submit(std::move(decode->job)).ok());
    (*session)->drain();
    // Every third frame is held.
    if (++pictures % 3 != 0) continue;
    frames.push_back(*picture->frame());
    lent.insert(last);
  }
  CHECK(lent.size() == frames.size());
  CHECK_FALSE(violated);
}

TEST_CASE("frames outlive a device that is unplugged, and software goes on") {
  const std::string path = clip_path("h264.mp4");
  const PlayedFile expected = play_file(*make_core(1), path);
  const TemporaryFolder folder;
  OwnDevice device;
  device.set_driver("test-vpu");
  HeldFrames held;
  std::atomic<int> pictures{0};
  {
    const auto core = make_hardware_core(device, "prefer-hardware", folder.path());
    device.set_fault([&](uint32_t request, void*) {
      if (request == VIDIOC_DQBUF) ++pictures;
      return pictures > 20 ? ENODEV : 0;
    });
    const PlayedFile played = play_file(*core, path, nullptr, held.show());
    CHECK(played.failure == "");
    REQUIRE(played.pictures.size() == expected.pictures.size());
    CHECK(played.pictures.back() == expected.pictures.back());
    CHECK(taken(folder.path(), "adopted") > 0);
    CHECK(device.open_files() == 0);
    CHECK(device.mappings() == taken(folder.path(), "adopted"));
    CHECK(held.changed() == 0);
  }
  CHECK(held.changed() == 0);
  held.let_go();
  CHECK(device.mappings() == 0);
}

TEST_CASE("pictures are copied where the driver adds no buffers") {
  check_copied(
      [](uint32_t request, void* argument) {
        if (request != VIDIOC_CREATE_BUFS) return 0;
        const auto& create = *static_cast<const v4l2_create_buffers*>(argument);
        return create.format.type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE ? ENOTTY : 0;
      },
      {});
}

TEST_CASE("pictures are copied where mapped buffers cannot outlive their queue") {
  check_copied({}, [](uint32_t request, void* argument) {
    if (request != VIDIOC_REQBUFS) return;
    static_cast<v4l2_requestbuffers*>(argument)->capabilities &=
        ~static_cast<uint32_t>(V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS);
  });
}

// Rows and planes are where the format says, and what is padding changes with every picture.
TEST_CASE("frames in padded buffers are exact, and stay so when the queue is set up anew") {
  LayoutDevice::Layouts layouts;
  layouts.of_8 = {V4L2_PIX_FMT_NV12, 64, 16, 32};
  layouts.of_10 = {V4L2_PIX_FMT_P010, 16, 64, 32};
  const auto software = make_core(1);
  const TemporaryFolder folder;
  LayoutDevice device(layouts);
  HeldFrames held;
  {
    Settings settings;
    settings.backend = "hardware:loopback";
    settings.threads = 1;
    settings.statistics_folder = folder.path();
    const auto core = Core::create(settings, device);
    std::shared_ptr<Session> session;
    for (const std::string clip : {"hevc.mp4", "hevc_10bit.mp4", "hevc.mp4"}) {
      const PlayedFile played = play_file(*core, clip_path(clip), &session, held.show());
      CHECK(played.failure == "");
      CHECK(played.pictures == play_file(*software, clip_path(clip)).pictures);
    }
  }
  CHECK(taken(folder.path(), "adopted") > 0);
  CHECK(device.inner().open_files() == 0);
  CHECK(held.changed() == 0);
  held.let_go();
  CHECK(device.inner().mappings() == 0);
}

TEST_CASE("a surface that is exported after it was decoded is the device's buffer from then on") {
  const std::string clip =
      GENERATE("h264.mp4", "vp8.webm", "vp9.webm", "mpeg2.mpg", "hevc_10bit.mp4", "av1.webm");
  CAPTURE(clip);
  const TemporaryFolder folder;
  OwnDevice device;
  {
    const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
    ExportingClient client(core, clip_path(clip));
    CHECK(client.play(ExportingClient::When::kDecoded) == 0);
    const uint64_t in_place = count_pictures(folder.path(), "export", "in place");
    const uint64_t filled = count_pictures(folder.path(), "pack", "");
    CHECK(taken(folder.path(), "copied") == 0);
    CHECK(in_place + filled == taken(folder.path(), "adopted"));
    CHECK(in_place > 2 * client.surfaces());
    // The slots of VP9's and AV1's decoders outlive some of the client's references.
    CHECK(filled < in_place / (clip == "av1.webm" ? 1 : 10));
    // Another session has other buffers: the output pass fills those that the first one gave away.
    CHECK(client.play(ExportingClient::When::kDecoded) == 0);
    CHECK(count_pictures(folder.path(), "pack", "") > filled + in_place / 2);
  }
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
}

TEST_CASE("a buffer that was given away is nobody else's, even when its surface is gone") {
  const std::string path = clip_path("vp8.webm");
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  std::shared_ptr<Session> session;
  struct Kept {
    Mapping mapping;
    std::vector<uint8_t> then;
  };
  std::vector<Kept> kept;
  for (bool given = true; given;) {
    parsed_stream::Event event;
    const auto more = (*stream)->next(event);
    REQUIRE((more.ok() && *more));
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) continue;
    if (session == nullptr) {
      session = *core->open_session({*(*stream)->profile(), 0, 0, "replay"});
    }
    Surface surface(core, SurfaceFormat::kNv12, decode->job.coded_width(),
                    decode->job.coded_height());
    surface.set_picture(decode->job.target);
    REQUIRE(session->submit(std::move(decode->job)).ok());
    const auto exported = surface.export_memory(true);
    given = exported.ok() && exported->memory->provider() == "v4l2";
    if (!given) continue;
    auto mapping = Mapping::map(exported->memory->fd(), exported->memory->size(), 0, false);
    REQUIRE(mapping.ok());
    kept.push_back({std::move(*mapping), {}});
    kept.back().then.assign(kept.back().mapping.bytes().begin(), kept.back().mapping.bytes().end());
  }
  // As many as may be lent; decoding goes on in the others.
  CHECK(kept.size() > CapturePool::kMostBuffers / 2);
  CHECK(device.mappings() == CapturePool::kMostBuffers + DecoderQueues::kSlots);
  const PlayedFile played = play_file(*core, path, &session);
  CHECK(played.pictures == play_file(*make_core(1), path).pictures);
  for (const Kept& each : kept) CHECK(std::ranges::equal(each.mapping.bytes(), each.then));
}

// A client may say that one more field follows, whatever it had decoded already.
TEST_CASE("a field that comes once more does not touch the frame that is held") {
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  auto stream = parsed_stream::ParsedStream::open(clip_path("vp8.webm"));
  REQUIRE(stream.ok());
  auto session = core->open_session({*(*stream)->profile(), 0, 0, "replay"});
  REQUIRE(session.ok());
  parsed_stream::Event event;
  REQUIRE((*stream)->next(event).ok());
  DecodeJob job = std::move(std::get<parsed_stream::DecodeEvent>(event).job);
  const auto picture = std::make_shared<Picture>();
  job.target = picture;
  DecodeJob again = job;
  again.field = FieldRole::kSecondField;
  REQUIRE((*session)->submit(std::move(job)).ok());
  (*session)->drain();
  const auto frame = picture->frame();
  REQUIRE(frame.has_value());
  const FrameHash before = hash_frame(frame->view);
  REQUIRE((*session)->submit(std::move(again)).ok());
  (*session)->drain();
  const auto later = picture->frame();
  REQUIRE(later.has_value());
  CHECK(later->view.planes[0].data != frame->view.planes[0].data);
  CHECK(hash_frame(frame->view) == before);
  CHECK(hash_frame(later->view) == before);
}

}  // namespace daedalus::core::test
