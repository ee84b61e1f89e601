#include "cuse_device/preload/real_calls.h"

#include <dlfcn.h>

namespace daedalus::preload {

constinit RealCalls real;

void* find_next_definition(const char* name) { return ::dlsym(RTLD_NEXT, name); }

namespace {

// Early, so that no call in a signal handler has to look anything up.
[[gnu::constructor]] void find_all() {
#define DAEDALUS_FIND(name, ...) real.name.find();
  DAEDALUS_REAL_CALLS(DAEDALUS_FIND)
#undef DAEDALUS_FIND
}

}  // namespace
}  // namespace daedalus::preload
