// FakeStreamDecoder: an engine that makes one plain picture of each packet, a few packets late.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_FAKE_STREAM_DECODER_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_FAKE_STREAM_DECODER_H_

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cuse_device/v4l2/stateful_device.h"
#include "decode_core/stream/stream_decoder.h"

namespace daedalus::test {

// A packet as the fake reads it.
struct FakePacket {
  uint16_t width;
  uint16_t height;
  uint8_t luma;  // of every sample; 0: headers without a picture; 255: garbage
  uint8_t bit_depth = 8;
  uint8_t damaged = 0;
  uint8_t matrix = 2;
  std::span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(this), sizeof *this};
  }
};

inline core::FrameBuffer fake_frame(const FakePacket& packet) {
  const size_t sample = packet.bit_depth == 10 ? 2 : 1;
  const uint32_t chroma_width = (packet.width + 1u) / 2;
  const uint32_t chroma_height = (packet.height + 1u) / 2;
  auto memory = std::make_shared<std::vector<uint8_t>>(
      sample * (size_t{packet.width} * packet.height + 2 * size_t{chroma_width} * chroma_height));
  if (sample == 1) {
    std::fill(memory->begin(), memory->end(), packet.luma);
  } else {
    auto* words = reinterpret_cast<uint16_t*>(memory->data());
    std::fill(words, words + memory->size() / 2, uint16_t{packet.luma});
  }
  core::FrameView view;
  view.format = sample == 2 ? core::SampleFormat::kI42010 : core::SampleFormat::kI420;
  view.width = packet.width;
  view.height = packet.height;
  uint8_t* data = memory->data();
  view.planes[0] = {data, packet.width * sample};
  data += sample * packet.width * packet.height;
  view.planes[1] = {data, chroma_width * sample};
  view.planes[2] = {data + sample * chroma_width * chroma_height, chroma_width * sample};
  return {view, memory};
}

class FakeStreamDecoder final : public core::StreamDecoder {
 public:
  FakeStreamDecoder(size_t delay, std::function<void()> changed)
      : delay_(delay), changed_(std::move(changed)) {}

  bool push(std::span<const uint8_t> bytes, uint64_t token) override {
    {
      std::lock_guard lock(mutex_);
      if ((draining_ && !drained_locked()) || pictures_.size() >= kMaxPictures) return false;
      draining_ = false;
      consumed_.push_back(token);
      FakePacket packet{0, 0, 255};
      if (bytes.size() >= sizeof packet) std::memcpy(&packet, bytes.data(), sizeof packet);
      if (packet.luma != 255) {
        core::StreamFormat format;
        format.coded_width = (packet.width + 15u) & ~15u;
        format.coded_height = (packet.height + 15u) & ~15u;
        format.visible = {0, 0, packet.width, packet.height};
        format.bit_depth = packet.bit_depth;
        format.colorimetry.matrix = packet.matrix;
        if (!format_) format_ = format;
        if (packet.luma != 0) {
          pictures_.push_back(
              {fake_frame(packet), format, token, pushed_++ == 0, packet.damaged != 0});
        }
      }
    }
    changed_();
    return true;
  }
  std::optional<uint64_t> pop_consumed() override {
    std::lock_guard lock(mutex_);
    if (consumed_.empty()) return std::nullopt;
    const uint64_t token = consumed_.front();
    consumed_.pop_front();
    return token;
  }
  std::optional<core::StreamPicture> pop_picture() override {
    std::lock_guard lock(mutex_);
    if (pictures_.size() <= (draining_ ? 0 : delay_)) return std::nullopt;
    core::StreamPicture picture = std::move(pictures_.front());
    pictures_.pop_front();
    format_ = picture.format;
    return picture;
  }
  void drain() override {
    {
      std::lock_guard lock(mutex_);
      draining_ = true;
    }
    changed_();
  }
  bool drained() const override {
    std::lock_guard lock(mutex_);
    return drained_locked();
  }
  void flush() override {
    std::lock_guard lock(mutex_);
    pictures_.clear();
    consumed_.clear();
    draining_ = false;
  }
  std::optional<core::StreamFormat> format() const override {
    std::lock_guard lock(mutex_);
    return format_;
  }
  void count_stage(const core::StageRun& /*run*/) override {}

 private:
  bool drained_locked() const { return draining_ && pictures_.empty(); }

  const size_t delay_;
  const std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::deque<uint64_t> consumed_;
  std::deque<core::StreamPicture> pictures_;
  std::optional<core::StreamFormat> format_;
  int pushed_ = 0;
  bool draining_ = false;
};

// A stateful device over fakes.
inline std::unique_ptr<v4l2::StatefulDevice> fake_device(size_t delay = 2, bool av1 = false) {
  v4l2::StatefulDevice::Options options;
  options.av1 = av1;
  options.make_decoder =
      [delay](const core::StreamDecoder::Config&,
              std::function<void()> changed) -> Result<std::unique_ptr<core::StreamDecoder>> {
    return std::unique_ptr<core::StreamDecoder>(
        std::make_unique<FakeStreamDecoder>(delay, std::move(changed)));
  };
  return std::make_unique<v4l2::StatefulDevice>(core::Core::create(core::Settings{}),
                                                std::move(options));
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_FAKE_STREAM_DECODER_H_
