// ReferenceSamples: a job's reference pictures as the MC kernels know them.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_REFERENCE_SAMPLES_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_REFERENCE_SAMPLES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "decode_core/frame_buffer.h"
#include "decode_core/software/h264/slice.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::core::h264 {

class ReferenceSamples {
 public:
  // `references`: NV12 frames of even size, parallel to decode.dpb; absent ones are missing. Their
  // memory, and that of `target`, outlives this. In place of a missing one stands the first that is
  // there, else grey. The lines of the target that are written, those of `structure`, are no
  // reference and stand for none, whatever the stream says: a second field has only the first one
  // of its frame. `contents`: names of the references' samples, parallel to them, or none.
  ReferenceSamples(std::span<const std::optional<FrameView>> references, const FrameView& target,
                   PictureStructure structure, std::span<const uint64_t> contents = {});

  // Indices into all(). `current`: what is predicted; a field refers to fields.
  uint8_t index_of(uint8_t entry, PictureStructure structure, PictureStructure current) const;
  // Where samples to conceal with are copied from: the first reference, its field of the same
  // parity.
  uint8_t substitute_for(PictureStructure current) const;
  bool is_missing(uint8_t entry, PictureStructure structure) const;

  std::span<const gpu_kernels::H264McReference> all() const { return pictures_; }

 private:
  static constexpr size_t kEntries = 16;
  // A frame; for the top field the top and the bottom field; the same for the bottom field.
  static constexpr size_t kViews = 5;
  struct Frame {
    FrameView view;
    uint64_t content = 0;
  };
  void set(size_t entry, const Frame& frame);
  bool is_target(const FrameView& frame) const { return frame.planes[0].data == target_; }

  const uint8_t* const target_;
  const PictureStructure written_;
  std::array<bool, kEntries> present_{};
  std::array<bool, kEntries> half_written_{};
  std::array<gpu_kernels::H264McReference, (kEntries + 1) * kViews> pictures_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_REFERENCE_SAMPLES_H_
