// Pictures: what the engine keeps with the pictures that later ones refer to, and their memory.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURES_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/job.h"
#include "decode_core/software/h264/entropy_decoder.h"

namespace daedalus::core::h264 {

// The pictures of one job.
struct JobPictures {
  FrameBuffer target;  // NV12; of a second field, the frame that holds the first one
  // Parallel to DecodeJob::references. NV12 of even size; absent: missing.
  std::vector<std::optional<FrameView>> references;
  std::vector<ReferenceMotion> motions;
  // Names of what the references' samples are (new_h264_content); 0: none, as of pictures that
  // others have decoded.
  std::vector<uint64_t> contents;
  std::vector<FrameBuffer> held;  // keeps the references' memory
};

// Not thread-safe.
class Pictures {
 public:
  // Finds the job's pictures. Those that this engine did not decode are converted once. What is
  // kept of pictures that the job names no more is let go once they are decoded.
  Result<JobPictures> begin(const DecodeJob& job);
  // Keeps the motion of the job's picture, written while it is decoded, for those that refer to it.
  void keep_motion(const DecodeJob& job, std::shared_ptr<const MotionField> motion);
  // The job came to nothing: its picture is no reference, unless it has a first field.
  void drop_target(const DecodeJob& job);
  // Likewise, by the target's id.
  void drop(uint64_t id);

 private:
  struct Kept {
    uint64_t id;
    std::weak_ptr<const Picture> picture;
    FrameBuffer frame;
    ReferenceMotion motion;
    uint64_t content = 0;  // another one for each field
  };
  Kept* find(uint64_t id);
  const Kept* find_or_convert(const std::shared_ptr<Picture>& picture);
  void drop_others(const DecodeJob& job);
  Result<FrameBuffer> target_of(const DecodeJob& job);
  Result<FrameBuffer> allocate(uint32_t width, uint32_t height);
  Result<FrameBuffer> convert(const FrameView& frame);

  FramePool pool_;
  std::vector<Kept> kept_;
};

// Which part of a frame a job decodes.
PictureStructure structure_of(const DecodeJob& job);

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_PICTURES_H_
