// The decoder and its many libraries come into the client when it opens a node, and out of sight of
// the client's own symbols: most programs that are started under the preload library never do.
#include <dlfcn.h>

#include <string>

#include "cuse_device/preload/devices.h"

namespace daedalus::preload {
namespace {

// Beside the library that this is part of.
std::string library_path() {
  Dl_info self{};
  if (::dladdr(reinterpret_cast<const void*>(&make_devices), &self) == 0) return kDeviceLibrary;
  const std::string path = self.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + kDeviceLibrary;
}

}  // namespace

Result<Devices> make_devices(std::span<const Node> nodes) {
  void* const library = ::dlopen(library_path().c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void* const symbol = library != nullptr ? ::dlsym(library, kMakeDevicesSymbol) : nullptr;
  if (symbol == nullptr) return Error{ErrorCode::kNotFound, ::dlerror()};
  Result<Devices> devices = Devices();
  reinterpret_cast<MakeDevices>(symbol)(nodes, &devices);
  return devices;
}

}  // namespace daedalus::preload
