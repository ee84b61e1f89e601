// What daedalusd is started with.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_OPTIONS_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_OPTIONS_H_

#include <string>
#include <string_view>

#include "base/result.h"
#include "cuse_device/cuse/sandbox.h"

namespace daedalus::cuse {

struct Options {
  bool help = false;
  // Names of the nodes under /dev; empty: the usual one, or the next free number.
  std::string stateful;
  std::string stateless;
  std::string media;
  std::string requests;
  // V4L2_MEMORY_USERPTR, and nested pointers without a detour.
  bool user_pointers = false;
  // The stateless node also takes self-contained frames without request.
  bool direct_qbuf = false;
  // The stateful node lists AV1.
  bool av1 = false;
  // Return once the nodes are there; the daemon goes on.
  bool background = false;
  SandboxOptions sandbox;
};

extern const char* const kUsage;
// What the names of request handles' nodes begin with.
inline constexpr const char* kRequestPrefix = "daedalus-request";

Result<Options> parse_options(int count, const char* const* words);

// PREFIX and the lowest number from `first` on whose node no driver has.
std::string free_name(std::string_view prefix, int first);

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_OPTIONS_H_
