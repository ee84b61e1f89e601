// DAEDALUS_EXPORT: a function under the name of the C library's.
//
// In C++ it has a name of its own, so that the declarations of the system's headers (which may be
// inline, redirected to another symbol, or promise that no pointer is null) do not get in its way.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_EXPORT_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_EXPORT_H_

#define DAEDALUS_EXPORT(type, name, parameters)                                             \
  extern "C" [[gnu::visibility("default")]] type exported_##name parameters __asm__(#name); \
  extern "C" type exported_##name parameters

// Another name of a function that the same file exports.
#define DAEDALUS_EXPORT_ALIAS(type, alias_name, name, parameters) \
  extern "C" [[gnu::visibility("default"),                        \
               gnu::alias(#name)]] type exported_##alias_name parameters __asm__(#alias_name)

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_EXPORT_H_
