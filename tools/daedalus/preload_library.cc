#include "tools/daedalus/preload_library.h"

#include <filesystem>
#include <system_error>

namespace daedalus::tool {

namespace fs = std::filesystem;

std::string find_preload_library() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  // bazel-bin/tools/daedalus and bazel-bin/cuse_device/preload; PREFIX/bin and PREFIX/lib/daedalus.
  for (const char* place : {"../../cuse_device/preload", "../lib/daedalus"}) {
    const fs::path path = (folder / place / kPreloadLibrary).lexically_normal();
    if (fs::exists(path, error)) return path.string();
  }
  return "";
}

}  // namespace daedalus::tool
