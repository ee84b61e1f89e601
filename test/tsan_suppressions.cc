// ThreadSanitizer cannot see how the threads of libavcodec, dav1d and Mesa hand over to each other:
// these libraries are the system's and not instrumented. Races of our own code have no frame in
// them.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libavcodec.so\n"
         "race:libavutil.so\n"
         "race:libdav1d.so\n"
         "race:libvulkan_lvp.so\n";
}
