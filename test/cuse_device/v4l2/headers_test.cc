// What the stateful node says before an engine has found a stream's headers, and when it does late.
#include <cerrno>
#include <chrono>
#include <thread>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

// Keeps what an engine has found to itself until it is opened.
class Gate {
 public:
  bool is_open() {
    std::lock_guard lock(mutex_);
    return open_;
  }
  void set_changed(std::function<void()> changed) {
    std::lock_guard lock(mutex_);
    changed_ = std::move(changed);
  }
  void close() {
    std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    std::function<void()> changed;
    {
      std::lock_guard lock(mutex_);
      open_ = true;
      changed = changed_;
    }
    if (changed) changed();
  }

 private:
  std::mutex mutex_;
  bool open_ = false;
  std::function<void()> changed_;
};

class LateDecoder final : public core::StreamDecoder {
 public:
  LateDecoder(Gate& gate, std::function<void()> changed) : gate_(gate), fake_(0, changed) {
    gate.set_changed(std::move(changed));
  }
  ~LateDecoder() override { gate_.set_changed(nullptr); }
  bool push(std::span<const uint8_t> bytes, uint64_t token) override {
    return fake_.push(bytes, token);
  }
  std::optional<uint64_t> pop_consumed() override {
    return gate_.is_open() ? fake_.pop_consumed() : std::nullopt;
  }
  std::optional<core::StreamPicture> pop_picture() override {
    return gate_.is_open() ? fake_.pop_picture() : std::nullopt;
  }
  void drain() override { fake_.drain(); }
  bool drained() const override { return fake_.drained(); }
  void flush() override { fake_.flush(); }
  std::optional<core::StreamFormat> format() const override {
    return gate_.is_open() ? fake_.format() : std::nullopt;
  }
  void count_stage(const core::StageRun& /*run*/) override {}

 private:
  Gate& gate_;
  FakeStreamDecoder fake_;
};

std::unique_ptr<v4l2::StatefulDevice> late_device(Gate& gate) {
  v4l2::StatefulDevice::Options options;
  options.make_decoder =
      [&gate](const core::StreamDecoder::Config&,
              std::function<void()> changed) -> Result<std::unique_ptr<core::StreamDecoder>> {
    return std::unique_ptr<core::StreamDecoder>(
        std::make_unique<LateDecoder>(gate, std::move(changed)));
  };
  return std::make_unique<v4l2::StatefulDevice>(core::Core::create(core::Settings{}),
                                                std::move(options));
}

uint32_t composed_width(TestFile& file) {
  v4l2_selection selection{};
  selection.type = kCapture;
  selection.target = V4L2_SEL_TGT_COMPOSE;
  CHECK(file.ioctl(VIDIOC_G_SELECTION, selection) == 0);
  return selection.r.width;
}

// G_FMT of CAPTURE, once.
int ask_format(TestFile& file) {
  v4l2_format format{};
  format.type = kCapture;
  return file.file().ioctl(VIDIOC_G_FMT, std::as_writable_bytes(std::span(&format, 1)),
                           file.client());
}

void feed(TestFile& file, const FakePacket& packet, uint32_t index) {
  REQUIRE(file.queue_output(index, packet.bytes()) == 0);
}

}  // namespace

// libavcodec queues a packet, asks for the format, the selection and the format again, and takes
// the size of one for the buffers of another.
TEST_CASE("with bitstream queued the format is that of the bitstream, however late it is known") {
  const bool selection_first = GENERATE(false, true);
  Gate gate;
  const auto device = late_device(gate);
  TestFile file(*device);
  REQUIRE(file.start_output(V4L2_PIX_FMT_VP8, 4, 352, 288) == 0);
  CHECK(file.format(kCapture).width == 352);  // the client's own, as nothing is queued
  feed(file, {176, 144, 5}, 0);
  std::thread engine([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    gate.open();
  });
  if (selection_first) CHECK(composed_width(file) == 176);
  CHECK(file.format(kCapture).width == 176);
  CHECK(composed_width(file) == 176);
  engine.join();
}

TEST_CASE("an engine that finds nothing is not waited for without end") {
  Gate gate;
  const auto device = late_device(gate);
  TestFile file(*device);
  REQUIRE(file.start_output(V4L2_PIX_FMT_VP8, 4, 352, 288) == 0);
  feed(file, {176, 144, 5}, 0);
  CHECK(ask_format(file) == EAGAIN);  // the call itself holds nobody's thread
  CHECK(file.format(kCapture).width == 352);
  gate.open();
  CHECK(file.format(kCapture).width == 176);
}

TEST_CASE("bitstream that is queued later is waited for as long as the first") {
  Gate gate;
  const auto device = late_device(gate);
  TestFile file(*device);
  REQUIRE(file.start_output(V4L2_PIX_FMT_VP8, 4, 352, 288) == 0);
  feed(file, {176, 144, 255}, 0);  // no headers
  CHECK(ask_format(file) == EAGAIN);
  gate.open();
  TestFile::Buffer output(kOutput, 0);
  REQUIRE(file.dequeue_blocking(output) == 0);
  gate.close();
  std::this_thread::sleep_for(std::chrono::milliseconds(250));  // longer than the first wait
  feed(file, {176, 144, 5}, 1);
  CHECK(ask_format(file) == EAGAIN);
  gate.open();
  CHECK(file.format(kCapture).width == 176);
}

TEST_CASE("pictures too large for any buffer are passed over, before the first and at the end") {
  const auto device = fake_device(0);
  TestFile file(*device);
  REQUIRE(file.subscribe(V4L2_EVENT_SOURCE_CHANGE) == 0);
  REQUIRE(file.subscribe(V4L2_EVENT_EOS) == 0);
  REQUIRE(file.start_output(V4L2_PIX_FMT_VP9, 16) == 0);
  // More than the engine holds.
  constexpr uint32_t kMany = core::StreamDecoder::kMaxPictures + 2;
  for (uint32_t i = 0; i < kMany; ++i) feed(file, {9000, 1, 5}, i);
  SECTION("then comes one that fits") {
    feed(file, {64, 48, 5}, kMany);
    CHECK(file.next_event_blocking() == V4L2_EVENT_SOURCE_CHANGE);
    CHECK(file.format(kCapture).width == 64);
    REQUIRE(file.start_capture(4) == 0);
    REQUIRE(file.command(V4L2_DEC_CMD_STOP) == 0);
    TestFile::Buffer buffer(kCapture, 0);
    REQUIRE(file.dequeue_blocking(buffer) == 0);
    CHECK(buffer.last());
    CHECK(buffer.planes[0].bytesused > 0);
  }
  SECTION("then the stream ends") { REQUIRE(file.command(V4L2_DEC_CMD_STOP) == 0); }
  CHECK(file.next_event_blocking() == V4L2_EVENT_EOS);
}

}  // namespace daedalus::test
