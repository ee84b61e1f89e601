// The stateless node with real frames, where the order and manner of the queues matter.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>

#include "base/statistics.h"
#include "decode_core/record/recording.h"
#include "test/catch.h"
#include "test/cuse_device/v4l2/captured.h"
#include "test/cuse_device/v4l2/stateless_client.h"
#include "test/statistics.h"

namespace daedalus::test {
namespace {

struct Clip {
  core::Codec codec;
  uint32_t width, height;
  std::vector<core::DecodeJob> jobs;
};

// The first jobs of a file of test/data.
Clip read_jobs(const char* name, size_t count) {
  auto stream = parsed_stream::ParsedStream::open(std::string("test/data/") + name);
  REQUIRE(stream.ok());
  Clip clip{(*stream)->codec(), (*stream)->width(), (*stream)->height(), {}};
  parsed_stream::Event event;
  while (clip.jobs.size() < count) {
    const auto more = (*stream)->next(event);
    REQUIRE((more.ok() && *more));
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      clip.jobs.push_back(std::move(decode->job));
    }
  }
  return clip;
}

// A client with one request a job; the picture of job i has the timestamp 1000 * (i + 1) ns.
struct JobClient : RequestClient {
  JobClient(TestNodes& nodes, Clip from, uint32_t raw = V4L2_PIX_FMT_NV12)
      : RequestClient(nodes), clip(std::move(from)) {
    REQUIRE(video.set_format(kOutput, stateless_fourcc(clip.codec), clip.width, clip.height) == 0);
    REQUIRE(video.set_format(kCapture, raw) == 0);
    REQUIRE(video.request_buffers(kOutput, static_cast<uint32_t>(clip.jobs.size())) == 0);
    REQUIRE(video.stream(kOutput, true) == 0);
    for (size_t i = 0; i < clip.jobs.size(); ++i) {
      timestamps.try_emplace(clip.jobs[i].target.get(), 1000 * (i + 1));
      requests.push_back(allocate_request());
    }
  }
  int queue_job(size_t i, uint32_t flags = 0) {
    return queue_bytes(i, coded_data_of(clip.jobs[i]), flags);
  }
  int queue_bytes(size_t i, std::span<const uint8_t> bytes, uint32_t flags = 0) {
    const core::DecodeJob& job = clip.jobs[i];
    const auto controls = controls_of(job, timestamps);
    if (const int error = set_controls(requests[i], controls)) return error;
    const auto index = static_cast<uint32_t>(i);
    const uint64_t microseconds = timestamps.at(job.target.get()) / 1000;
    if (const int error = queue_output(requests[i], index, bytes, microseconds, flags)) {
      return error;
    }
    return queue_request(requests[i]);
  }
  // The CAPTURE buffer that comes next: its timestamp in µs, its index and the flags.
  struct Captured {
    uint32_t index = 0;
    uint32_t flags = 0;
    int64_t microseconds = -1;
    uint32_t bytes = 0;
  };
  Captured dequeue_capture() {
    TestFile::Buffer buffer(kCapture, 0);
    REQUIRE(video.dequeue_blocking(buffer) == 0);
    return {buffer.buffer.index, buffer.buffer.flags, buffer.buffer.timestamp.tv_usec,
            buffer.planes[0].bytesused};
  }
  core::FrameHash hash(uint32_t index) {
    const auto format = video.format(kCapture);
    return hash_of_captured(video, format, index, {0, 0, format.width, format.height});
  }

  Clip clip;
  std::map<const core::Picture*, uint64_t> timestamps;
  std::vector<int> requests;
};

// Of every job's picture, decoded one after the other.
std::vector<core::FrameHash> hashes_of(TestNodes& nodes, const Clip& clip) {
  Clip copy{clip.codec, clip.width, clip.height, clip.jobs};
  JobClient client(nodes, std::move(copy));
  REQUIRE(client.video.start_capture(16) == 0);
  std::vector<core::FrameHash> hashes;
  for (size_t i = 0; i < client.clip.jobs.size(); ++i) {
    REQUIRE(client.queue_job(i) == 0);
    hashes.push_back(client.hash(client.dequeue_capture().index));
  }
  return hashes;
}

class Statistics {
 public:
  Statistics() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Statistics() { std::filesystem::remove_all(folder_); }
  std::string folder() const { return folder_.string(); }
  StatisticsSnapshot page() const { return daedalus::test::only_page(folder()); }

 private:
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / "stateless_decoding_test_stats";
};

}  // namespace

TEST_CASE("colour, size and format go from OUTPUT to CAPTURE") {
  TestNodes nodes;
  RequestClient client(nodes);
  v4l2_format format{};
  format.type = kOutput;
  format.fmt.pix_mp.pixelformat = V4L2_PIX_FMT_VP8_FRAME;
  format.fmt.pix_mp.width = 176;
  format.fmt.pix_mp.height = 144;
  format.fmt.pix_mp.colorspace = V4L2_COLORSPACE_REC709;
  format.fmt.pix_mp.quantization = V4L2_QUANTIZATION_FULL_RANGE;
  format.fmt.pix_mp.ycbcr_enc = V4L2_YCBCR_ENC_709;
  format.fmt.pix_mp.xfer_func = V4L2_XFER_FUNC_709;
  REQUIRE(client.video.ioctl(VIDIOC_S_FMT, format) == 0);
  CHECK(format.fmt.pix_mp.pixelformat == V4L2_PIX_FMT_VP8_FRAME);
  const auto capture = client.video.format(kCapture);
  CHECK(capture.width == 176);
  CHECK(capture.height == 144);
  CHECK(capture.colorspace == V4L2_COLORSPACE_REC709);
  CHECK(capture.quantization == V4L2_QUANTIZATION_FULL_RANGE);
  CHECK(capture.ycbcr_enc == V4L2_YCBCR_ENC_709);
  CHECK(capture.xfer_func == V4L2_XFER_FUNC_709);

  REQUIRE(client.video.request_buffers(kCapture, 2) == 0);
  CHECK(client.video.set_format(kOutput, V4L2_PIX_FMT_VP8_FRAME, 320, 240) == EBUSY);
  CHECK(client.video.set_format(kCapture, V4L2_PIX_FMT_YUV420) == EBUSY);
  CHECK(client.video.set_format(kOutput, V4L2_PIX_FMT_VP8_FRAME, 176, 144) == 0);  // other colour
  CHECK(client.video.format(kCapture).pixelformat == capture.pixelformat);
  CHECK(client.video.format(kCapture).colorspace == V4L2_COLORSPACE_DEFAULT);
  REQUIRE(client.video.request_buffers(kCapture, 0) == 0);
  CHECK(client.video.set_format(kOutput, V4L2_PIX_FMT_VP8_FRAME, 320, 240) == 0);
  CHECK(client.video.format(kCapture).width == 320);
}

TEST_CASE("the formats of the queues") {
  TestNodes nodes;
  RequestClient client(nodes);
  const auto list = [&](uint32_t type) {
    std::vector<uint32_t> formats;
    for (v4l2_fmtdesc description{};; ++description.index) {
      description.type = type;
      if (client.video.ioctl(VIDIOC_ENUM_FMT, description) != 0) return formats;
      CHECK((description.flags & V4L2_FMT_FLAG_COMPRESSED) == (type == kOutput ? 1 : 0));
      formats.push_back(description.pixelformat);
    }
  };
  CHECK(list(kOutput) == std::vector<uint32_t>{V4L2_PIX_FMT_H264_SLICE, V4L2_PIX_FMT_VP8_FRAME,
                                               V4L2_PIX_FMT_VP9_FRAME, V4L2_PIX_FMT_MPEG2_SLICE,
                                               V4L2_PIX_FMT_HEVC_SLICE, V4L2_PIX_FMT_AV1_FRAME});
  const std::vector<uint32_t> eight{V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_NV12M};
  CHECK(list(kCapture) == eight);
  REQUIRE(client.video.set_format(kOutput, V4L2_PIX_FMT_VP9_FRAME) == 0);
  auto every = eight;
  every.push_back(V4L2_PIX_FMT_P010);
  CHECK(list(kCapture) == every);

  // The parameters tell the depth.
  v4l2_ctrl_vp9_frame frame{};
  frame.flags = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  frame.profile = 2;
  frame.bit_depth = 10;
  REQUIRE(client.set_control(-1, control_value(V4L2_CID_STATELESS_VP9_FRAME, frame)) == 0);
  CHECK(list(kCapture) == std::vector<uint32_t>{V4L2_PIX_FMT_P010});
  CHECK(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_P010);
  frame.profile = 0;
  frame.bit_depth = 8;
  REQUIRE(client.set_control(-1, control_value(V4L2_CID_STATELESS_VP9_FRAME, frame)) == 0);
  CHECK(list(kCapture) == eight);
  CHECK(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_NV12);

  v4l2_frmsizeenum sizes{};
  sizes.pixel_format = V4L2_PIX_FMT_VP9_FRAME;
  CHECK(client.video.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == 0);
  sizes.index = 1;
  CHECK(client.video.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == EINVAL);
}

TEST_CASE("metadata goes with the picture; no events but of controls") {
  TestNodes nodes;
  JobClient client(nodes, read_jobs("vp8.webm", 1));
  REQUIRE(client.video.start_capture(2) == 0);
  REQUIRE(client.queue_job(0, V4L2_BUF_FLAG_KEYFRAME | V4L2_BUF_FLAG_TSTAMP_SRC_SOE) == 0);
  const auto captured = client.dequeue_capture();
  CHECK((captured.flags & V4L2_BUF_FLAG_KEYFRAME) != 0);
  CHECK((captured.flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK) == V4L2_BUF_FLAG_TSTAMP_SRC_SOE);
  CHECK((captured.flags & V4L2_BUF_FLAG_ERROR) == 0);
  CHECK(captured.microseconds == 1);
  CHECK(client.video.subscribe(V4L2_EVENT_EOS) == EINVAL);
  CHECK(client.video.subscribe(V4L2_EVENT_SOURCE_CHANGE) == EINVAL);
  CHECK(client.video.subscribe(V4L2_EVENT_CTRL, V4L2_CID_STATELESS_H264_START_CODE) == 0);
}

TEST_CASE("a damaged picture is an error, with both buffers, and decoding goes on") {
  TestNodes nodes;
  const Clip clip = read_jobs("vp8.webm", 3);
  const auto expected = hashes_of(nodes, clip);
  JobClient client(nodes, clip);
  REQUIRE(client.video.start_capture(4) == 0);
  constexpr uint8_t kGarbage[] = {0xff, 0xff, 0xff};
  REQUIRE(client.queue_bytes(1, kGarbage) == 0);
  REQUIRE(client.wait_complete(client.requests[1]));
  auto captured = client.dequeue_capture();
  CHECK((captured.flags & V4L2_BUF_FLAG_ERROR) != 0);
  CHECK(captured.bytes == 0);
  CHECK(captured.microseconds == 2);
  TestFile::Buffer output(kOutput, 0);
  REQUIRE(client.video.dequeue(output) == 0);
  CHECK((output.buffer.flags & V4L2_BUF_FLAG_ERROR) != 0);

  REQUIRE(client.queue_job(0) == 0);
  captured = client.dequeue_capture();
  CHECK((captured.flags & V4L2_BUF_FLAG_ERROR) == 0);
  CHECK(client.hash(captured.index) == expected[0]);
}

TEST_CASE("pictures of another depth than CAPTURE are an error") {
  TestNodes nodes;
  JobClient client(nodes, read_jobs("vp9_10bit.webm", 1));
  REQUIRE(client.video.format(kCapture).pixelformat == V4L2_PIX_FMT_NV12);
  REQUIRE(client.video.start_capture(2) == 0);
  REQUIRE(client.queue_job(0) == 0);
  CHECK((client.dequeue_capture().flags & V4L2_BUF_FLAG_ERROR) != 0);
}

TEST_CASE("H.264 without start codes") {
  TestNodes nodes;
  Clip clip = read_jobs("h264.mp4", 1);
  const auto expected = hashes_of(nodes, clip);
  JobClient client(nodes, clip);
  const auto none = control_value(V4L2_CID_STATELESS_H264_START_CODE,
                                  int32_t{V4L2_STATELESS_H264_START_CODE_NONE});
  REQUIRE(client.set_control(-1, none) == 0);
  REQUIRE(client.video.start_capture(2) == 0);
  auto bytes = coded_data_of(client.clip.jobs[0]);
  bytes.erase(bytes.begin(), bytes.begin() + 3);
  REQUIRE(client.queue_bytes(0, bytes) == 0);
  const auto captured = client.dequeue_capture();
  CHECK((captured.flags & V4L2_BUF_FLAG_ERROR) == 0);
  CHECK(client.hash(captured.index) == expected[0]);
}

TEST_CASE("a held CAPTURE buffer waits for another timestamp or a flush") {
  TestNodes nodes;
  const Clip clip = read_jobs("vp8.webm", 3);
  const auto expected = hashes_of(nodes, clip);
  JobClient client(nodes, clip);
  REQUIRE(client.video.start_capture(4) == 0);
  TestFile::Buffer none(kCapture, 0);
  REQUIRE(client.queue_job(0, V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) == 0);
  REQUIRE(client.wait_complete(client.requests[0]));
  CHECK(client.video.dequeue(none) == EAGAIN);

  REQUIRE(client.queue_job(1, V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) == 0);
  auto captured = client.dequeue_capture();
  CHECK(captured.microseconds == 1);
  CHECK(client.hash(captured.index) == expected[0]);
  REQUIRE(client.wait_complete(client.requests[1]));
  CHECK(client.video.dequeue(none) == EAGAIN);

  CHECK(client.video.command(V4L2_DEC_CMD_STOP) == EINVAL);
  CHECK(client.video.command(V4L2_DEC_CMD_FLUSH) == 0);
  captured = client.dequeue_capture();
  CHECK(captured.microseconds == 2);
  CHECK(client.hash(captured.index) == expected[1]);
  CHECK(client.video.command(V4L2_DEC_CMD_FLUSH) == 0);  // nothing is held

  // Of a buffer that waits the flag is taken.
  REQUIRE(client.video.stream(kCapture, false) == 0);
  REQUIRE(client.queue_job(2, V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) == 0);
  CHECK(client.video.command(V4L2_DEC_CMD_FLUSH) == 0);
  for (uint32_t i = 0; i < 4; ++i) REQUIRE(client.video.queue_capture(i) == 0);
  REQUIRE(client.video.stream(kCapture, true) == 0);
  CHECK(client.dequeue_capture().microseconds == 3);
}

TEST_CASE("STREAMOFF takes a held CAPTURE buffer back") {
  TestNodes nodes;
  JobClient client(nodes, read_jobs("vp8.webm", 2));
  REQUIRE(client.video.start_capture(2) == 0);
  REQUIRE(client.queue_job(0, V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) == 0);
  REQUIRE(client.wait_complete(client.requests[0]));
  REQUIRE(client.video.stream(kCapture, false) == 0);
  REQUIRE(client.video.queue_capture(0) == 0);
  REQUIRE(client.video.queue_capture(1) == 0);
  REQUIRE(client.video.stream(kCapture, true) == 0);
  REQUIRE(client.queue_job(1) == 0);
  CHECK(client.dequeue_capture().microseconds == 2);
}

TEST_CASE("both queues may stop and start at any time") {
  TestNodes nodes;
  const Clip clip = read_jobs("vp9.webm", 8);
  const auto expected = hashes_of(nodes, clip);
  JobClient client(nodes, clip);
  for (int round = 0; round < 20; ++round) {
    REQUIRE(client.video.start_capture(4) == 0);
    for (size_t i = 0; i < 4; ++i) REQUIRE(client.queue_job(i) == 0);
    if (round % 3 == 0) CHECK(client.hash(client.dequeue_capture().index) == expected[0]);
    REQUIRE(client.video.stream(round % 2 ? kOutput : kCapture, false) == 0);
    REQUIRE(client.video.stream(kOutput, false) == 0);
    REQUIRE(client.video.stream(kCapture, false) == 0);
    for (size_t i = 0; i < 4; ++i) {
      CHECK(client.request(client.requests[i]).poll() == POLLPRI);
      REQUIRE(client.reinit(client.requests[i]) == 0);
    }
    REQUIRE(client.video.request_buffers(kCapture, 0) == 0);
    REQUIRE(client.video.stream(kOutput, true) == 0);
  }
}

TEST_CASE("a file is closed with jobs in flight") {
  TestNodes nodes;
  for (int round = 0; round < 10; ++round) {
    JobClient client(nodes, read_jobs("h264.mp4", 8));
    REQUIRE(client.video.start_capture(8) == 0);
    for (size_t i = 0; i < 8; ++i) REQUIRE(client.queue_job(i) == 0);
  }
}

TEST_CASE("the statistics page says who asked") {
  const Statistics statistics;
  TestNodes nodes({}, statistics.folder());
  JobClient client(nodes, read_jobs("mpeg2.mpg", 3));
  REQUIRE(client.video.start_capture(4) == 0);
  for (size_t i = 0; i < 3; ++i) REQUIRE(client.queue_job(i) == 0);
  for (size_t i = 0; i < 3; ++i) client.dequeue_capture();
  CHECK(statistics.page().front == "v4l2-request");
  CHECK(statistics.page().codec == "mpeg2");
  CHECK(statistics.page().pictures == 3);
}

TEST_CASE("AV1: nothing is decoded twice; film grain is for CAPTURE alone") {
  for (const bool grain : {false, true}) {
    const char* clip = grain ? "av1_10bit.webm" : "av1.webm";
    INFO(clip);
    const Statistics statistics;
    TestNodes nodes({}, statistics.folder());
    StatelessPlayer::Manner manner;
    manner.raw_format = grain ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12;
    StatelessPlayer player(nodes, manner);
    const size_t shown = player.play(std::string("test/data/") + clip).size();
    const auto page = statistics.page();
    CHECK(page.engine == "dav1d");
    CHECK(page.pictures > shown);  // hidden frames
    CHECK(page.redecodes == 0);
    CHECK(page.concealed == 0);
    CHECK(page.errors == 0);
    const bool grained = std::ranges::any_of(
        page.stages, [](const auto& stage) { return stage.name == "film_grain"; });
    CHECK(grained == grain);
  }
}

}  // namespace daedalus::test
