// Whole streams through the hardware backend on our own stateless node: the same pixels as
// software's, and the statistics say that the backend decoded them.
#include "test/decode_core/stream/streams.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/statistics.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"
#include "test/catch.h"
#include "test/corpus.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::only_page;
using daedalus::test::pictures_of;
using daedalus::test::TemporaryFolder;

}  // namespace

TEST_CASE("clips decode on the device, bit for bit as in software") {
  const std::string clip =
      GENERATE("h264.mp4", "h264_interlaced.mp4", "vp8.webm", "vp9.webm", "vp9_10bit.webm",
               "mpeg2.mpg", "hevc.mp4", "hevc_10bit.mp4", "av1.webm", "av1_10bit.webm");
  CAPTURE(clip);
  const std::string path = "test/data/" + clip;
  const PlayedFile expected = play_file(*make_core(1), path);
  const TemporaryFolder folder;
  OwnDevice device;
  {
    const auto core = make_hardware_core(device, "hardware:loopback", folder.path());
    const PlayedFile played = play_file(*core, path);
    CHECK(played.failure == "");
    CHECK(played.engine == "daedalus");
    REQUIRE(played.pictures.size() == expected.pictures.size());
    for (size_t i = 0; i < played.pictures.size(); ++i) {
      CAPTURE(i);
      REQUIRE(played.pictures[i] == expected.pictures[i]);
    }
  }
  const StatisticsSnapshot page = only_page(folder.path());
  CHECK(page.backend == "hardware");
  CHECK(page.engine == "daedalus");
  CHECK(page.errors == 0);
  CHECK(page.pictures >= expected.pictures.size());
  CHECK(pictures_of(page, "decode", "daedalus") == page.pictures);
  CHECK(pictures_of(page, "capture", "adopted") == page.pictures);
  CHECK(pictures_of(page, "capture", "copied") == 0);
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
}

TEST_CASE("one session takes pictures of one size, of another, and of the first again") {
  const auto [one, other] =
      GENERATE(std::pair("h264.mp4", "h264_interlaced.mp4"),
               std::pair("vp9.webm", "vp9_10bit.webm"), std::pair("hevc.mp4", "hevc_10bit.mp4"));
  const auto software = make_core(1);
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  std::shared_ptr<Session> session;
  for (const std::string clip : {one, other, one, other}) {
    CAPTURE(clip);
    const std::string path = "test/data/" + clip;
    const auto before = session;
    const PlayedFile played = play_file(*core, path, &session);
    if (before != nullptr) CHECK(session == before);
    CHECK(played.failure == "");
    CHECK(played.pictures == play_file(*software, path).pictures);
  }
}

TEST_CASE("a picture that is smaller than its references shares their buffers", "[corpus]") {
  const auto [codec, name] =
      GENERATE(std::pair("vp9", "resize-scaledref"), std::pair("av1", "autostitch-480p"),
               std::pair("av1", "00001131"));
  daedalus::test::for_each_corpus_stream(codec, [&](const std::string& path, const auto&) {
    if (path.find(name) == std::string::npos) return false;
    CAPTURE(path);
    OwnDevice device;
    const auto core = make_hardware_core(device, "hardware:loopback");
    std::atomic<int> started{0};
    device.set_answer([&](uint32_t request, void*) { started += request == VIDIOC_STREAMON; });
    const PlayedFile played = play_file(*core, path);
    CHECK(played.failure == "");
    CHECK(played.engine == "daedalus");
    CHECK(played.pictures == play_file(*make_core(1), path).pictures);
    CHECK(started == 2);  // the two queues, once
    return true;
  });
}

TEST_CASE("a second field that comes late joins its first in the same buffer", "[corpus]") {
  daedalus::test::for_each_corpus_stream("h264", [](const std::string& path, const auto& row) {
    if (row.at("tools").find("PAFF") == std::string::npos || row.at("frames") != "10") return false;
    CAPTURE(path);
    // Whoever waits for a picture after its first field gets it before the second.
    const auto play = [&](Core& core) {
      auto stream = parsed_stream::ParsedStream::open(path);
      REQUIRE(stream.ok());
      std::shared_ptr<Session> session;
      std::vector<std::shared_ptr<Picture>> pictures;
      parsed_stream::Event event;
      for (auto more = (*stream)->next(event); more.ok() && *more; more = (*stream)->next(event)) {
        auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
        if (decode == nullptr) continue;
        const auto target = decode->job.target;
        const DecodeJob& job = decode->job;
        if (session == nullptr) {
          auto opened = core.open_session(
              {*parsed_stream::profile_of(job), job.coded_width(), job.coded_height(), "replay"});
          REQUIRE(opened.ok());
          session = std::move(*opened);
        }
        const bool first = job.field == FieldRole::kFirstField;
        if (job.field != FieldRole::kSecondField) pictures.push_back(target);
        REQUIRE(session->submit(std::move(decode->job)).ok());
        if (first) target->wait();
      }
      session->drain();
      std::vector<FrameHash> hashes;
      for (const auto& picture : pictures) {
        REQUIRE(picture->frame().has_value());
        hashes.push_back(hash_frame(picture->frame()->view));
      }
      return hashes;
    };
    OwnDevice device;
    const auto core = make_hardware_core(device, "hardware:loopback");
    int again = 0;
    uint32_t last = VIDEO_MAX_FRAME;
    device.set_answer([&](uint32_t request, void* argument) {
      if (request != VIDIOC_QBUF) return;
      const auto& buffer = *static_cast<v4l2_buffer*>(argument);
      if (buffer.type != V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) return;
      if (std::exchange(last, buffer.index) == buffer.index) ++again;
    });
    const auto hashes = play(*core);
    CHECK(again > 0);
    CHECK(hashes == play(*make_core(1)));
    return true;
  });
}

TEST_CASE("pictures larger than the OUTPUT buffers get a larger one, and references stay") {
  const std::string clip = GENERATE("h264_interlaced.mp4", "vp9.webm", "av1.webm");
  CAPTURE(clip);
  const std::string path = "test/data/" + clip;
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  std::atomic<int> created{0}, stopped{0};
  device.set_answer([&](uint32_t request, void* argument) {
    if (request == VIDIOC_CREATE_BUFS) {
      const auto& added = *static_cast<const v4l2_create_buffers*>(argument);
      if (added.format.type == V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE) ++created;
    }
    if (request == VIDIOC_STREAMOFF && created > 0) ++stopped;
    if (request != VIDIOC_QUERYBUF) return;
    // Those that REQBUFS made are small.
    auto& buffer = *static_cast<v4l2_buffer*>(argument);
    if (buffer.type != V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE || created > 0) return;
    buffer.m.planes[0].length = std::min<uint32_t>(buffer.m.planes[0].length, 1500);
  });
  std::shared_ptr<Session> session;
  const PlayedFile played = play_file(*core, path, &session);
  CHECK(created > 0);
  CHECK(stopped == 0);
  CHECK(played.failure == "");
  CHECK(played.pictures == play_file(*make_core(1), path).pictures);
}

TEST_CASE("the format of the pictures is that which was set last") {
  const std::string path = "test/data/vp8.webm";
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  device.set_answer([&](uint32_t request, void* argument) {
    // The default is one that nobody here can read, as NV15 is.
    if (request != VIDIOC_G_FMT) return;
    auto& format = *static_cast<v4l2_format*>(argument);
    if (format.type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) {
      format.fmt.pix_mp.pixelformat = v4l2_fourcc('N', 'V', '1', '5');
    }
  });
  // The first that can be read is not the default's own.
  device.set_fault([](uint32_t request, void* argument) {
    if (request != VIDIOC_ENUM_FMT) return 0;
    auto& description = *static_cast<v4l2_fmtdesc*>(argument);
    if (description.type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) ++description.index;
    return 0;
  });
  const PlayedFile played = play_file(*core, path);
  CHECK(played.failure == "");
  CHECK(played.pictures == play_file(*make_core(1), path).pictures);
}

TEST_CASE("several contexts of one device decode at once") {
  constexpr const char* kAtOnce[] = {"h264.mp4", "vp8.webm",           "mpeg2.mpg",
                                     "hevc.mp4", "vp9_10bit.webm",     "av1.webm",
                                     "h264.mp4", "h264_interlaced.mp4"};
  const auto software = make_core(1);
  OwnDevice device;
  {
    const auto core = make_hardware_core(device, "hardware:loopback");
    std::array<PlayedFile, std::size(kAtOnce)> played;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < std::size(kAtOnce); ++i) {
      threads.emplace_back(
          [&, i] { played[i] = play_file(*core, std::string("test/data/") + kAtOnce[i]); });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < std::size(kAtOnce); ++i) {
      CAPTURE(kAtOnce[i]);
      const auto expected = play_file(*software, std::string("test/data/") + kAtOnce[i]);
      CHECK(played[i].failure == "");
      CHECK(played[i].pictures == expected.pictures);
    }
  }
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
}

TEST_CASE("contexts come and go by the hundred and leave nothing behind") {
  OwnDevice device;
  const auto core = make_hardware_core(device, "hardware:loopback");
  for (int i = 0; i < 300; ++i) {
    const uint32_t size = i % 2 == 0 ? 64 : 1920;
    REQUIRE(core->open_session({Profile::kVp8, size, size, "replay"}).ok());
  }
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
}

}  // namespace daedalus::core::test
