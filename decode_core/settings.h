// Settings: what the environment variables of the same names say, validated once.
#ifndef DAEDALUS_DECODE_CORE_SETTINGS_H_
#define DAEDALUS_DECODE_CORE_SETTINGS_H_

#include <string>

namespace daedalus::core {

struct Settings {
  std::string backend = "auto";    // DAEDALUS_BACKEND: auto, software
  std::string engine = "auto";     // DAEDALUS_ENGINE: auto, libavcodec
  std::string substrate = "auto";  // DAEDALUS_SUBSTRATE: auto, scalar, simd, or stage=value,…
  int threads = 0;                 // DAEDALUS_THREADS: slice threads a decoder; 0: one a core, at most 8
  std::string record;              // DAEDALUS_RECORD: the recording to write; empty: none
  std::string stats;               // DAEDALUS_STATS: folder of the statistics pages; empty: none

  // Unknown values are logged and ignored.
  static Settings from_environment();
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SETTINGS_H_
