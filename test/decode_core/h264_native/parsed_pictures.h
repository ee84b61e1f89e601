// The macroblock lists of a stream's pictures, with no pixel decoded.
#ifndef DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_PARSED_PICTURES_H_
#define DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_PARSED_PICTURES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "decode_core/job.h"
#include "decode_core/software/h264/entropy_decoder.h"

namespace daedalus::core::h264 {

// Parses jobs in their order and keeps the motion that later ones refer to.
class ParsedPictures {
 public:
  // False: the engine does not take the job. Afterwards list() and damaged() are its.
  bool parse(const DecodeJob& job);
  const PictureList& list() const { return list_; }
  uint32_t damaged() const { return damaged_; }

 private:
  std::map<uint64_t, ReferenceMotion> motions_;  // by Picture::id()
  PictureList list_;
  uint32_t damaged_ = 0;
};

struct StreamCallbacks {
  std::function<void(DecodeJob& job)> on_decode;
  std::function<void(uint64_t picture)> on_output = [](uint64_t) {};
};
// The events of a file in their order. Fails the running test where it cannot be opened.
void for_each_event(const std::string& path, const StreamCallbacks& callbacks);

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_PARSED_PICTURES_H_
