// FakeCore: a core whose sessions keep the jobs for the test to look at and to finish, and whose
// surface memory is what the test wants it to be.
#ifndef DAEDALUS_TEST_VA_DRIVER_FAKE_CORE_H_
#define DAEDALUS_TEST_VA_DRIVER_FAKE_CORE_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/picture.h"

namespace daedalus::test {

// A frame of one luma and one chroma value.
core::FrameBuffer plain_frame(uint32_t width, uint32_t height, uint8_t luma, uint8_t chroma);

class FakeSession final : public core::Session {
 public:
  explicit FakeSession(core::Codec codec) : codec_(codec) {}

  Status submit(core::DecodeJob job) override;
  void drain() override {}
  core::Codec codec() const override { return codec_; }
  std::string_view engine() const override { return "fake"; }
  void count_stage(const core::StageRun&) override {}

  // The jobs so far, in order; job() waits until there are enough.
  size_t size() const;
  const core::DecodeJob& job(size_t index);
  void finish(size_t index, core::DecodeOutcome outcome);
  void abandon();

  bool refuse_all = false;

 private:
  const core::Codec codec_;
  mutable std::mutex mutex_;
  std::condition_variable submitted_;
  std::vector<std::unique_ptr<core::DecodeJob>> jobs_;
};

// Memory that claims to be what the test asks for.
class FakeMemory final : public core::MemoryAllocator {
 public:
  Result<std::shared_ptr<core::SurfaceMemory>> allocate(size_t size, bool require_dma_buf) override;

  bool dma_buf = true;
  bool cached = true;
  int allocations = 0;
};

class FakeCore final : public core::Core {
 public:
  FakeCore();

  std::span<const core::ProfileCapability> capabilities() const override;
  Result<std::shared_ptr<core::Session>> open_session(const core::SessionConfig& config) override;
  const core::Settings& settings() const override;
  core::Workers& workers() override;
  FakeMemory& memory() override { return memory_; }
  void expect(core::Codec codec) override { expected = codec; }

  // The sessions so far, kept alive, in order of opening; waits until there are enough.
  FakeSession& session(size_t index);
  size_t session_count() const;
  // Ends what is pending without pixels and lets go of the sessions and jobs, which hold each
  // other.
  void abandon();

  std::optional<core::Codec> expected;

 private:
  const std::shared_ptr<core::Core> real_;
  FakeMemory memory_;
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  std::vector<std::shared_ptr<FakeSession>> sessions_;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_VA_DRIVER_FAKE_CORE_H_
