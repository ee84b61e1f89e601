#include "decode_core/stream/stream_capabilities.h"

#include <iterator>

namespace daedalus::core {
namespace {

constexpr ProfileCapability kProfiles[] = {
    {Profile::kHevcMainStillPicture, 8, 8, kMaxDimension, kMaxDimension, 8},
};

}  // namespace

std::vector<ProfileCapability> stream_capabilities(const Core& core) {
  const auto sessions = core.capabilities();
  std::vector<ProfileCapability> all(sessions.begin(), sessions.end());
  all.insert(all.end(), std::begin(kProfiles), std::end(kProfiles));
  return all;
}

}  // namespace daedalus::core
