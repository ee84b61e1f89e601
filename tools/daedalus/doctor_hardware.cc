// daedalus doctor: the kernel's stateless decoders, and who decodes what.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/hardware/hardware_backend.h"
#include "decode_core/settings.h"
#include "tools/daedalus/doctor_report.h"

namespace daedalus::tool {
namespace {

using core::Codec;

constexpr std::array<Codec, 6> kCodecs = {Codec::kH264, Codec::kHevc, Codec::kAv1,
                                          Codec::kVp9,  Codec::kVp8,  Codec::kMpeg2};

std::string named(Codec codec) { return std::string(core::to_string(codec)); }

// "h264 Main 8 bit, 48x48 to 1920x1088".
std::string described(const core::ProfileCapability& capability) {
  const auto size = [](uint32_t width, uint32_t height) {
    return std::to_string(width) + "x" + std::to_string(height);
  };
  return named(core::codec_of(capability.profile)) + " " +
         std::string(core::to_string(capability.profile)) + ", " +
         std::to_string(capability.bit_depth) + " bit, " +
         size(capability.min_width, capability.min_height) + " to " +
         size(capability.max_width, capability.max_height);
}

void list_device(Report& report, const core::HardwareDevice& device) {
  report.good(device.where.video_path + " with " + device.where.media_path + " (" +
              device.capabilities.driver + ", " + device.where.model + ")");
  const std::vector<Codec>& slices = device.capabilities.slice_based;
  for (const core::ProfileCapability& capability : device.capabilities.profiles) {
    const Codec codec = core::codec_of(capability.profile);
    const bool by_slice = std::find(slices.begin(), slices.end(), codec) != slices.end();
    report.note("  decodes " + described(capability) + (by_slice ? ", slice by slice" : ""));
  }
  for (const auto& refusal : device.capabilities.refusals) {
    report.note("  is not used for " + named(refusal.codec) + ": " + refusal.reason);
  }
}

// The driver that decodes the codec; empty: none.
std::string driver_for(const core::HardwareSurvey& survey, Codec codec) {
  for (const core::HardwareDevice& device : survey.devices) {
    const auto& profiles = device.capabilities.profiles;
    if (std::any_of(profiles.begin(), profiles.end(), [&](const auto& capability) {
          return core::codec_of(capability.profile) == codec;
        })) {
      return device.capabilities.driver;
    }
  }
  return "";
}

void list_choices(Report& report, const core::Settings& settings,
                  const core::HardwareSurvey& survey) {
  const bool hardware_only = settings.backend.starts_with("hardware");
  for (const Codec codec : kCodecs) {
    const std::string driver = driver_for(survey, codec);
    if (!driver.empty()) {
      report.note(named(codec) + ": hardware (" + driver + ")" +
                  (hardware_only ? ", and nothing else, as DAEDALUS_BACKEND says"
                                 : "; software for other profiles and sizes, and if it fails"));
    } else if (hardware_only) {
      report.note(named(codec) + ": nobody, for DAEDALUS_BACKEND wants hardware");
    } else {
      report.note(named(codec) + ": software, for no device decodes it");
    }
  }
}

}  // namespace

void check_hardware(Report& report) {
  const core::Settings settings = core::Settings::from_environment();
  const auto wanted = core::wanted_hardware(settings);
  const core::HardwareSurvey survey =
      core::survey_hardware(core::system_device_calls(), wanted.value_or(core::DiscoveryOptions{}));
  for (const core::HardwareDevice& device : survey.devices) list_device(report, device);
  for (const auto& node : survey.passed_over) report.note(node.path + ": " + node.reason);
  if (survey.devices.empty()) report.note("there is none: everything is decoded in software");
  if (!wanted) {
    report.note("everything is decoded in software, as DAEDALUS_BACKEND or DAEDALUS_ENGINE says");
  } else if (!survey.devices.empty()) {
    list_choices(report, settings, survey);
  }
}

}  // namespace daedalus::tool
