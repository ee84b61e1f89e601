#include "decode_core/stream/stream_capabilities.h"

#include <algorithm>

namespace daedalus::core {
namespace {

constexpr ProfileCapability kProfiles[] = {
    {Profile::kHevcMain, 8, 8, kMaxDimension, kMaxDimension, 8},
    {Profile::kHevcMainStillPicture, 8, 8, kMaxDimension, kMaxDimension, 8},
    {Profile::kHevcMain10, 8, 8, kMaxDimension, kMaxDimension, 10},
    {Profile::kAv1Main, 1, 1, kMaxDimension, kMaxDimension, 8},
    {Profile::kAv1Main, 1, 1, kMaxDimension, kMaxDimension, 10},
};

}  // namespace

std::vector<ProfileCapability> stream_capabilities(const Core& core) {
  const auto sessions = core.capabilities();
  std::vector<ProfileCapability> all(sessions.begin(), sessions.end());
  for (const ProfileCapability& own : kProfiles) {
    const bool known = std::any_of(sessions.begin(), sessions.end(), [&](const auto& capability) {
      return capability.profile == own.profile;
    });
    if (!known) all.push_back(own);
  }
  return all;
}

}  // namespace daedalus::core
