// PictureBuffers: the VA parameter buffers of one DecodeJob.
#ifndef DAEDALUS_TEST_CLIENTS_VA_PICTURE_BUFFERS_H_
#define DAEDALUS_TEST_CLIENTS_VA_PICTURE_BUFFERS_H_

#include <va/va.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "decode_core/job.h"
#include "test/clients/va/client_style.h"

namespace daedalus::va_client {

// What one vaCreateBuffer gets.
struct ParameterBuffer {
  VABufferType type = VAPictureParameterBufferType;
  uint32_t element_size = 0;
  uint32_t elements = 1;
  std::vector<uint8_t> bytes;  // element_size * elements

  template <typename Parameters>
  static ParameterBuffer of(VABufferType type, const Parameters& parameters) {
    static_assert(std::is_trivially_copyable_v<Parameters>);
    const auto* data = reinterpret_cast<const uint8_t*>(&parameters);
    return {type, sizeof(Parameters), 1, std::vector<uint8_t>(data, data + sizeof(Parameters))};
  }
  static ParameterBuffer of_data(std::span<const uint8_t> data) {
    return {VASliceDataBufferType, static_cast<uint32_t>(data.size()), 1,
            std::vector<uint8_t>(data.begin(), data.end())};
  }
};

struct PictureBuffers {
  std::vector<ParameterBuffer> picture;  // picture parameters first
  std::vector<ParameterBuffer> slices;   // pairs of parameters and data
};

// The surface of a picture; VA_INVALID_SURFACE for null.
using SurfaceOf = std::function<VASurfaceID(const std::shared_ptr<core::Picture>&)>;

// Turns the jobs of one stream, in decoding order, into buffers. Holds what a VP9 client must
// remember: the eight reference slots (VP9 7.20).
class BufferBuilder {
 public:
  // kCorrupt: a header inside the slice data cannot be read.
  Result<PictureBuffers> build(const core::DecodeJob& job, const SurfaceOf& surface_of,
                               const ClientStyle& style);
  // The job was decoded: its picture takes the slots that it refreshes.
  void finish(const core::DecodeJob& job);

 private:
  std::array<std::shared_ptr<core::Picture>, 8> vp9_slots_;
};

// What a VP9 client reads from the uncompressed header and no control structure carries (VP9 6.2).
struct Vp9References {
  uint8_t refresh_frame_flags = 0;
  std::array<uint8_t, 3> slot{};  // ref_frame_idx of last, golden, altref
};
Result<Vp9References> read_vp9_references(std::span<const uint8_t> frame);

// The codecs' own parts of BufferBuilder::build. They trust validate(job).
Result<PictureBuffers> h264_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of);
PictureBuffers av1_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of);
PictureBuffers hevc_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of);
Result<PictureBuffers> vp9_buffers(const core::DecodeJob& job,
                                   std::span<const std::shared_ptr<core::Picture>, 8> slots,
                                   const SurfaceOf& surface_of);
Result<PictureBuffers> vp8_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of,
                                   bool whole_frame);
Result<PictureBuffers> mpeg2_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of);

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_PICTURE_BUFFERS_H_
