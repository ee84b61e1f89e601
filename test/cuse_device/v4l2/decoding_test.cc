// The sequences of "Memory-to-memory Stateful Video Decoder Interface", step by step.
#include <poll.h>

#include <cerrno>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

constexpr uint32_t kStart = V4L2_DEC_CMD_START;
constexpr uint32_t kStop = V4L2_DEC_CMD_STOP;

struct Opened {
  std::unique_ptr<v4l2::StatefulDevice> device;
  TestFile file;
  explicit Opened(size_t delay = 2) : device(fake_device(delay)), file(*device) {
    REQUIRE(file.subscribe(V4L2_EVENT_SOURCE_CHANGE) == 0);
    REQUIRE(file.subscribe(V4L2_EVENT_EOS) == 0);
  }
};

void feed(TestFile& file, const FakePacket& packet, uint32_t index, int64_t time = 0) {
  REQUIRE(file.queue_output(index, packet.bytes(), time) == 0);
}

// Initialization and capture setup of a stream of that size.
void begin(TestFile& file, uint16_t width, uint16_t height, uint32_t captures = 4) {
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 8) == 0);
  feed(file, {width, height, 1}, 0, 1000);
  REQUIRE(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
  REQUIRE(file.start_capture(captures) == 0);
}

// Dequeues one CAPTURE buffer and checks that it is a plain picture of that luma.
void expect_picture(TestFile& file, uint8_t luma, bool last, int64_t time = -1) {
  TestFile::Buffer buffer(kCapture, 0);
  REQUIRE(file.dequeue_blocking(buffer) == 0);
  CHECK(buffer.last() == last);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_ERROR) == 0);
  const auto format = file.format(kCapture);
  REQUIRE(buffer.planes[0].bytesused > 0);
  const auto range = file.map(kCapture, buffer.buffer.index);
  REQUIRE(range.memory);
  CHECK(file.data(range)[0] == luma);
  CHECK(file.data(range)[buffer.planes[0].bytesused / 2] != 0);
  if (time >= 0) {
    CHECK(buffer.buffer.timestamp.tv_sec * 1000000 + buffer.buffer.timestamp.tv_usec == time);
  }
  CHECK(format.num_planes >= 1);
}

void expect_empty_last(TestFile& file) {
  TestFile::Buffer buffer(kCapture, 0);
  REQUIRE(file.dequeue_blocking(buffer) == 0);
  CHECK(buffer.last());
  CHECK(buffer.planes[0].bytesused == 0);
}

void return_outputs(TestFile& file, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    TestFile::Buffer buffer(kOutput, 0);
    REQUIRE(file.dequeue_blocking(buffer) == 0);
  }
}

}  // namespace

TEST_CASE("initialization: metadata makes a source change, then CAPTURE has the stream's format") {
  Opened opened;
  TestFile& file = opened.file;
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 4) == 0);
  feed(file, {0, 0, 255}, 0);  // nothing that helps: the buffer comes back
  return_outputs(file, 1);
  CHECK(file.next_event() == 0);
  feed(file, {320, 180, 0}, 0);
  REQUIRE(file.wait_poll(POLLPRI));
  v4l2_event event{};
  REQUIRE(file.ioctl(VIDIOC_DQEVENT, event) == 0);
  CHECK(event.type == V4L2_EVENT_SOURCE_CHANGE);
  CHECK(event.u.src_change.changes == V4L2_EVENT_SRC_CH_RESOLUTION);
  CHECK(event.pending == 0);

  const auto format = file.format(kCapture);
  CHECK(format.width == 320);
  CHECK(format.height == 180);
  v4l2_selection selection{};
  selection.type = kCapture;
  selection.target = V4L2_SEL_TGT_CROP_BOUNDS;
  REQUIRE(file.ioctl(VIDIOC_G_SELECTION, selection) == 0);
  CHECK(selection.r.height == 192);
  selection.target = V4L2_SEL_TGT_COMPOSE;
  REQUIRE(file.ioctl(VIDIOC_G_SELECTION, selection) == 0);
  CHECK(selection.r.height == 180);
}

TEST_CASE("a picture goes into the buffer queued last, which is likeliest to be in the caches") {
  Opened opened(0);
  TestFile& file = opened.file;
  begin(file, 64, 48, 4);
  for (uint32_t i = 1; i < 6; ++i) {
    feed(file, {64, 48, static_cast<uint8_t>(i + 1)}, i);  // after which it is known what follows
    TestFile::Buffer buffer(kCapture, 0);
    REQUIRE(file.dequeue_blocking(buffer) == 0);
    CHECK(buffer.buffer.index == 3);
    REQUIRE(file.queue_capture(buffer.buffer.index) == 0);
  }
}

TEST_CASE("a picture that found no buffer goes into the next one queued") {
  Opened opened(0);
  TestFile& file = opened.file;
  begin(file, 64, 48, 1);
  for (uint32_t i = 1; i < 4; ++i) feed(file, {64, 48, static_cast<uint8_t>(i + 1)}, i);
  for (uint8_t luma = 1; luma < 4; ++luma) {
    expect_picture(file, luma, false);
    REQUIRE(file.queue_capture(0) == 0);
  }
}

TEST_CASE("decoding and drain: timestamps, EOS, LAST on the last picture, EPIPE and START") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  for (uint32_t i = 1; i < 4; ++i) feed(file, {64, 48, static_cast<uint8_t>(i + 1)}, i, 1000 + i);
  REQUIRE(file.command(kStop) == 0);
  CHECK(file.command(kStop) == EBUSY);
  CHECK(file.command(kStart) == EBUSY);
  // Accepted, but not processed before the restart.
  feed(file, {64, 48, 77}, 4, 5000);

  for (uint32_t i = 0; i < 3; ++i) {
    CHECK(file.next_event() == 0);
    REQUIRE(file.wait_poll(POLLIN));
    CHECK((file.poll() & POLLPRI) == 0);  // not before the last buffer is the next
    expect_picture(file, static_cast<uint8_t>(i + 1), false, 1000 + i);
  }
  REQUIRE(file.wait_poll(POLLPRI));
  CHECK((file.poll() & POLLIN) != 0);
  CHECK(file.next_event() == V4L2_EVENT_EOS);
  expect_picture(file, 4, true, 1003);
  CHECK(file.next_event() == 0);
  TestFile::Buffer more(kCapture, 0);
  CHECK(file.dequeue(more) == EPIPE);
  CHECK((file.poll() & POLLIN) != 0);
  return_outputs(file, 4);
  TestFile::Buffer fifth(kOutput, 0);
  CHECK(file.dequeue(fifth) == EAGAIN);
  CHECK(file.command(kStop) == 0);  // stopped already

  REQUIRE(file.command(kStart) == 0);
  CHECK(file.dequeue(more) == EAGAIN);
  for (uint32_t i = 0; i < 4; ++i) REQUIRE(file.queue_capture(i) == 0);
  feed(file, {64, 48, 78}, 0);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 77, false, 5000);
  expect_picture(file, 78, true);
  CHECK(file.next_event() == V4L2_EVENT_EOS);
}

TEST_CASE("a drain without pictures ends in an empty last buffer") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 1, true);
  REQUIRE(file.command(kStart) == 0);
  REQUIRE(file.next_event() == V4L2_EVENT_EOS);
  REQUIRE(file.command(kStop) == 0);
  expect_empty_last(file);
  CHECK(file.next_event() == V4L2_EVENT_EOS);
  // The other way to go on.
  REQUIRE(file.stream(kCapture, false) == 0);
  for (uint32_t i = 0; i < 4; ++i) REQUIRE(file.queue_capture(i) == 0);
  REQUIRE(file.stream(kCapture, true) == 0);
  feed(file, {64, 48, 9}, 1);
  feed(file, {64, 48, 10}, 2);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 9, false);
  expect_picture(file, 10, true);
}

TEST_CASE(
    "dynamic resolution change: LAST on the last old picture, then the event, then the rest") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  feed(file, {64, 48, 2}, 1);
  for (uint32_t i = 0; i < 3; ++i) feed(file, {128, 96, static_cast<uint8_t>(10 + i)}, 2 + i);
  expect_picture(file, 1, false);
  REQUIRE(file.wait_poll(POLLIN));
  CHECK((file.poll() & POLLPRI) == 0);
  CHECK(file.format(kCapture).width == 64);
  expect_picture(file, 2, true);
  CHECK((file.poll() & POLLPRI) != 0);
  CHECK(file.next_event() == V4L2_EVENT_SOURCE_CHANGE);
  CHECK(file.format(kCapture).width == 128);
  TestFile::Buffer more(kCapture, 0);
  CHECK(file.dequeue(more) == EPIPE);
  // Buffers of the old size do not do any more.
  CHECK(file.queue_capture(0) == EINVAL);

  REQUIRE(file.stream(kCapture, false) == 0);
  REQUIRE(file.request_buffers(kCapture, 0) == 0);
  REQUIRE(file.start_capture(4) == 0);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 10, false);
  expect_picture(file, 11, false);
  expect_picture(file, 12, true);
}

TEST_CASE("a resolution change within a drain, resumed with START into larger buffers") {
  Opened opened;
  TestFile& file = opened.file;
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 8) == 0);
  feed(file, {128, 96, 1}, 0);
  REQUIRE(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
  REQUIRE(file.start_capture(6) == 0);
  feed(file, {64, 48, 2}, 1);
  feed(file, {64, 48, 3}, 2);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 1, true);
  CHECK(file.next_event() == V4L2_EVENT_SOURCE_CHANGE);
  REQUIRE(file.command(kStart) == 0);
  expect_picture(file, 2, false);
  expect_picture(file, 3, true);
  CHECK(file.next_event() == V4L2_EVENT_EOS);
}

TEST_CASE("a client that starts CAPTURE early with the right size goes on without a stop") {
  Opened opened;
  TestFile& file = opened.file;
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 4, 64, 48) == 0);
  REQUIRE(file.format(kCapture).width == 64);
  REQUIRE(file.start_capture(4) == 0);
  feed(file, {64, 48, 5}, 0);
  REQUIRE(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 5, true);
}

TEST_CASE("a client that starts CAPTURE early with the wrong size has event and LAST at once") {
  Opened opened;
  TestFile& file = opened.file;
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 4, 32, 32) == 0);
  REQUIRE(file.start_capture(4) == 0);
  feed(file, {64, 48, 5}, 0);
  REQUIRE(file.wait_poll(POLLIN | POLLPRI));
  expect_empty_last(file);
  CHECK(file.next_event() == V4L2_EVENT_SOURCE_CHANGE);
  REQUIRE(file.stream(kCapture, false) == 0);
  REQUIRE(file.request_buffers(kCapture, 0) == 0);
  REQUIRE(file.start_capture(2) == 0);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 5, true);
}

TEST_CASE("10 bit: CAPTURE becomes P010, and 8 bit again") {
  Opened opened(0);
  TestFile& file = opened.file;
  REQUIRE(file.start_output(V4L2_PIX_FMT_VP9, 8) == 0);
  feed(file, {64, 48, 7, 10}, 0);
  REQUIRE(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
  CHECK(file.format(kCapture).pixelformat == V4L2_PIX_FMT_P010);
  REQUIRE(file.start_capture(2) == 0);
  feed(file, {64, 48, 8, 8}, 1);
  TestFile::Buffer buffer(kCapture, 0);
  REQUIRE(file.dequeue_blocking(buffer) == 0);
  CHECK(buffer.last());
  uint16_t sample;
  std::memcpy(&sample, file.data(file.map(kCapture, buffer.buffer.index)), 2);
  CHECK(sample == 7 << 6);
  CHECK(file.next_event() == V4L2_EVENT_SOURCE_CHANGE);
  CHECK(file.format(kCapture).pixelformat == V4L2_PIX_FMT_NV12);
}

TEST_CASE("seek: queued and decoded data go, decoding goes on with what comes then") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  for (uint32_t i = 1; i < 4; ++i) feed(file, {64, 48, static_cast<uint8_t>(i + 1)}, i);
  expect_picture(file, 1, false);
  REQUIRE(file.stream(kOutput, false) == 0);
  REQUIRE(file.stream(kOutput, true) == 0);
  for (uint32_t i = 0; i < 4; ++i) feed(file, {64, 48, static_cast<uint8_t>(50 + i)}, i);
  REQUIRE(file.command(kStop) == 0);
  // A picture from before may still come; none of them after one from behind.
  uint8_t seen = 0;
  for (bool last = false; !last;) {
    TestFile::Buffer buffer(kCapture, 0);
    REQUIRE(file.dequeue_blocking(buffer) == 0);
    last = buffer.last();
    const uint8_t luma = file.data(file.map(kCapture, buffer.buffer.index))[0];
    CHECK(luma > seen);
    seen = luma;
    file.queue_capture(buffer.buffer.index);
  }
  CHECK(seen == 53);
}

TEST_CASE("a seek leaves a drain and a stop") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 1, true);
  CHECK(file.next_event() == V4L2_EVENT_EOS);
  REQUIRE(file.stream(kOutput, false) == 0);
  REQUIRE(file.stream(kOutput, true) == 0);
  feed(file, {64, 48, 3}, 0);
  REQUIRE(file.command(kStop) == 0);  // neither EBUSY nor ignored
  expect_picture(file, 3, true);
}

TEST_CASE("STREAMOFF of CAPTURE in mid-change brings the new format at once") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  for (uint32_t i = 1; i < 4; ++i) feed(file, {128, 96, static_cast<uint8_t>(i + 1)}, i);
  REQUIRE(file.wait_poll(POLLIN));
  REQUIRE(file.stream(kCapture, false) == 0);
  CHECK(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
  CHECK(file.format(kCapture).width == 128);
  REQUIRE(file.request_buffers(kCapture, 0) == 0);
  REQUIRE(file.start_capture(4) == 0);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 2, false);
  expect_picture(file, 3, false);
  expect_picture(file, 4, true);
}

TEST_CASE("the end of a stream that cannot be decoded is told by the event alone") {
  Opened opened;
  TestFile& file = opened.file;
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 4) == 0);
  feed(file, {0, 0, 255}, 0);
  REQUIRE(file.command(kStop) == 0);
  CHECK(file.next_event_blocking() == V4L2_EVENT_EOS);
  // And the next one is found.
  REQUIRE(file.command(kStart) == 0);
  feed(file, {64, 48, 3}, 1);
  CHECK(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
}

TEST_CASE("a damaged picture has V4L2_BUF_FLAG_ERROR and its pixels") {
  Opened opened;
  TestFile& file = opened.file;
  begin(file, 64, 48);
  feed(file, {64, 48, 9, 8, 1}, 1);
  REQUIRE(file.command(kStop) == 0);
  expect_picture(file, 1, false);
  TestFile::Buffer buffer(kCapture, 0);
  REQUIRE(file.dequeue_blocking(buffer) == 0);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_ERROR) != 0);
  CHECK(buffer.last());
  CHECK(buffer.planes[0].bytesused > 0);
}

TEST_CASE("colour comes from the stream, else from the OUTPUT format") {
  Opened opened;
  TestFile& file = opened.file;
  v4l2_format format{};
  format.type = kOutput;
  format.fmt.pix_mp.pixelformat = V4L2_PIX_FMT_H264;
  format.fmt.pix_mp.colorspace = V4L2_COLORSPACE_SMPTE170M;
  REQUIRE(file.ioctl(VIDIOC_S_FMT, format) == 0);
  CHECK(file.format(kCapture).colorspace == V4L2_COLORSPACE_SMPTE170M);
  REQUIRE(file.request_buffers(kOutput, 2) == 0);
  REQUIRE(file.stream(kOutput, true) == 0);
  FakePacket packet{64, 48, 1};
  packet.matrix = 9;
  feed(file, packet, 0);
  REQUIRE(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
  CHECK(file.format(kCapture).ycbcr_enc == V4L2_YCBCR_ENC_BT2020);
}

TEST_CASE("NV12M and YU12 have the picture in the right places") {
  for (const uint32_t fourcc : {V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_YUV420}) {
    Opened opened;
    TestFile& file = opened.file;
    REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 4) == 0);
    feed(file, {63, 47, 66}, 0);
    REQUIRE(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
    REQUIRE(file.set_format(kCapture, fourcc) == 0);
    const auto format = file.format(kCapture);
    REQUIRE(format.pixelformat == fourcc);
    REQUIRE(file.start_capture(2) == 0);
    REQUIRE(file.command(kStop) == 0);
    TestFile::Buffer buffer(kCapture, 0);
    REQUIRE(file.dequeue_blocking(buffer) == 0);
    const uint32_t stride = format.plane_fmt[0].bytesperline;
    const uint8_t* luma = file.data(file.map(kCapture, buffer.buffer.index));
    CHECK(luma[46 * stride + 62] == 66);
    if (fourcc == V4L2_PIX_FMT_NV12M) {
      REQUIRE(buffer.buffer.length == 2);
      const uint8_t* chroma = file.data(file.map(kCapture, buffer.buffer.index, 1));
      CHECK(chroma[23 * format.plane_fmt[1].bytesperline + 63] == 66);
    } else {
      const uint8_t* chroma = luma + stride * 47;
      CHECK(chroma[23 * (stride / 2) + 31] == 66);
      CHECK(chroma[24 * (stride / 2) + 23 * (stride / 2) + 31] == 66);
    }
  }
}

TEST_CASE("several files of one node do not block one another") {
  const auto device = fake_device();
  std::vector<std::unique_ptr<TestFile>> files;
  for (int i = 0; i < 4; ++i) {
    files.push_back(std::make_unique<TestFile>(*device));
    REQUIRE(files.back()->subscribe(V4L2_EVENT_SOURCE_CHANGE) == 0);
    begin(*files.back(), static_cast<uint16_t>(32 + 16 * i), 48);
  }
  for (auto& file : files) REQUIRE(file->command(kStop) == 0);
  for (auto file = files.rbegin(); file != files.rend(); ++file) expect_picture(**file, 1, true);
}

TEST_CASE("closing in mid-stream") {
  for (int i = 0; i < 10; ++i) {
    Opened opened;
    begin(opened.file, 64, 48);
    for (uint32_t k = 1; k < 8; ++k) feed(opened.file, {64, 48, 3}, k);
  }
}

}  // namespace daedalus::test
