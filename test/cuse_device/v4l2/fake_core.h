// FakeCore: a core whose sessions keep the jobs that they get, and end them when told to.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_FAKE_CORE_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_FAKE_CORE_H_

#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"
#include "decode_core/session.h"

namespace daedalus::test {

// What every session of a FakeCore got, and how pictures end. Thread-safe.
class FakeJobs {
 public:
  // Ends jobs at once, from now on.
  bool automatic = true;
  // Keeps the jobs; else they are only counted.
  bool keep = true;
  // Refuses to open sessions, or jobs.
  bool refuse_sessions = false;
  bool refuse_jobs = false;

  Status add(core::DecodeJob job, std::shared_ptr<core::Session> session) {
    if (Status status = core::validate(job); !status.ok()) return status;
    if (refuse_jobs) return Error{ErrorCode::kUnsupported, "no jobs today"};
    const auto target = job.target;
    const auto display = job.display;
    if (display) display->begin(session);
    target->begin(std::move(session));
    {
      std::lock_guard lock(mutex_);
      ++count_;
      if (keep) jobs_.push_back(std::move(job));
    }
    if (automatic && display) end(display);
    if (automatic) end(target);
    return {};
  }
  size_t count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }
  // Only once it is there.
  const core::DecodeJob& operator[](size_t i) const {
    std::lock_guard lock(mutex_);
    return *std::next(jobs_.begin(), static_cast<ptrdiff_t>(i));
  }
  // Ends one job of that picture: with 16x16 samples of a grey, or without pixels.
  static void end(const std::shared_ptr<core::Picture>& target, bool pixels = true,
                  bool concealed = false) {
    core::DecodeOutcome outcome;
    outcome.concealed = concealed;
    if (pixels) {
      auto memory = std::make_shared<std::vector<uint8_t>>(16 * 16 * 3 / 2, uint8_t{77});
      core::FrameView view;
      view.width = view.height = 16;
      view.planes = {{{memory->data(), 16}, {memory->data() + 256, 8}, {memory->data() + 320, 8}}};
      outcome.frame = core::FrameBuffer{view, memory};
    } else {
      outcome.error = {ErrorCode::kCorrupt, "the test says so"};
    }
    target->complete(std::move(outcome));
  }

 private:
  mutable std::mutex mutex_;
  size_t count_ = 0;
  std::list<core::DecodeJob> jobs_;
};

class FakeSession final : public core::Session {
 public:
  FakeSession(core::Codec codec, const std::shared_ptr<FakeJobs>& jobs)
      : codec_(codec), jobs_(jobs) {}
  Status submit(core::DecodeJob job) override {
    const auto jobs = jobs_.lock();
    if (!jobs) return Error{ErrorCode::kSystem, "the test is over"};
    return jobs->add(std::move(job), shared_from_this());
  }
  void drain() override {}
  core::Codec codec() const override { return codec_; }
  std::string_view engine() const override { return "fake"; }
  void count_stage(const core::StageRun&) override {}

 private:
  const core::Codec codec_;
  const std::weak_ptr<FakeJobs> jobs_;  // whose pictures hold the session
};

class FakeCore final : public core::Core {
 public:
  explicit FakeCore(std::shared_ptr<FakeJobs> jobs)
      : jobs_(std::move(jobs)), real_(core::Core::create(core::Settings{})) {}
  std::span<const core::ProfileCapability> capabilities() const override {
    return real_->capabilities();
  }
  Result<std::shared_ptr<core::Session>> open_session(const core::SessionConfig& config) override {
    if (jobs_->refuse_sessions) return Error{ErrorCode::kSystem, "no sessions today"};
    return std::shared_ptr<core::Session>(
        std::make_shared<FakeSession>(core::codec_of(config.profile), jobs_));
  }
  const core::Settings& settings() const override { return real_->settings(); }
  core::Workers& workers() override { return real_->workers(); }
  core::MemoryAllocator& memory() override { return real_->memory(); }

 private:
  const std::shared_ptr<FakeJobs> jobs_;
  const std::shared_ptr<core::Core> real_;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_FAKE_CORE_H_
