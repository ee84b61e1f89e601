// JobBuilder: collects the buffers of one picture and turns them into a DecodeJob; one a codec.
#ifndef DAEDALUS_VA_DRIVER_JOB_BUILDER_H_
#define DAEDALUS_VA_DRIVER_JOB_BUILDER_H_

#include <va/va.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"
#include "va_driver/buffer.h"

namespace daedalus::va {

// What a coded picture leaves to those that follow it in the bitstream and VA does not carry. It is
// kept with the surface, so that a context made anew in mid-stream finds it.
struct ChainState {
  virtual ~ChainState() = default;
};

// What a surface id stands for at the moment of vaEndPicture. Null pictures for unknown ids.
struct Reference {
  std::shared_ptr<core::Picture> picture;
  std::shared_ptr<const ChainState> state;
};
class References {
 public:
  virtual Reference resolve(VASurfaceID surface) = 0;

 protected:
  ~References() = default;
};

enum class Parity : uint8_t { kFrame, kTop, kBottom };

// A job that still lacks its target and, for fields, its role.
struct BuiltJob {
  core::DecodeJob job;
  Parity parity = Parity::kFrame;
  // To keep with the surface; may be null.
  std::shared_ptr<const ChainState> state;
  // Pictures of the same chain that `job.references` does not name (VP9: the slots that an
  // intra-only frame leaves alone).
  std::vector<std::shared_ptr<core::Picture>> chain;
  // The surfaces of `job.target` and, where there is one, of `job.display`, as far as the client
  // names them (AV1). Else it is the one of vaBeginPicture, and the target's.
  VASurfaceID target_surface = VA_INVALID_SURFACE;
  VASurfaceID display_surface = VA_INVALID_SURFACE;
};

// Used under its context's lock.
class JobBuilder {
 public:
  static std::unique_ptr<JobBuilder> create(core::Profile profile);
  virtual ~JobBuilder() = default;

  // vaBeginPicture: forgets the buffers of the former picture.
  void begin();
  // vaRenderPicture: copies the buffers, all or, if one is refused, none.
  VAStatus render(std::span<const std::shared_ptr<Buffer>> buffers);
  // vaEndPicture. On failure nothing has changed but that the buffers are forgotten.
  VAStatus end(References& references, BuiltJob* out);

  // Most slices of a picture: a macroblock each in the largest.
  static constexpr size_t kMaxSlices =
      size_t{core::kMaxDimension / 16} * (core::kMaxDimension / 16);

 protected:
  // Sizes of the codec's parameter structures in bytes; 0: the codec has no such buffer.
  struct Sizes {
    size_t picture;
    size_t iq_matrix;
    size_t probability;
    size_t slice;
  };
  // One slice: its bytes in `data_` (the parts of a split slice joined) and what the codec noted.
  struct Slice {
    core::ByteRange range;
    size_t parameters;  // index for the codec's own list
  };

  // What slice_data_size may count. va.h says the bytes behind slice_data_offset; GStreamer's VP8
  // decoders say the whole buffer, with the frame tag that the offset skips.
  enum class SliceSize : uint8_t { kBehindOffset, kBehindOffsetOrWholeBuffer };

  explicit JobBuilder(Sizes sizes, SliceSize slice_size = SliceSize::kBehindOffset)
      : sizes_(sizes), slice_size_(slice_size) {}

  virtual void reset() = 0;
  // Each gets a copy that is whole.
  virtual void take_picture(const uint8_t* parameters) = 0;
  virtual void take_iq_matrix(const uint8_t* parameters) = 0;
  virtual void take_probability(const uint8_t* parameters) = 0;
  virtual void take_slice(const uint8_t* parameters) = 0;
  // At least one slice is there. `bitstream` is the codec's to move.
  virtual VAStatus build(References& references, std::span<const Slice> slices,
                         std::vector<uint8_t>& bitstream, BuiltJob* out) = 0;

 private:
  // An element of a slice parameter buffer; `group` counts those buffers.
  struct SliceElement {
    uint32_t offset;
    uint32_t size;
    uint32_t flag;
    uint32_t group;
  };

  VAStatus check(const Buffer& buffer, bool* has_picture) const;
  void take(const Buffer& buffer);
  uint32_t size_behind_offset(const SliceElement& element, uint32_t buffer_size) const;
  VAStatus join_slices(std::vector<Slice>* slices);
  void append(const core::ByteRange& part, core::ByteRange* whole);

  const Sizes sizes_;
  const SliceSize slice_size_;
  bool has_picture_ = false;
  uint32_t parameter_buffers_ = 0;
  std::vector<SliceElement> elements_;
  std::vector<uint8_t> data_;                  // all slice data buffers, one after the other
  std::vector<core::ByteRange> data_buffers_;  // in `data_`
};

std::unique_ptr<JobBuilder> create_h264_builder(core::Profile profile);
std::unique_ptr<JobBuilder> create_hevc_builder(core::Profile profile);
std::unique_ptr<JobBuilder> create_vp9_builder(core::Profile profile);
std::unique_ptr<JobBuilder> create_vp8_builder();
std::unique_ptr<JobBuilder> create_av1_builder();
std::unique_ptr<JobBuilder> create_mpeg2_builder(core::Profile profile);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_JOB_BUILDER_H_
