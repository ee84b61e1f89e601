// Where the library lies that `daedalus run` preloads.
#ifndef DAEDALUS_TOOLS_DAEDALUS_PRELOAD_LIBRARY_H_
#define DAEDALUS_TOOLS_DAEDALUS_PRELOAD_LIBRARY_H_

#include <string>

namespace daedalus::tool {

inline constexpr const char* kPreloadLibrary = "libdaedalus_v4l2_preload.so";

// Beside this program's build, else beside its installation; empty: nowhere.
std::string find_preload_library();

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_PRELOAD_LIBRARY_H_
