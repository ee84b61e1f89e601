#include "decode_core/software/software_backend.h"

#include <algorithm>
#include <array>
#include <thread>

#include "decode_core/software/dav1d/dav1d_decoder.h"
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

class SoftwareBackend final : public Backend {
 public:
  explicit SoftwareBackend(const Settings& settings) : threads_(settings.threads) {
    constexpr int kMostUseful = 8;
    if (threads_ == 0) {
      threads_ = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostUseful);
    }
  }

  std::string_view name() const override { return "software"; }
  std::string_view engine_of(Codec codec) const override {
    return codec == Codec::kAv1 ? "dav1d" : "libavcodec";
  }
  std::span<const ProfileCapability> capabilities() const override { return kCapabilities; }

  Result<std::unique_ptr<Decoder>> create_decoder(const SessionConfig& config) override {
    if (codec_of(config.profile) == Codec::kAv1) return create_dav1d_decoder(threads_);
    return create_libavcodec_decoder(codec_of(config.profile), threads_);
  }

 private:
  int threads_;
};

}  // namespace

std::unique_ptr<Backend> create_software_backend(const Settings& settings) {
  return std::make_unique<SoftwareBackend>(settings);
}

}  // namespace daedalus::core
