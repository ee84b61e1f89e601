#include "decode_core/core.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/statistics.h"
#include "decode_core/backend.h"
#include "decode_core/gpu_memory.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/hardware/failover_decoder.h"
#include "decode_core/hardware/hardware_backend.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/queued_session.h"
#include "decode_core/record/recording.h"
#include "decode_core/software/software_backend.h"
#include "decode_core/workers/workers.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::core {
namespace {

bool is_asked_for(const Settings& settings) { return settings.backend.starts_with("hardware"); }

// Null where there is none, or none is asked for.
std::unique_ptr<Backend> find_hardware(const Settings& settings, DeviceCalls& calls,
                                       MemoryAllocator& memory, gpu_kernels::Dispatcher* dispatcher,
                                       std::shared_ptr<FrameMemorySource> unpacked) {
  const auto wanted = wanted_hardware(settings);
  if (!wanted) return nullptr;
  HardwareSurvey survey = survey_hardware(calls, *wanted);
  if (!survey.devices.empty()) {
    return create_hardware_backend(calls, std::move(survey.devices), memory, settings.substrate,
                                   dispatcher, std::move(unpacked));
  }
  if (is_asked_for(settings)) {
    log(LogLevel::kError, "DAEDALUS_BACKEND=%s: no such decoder was found",
        settings.backend.c_str());
  }
  return nullptr;
}

// What all of them can do together; of one profile and depth, every size that one of them takes.
std::vector<ProfileCapability> together(const std::vector<std::unique_ptr<Backend>>& backends) {
  std::vector<ProfileCapability> all;
  for (auto backend = backends.rbegin(); backend != backends.rend(); ++backend) {
    for (const ProfileCapability& added : (*backend)->capabilities()) {
      const auto known = std::find_if(all.begin(), all.end(), [&](const ProfileCapability& c) {
        return c.profile == added.profile && c.bit_depth == added.bit_depth;
      });
      if (known == all.end()) {
        all.push_back(added);
        continue;
      }
      known->min_width = std::min(known->min_width, added.min_width);
      known->min_height = std::min(known->min_height, added.min_height);
      known->max_width = std::max(known->max_width, added.max_width);
      known->max_height = std::max(known->max_height, added.max_height);
    }
  }
  return all;
}

// A driver on the CPU is measured where somebody asks for it, a GPU unasked where it is the
// board's.
gpu_kernels::Dispatcher::Options dispatcher_options(const Settings& settings,
                                                    gpu_kernels::vulkan::DeviceChoice choice,
                                                    gpu_kernels::PictureMemory memory) {
  using gpu_kernels::Measuring;
  using gpu_kernels::vulkan::DeviceChoice;
  const Measuring measuring = choice == DeviceChoice::kSoftware ? Measuring::kAlways
                              : choice == DeviceChoice::kNone   ? Measuring::kNever
                                                                : Measuring::kOnVideoCore;
  return {.goal = settings.gpu_goal,
          .folder = settings.cache_folder,
          .measuring = measuring,
          .machine = {},
          .picture_memory = std::move(memory)};
}

class DecodeCore final : public Core {
 public:
  DecodeCore(Settings settings, DeviceCalls& calls, std::unique_ptr<MemoryAllocator> memory,
             const gpu_kernels::vulkan::DeviceOptions& gpu)
      : settings_(std::move(settings)),
        gpu_(gpu),
        memory_(register_for_gpu(memory != nullptr ? std::move(memory) : MemoryAllocator::create(),
                                 gpu_)),
        dispatcher_(gpu_,
                    dispatcher_options(settings_, gpu.choice, gpu_picture_memory(*memory_, gpu_))),
        workers_(
            std::max(settings_.threads, static_cast<int>(std::thread::hardware_concurrency()))),
        frame_memory_(
            create_gpu_frame_memory({gpu_kernels::Stage::kPack, gpu_kernels::Stage::kFilmGrain},
                                    settings_, *memory_, gpu_, dispatcher_)),
        backends_(create_backends(calls)),
        capabilities_(together(backends_)) {
    if (settings_.record.empty()) return;
    auto recorder = RecordingWriter::create(settings_.record);
    if (recorder) {
      recorder_ = std::move(*recorder);
    } else {
      log(LogLevel::kError, "no recording: %s", recorder.error().message.c_str());
    }
  }

  std::span<const ProfileCapability> capabilities() const override { return capabilities_; }

  Result<std::shared_ptr<Session>> open_session(const SessionConfig& config) override {
    expect(codec_of(config.profile));
    Error refusal{ErrorCode::kUnsupported, "no backend"};
    for (const auto& backend : backends_) {
      auto decoder = backend->create_decoder(config);
      if (decoder) {
        const bool last = backend == backends_.back();
        if (!last) *decoder = with_failover(config, std::move(*decoder));
        return make_session(config, *backend, std::move(*decoder));
      }
      refusal = decoder.error();
      log(LogLevel::kDebug, "%s: %s", backend->name().data(), refusal.message.c_str());
    }
    return refusal;
  }

  const Settings& settings() const override { return settings_; }
  Workers& workers() override { return workers_; }
  MemoryAllocator& memory() override { return *memory_; }
  LinearLayout surface_layout(ImageFormat format, uint32_t width, uint32_t height) override {
    for (const auto& backend : backends_) {
      if (const auto layout = backend->surface_layout(expected_, format, width, height)) {
        return *layout;
      }
    }
    return layout_of(format, width, height);
  }
  void expect(Codec codec) override { expected_ = codec; }
  gpu_kernels::VulkanStages* gpu() override { return &gpu_; }
  std::shared_ptr<FrameMemorySource> frame_memory() override { return frame_memory_; }
  gpu_kernels::Dispatcher* dispatcher() override { return &dispatcher_; }

 private:
  // In the order in which sessions ask them.
  std::vector<std::unique_ptr<Backend>> create_backends(DeviceCalls& calls) {
    std::vector<std::unique_ptr<Backend>> backends;
    auto unpacked = create_gpu_frame_memory({gpu_kernels::Stage::kSand}, settings_, *memory_, gpu_,
                                            dispatcher_);
    if (auto hardware =
            find_hardware(settings_, calls, *memory_, &dispatcher_, std::move(unpacked))) {
      backends.push_back(std::move(hardware));
    }
    if (!is_asked_for(settings_)) {
      backends.push_back(create_software_backend(settings_, workers_, &dispatcher_, frame_memory_));
    }
    return backends;
  }

  // Hardware that was chosen by itself has software behind it.
  std::unique_ptr<Decoder> with_failover(const SessionConfig& config,
                                         std::unique_ptr<Decoder> decoder) {
    return create_failover_decoder(std::move(decoder), [software = backends_.back().get(), config] {
      return software->create_decoder(config);
    });
  }

  Result<std::shared_ptr<Session>> make_session(const SessionConfig& config, Backend& backend,
                                                std::unique_ptr<Decoder> decoder) {
    const Codec codec = codec_of(config.profile);
    const Statistics::Identity identity{config.front,
                                        std::string(to_string(codec)),
                                        std::string(to_string(config.profile)),
                                        std::string(backend.engine_of(codec)),
                                        std::string(backend.name()),
                                        config.width,
                                        config.height};
    QueuedSession::Parts parts{config,
                               backend.engine_of(codec),
                               shared_from_this(),
                               std::move(decoder),
                               std::make_unique<Statistics>(settings_.statistics_folder, identity,
                                                            settings_.sweep_statistics),
                               recorder_};
    try {
      return std::shared_ptr<Session>(std::make_shared<QueuedSession>(std::move(parts)));
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kSystem, std::string("no thread for a session: ") + error.what()};
    }
  }

  const Settings settings_;
  // Each is used by those that follow, the dispatcher on a thread of its own.
  gpu_kernels::VulkanStages gpu_;
  const std::unique_ptr<MemoryAllocator> memory_;
  gpu_kernels::Dispatcher dispatcher_;
  Workers workers_;
  const std::shared_ptr<FrameMemorySource> frame_memory_;
  const std::vector<std::unique_ptr<Backend>> backends_;
  const std::vector<ProfileCapability> capabilities_;
  std::atomic<Codec> expected_{Codec::kH264};
  std::shared_ptr<RecordingWriter> recorder_;
};

}  // namespace

std::shared_ptr<Core> Core::create(Settings settings) {
  return create(std::move(settings), system_device_calls());
}

std::shared_ptr<Core> Core::create(Settings settings, DeviceCalls& calls,
                                   std::unique_ptr<MemoryAllocator> memory) {
  const gpu_kernels::vulkan::DeviceOptions gpu{.choice = settings.gpu,
                                               .cache_folder = settings.cache_folder};
  return std::make_shared<DecodeCore>(std::move(settings), calls, std::move(memory), gpu);
}

std::shared_ptr<Core> Core::create(Settings settings, const gpu_kernels::vulkan::DeviceOptions& gpu,
                                   std::unique_ptr<MemoryAllocator> memory, DeviceCalls* calls) {
  return std::make_shared<DecodeCore>(std::move(settings),
                                      calls != nullptr ? *calls : system_device_calls(),
                                      std::move(memory), gpu);
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
