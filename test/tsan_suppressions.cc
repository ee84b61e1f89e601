// ThreadSanitizer cannot see how libavcodec's slice threads hand over to each other: the library is
// the system's and not instrumented. Races of our own code have no frame in it.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libavcodec.so\n"
         "race:libavutil.so\n";
}
