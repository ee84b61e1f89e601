#include "decode_core/hardware/hardware_backend.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "decode_core/hardware/av1_slot_decoder.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/format_negotiation.h"
#include "decode_core/hardware/hardware_decoder.h"

namespace daedalus::core {
namespace {

class HardwareBackend final : public Backend {
 public:
  HardwareBackend(DeviceCalls& calls, std::vector<HardwareDevice> devices, MemoryAllocator& memory,
                  const gpu_kernels::SubstrateChoice& substrate,
                  gpu_kernels::Dispatcher* dispatcher, std::shared_ptr<FrameMemorySource> unpacked)
      : calls_(calls),
        devices_(std::move(devices)),
        memory_(memory),
        substrate_(substrate),
        dispatcher_(dispatcher),
        unpacked_(std::move(unpacked)) {
    for (const HardwareDevice& device : devices_) {
      for (const ProfileCapability& capability : device.capabilities.profiles) {
        const bool known = std::ranges::any_of(capabilities_, [&](const ProfileCapability& c) {
          return c.profile == capability.profile && c.bit_depth == capability.bit_depth;
        });
        if (!known) capabilities_.push_back(capability);
      }
    }
  }

  std::string_view name() const override { return "hardware"; }
  std::string_view engine_of(Codec codec) const override {
    const HardwareDevice* device = largest(
        [&](const ProfileCapability& capability) { return codec_of(capability.profile) == codec; });
    if (device == nullptr) return "none";
    return device->capabilities.driver;
  }
  std::span<const ProfileCapability> capabilities() const override { return capabilities_; }

  Result<std::unique_ptr<Decoder>> create_decoder(const SessionConfig& config) override {
    const Codec codec = codec_of(config.profile);
    const HardwareDevice* device =
        largest([&](const ProfileCapability& capability) { return covers(capability, config); });
    if (device == nullptr) {
      return Error{ErrorCode::kUnsupported, "no hardware decodes " + std::string(to_string(codec)) +
                                                " " + std::string(to_string(config.profile)) +
                                                " of " + std::to_string(config.width) + "x" +
                                                std::to_string(config.height)};
    }
    auto decoder = create_hardware_decoder(calls_, device->where, codec, memory_, substrate_,
                                           dispatcher_, unpacked_);
    if (!decoder || codec != Codec::kAv1) return decoder;
    return create_av1_slot_decoder(std::move(*decoder));
  }

  std::optional<LinearLayout> surface_layout(Codec codec, ImageFormat format, uint32_t width,
                                             uint32_t height) override {
    const SurfaceKind kind{codec, format, width, height};
    {
      std::lock_guard lock(layouts_mutex_);
      const auto known = std::ranges::find(layouts_, kind, &KnownLayout::kind);
      if (known != layouts_.end()) return known->layout;
    }
    bool answered = true;
    const auto layout = find_layout(kind, &answered);
    std::lock_guard lock(layouts_mutex_);
    if (layouts_.size() == kMostLayouts) layouts_.pop_front();
    if (answered) layouts_.push_back({kind, layout});
    return layout;
  }

 private:
  // Devices are asked once for each kind of surface; players have few.
  struct SurfaceKind {
    Codec codec;
    ImageFormat format;
    uint32_t width;
    uint32_t height;
    bool operator==(const SurfaceKind&) const = default;
  };
  struct KnownLayout {
    SurfaceKind kind;
    std::optional<LinearLayout> layout;
  };
  static constexpr size_t kMostLayouts = 16;

  // That of the codec, else of the first other one, with memory enough for all that agree with it
  // (some drivers keep motion vectors behind the pixels). `answered`: false if a device could not
  // be asked.
  std::optional<LinearLayout> find_layout(const SurfaceKind& kind, bool* answered) const {
    std::optional<LinearLayout> found;
    const auto ask = [&](Codec codec) {
      const auto layout = query_layout(codec, kind);
      if (!layout) {
        *answered = *answered && layout.error().code == ErrorCode::kUnsupported;
        return;
      }
      if (!found) found = *layout;
      const bool agrees = layout->offset == found->offset && layout->stride == found->stride;
      if (agrees) found->size = std::max(found->size, layout->size);
    };
    ask(kind.codec);
    for (const CodecInterface& interface : codec_interfaces()) {
      if (interface.codec != kind.codec) ask(interface.codec);
    }
    return found;
  }

  Result<LinearLayout> query_layout(Codec codec, const SurfaceKind& kind) const {
    const int bit_depth = kind.format == ImageFormat::kP010 ? 10 : 8;
    const HardwareDevice* device = largest([&](const ProfileCapability& capability) {
      return codec_of(capability.profile) == codec && capability.bit_depth == bit_depth &&
             covers(capability, {capability.profile, kind.width, kind.height, ""});
    });
    if (device == nullptr) return Error{ErrorCode::kUnsupported, "no device decodes such pictures"};
    return query_surface_layout(calls_, device->where.video_path, codec, {kind.width, kind.height},
                                bit_depth);
  }

  // Of the devices that have such a capability, the first of those whose pictures may be largest;
  // null: none has.
  template <typename Suits>
  const HardwareDevice* largest(const Suits& suits) const {
    const HardwareDevice* found = nullptr;
    uint64_t most = 0;
    for (const HardwareDevice& device : devices_) {
      for (const ProfileCapability& capability : device.capabilities.profiles) {
        const uint64_t samples = uint64_t{capability.max_width} * capability.max_height;
        if (samples <= most || !suits(capability)) continue;
        found = &device;
        most = samples;
      }
    }
    return found;
  }

  DeviceCalls& calls_;
  const std::vector<HardwareDevice> devices_;
  MemoryAllocator& memory_;
  const gpu_kernels::SubstrateChoice substrate_;
  gpu_kernels::Dispatcher* const dispatcher_;
  const std::shared_ptr<FrameMemorySource> unpacked_;
  std::vector<ProfileCapability> capabilities_;
  std::mutex layouts_mutex_;
  std::deque<KnownLayout> layouts_;
};

}  // namespace

std::optional<DiscoveryOptions> wanted_hardware(const Settings& settings) {
  constexpr std::string_view kHardware = "hardware";
  constexpr std::string_view kDevice = "hardware:/";
  DiscoveryOptions options;
  if (settings.backend == "prefer-hardware") {
    // Whoever names an engine wants that one.
    if (settings.engine == "auto") return options;
    return std::nullopt;
  }
  if (!settings.backend.starts_with(kHardware)) return std::nullopt;
  options.own_nodes = settings.backend == "hardware:loopback";
  if (settings.backend.starts_with(kDevice)) {
    options.path = settings.backend.substr(kHardware.size() + 1);
  }
  return options;
}

HardwareSurvey survey_hardware(DeviceCalls& calls, const DiscoveryOptions& options) {
  Discovery discovery = discover_decoders(calls, options);
  HardwareSurvey survey;
  survey.passed_over = std::move(discovery.passed_over);
  for (FoundDecoder& found : discovery.decoders) {
    auto capabilities = query_capabilities(calls, found, options.own_nodes);
    if (!capabilities) {
      survey.passed_over.push_back({found.video_path, capabilities.error().message});
      continue;
    }
    survey.devices.push_back({std::move(found), std::move(*capabilities)});
  }
  for (const Discovery::PassedOver& node : survey.passed_over) {
    log(LogLevel::kDebug, "%s is not used: %s", node.path.c_str(), node.reason.c_str());
  }
  return survey;
}

bool covers(const ProfileCapability& capability, const SessionConfig& config) {
  if (capability.profile != config.profile) return false;
  if (config.width == 0 || config.height == 0) return true;
  return config.width >= capability.min_width && config.height >= capability.min_height &&
         config.width <= capability.max_width && config.height <= capability.max_height;
}

std::unique_ptr<Backend> create_hardware_backend(DeviceCalls& calls,
                                                 std::vector<HardwareDevice> devices,
                                                 MemoryAllocator& memory,
                                                 const gpu_kernels::SubstrateChoice& substrate,
                                                 gpu_kernels::Dispatcher* dispatcher,
                                                 std::shared_ptr<FrameMemorySource> unpacked) {
  return std::make_unique<HardwareBackend>(calls, std::move(devices), memory, substrate, dispatcher,
                                           std::move(unpacked));
}

}  // namespace daedalus::core
