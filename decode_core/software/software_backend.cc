#include "decode_core/software/software_backend.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "decode_core/software/dav1d/dav1d_decoder.h"
#include "decode_core/software/h264/h264_decoder.h"
#include "decode_core/software/h264_with_fallback.h"
#include "decode_core/software/libavcodec/libavcodec_decoder.h"

namespace daedalus::core {
namespace {

constexpr uint32_t kMax = 4096;  // what the profiles' highest levels need each way

constexpr std::array<ProfileCapability, 12> kCapabilities = {{
    {Profile::kH264ConstrainedBaseline, 16, 16, kMax, kMax, 8},
    {Profile::kH264Main, 16, 16, kMax, kMax, 8},
    {Profile::kH264High, 16, 16, kMax, kMax, 8},
    {Profile::kVp9Profile0, 1, 1, kMaxDimension, kMaxDimension, 8},
    {Profile::kVp9Profile2, 1, 1, kMaxDimension, kMaxDimension, 10},
    {Profile::kVp8, 1, 1, kMax, kMax, 8},
    {Profile::kMpeg2Simple, 16, 16, kMax, kMax, 8},
    {Profile::kMpeg2Main, 16, 16, kMax, kMax, 8},
    {Profile::kHevcMain, 8, 8, kMaxDimension, kMaxDimension, 8},
    {Profile::kHevcMain10, 8, 8, kMaxDimension, kMaxDimension, 10},
    {Profile::kAv1Main, 1, 1, kMaxDimension, kMaxDimension, 8},
    {Profile::kAv1Main, 1, 1, kMaxDimension, kMaxDimension, 10},
}};

// Which engine decodes where `asked` is DAEDALUS_ENGINE.
std::string_view engine_for(Codec codec, std::string_view asked) {
  if (codec == Codec::kH264 && asked != "libavcodec") return "native";
  return codec == Codec::kAv1 ? "dav1d" : "libavcodec";
}

// Where one engine is asked for, the codecs of the others are not there.
std::vector<ProfileCapability> capabilities_with(std::string_view engine) {
  std::vector<ProfileCapability> chosen;
  std::copy_if(kCapabilities.begin(), kCapabilities.end(), std::back_inserter(chosen),
               [&](const ProfileCapability& capability) {
                 return engine == "auto" ||
                        engine == engine_for(codec_of(capability.profile), engine);
               });
  return chosen;
}

class SoftwareBackend final : public Backend {
 public:
  SoftwareBackend(const Settings& settings, Workers& workers, gpu_kernels::Dispatcher* dispatcher,
                  std::shared_ptr<FrameMemorySource> memory)
      : engine_(settings.engine),
        substrate_(settings.substrate),
        capabilities_(capabilities_with(settings.engine)),
        workers_(workers),
        dispatcher_(dispatcher),
        memory_(std::move(memory)),
        threads_(settings.threads) {
    constexpr int kMostUseful = 8;
    if (threads_ == 0) {
      threads_ = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostUseful);
    }
  }

  std::string_view name() const override { return "software"; }
  std::string_view engine_of(Codec codec) const override { return engine_for(codec, engine_); }
  std::span<const ProfileCapability> capabilities() const override { return capabilities_; }

  Result<std::unique_ptr<Decoder>> create_decoder(const SessionConfig& config) override {
    const Codec codec = codec_of(config.profile);
    const bool offered = std::any_of(
        capabilities_.begin(), capabilities_.end(),
        [&](const ProfileCapability& capability) { return capability.profile == config.profile; });
    if (!offered) {
      return Error{ErrorCode::kUnsupported, std::string(to_string(codec)) + " is decoded by " +
                                                std::string(engine_of(codec)) +
                                                ", and DAEDALUS_ENGINE asks for another"};
    }
    if (codec == Codec::kAv1) return create_dav1d_decoder(threads_, memory_);
    if (engine_of(codec) == "libavcodec") {
      return create_libavcodec_decoder(codec, threads_, memory_);
    }
    if (engine_ == "auto") {
      return create_h264_with_fallback(workers_, threads_, substrate_, dispatcher_, memory_);
    }
    return create_h264_decoder(workers_, threads_, substrate_, {}, dispatcher_);
  }

 private:
  const std::string engine_;
  const gpu_kernels::SubstrateChoice substrate_;
  const std::vector<ProfileCapability> capabilities_;
  Workers& workers_;
  gpu_kernels::Dispatcher* const dispatcher_;
  const std::shared_ptr<FrameMemorySource> memory_;
  int threads_;
};

}  // namespace

std::unique_ptr<Backend> create_software_backend(const Settings& settings, Workers& workers,
                                                 gpu_kernels::Dispatcher* dispatcher,
                                                 std::shared_ptr<FrameMemorySource> memory) {
  return std::make_unique<SoftwareBackend>(settings, workers, dispatcher, std::move(memory));
}

}  // namespace daedalus::core
