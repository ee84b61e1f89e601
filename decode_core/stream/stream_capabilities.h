// What the stream engine decodes.
#ifndef DAEDALUS_DECODE_CORE_STREAM_STREAM_CAPABILITIES_H_
#define DAEDALUS_DECODE_CORE_STREAM_STREAM_CAPABILITIES_H_

#include <vector>

#include "decode_core/core.h"

namespace daedalus::core {

// The profiles of the core's sessions, and behind them those that only the stream engine has.
std::vector<ProfileCapability> stream_capabilities(const Core& core);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_STREAM_CAPABILITIES_H_
