// What the stateless node makes of requests: the core's jobs, their references and their order.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_core.h"
#include "test/cuse_device/v4l2/stateless_client.h"

namespace daedalus::test {
namespace {

constexpr uint32_t kHold = V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;

// Two slices and what is none, with start codes of both lengths.
const std::vector<uint8_t> kTwoSlices = {0, 0, 0, 1,    0x09, 0x10,              // delimiter
                                         0, 0, 1, 0x06, 0x55, 0x80,              // SEI
                                         0, 0, 0, 1,    0x65, 0x88, 0x11, 0x22,  // slices
                                         0, 0, 1, 0x65, 0x99, 0x33};
const std::vector<uint8_t> kMpeg2Slices = {0, 0,    1,    0x01, 0x13, 0xf8, 0, 0,
                                           1, 0x02, 0x13, 0xf9, 0,    0,    1, 0xb7};

struct JobsClient {
  explicit JobsClient(uint32_t fourcc, uint32_t outputs = 8)
      : jobs(std::make_shared<FakeJobs>()), nodes(std::make_shared<FakeCore>(jobs)), client(nodes) {
    REQUIRE(client.video.start_output(fourcc, outputs, 16, 16) == 0);
  }
  // Queues a request with OUTPUT buffer `index`; the fd.
  int queue(uint32_t index, const std::vector<ControlValue>& controls,
            std::span<const uint8_t> bytes, uint64_t microseconds, uint32_t flags = 0) {
    const int fd = client.allocate_request();
    REQUIRE(client.set_controls(fd, controls) == 0);
    REQUIRE(client.queue_output(fd, index, bytes, microseconds, flags) == 0);
    REQUIRE(client.queue_request(fd) == 0);
    return fd;
  }
  // The timestamp in µs of the next CAPTURE buffer, which goes back; below 0: with an error.
  int64_t next_capture(bool requeue = true) {
    TestFile::Buffer buffer(kCapture, 0);
    REQUIRE(client.video.dequeue_blocking(buffer) == 0);
    const bool error = (buffer.buffer.flags & V4L2_BUF_FLAG_ERROR) != 0;
    if (requeue) REQUIRE(client.video.queue_capture(buffer.buffer.index) == 0);
    return error ? -buffer.buffer.timestamp.tv_usec : buffer.buffer.timestamp.tv_usec;
  }

  std::shared_ptr<FakeJobs> jobs;
  TestNodes nodes;
  RequestClient client;
};

std::vector<ControlValue> h264_controls(const v4l2_ctrl_h264_decode_params& decode) {
  v4l2_ctrl_h264_sps sps{};
  sps.profile_idc = 77;
  sps.max_num_ref_frames = 4;
  sps.chroma_format_idc = 1;
  return {control_value(V4L2_CID_STATELESS_H264_SPS, sps),
          control_value(V4L2_CID_STATELESS_H264_PPS, v4l2_ctrl_h264_pps{}),
          control_value(V4L2_CID_STATELESS_H264_DECODE_PARAMS, decode)};
}

v4l2_ctrl_h264_decode_params h264_field(bool bottom) {
  v4l2_ctrl_h264_decode_params decode{};
  decode.flags = V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC |
                 (bottom ? V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD : 0u);
  return decode;
}

std::vector<ControlValue> vp8_controls(bool key, uint64_t last = 0, uint64_t golden = 0,
                                       uint64_t alternate = 0) {
  v4l2_ctrl_vp8_frame frame{};
  frame.num_dct_parts = 1;
  frame.width = frame.height = 16;
  if (key) frame.flags = V4L2_VP8_FRAME_FLAG_KEY_FRAME;
  frame.last_frame_ts = last;
  frame.golden_frame_ts = golden;
  frame.alt_frame_ts = alternate;
  return {control_value(V4L2_CID_STATELESS_VP8_FRAME, frame)};
}

constexpr uint8_t kFrame[] = {1, 2, 3, 4, 5};

}  // namespace

TEST_CASE("H.264: the controls are the parameters, timestamps lead to pictures") {
  JobsClient test(V4L2_PIX_FMT_H264_SLICE);
  REQUIRE(test.client.video.start_capture(4) == 0);
  v4l2_ctrl_h264_decode_params decode{};
  decode.frame_num = 5;
  test.queue(0, h264_controls(decode), kTwoSlices, 10);
  decode.dpb[0].flags = V4L2_H264_DPB_ENTRY_FLAG_VALID;
  decode.dpb[0].reference_ts = 10'000;
  decode.dpb[1].reference_ts = 10'000;  // not valid
  decode.dpb[1].frame_num = 9;
  decode.dpb[2].flags = V4L2_H264_DPB_ENTRY_FLAG_VALID;
  decode.dpb[2].reference_ts = 11'000;  // unknown
  test.queue(1, h264_controls(decode), kTwoSlices, 20);
  CHECK(test.next_capture(false) == 10);
  CHECK(test.next_capture(false) == 20);

  REQUIRE(test.jobs->count() == 2);
  const core::DecodeJob& first = (*test.jobs)[0];
  REQUIRE(first.slices.size() == 2);
  CHECK(first.bytes_of(first.slices[0])[1] == 0x88);
  CHECK(first.slices[0].size == 4);
  CHECK(first.bytes_of(first.slices[1])[1] == 0x99);
  CHECK(first.field == core::FieldRole::kFrame);
  const auto& parameters = std::get<core::H264Parameters>(first.parameters);
  CHECK(parameters.sps.profile_idc == 77);
  CHECK(parameters.decode.frame_num == 5);
  CHECK(parameters.poc_offsets_known);
  CHECK(parameters.default_reference_counts_known);

  const core::DecodeJob& second = (*test.jobs)[1];
  REQUIRE(second.references.size() == V4L2_H264_NUM_DPB_ENTRIES);
  CHECK(second.references[0] == first.target);
  CHECK(second.references[1] == nullptr);
  CHECK(second.references[2] == nullptr);
  CHECK(std::get<core::H264Parameters>(second.parameters).decode.dpb[1].frame_num == 0);
  CHECK(second.target != first.target);
}

TEST_CASE("two fields of a held CAPTURE buffer have one picture") {
  JobsClient test(V4L2_PIX_FMT_H264_SLICE);
  REQUIRE(test.client.video.start_capture(6) == 0);
  test.queue(0, h264_controls(h264_field(false)), kTwoSlices, 10, kHold);
  auto second = h264_field(true);
  second.dpb[0].flags = V4L2_H264_DPB_ENTRY_FLAG_VALID;
  second.dpb[0].reference_ts = 10'000;  // its own first field
  test.queue(1, h264_controls(second), kTwoSlices, 10);
  CHECK(test.next_capture(false) == 10);
  // Not a pair: the same parity, no hold, a frame.
  test.queue(2, h264_controls(h264_field(false)), kTwoSlices, 20, kHold);
  test.queue(3, h264_controls(h264_field(false)), kTwoSlices, 20);
  CHECK(test.next_capture(false) == 20);
  test.queue(4, h264_controls(h264_field(false)), kTwoSlices, 30);
  test.queue(5, h264_controls(h264_field(true)), kTwoSlices, 30, kHold);
  CHECK(test.next_capture(false) == 30);
  test.queue(6, h264_controls({}), kTwoSlices, 30);
  CHECK(test.next_capture(false) == 30);

  REQUIRE(test.jobs->count() == 7);
  const auto job = [&](size_t i) -> const core::DecodeJob& { return (*test.jobs)[i]; };
  CHECK(job(0).field == core::FieldRole::kFirstField);
  CHECK(job(1).field == core::FieldRole::kSecondField);
  CHECK(job(1).target == job(0).target);
  CHECK(job(1).references[0] == job(0).target);
  CHECK(job(2).field == core::FieldRole::kFirstField);
  CHECK(job(3).field == core::FieldRole::kFirstField);
  CHECK(job(3).target != job(2).target);
  CHECK(job(5).field == core::FieldRole::kFirstField);
  CHECK(job(5).target != job(4).target);
  CHECK(job(6).field == core::FieldRole::kFrame);
  CHECK(job(6).target != job(5).target);
}

TEST_CASE("slice-based: a picture's slices are one job, which its last slice submits") {
  JobsClient test(V4L2_PIX_FMT_H264_SLICE, 12);
  REQUIRE(test.client.set_control(
              -1, control_value(V4L2_CID_STATELESS_H264_DECODE_MODE,
                                int32_t{V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED})) == 0);
  REQUIRE(test.client.video.start_capture(6) == 0);
  const auto slice = [](uint8_t mark) { return std::vector<uint8_t>{0, 0, 1, 0x65, mark, 0x80}; };
  const auto marks = [&](size_t i) {
    std::vector<int> all;
    const core::DecodeJob& job = (*test.jobs)[i];
    for (const auto& range : job.slices) all.push_back(job.bytes_of(range)[1]);
    return all;
  };
  // A frame of three slices; the first two are done before the picture is.
  const int first = test.queue(0, h264_controls({}), slice(1), 10, kHold);
  REQUIRE(test.client.wait_complete(first));
  const int second = test.queue(1, h264_controls({}), slice(2), 10, kHold);
  REQUIRE(test.client.wait_complete(second));
  CHECK(test.jobs->count() == 0);
  for (int i = 0; i < 2; ++i) {
    TestFile::Buffer output(kOutput, 0);
    REQUIRE(test.client.video.dequeue(output) == 0);
    CHECK((output.buffer.flags & V4L2_BUF_FLAG_ERROR) == 0);
  }
  test.queue(2, h264_controls({}), slice(3), 10);
  CHECK(test.next_capture(false) == 10);
  REQUIRE(test.jobs->count() == 1);
  CHECK(marks(0) == std::vector<int>{1, 2, 3});

  // Two fields of two slices each.
  test.queue(3, h264_controls(h264_field(false)), slice(4), 20, kHold);
  test.queue(4, h264_controls(h264_field(false)), slice(5), 20, kHold);
  test.queue(5, h264_controls(h264_field(true)), slice(6), 20, kHold);
  test.queue(6, h264_controls(h264_field(true)), slice(7), 20);
  CHECK(test.next_capture(false) == 20);
  REQUIRE(test.jobs->count() == 3);
  CHECK(marks(1) == std::vector<int>{4, 5});
  CHECK(marks(2) == std::vector<int>{6, 7});
  CHECK((*test.jobs)[1].field == core::FieldRole::kFirstField);
  CHECK((*test.jobs)[2].field == core::FieldRole::kSecondField);
  CHECK((*test.jobs)[2].target == (*test.jobs)[1].target);

  // Another timestamp ends a picture, a flush too; a slice that is none is its own error.
  test.queue(7, h264_controls({}), slice(8), 30, kHold);
  constexpr uint8_t kNone[] = {1, 2, 3};
  test.queue(8, h264_controls({}), kNone, 30, kHold);
  test.queue(9, h264_controls({}), slice(9), 40, kHold);
  CHECK(test.next_capture(false) == 30);
  CHECK(marks(3) == std::vector<int>{8});
  CHECK(test.client.video.command(V4L2_DEC_CMD_FLUSH) == 0);
  CHECK(test.next_capture(false) == 40);
  CHECK(marks(4) == std::vector<int>{9});

  // Slices that STREAMOFF drops are not decoded.
  test.queue(10, h264_controls({}), slice(10), 50, kHold);
  REQUIRE(test.client.video.stream(kOutput, false) == 0);
  REQUIRE(test.client.video.stream(kOutput, true) == 0);
  test.queue(11, h264_controls({}), slice(11), 60);
  CHECK(test.next_capture(false) == -50);
  CHECK(test.next_capture(false) == 60);
  CHECK(marks(5) == std::vector<int>{11});
}

TEST_CASE("slice-based: a picture cannot grow without end") {
  JobsClient test(V4L2_PIX_FMT_H264_SLICE, 1);
  REQUIRE(test.client.set_control(
              -1, control_value(V4L2_CID_STATELESS_H264_DECODE_MODE,
                                int32_t{V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED})) == 0);
  REQUIRE(test.client.video.start_capture(1) == 0);
  std::vector<uint8_t> large(2u << 20, 0x80);
  large[0] = large[1] = 0;
  large[2] = 1;
  large[3] = 0x65;
  int errors = 0;
  for (int i = 0; i < 70; ++i) {
    const int fd = test.queue(0, h264_controls({}), large, 10, kHold);
    REQUIRE(test.client.wait_complete(fd));
    TestFile::Buffer output(kOutput, 0);
    REQUIRE(test.client.video.dequeue(output) == 0);
    errors += (output.buffer.flags & V4L2_BUF_FLAG_ERROR) != 0;
  }
  CHECK(errors == 70 - 64);
  CHECK(test.client.video.command(V4L2_DEC_CMD_FLUSH) == 0);
  CHECK(test.next_capture() == 10);
  CHECK((*test.jobs)[0].slices.size() == 64);
}

TEST_CASE("MPEG-2: slices, references by their kind of picture, fields") {
  JobsClient test(V4L2_PIX_FMT_MPEG2_SLICE);
  REQUIRE(test.client.video.start_capture(6) == 0);
  v4l2_ctrl_mpeg2_sequence sequence{};
  sequence.horizontal_size = sequence.vertical_size = 16;
  sequence.chroma_format = 1;
  const auto controls = [&](uint8_t type, uint8_t structure) -> std::vector<ControlValue> {
    v4l2_ctrl_mpeg2_picture picture{};
    picture.picture_coding_type = type;
    picture.picture_structure = structure;
    picture.forward_ref_ts = 10'000;
    picture.backward_ref_ts = 20'000;
    return {control_value(V4L2_CID_STATELESS_MPEG2_SEQUENCE, sequence),
            control_value(V4L2_CID_STATELESS_MPEG2_PICTURE, picture)};
  };
  test.queue(0, controls(V4L2_MPEG2_PIC_CODING_TYPE_I, 3), kMpeg2Slices, 10);
  test.queue(1, controls(V4L2_MPEG2_PIC_CODING_TYPE_P, 3), kMpeg2Slices, 20);
  test.queue(2, controls(V4L2_MPEG2_PIC_CODING_TYPE_B, 3), kMpeg2Slices, 30);
  test.queue(3, controls(V4L2_MPEG2_PIC_CODING_TYPE_P, 1), kMpeg2Slices, 40, kHold);
  test.queue(4, controls(V4L2_MPEG2_PIC_CODING_TYPE_P, 2), kMpeg2Slices, 40);
  for (const int64_t expected : {10, 20, 30, 40}) CHECK(test.next_capture(false) == expected);
  REQUIRE(test.jobs->count() == 5);
  const auto job = [&](size_t i) -> const core::DecodeJob& { return (*test.jobs)[i]; };
  REQUIRE(job(0).slices.size() == 2);
  CHECK(job(0).slices[1].offset == 6);
  CHECK(job(0).slices[1].size == 6);
  using References = std::vector<std::shared_ptr<core::Picture>>;
  CHECK(job(0).references == References{nullptr, nullptr});
  CHECK(job(1).references == References{job(0).target, nullptr});
  CHECK(job(2).references == References{job(0).target, job(1).target});
  CHECK(job(4).field == core::FieldRole::kSecondField);
  CHECK(job(4).target == job(3).target);
}

TEST_CASE("VP8 and VP9: three references, none for a key frame") {
  using References = std::vector<std::shared_ptr<core::Picture>>;
  {
    JobsClient test(V4L2_PIX_FMT_VP8_FRAME);
    REQUIRE(test.client.video.start_capture(4) == 0);
    test.queue(0, vp8_controls(true, 10'000), kFrame, 10);
    test.queue(1, vp8_controls(false, 10'000, 10'000, 5), kFrame, 20);
    test.queue(2, vp8_controls(false, 20'000, 10'000, 20'000), kFrame, 30);
    for (const int64_t expected : {10, 20, 30}) CHECK(test.next_capture(false) == expected);
    const auto& jobs = *test.jobs;
    CHECK(jobs[0].references == References{nullptr, nullptr, nullptr});
    CHECK(jobs[1].references == References{jobs[0].target, jobs[0].target, nullptr});
    CHECK(jobs[2].references == References{jobs[1].target, jobs[0].target, jobs[1].target});
    CHECK(std::ranges::equal(jobs[0].bytes_of(jobs[0].slices[0]), kFrame));
  }
  JobsClient test(V4L2_PIX_FMT_VP9_FRAME);
  REQUIRE(test.client.video.start_capture(4) == 0);
  v4l2_ctrl_vp9_frame frame{};
  frame.bit_depth = 8;
  constexpr uint32_t k420 = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  frame.frame_width_minus_1 = frame.frame_height_minus_1 = 15;
  frame.flags = k420 | V4L2_VP9_FRAME_FLAG_KEY_FRAME;
  test.queue(0, {control_value(V4L2_CID_STATELESS_VP9_FRAME, frame)}, kFrame, 10);
  frame.flags = k420 | V4L2_VP9_FRAME_FLAG_INTRA_ONLY;
  frame.last_frame_ts = frame.golden_frame_ts = frame.alt_frame_ts = 10'000;
  test.queue(1, {control_value(V4L2_CID_STATELESS_VP9_FRAME, frame)}, kFrame, 20);
  frame.flags = k420;
  frame.golden_frame_ts = 20'000;
  test.queue(2, {control_value(V4L2_CID_STATELESS_VP9_FRAME, frame)}, kFrame, 30);
  for (const int64_t expected : {10, 20, 30}) CHECK(test.next_capture(false) == expected);
  const auto& jobs = *test.jobs;
  CHECK(jobs[1].references == References{nullptr, nullptr, nullptr});
  CHECK(jobs[2].references == References{jobs[0].target, jobs[1].target, jobs[0].target});
}

TEST_CASE("a reference is found until its buffer is taken for another picture, or CAPTURE stops") {
  JobsClient test(V4L2_PIX_FMT_VP8_FRAME);
  REQUIRE(test.client.video.start_capture(2) == 0);
  test.queue(0, vp8_controls(true), kFrame, 10);
  CHECK(test.next_capture() == 10);
  test.queue(1, vp8_controls(false, 10'000), kFrame, 20);  // in the other buffer
  CHECK(test.next_capture() == 20);
  test.queue(2, vp8_controls(false, 10'000), kFrame, 30);  // takes the first one
  CHECK(test.next_capture() == 30);
  test.queue(3, vp8_controls(false, 10'000), kFrame, 40);
  CHECK(test.next_capture() == 40);
  const auto& jobs = *test.jobs;
  CHECK(jobs[1].references[0] == jobs[0].target);
  CHECK(jobs[2].references[0] == jobs[0].target);
  CHECK(jobs[3].references[0] == nullptr);

  REQUIRE(test.client.video.stream(kCapture, false) == 0);
  for (uint32_t i = 0; i < 2; ++i) REQUIRE(test.client.video.queue_capture(i) == 0);
  REQUIRE(test.client.video.stream(kCapture, true) == 0);
  test.queue(4, vp8_controls(false, 40'000), kFrame, 50);
  CHECK(test.next_capture() == 50);
  CHECK(jobs[4].references[0] == nullptr);
}

TEST_CASE("a reference's buffer may be queued again as soon as all that needs it is queued") {
  JobsClient test(V4L2_PIX_FMT_VP8_FRAME);
  REQUIRE(test.client.video.request_buffers(kCapture, 1) == 0);
  REQUIRE(test.client.video.queue_capture(0) == 0);
  REQUIRE(test.client.video.stream(kCapture, true) == 0);
  test.queue(0, vp8_controls(true), kFrame, 10);
  for (uint32_t i = 1; i < 5; ++i) {
    test.queue(i, vp8_controls(false, 10'000, 10'000 * i), kFrame, 10 * (i + 1));
  }
  for (const int64_t expected : {10, 20, 30, 40}) CHECK(test.next_capture() == expected);
  CHECK(test.next_capture(false) == 50);
  const auto& jobs = *test.jobs;
  for (size_t i = 1; i < 5; ++i) {
    CHECK(jobs[i].references[0] == jobs[0].target);
    CHECK(jobs[i].references[1] == jobs[i - 1].target);
  }
  // What is queued after the buffer was has lost it.
  REQUIRE(test.client.video.queue_capture(0) == 0);
  test.queue(0 + 5, vp8_controls(false, 10'000, 50'000), kFrame, 60);
  CHECK(test.next_capture() == 60);
  CHECK(jobs[5].references[0] == nullptr);
  CHECK(jobs[5].references[1] == jobs[4].target);
}

TEST_CASE("several jobs are under way, and come back in their order") {
  JobsClient test(V4L2_PIX_FMT_VP8_FRAME, 24);
  test.jobs->automatic = false;
  REQUIRE(test.client.video.start_capture(24) == 0);
  std::vector<int> fds;
  for (uint32_t i = 0; i < 20; ++i) {
    fds.push_back(test.queue(i, vp8_controls(true), kFrame, i + 1));
  }
  constexpr size_t kMost = 16;
  REQUIRE(test.jobs->count() == kMost);
  FakeJobs::end((*test.jobs)[1].target);
  CHECK(test.client.request(fds[1]).poll() == 0);
  CHECK((test.client.video.poll() & POLLIN) == 0);
  FakeJobs::end((*test.jobs)[0].target);
  CHECK(test.next_capture() == 1);
  CHECK(test.next_capture() == 2);
  for (size_t i = 2; i < 20; ++i) {
    FakeJobs::end((*test.jobs)[i].target, i != 5, i == 7);
    const auto expected = static_cast<int64_t>(i + 1);
    CHECK(test.next_capture() == (i == 5 || i == 7 ? -expected : expected));
    CHECK(test.client.request(fds[i]).poll() == POLLPRI);
  }
}

TEST_CASE("STREAMOFF waits for the jobs under way and ends the requests of the others") {
  JobsClient test(V4L2_PIX_FMT_VP8_FRAME, 24);
  test.jobs->automatic = false;
  REQUIRE(test.client.video.start_capture(24) == 0);
  std::vector<int> fds;
  for (uint32_t i = 0; i < 20; ++i) {
    fds.push_back(test.queue(i, vp8_controls(true), kFrame, i + 1));
  }
  std::atomic<bool> stopped = false;
  size_t ended = 0;
  std::thread ends([&] {
    while (!stopped) {
      if (ended < test.jobs->count()) {
        FakeJobs::end((*test.jobs)[ended++].target);
      } else {
        std::this_thread::yield();
      }
    }
  });
  const int error = test.client.video.stream(kOutput, false);
  const size_t count = test.jobs->count();
  stopped = true;
  ends.join();
  CHECK(error == 0);
  CHECK(ended == count);
  CHECK(count >= 16);
  CHECK(test.jobs->count() == count);
  for (const int fd : fds) CHECK(test.client.request(fd).poll() == POLLPRI);
  for (size_t i = 1; i <= count; ++i) CHECK(test.next_capture() == static_cast<int64_t>(i));
}

TEST_CASE("jobs and sessions that are refused are errors of their buffers") {
  JobsClient test(V4L2_PIX_FMT_VP8_FRAME);
  REQUIRE(test.client.video.start_capture(4) == 0);
  test.jobs->refuse_sessions = true;
  test.queue(0, vp8_controls(true), kFrame, 1);
  CHECK(test.next_capture() == -1);
  test.jobs->refuse_sessions = false;
  test.jobs->refuse_jobs = true;
  test.queue(1, vp8_controls(true), kFrame, 2);
  CHECK(test.next_capture() == -2);
  test.jobs->refuse_jobs = false;
  test.queue(2, vp8_controls(true), kFrame, 3);
  CHECK(test.next_capture() == 3);
}

TEST_CASE("a second field that fails leaves the first one's picture") {
  JobsClient test(V4L2_PIX_FMT_H264_SLICE);
  REQUIRE(test.client.video.start_capture(2) == 0);
  test.queue(0, h264_controls(h264_field(false)), kTwoSlices, 10, kHold);
  constexpr uint8_t kNoSlice[] = {0, 0, 1, 9, 16};
  test.queue(1, h264_controls(h264_field(true)), kNoSlice, 10);
  TestFile::Buffer buffer(kCapture, 0);
  REQUIRE(test.client.video.dequeue_blocking(buffer) == 0);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_ERROR) != 0);
  CHECK(buffer.planes[0].bytesused != 0);
  CHECK(*test.client.video.data(test.client.video.map(kCapture, buffer.buffer.index)) == 77);
}

}  // namespace daedalus::test
