#include "decode_core/hardware/failover_decoder.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <utility>

#include "base/enum_value.h"
#include "base/log.h"

namespace daedalus::core {
namespace {

constexpr std::array<StageRun, 1> kSoftwareStages = {{{"decode", "software"}}};

class FailoverDecoder final : public Decoder {
 public:
  FailoverDecoder(std::unique_ptr<Decoder> hardware,
                  std::function<Result<std::unique_ptr<Decoder>>()> make_software)
      : hardware_(std::move(hardware)), make_software_(std::move(make_software)) {}

  DecodeOutcome decode(const DecodeJob& job) override {
    if (!given_up_) {
      DecodeOutcome outcome = hardware_->decode(job);
      if (!note(job, outcome)) return outcome;
    }
    if (Status status = ready_software(job); !status) return failed(status.error());
    return counted(software_->decode(job));
  }

  void begin(const DecodeJob& job, Done done) override {
    if (!given_up_) {
      if (job.field != FieldRole::kFrame) {
        hardware_->begin(job, [this, &job, done = std::move(done)](DecodeOutcome outcome) {
          note(job, outcome);
          done(std::move(outcome));
        });
        return;
      }
      bool again = false;
      hardware_->begin(job, [this, &job, &done, &again](DecodeOutcome outcome) {
        again = note(job, outcome);
        if (!again) done(std::move(outcome));
      });
      if (!again) return;
    }
    if (Status status = ready_software(job); !status) {
      done(failed(status.error()));
      return;
    }
    software_->begin(job, [done = std::move(done)](DecodeOutcome outcome) {
      done(counted(std::move(outcome)));
    });
  }

  void expect(bool more) override {
    std::lock_guard lock(mutex_);
    more_ = more;
    if (expecting_ != nullptr) expecting_->expect(more);
  }

  bool wants_successor(const DecodeJob& job) const override {
    return active() != nullptr && active()->wants_successor(job);
  }
  void foresee(const DecodeJob& job, const DecodeJob& successor) override {
    if (active() != nullptr) active()->foresee(job, successor);
  }

 private:
  Decoder* active() const {
    return software_ != nullptr ? software_.get() : given_up_ ? nullptr : hardware_.get();
  }

  static DecodeOutcome failed(Error error) {
    DecodeOutcome outcome;
    outcome.error = std::move(error);
    return outcome;
  }

  // The statistics say which pictures software decoded.
  static DecodeOutcome counted(DecodeOutcome outcome) {
    if (outcome.stages.empty()) outcome.stages = kSoftwareStages;
    return outcome;
  }

  // What the hardware made of a job. True: software is to try the same job.
  bool note(const DecodeJob& job, const DecodeOutcome& outcome) {
    if (outcome.frame.has_value()) {
      failures_ = 0;
      return false;
    }
    const bool unsupported = outcome.error.code == ErrorCode::kUnsupported;
    if (++failures_ < kFailuresBeforeFailover && !unsupported) return false;
    if (!given_up_) {
      log(LogLevel::kWarning,
          "hardware is given up, software decodes from the next key picture: %s",
          outcome.error.message.c_str());
    }
    given_up_ = true;
    return begins_chain(job);
  }

  Status ready_software(const DecodeJob& job) {
    hardware_.reset();
    if (software_ != nullptr) return {};
    if (!begins_chain(job)) {
      return Error{ErrorCode::kNotFound,
                   "the hardware was given up, and this picture refers to earlier ones"};
    }
    auto software = make_software_();
    if (!software) return software.error();
    software_ = std::move(*software);
    std::lock_guard lock(mutex_);
    expecting_ = software_.get();
    expecting_->expect(more_);
    return {};
  }

  std::unique_ptr<Decoder> hardware_;
  const std::function<Result<std::unique_ptr<Decoder>>()> make_software_;
  std::unique_ptr<Decoder> software_;
  int failures_ = 0;
  bool given_up_ = false;

  std::mutex mutex_;  // of what follows
  bool more_ = false;
  Decoder* expecting_ = nullptr;  // the software, once it is there; hardware does not care
};

bool begins(const H264Parameters& parameters) {
  const v4l2_ctrl_h264_decode_params& decode = parameters.decode;
  return (decode.flags & V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC) != 0 ||
         std::ranges::none_of(decode.dpb, [](const v4l2_h264_dpb_entry& entry) {
           return (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0;
         });
}
bool begins(const HevcParameters& parameters) {
  return (parameters.decode.flags & V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC) != 0 ||
         parameters.decode.num_active_dpb_entries == 0;
}
bool begins(const Vp9Parameters& parameters) {
  return (parameters.frame.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME) != 0;
}
bool begins(const Vp8Parameters& parameters) {
  return V4L2_VP8_FRAME_IS_KEY_FRAME(&parameters.frame);
}
bool begins(const Mpeg2Parameters& parameters) {
  return parameters.picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_I;
}
bool begins(const Av1Parameters& parameters) {
  return plain(parameters.frame.frame_type) == V4L2_AV1_KEY_FRAME;
}

}  // namespace

bool begins_chain(const DecodeJob& job) {
  if (job.field == FieldRole::kSecondField) return false;
  return std::visit([](const auto& parameters) { return begins(parameters); }, job.parameters);
}

std::unique_ptr<Decoder> create_failover_decoder(
    std::unique_ptr<Decoder> hardware,
    std::function<Result<std::unique_ptr<Decoder>>()> make_software) {
  return std::make_unique<FailoverDecoder>(std::move(hardware), std::move(make_software));
}

}  // namespace daedalus::core
