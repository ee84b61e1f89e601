// volk's own code, compiled once: it opens libvulkan.so.1 at run time.
#define VOLK_IMPLEMENTATION
#include <volk.h>
