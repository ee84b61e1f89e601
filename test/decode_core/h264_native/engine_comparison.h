// The native engine against libavcodec, picture by picture.
#ifndef DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_ENGINE_COMPARISON_H_
#define DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_ENGINE_COMPARISON_H_

#include <cstddef>
#include <string>

namespace daedalus::core::test {

struct ComparisonOptions {
  int threads = 1;       // of the native engine
  size_t in_flight = 1;  // pictures that are asked for before the first is waited for
};

struct Comparison {
  bool supported = false;  // the stream's profile is one that engines are offered
  size_t pictures = 0;     // that both engines decoded
  size_t concealed = 0;    // of them, by the native engine's word
  std::string engine;      // of the statistics
  std::string difference;  // empty: there is none; else the first macroblock that differs
};

// Decodes a file with both engines.
Comparison compare_engines(const std::string& path, const ComparisonOptions& options);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_ENGINE_COMPARISON_H_
