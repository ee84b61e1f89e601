// AV1 of clients that do not tell what a picture replaces, on our own stateless node.
#include "decode_core/hardware/av1_slot_decoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/hardware/hardware_backend.h"
#include "decode_core/hardware/hardware_decoder.h"
#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/software/dav1d/dav1d_decoder.h"
#include "test/catch.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

// The slots as a driver keeps them that does what it is told: each has the state, and the
// timestamp, of the picture that refreshed it last. Says where it is asked for another one.
class DriverSlots {
 public:
  void watch(OwnDevice& device) {
    device.set_answer([this](uint32_t request, void* argument) {
      if (request == VIDIOC_S_EXT_CTRLS) {
        take_controls(*static_cast<v4l2_ext_controls*>(argument));
      } else if (request == VIDIOC_QBUF) {
        take_buffer(*static_cast<v4l2_buffer*>(argument));
      }
    });
  }
  int wrong() const { return wrong_; }
  int frames() const { return frames_; }

 private:
  void take_controls(const v4l2_ext_controls& controls) {
    for (uint32_t i = 0; i < controls.count; ++i) {
      const v4l2_ext_control& control = controls.controls[i];
      if (control.id == V4L2_CID_STATELESS_AV1_FRAME) {
        frame_ = *static_cast<const v4l2_ctrl_av1_frame*>(control.ptr);
      }
    }
  }

  void take_buffer(const v4l2_buffer& buffer) {
    if (!V4L2_TYPE_IS_OUTPUT(buffer.type)) return;
    ++frames_;
    if (!headers::av1_is_intra(frame_.frame_type)) {
      for (const int8_t slot : frame_.ref_frame_idx) {
        const auto index = static_cast<size_t>(slot);
        const bool same = timestamps_.at(index) == frame_.reference_frame_ts[index];
        if (!same || timestamps_.at(index) == 0) ++wrong_;
      }
    }
    const uint64_t timestamp = static_cast<uint64_t>(buffer.timestamp.tv_sec) * 1000000000 +
                               static_cast<uint64_t>(buffer.timestamp.tv_usec) * 1000;
    for (size_t slot = 0; slot < timestamps_.size(); ++slot) {
      if ((frame_.refresh_frame_flags >> slot & 1) != 0) timestamps_[slot] = timestamp;
    }
  }

  v4l2_ctrl_av1_frame frame_{};
  std::array<uint64_t, headers::kAv1SlotCount> timestamps_{};
  int wrong_ = 0;
  int frames_ = 0;
};

std::vector<DecodeJob> jobs_of(const std::string& path) {
  auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  std::vector<DecodeJob> jobs;
  parsed_stream::Event event;
  for (auto more = (*stream)->next(event); more.ok() && *more; more = (*stream)->next(event)) {
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode != nullptr) jobs.push_back(std::move(decode->job));
  }
  return jobs;
}

// As libavcodec has it: neither flags, nor slots with key frames.
void forget_flags(std::vector<DecodeJob>& jobs) {
  for (DecodeJob& job : jobs) {
    job.refresh_frame_flags.reset();
    const auto& frame = std::get<Av1Parameters>(job.parameters).frame;
    if (frame.frame_type == V4L2_AV1_KEY_FRAME) job.references.clear();
  }
}

struct Decoded {
  std::vector<FrameHash> frames;
  uint32_t redecoded = 0;
  int concealed = 0;
};

enum class Knowing : bool { kNothing, kSuccessor };

Decoded decode(Decoder& decoder, const std::vector<DecodeJob>& jobs, Knowing knowing) {
  Decoded result;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (knowing == Knowing::kSuccessor && i + 1 < jobs.size()) {
      decoder.foresee(jobs[i], jobs[i + 1]);
    }
    const DecodeOutcome outcome = decoder.decode(jobs[i]);
    REQUIRE(outcome.frame.has_value());
    // Drivers apply the grain, so what is shown is compared.
    const FrameBuffer& shown = outcome.display.has_value() ? *outcome.display : *outcome.frame;
    result.frames.push_back(hash_frame(shown.view));
    result.redecoded += outcome.redecoded;
    if (outcome.concealed) ++result.concealed;
  }
  return result;
}

std::unique_ptr<Decoder> decoder_on(OwnDevice& device) {
  static PassingMemory memory;
  DiscoveryOptions options;
  options.own_nodes = true;
  const HardwareSurvey survey = survey_hardware(device, options);
  REQUIRE(survey.devices.size() == 1);
  auto decoder =
      create_hardware_decoder(device, survey.devices[0].where, Codec::kAv1, memory, {}, nullptr);
  REQUIRE(decoder.ok());
  return create_av1_slot_decoder(std::move(*decoder));
}

TEST_CASE("pictures are the same whether it is known what they replace or not") {
  const std::string clip = GENERATE("test/data/av1.webm", "test/data/av1_10bit.webm");
  CAPTURE(clip);
  std::vector<DecodeJob> jobs = jobs_of(clip);
  REQUIRE(jobs.size() >= 50);
  const auto software = create_dav1d_decoder(1);
  REQUIRE(software.ok());
  const Decoded expected = decode(**software, jobs, Knowing::kNothing);
  OwnDevice device;
  {
    DriverSlots slots;
    slots.watch(device);
    const Decoded told = decode(*decoder_on(device), jobs, Knowing::kNothing);
    CHECK(told.frames == expected.frames);
    CHECK(told.redecoded == 0);
    CHECK(slots.frames() == static_cast<int>(jobs.size()));
    CHECK(slots.wrong() == 0);
  }
  forget_flags(jobs);
  {
    DriverSlots slots;
    slots.watch(device);
    const Decoded foreseen = decode(*decoder_on(device), jobs, Knowing::kSuccessor);
    CHECK(foreseen.frames == expected.frames);
    CHECK(foreseen.redecoded == 0);
    CHECK(slots.frames() == static_cast<int>(jobs.size()));
    CHECK(slots.wrong() == 0);
  }
  DriverSlots slots;
  slots.watch(device);
  const Decoded unknown = decode(*decoder_on(device), jobs, Knowing::kNothing);
  CHECK(unknown.frames == expected.frames);
  CHECK(unknown.redecoded > 0);
  CHECK(unknown.redecoded < jobs.size());
  CHECK(unknown.concealed == 0);
  CHECK(slots.frames() == static_cast<int>(jobs.size() + unknown.redecoded));
  CHECK(slots.wrong() == 0);
  device.set_answer({});
}

TEST_CASE("it waits for the next job only where there may be no room") {
  std::vector<DecodeJob> jobs = jobs_of("test/data/av1.webm");
  OwnDevice device;
  const auto decoder = decoder_on(device);
  for (const DecodeJob& job : jobs) CHECK_FALSE(decoder->wants_successor(job));
  forget_flags(jobs);
  const auto waits = std::ranges::count_if(
      jobs, [&](const DecodeJob& job) { return decoder->wants_successor(job); });
  CHECK(waits > 0);
  CHECK(waits < std::ssize(jobs));
}

TEST_CASE("a lost reference is concealed, and not the device's fault") {
  const std::vector<DecodeJob> jobs = jobs_of("test/data/av1.webm");
  OwnDevice device;
  const auto decoder = decoder_on(device);
  int concealed = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (i == 3) continue;
    const DecodeOutcome outcome = decoder->decode(jobs[i]);
    CHECK_FALSE(outcome.device_error);
    if (outcome.concealed) ++concealed;
  }
  CHECK(concealed > 0);
}

TEST_CASE("pictures that nobody holds any more are not kept by the decoder") {
  OwnDevice device;
  const auto decoder = decoder_on(device);
  std::vector<std::weak_ptr<Picture>> pictures;
  {
    std::vector<DecodeJob> jobs = jobs_of("test/data/av1.webm");
    forget_flags(jobs);
    for (const DecodeJob& job : jobs) {
      decoder->decode(job);
      pictures.push_back(job.target);
    }
  }
  for (const auto& picture : pictures) CHECK(picture.expired());
}

}  // namespace
}  // namespace daedalus::core::test
