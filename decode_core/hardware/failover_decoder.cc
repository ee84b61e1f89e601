#include "decode_core/hardware/failover_decoder.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "base/log.h"

namespace daedalus::core {
namespace {

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
    return failed_over(software_->decode(job));
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
      done(failed_over(std::move(outcome)));
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

  static DecodeOutcome failed_over(DecodeOutcome outcome) {
    outcome.failed_over = true;
    return outcome;
  }

  // What the hardware made of a job. True: software is to try the same job.
  bool note(const DecodeJob& job, const DecodeOutcome& outcome) {
    if (outcome.frame.has_value() && !outcome.device_error) {
      if (!outcome.concealed) failures_ = 0;
      return false;
    }
    const bool unsupported = outcome.error.code == ErrorCode::kUnsupported;
    if (++failures_ < kFailuresBeforeFailover && !unsupported) return false;
    if (!given_up_) {
      log(LogLevel::kWarning,
          "hardware is given up, software decodes from the next key picture: %s",
          outcome.device_error ? "its pictures are damaged" : outcome.error.message.c_str());
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

}  // namespace

std::unique_ptr<Decoder> create_failover_decoder(
    std::unique_ptr<Decoder> hardware,
    std::function<Result<std::unique_ptr<Decoder>>()> make_software) {
  return std::make_unique<FailoverDecoder>(std::move(hardware), std::move(make_software));
}

}  // namespace daedalus::core
