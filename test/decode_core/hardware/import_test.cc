// Surfaces that are exported before anything is decoded into them: the device decodes into their
// memory (V4L2_MEMORY_DMABUF), and where it cannot, nobody sees the difference.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/hardware/capture_pool.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"
#include "decode_core/surface.h"
#include "decode_core/uapi/pixel_formats.h"
#include "test/catch.h"
#include "test/decode_core/hardware/exporting_client.h"
#include "test/decode_core/hardware/layout_device.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "test/decode_core/stream/streams.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::TemporaryFolder;
using When = ExportingClient::When;

// A core whose exported memory passes for dma-bufs.
struct Bench {
  explicit Bench(DeviceCalls& device, const std::string& backend = "hardware:loopback") {
    auto allocator = std::make_unique<PassingMemory>();
    alive = allocator->alive();
    memory = allocator.get();
    core = make_hardware_core(device, backend, folder.path(), std::move(allocator));
  }
  uint64_t in_place() const { return count_pictures(folder.path(), "export", "in place"); }
  uint64_t filled() const { return count_pictures(folder.path(), "pack", ""); }
  uint64_t adopted() const { return count_pictures(folder.path(), "capture", "adopted"); }
  uint64_t copied() const { return count_pictures(folder.path(), "capture", "copied"); }

  const TemporaryFolder folder;
  std::shared_ptr<std::atomic<size_t>> alive;
  PassingMemory* memory = nullptr;  // of the core
  std::shared_ptr<Core> core;
};

std::string clip_path(const std::string& clip) { return "test/data/" + clip; }

// Requests and buffers of CAPTURE queues that import.
bool imports(uint32_t request, const void* argument) {
  if (request == VIDIOC_REQBUFS) {
    const auto& buffers = *static_cast<const v4l2_requestbuffers*>(argument);
    return buffers.memory == V4L2_MEMORY_DMABUF && buffers.count != 0;
  }
  return request == VIDIOC_QBUF &&
         static_cast<const v4l2_buffer*>(argument)->memory == V4L2_MEMORY_DMABUF;
}

// Decodes vp8.webm, the first picture into a surface that was exported before; then `ready` is
// called. Holds all frames.
std::vector<FrameBuffer> decode_first_exported(
    const Bench& bench, const std::function<void()>& ready,
    const std::function<void(const FrameBuffer&)>& each) {
  auto stream = parsed_stream::ParsedStream::open(clip_path("vp8.webm"));
  REQUIRE(stream.ok());
  auto session = *bench.core->open_session({*(*stream)->profile(), 0, 0, "replay"});
  std::vector<FrameBuffer> frames;
  std::unique_ptr<Surface> surface;
  for (;;) {
    parsed_stream::Event event;
    const auto more = (*stream)->next(event);
    REQUIRE(more.ok());
    if (!*more) return frames;
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) continue;
    const auto picture = decode->job.target;
    if (surface == nullptr) {
      surface = std::make_unique<Surface>(bench.core, SurfaceFormat::kNv12,
                                          decode->job.coded_width(), decode->job.coded_height());
      REQUIRE(surface->export_memory(true).ok());
      surface->set_picture(picture);
      ready();
    }
    REQUIRE(session->submit(std::move(decode->job)).ok());
    session->drain();
    auto frame = picture->frame();
    REQUIRE(frame.has_value());
    each(*frame);
    frames.push_back(std::move(*frame));
  }
}

}  // namespace

TEST_CASE("a surface that is exported before it is decoded into is what the device decodes into") {
  const std::string clip =
      GENERATE("h264.mp4", "h264_interlaced.mp4", "vp8.webm", "vp9.webm", "vp9_10bit.webm",
               "mpeg2.mpg", "hevc.mp4", "hevc_10bit.mp4", "av1.webm", "av1_10bit.webm");
  CAPTURE(clip);
  OwnDevice device;
  Bench bench(device);
  std::atomic<int> queues{0};
  std::atomic<int> mapped{0};
  device.set_answer([&](uint32_t request, void* argument) {
    if (request != VIDIOC_REQBUFS) return;
    const auto& buffers = *static_cast<const v4l2_requestbuffers*>(argument);
    const bool capture = buffers.type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE && buffers.count != 0;
    if (capture) ++(buffers.memory == V4L2_MEMORY_DMABUF ? queues : mapped);
  });
  {
    ExportingClient client(bench.core, clip_path(clip));
    CHECK(client.play(When::kMade) == 0);
    const uint64_t in_place = bench.in_place();
    CHECK(queues > 0);
    CHECK(mapped == 0);
    CHECK(bench.copied() == 0);
    CHECK(in_place + bench.filled() == bench.adopted());
    // The slots of VP9's and AV1's decoders outlive some of the client's references.
    CHECK(bench.filled() < in_place / (clip.starts_with("av1") ? 1 : 10));
    // Whoever decoded into them before, another session does so again.
    CHECK(client.play(When::kMade) == 0);
    CHECK(bench.in_place() > in_place + in_place / 2);
    // Ours are there for what surfaces cannot take.
    CHECK(*bench.alive <= client.surfaces() + CapturePool::kMostBuffers);
  }
  bench.core.reset();
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
  CHECK(*bench.alive == 0);
}

TEST_CASE("surfaces that are exported later are given dma-bufs of ours") {
  const std::string clip = GENERATE("h264.mp4", "vp9.webm", "hevc_10bit.mp4");
  CAPTURE(clip);
  OwnDevice device;
  Bench bench(device);
  {
    ExportingClient client(bench.core, clip_path(clip));
    CHECK(client.play(When::kInTurn) == 0);
    CHECK(bench.copied() == 0);
    CHECK(bench.in_place() > 10 * bench.filled());
    CHECK(bench.in_place() + bench.filled() == bench.adopted());
  }
  bench.core.reset();
  CHECK(*bench.alive == 0);
}

TEST_CASE("memory of surfaces that are gone is let go") {
  OwnDevice device;
  Bench bench(device);
  ExportingClient client(bench.core, clip_path("h264.mp4"));
  client.use_once();
  size_t most = 0;
  device.set_answer([&](uint32_t request, void*) {
    if (request == VIDIOC_QBUF) most = std::max<size_t>(most, *bench.alive);
  });
  CHECK(client.play(When::kMade) == 0);
  CHECK(bench.filled() == 0);
  // The buffers of a queue are at most the references and two.
  CHECK(most <= 18 + 2);
}

TEST_CASE("where the device does not take a surface's memory, the output pass fills it") {
  // Which calls fail, and whether the queue imports nevertheless.
  struct Refusal {
    const char* what;
    OwnDevice::Fault fault;
    bool imports;
  };
  std::atomic<int> queued{0};
  const Refusal refusals[] = {
      {"no such queues",
       [](uint32_t request, void* argument) {
         return request == VIDIOC_REQBUFS && imports(request, argument) ? EINVAL : 0;
       },
       false},
      {"no buffer at all",
       [](uint32_t request, void* argument) {
         return request == VIDIOC_QBUF && imports(request, argument) ? EFAULT : 0;
       },
       false},
      {"every buffer but ours",  // a surface's is tried first
       [&](uint32_t request, void* argument) {
         if (request != VIDIOC_QBUF || !imports(request, argument)) return 0;
         return queued++ % 2 == 1 ? EFAULT : 0;
       },
       true},
      {"nothing after a while",
       [&](uint32_t request, void* argument) {
         if (request != VIDIOC_QBUF || !imports(request, argument)) return 0;
         return ++queued > 30 && queued % 2 == 1 ? EINVAL : 0;
       },
       true},
  };
  const Refusal& refusal = refusals[GENERATE(0, 1, 2, 3)];
  CAPTURE(refusal.what);
  OwnDevice device;
  Bench bench(device);
  device.set_fault(refusal.fault);
  ExportingClient client(bench.core, clip_path("h264.mp4"));
  CHECK(client.play(When::kMade) == 0);
  CHECK(bench.filled() > 0);
  CHECK(bench.in_place() + bench.filled() == bench.adopted());
  CHECK((queued > 0) == refusal.imports);
}

TEST_CASE("without a dma-buf of ours there is no queue that imports") {
  OwnDevice device;
  Bench bench(device);
  std::vector<FrameHash> seen;
  const auto note = [&](const FrameBuffer& frame) { seen.push_back(hash_frame(frame.view)); };
  decode_first_exported(
      bench, [&] { bench.memory->refuse_after(0); }, note);
  CHECK(bench.in_place() == 0);
  CHECK(bench.filled() == 1);
  const std::vector<FrameHash> first = std::exchange(seen, {});
  bench.memory->refuse_after(1000);
  decode_first_exported(
      bench, [] {}, note);
  CHECK(bench.in_place() == 1);
  CHECK(first == seen);
}

TEST_CASE("where memory runs out later, pictures are copied") {
  OwnDevice device;
  Bench bench(device);
  std::vector<FrameHash> seen;
  const auto note = [&](const FrameBuffer& frame) { seen.push_back(hash_frame(frame.view)); };
  decode_first_exported(
      bench, [] {}, note);
  const std::vector<FrameHash> expected = std::exchange(seen, {});
  const uint64_t copied = bench.copied();
  decode_first_exported(
      bench, [&] { bench.memory->refuse_after(8); }, note);
  CHECK(seen == expected);
  CHECK(bench.in_place() == 2);
  CHECK(bench.copied() > copied + expected.size() / 2);
}

TEST_CASE("a device that takes no more memory of others gets no more") {
  OwnDevice device;
  Bench bench(device);
  std::atomic<int> taken{0};
  std::atomic<int> refused{0};
  device.set_fault([&](uint32_t request, void* argument) {
    if (request != VIDIOC_QBUF || !imports(request, argument) || ++taken <= 20) return 0;
    ++refused;
    return EFAULT;
  });
  ExportingClient client(bench.core, clip_path("h264.mp4"));
  const size_t wrong = client.play(When::kMade);
  CHECK(refused == 2);  // the surface's and ours, for one picture
  CHECK(wrong > 0);
  CHECK(wrong < 30);
  CHECK(bench.filled() > 20);
}

TEST_CASE("what the CPU may write to is not decoded into, and the other way round") {
  OwnDevice device;
  Bench bench(device);
  auto stream = parsed_stream::ParsedStream::open(clip_path("vp8.webm"));
  REQUIRE(stream.ok());
  auto session = *bench.core->open_session({*(*stream)->profile(), 0, 0, "replay"});
  std::unique_ptr<Surface> surface;
  const auto decode_one = [&] {
    parsed_stream::Event event;
    do {
      REQUIRE(*(*stream)->next(event));
    } while (!std::holds_alternative<parsed_stream::DecodeEvent>(event));
    DecodeJob job = std::move(std::get<parsed_stream::DecodeEvent>(event).job);
    if (surface == nullptr) {
      surface = std::make_unique<Surface>(bench.core, SurfaceFormat::kNv12, job.coded_width(),
                                          job.coded_height());
      REQUIRE(surface->export_memory(true).ok());
    }
    surface->set_picture(job.target);
    REQUIRE(session->submit(std::move(job)).ok());
    session->drain();
  };
  decode_one();
  CHECK(bench.in_place() == 1);
  const auto refused = surface->export_memory(false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
  // A picture that is elsewhere.
  surface->set_picture(nullptr);
  REQUIRE(surface->export_memory(false).ok());
  for (int i = 0; i < 5; ++i) decode_one();
  CHECK(bench.in_place() == 1);
  CHECK(bench.filled() == 5);
}

TEST_CASE("a surface that is larger than its pictures is black around them") {
  const std::string clip = GENERATE("vp9.webm", "hevc_10bit.mp4");
  CAPTURE(clip);
  OwnDevice device;
  Bench bench(device);
  ExportingClient client(bench.core, clip_path(clip));
  client.set_border(64);
  CHECK(client.play(When::kMade) == 0);
  CHECK(bench.in_place() == 0);
  CHECK(bench.filled() == bench.adopted());
}

// Frames are held although the surfaces that showed them show others.
TEST_CASE("nothing is decoded into memory in which a frame is held") {
  OwnDevice device;
  Bench bench(device);
  std::vector<FrameHash> then;
  const std::vector<FrameBuffer> frames = decode_first_exported(
      bench, [] {}, [&](const FrameBuffer& frame) { then.push_back(hash_frame(frame.view)); });
  CHECK(frames.size() > CapturePool::kMostBuffers);
  CHECK(bench.in_place() == 1);
  CHECK(bench.copied() > 0);
  for (size_t i = 0; i < frames.size(); ++i) CHECK(hash_frame(frames[i].view) == then[i]);
}

TEST_CASE("surfaces are laid out as the device's buffers") {
  LayoutDevice::Layouts layouts;
  layouts.of_8 = {V4L2_PIX_FMT_NV12, 64, 16, 32};
  layouts.of_10 = {V4L2_PIX_FMT_P010, 16, 64, 32};
  LayoutDevice device(layouts);
  Bench bench(device);
  bench.core->expect(Codec::kH264);
  const LinearLayout narrow = bench.core->surface_layout(ImageFormat::kNv12, 100, 50);
  CHECK(narrow.stride[0] == 128 + 32);
  CHECK(narrow.stride[1] == 128 + 32);
  CHECK(narrow.offset[1] == (128 + 32) * 64);
  CHECK(narrow.size == (128 + 32) * 96);
  bench.core->expect(Codec::kVp9);
  const LinearLayout wide = bench.core->surface_layout(ImageFormat::kP010, 100, 50);
  CHECK(wide.stride[0] == 2 * 112 + 32);
  CHECK(wide.offset[1] == (2 * 112 + 32) * 64);
  // A device that packs its pictures is never decoded from in place.
  layouts.of_8 = {V4L2_PIX_FMT_NV12_COL128, 16, 8, 5};
  LayoutDevice packing(layouts);
  Bench other(packing);
  const LinearLayout own = layout_of(ImageFormat::kNv12, 100, 50);
  CHECK(other.core->surface_layout(ImageFormat::kNv12, 100, 50).offset == own.offset);
}

TEST_CASE("surfaces stay exact when the device that decodes into them is unplugged") {
  OwnDevice device;
  device.set_driver("test-vpu");
  Bench bench(device, "prefer-hardware");
  std::atomic<int> pictures{0};
  device.set_fault([&](uint32_t request, void*) {
    if (request == VIDIOC_DQBUF) ++pictures;
    return pictures > 20 ? ENODEV : 0;
  });
  ExportingClient client(bench.core, clip_path("h264.mp4"));
  const size_t wrong = client.play(When::kMade);
  CHECK(wrong > 0);
  CHECK(wrong < 20);
  CHECK(bench.in_place() > 5);
  CHECK(bench.filled() > 5);
  CHECK(count_pictures(bench.folder.path(), "decode", "software") > 5);
}

}  // namespace daedalus::core::test
