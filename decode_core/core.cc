#include "decode_core/core.h"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/statistics.h"
#include "decode_core/backend.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/queued_session.h"
#include "decode_core/record/recording.h"
#include "decode_core/software/software_backend.h"
#include "decode_core/workers/workers.h"

namespace daedalus::core {
namespace {

class DecodeCore final : public Core {
 public:
  explicit DecodeCore(Settings settings)
      : settings_(std::move(settings)),
        workers_(
            std::max(settings_.threads, static_cast<int>(std::thread::hardware_concurrency()))),
        backend_(create_software_backend(settings_, workers_)),
        memory_(MemoryAllocator::create()) {
    if (settings_.record.empty()) return;
    auto recorder = RecordingWriter::create(settings_.record);
    if (recorder) {
      recorder_ = std::move(*recorder);
    } else {
      log(LogLevel::kError, "no recording: %s", recorder.error().message.c_str());
    }
  }

  std::span<const ProfileCapability> capabilities() const override {
    return backend_->capabilities();
  }

  Result<std::shared_ptr<Session>> open_session(const SessionConfig& config) override {
    auto decoder = backend_->create_decoder(config);
    if (!decoder) return decoder.error();
    const Codec codec = codec_of(config.profile);
    const Statistics::Identity identity{config.front,
                                        std::string(to_string(codec)),
                                        std::string(to_string(config.profile)),
                                        std::string(backend_->engine_of(codec)),
                                        std::string(backend_->name()),
                                        config.width,
                                        config.height};
    QueuedSession::Parts parts{config,
                               backend_->engine_of(codec),
                               shared_from_this(),
                               std::move(*decoder),
                               std::make_unique<Statistics>(settings_.statistics_folder, identity,
                                                            settings_.sweep_statistics),
                               recorder_};
    try {
      return std::shared_ptr<Session>(std::make_shared<QueuedSession>(std::move(parts)));
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kSystem, std::string("no thread for a session: ") + error.what()};
    }
  }

  const Settings& settings() const override { return settings_; }
  Workers& workers() override { return workers_; }
  MemoryAllocator& memory() override { return *memory_; }

 private:
  const Settings settings_;
  Workers workers_;
  const std::unique_ptr<Backend> backend_;
  const std::unique_ptr<MemoryAllocator> memory_;
  std::shared_ptr<RecordingWriter> recorder_;
};

}  // namespace

std::shared_ptr<Core> Core::create(Settings settings) {
  return std::make_shared<DecodeCore>(std::move(settings));
}

std::shared_ptr<Core> Core::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Core> current;
  std::lock_guard lock(mutex);
  auto core = current.lock();
  if (core == nullptr) current = core = create(Settings::from_environment());
  return core;
}

}  // namespace daedalus::core
