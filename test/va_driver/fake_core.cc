#include "test/va_driver/fake_core.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace daedalus::test {

core::FrameBuffer plain_frame(uint32_t width, uint32_t height, uint8_t luma, uint8_t chroma) {
  const size_t chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
  const size_t luma_size = size_t{width} * height, chroma_size = chroma_width * chroma_height;
  const std::shared_ptr<uint8_t[]> memory(new uint8_t[luma_size + 2 * chroma_size]);
  std::memset(memory.get(), luma, luma_size);
  std::memset(memory.get() + luma_size, chroma, 2 * chroma_size);
  core::FrameBuffer frame;
  frame.view.format = core::SampleFormat::kI420;
  frame.view.width = width;
  frame.view.height = height;
  frame.view.planes[0] = {memory.get(), width};
  frame.view.planes[1] = {memory.get() + luma_size, chroma_width};
  frame.view.planes[2] = {memory.get() + luma_size + chroma_size, chroma_width};
  frame.owner = memory;
  return frame;
}

Status FakeSession::submit(core::DecodeJob job) {
  if (refuse_all) return Error{ErrorCode::kUnsupported, "refused by the test"};
  if (Status status = core::validate(job); !status) return status;
  job.target->begin(shared_from_this());
  std::lock_guard lock(mutex_);
  jobs_.push_back(std::make_unique<core::DecodeJob>(std::move(job)));
  submitted_.notify_all();
  return {};
}

size_t FakeSession::size() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

const core::DecodeJob& FakeSession::job(size_t index) {
  std::unique_lock lock(mutex_);
  submitted_.wait(lock, [&] { return jobs_.size() > index; });
  return *jobs_[index];
}

void FakeSession::finish(size_t index, core::DecodeOutcome outcome) {
  job(index).target->complete(std::move(outcome));
}

void FakeSession::abandon() {
  std::vector<std::unique_ptr<core::DecodeJob>> jobs;
  {
    std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (const auto& job : jobs) {
    while (job->target->state() == core::Picture::State::kPending) {
      job->target->complete({.frame = std::nullopt, .error = {ErrorCode::kInternal, "abandoned"}});
    }
  }
}

Result<std::shared_ptr<core::SurfaceMemory>> FakeMemory::allocate(size_t size,
                                                                  bool require_dma_buf) {
  if (require_dma_buf && !dma_buf) return Error{ErrorCode::kUnsupported, "no dma-buf here"};
  UniqueFd fd(memfd_create("surface", MFD_CLOEXEC));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return system_error("memfd");
  auto mapping = Mapping::map(fd.get(), size, 0, true);
  if (!mapping) return mapping.error();
  ++allocations;
  return std::make_shared<core::SurfaceMemory>(std::move(fd), std::move(*mapping), dma_buf, cached,
                                               "fake");
}

FakeCore::FakeCore() : real_(core::Core::create(core::Settings{})) {}

std::span<const core::ProfileCapability> FakeCore::capabilities() const {
  return real_->capabilities();
}

Result<std::shared_ptr<core::Session>> FakeCore::open_session(const core::SessionConfig& config) {
  std::lock_guard lock(mutex_);
  sessions_.push_back(std::make_shared<FakeSession>(core::codec_of(config.profile)));
  opened_.notify_all();
  return std::shared_ptr<core::Session>(sessions_.back());
}

FakeSession& FakeCore::session(size_t index) {
  std::unique_lock lock(mutex_);
  opened_.wait(lock, [&] { return sessions_.size() > index; });
  return *sessions_[index];
}

size_t FakeCore::session_count() const {
  std::lock_guard lock(mutex_);
  return sessions_.size();
}

void FakeCore::abandon() {
  std::vector<std::shared_ptr<FakeSession>> sessions;
  {
    std::lock_guard lock(mutex_);
    sessions.swap(sessions_);
  }
  for (const auto& session : sessions) session->abandon();
}

const core::Settings& FakeCore::settings() const { return real_->settings(); }
core::Workers& FakeCore::workers() { return real_->workers(); }

}  // namespace daedalus::test
