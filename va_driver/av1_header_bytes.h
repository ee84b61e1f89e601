// Av1HeaderBytes: what a client's own frame header tells that VA's parameters do not.
#ifndef DAEDALUS_VA_DRIVER_AV1_HEADER_BYTES_H_
#define DAEDALUS_VA_DRIVER_AV1_HEADER_BYTES_H_

#include <cstdint>
#include <optional>
#include <span>

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/job.h"

namespace daedalus::va {

// Some clients send whole units, so the frame header stands before the first tile. It cannot be
// read without the sequence header, which no client sends; but VA carries most of that, and nearly
// all that the frame header says. So each way to complete the sequence header is tried, and counts
// only if every value then read is the one that VA gives. Not thread-safe; one a context.
class Av1HeaderBytes {
 public:
  // `bytes`: the slice data up to the first tile. `slots`: the frames of ref_frame_map as VA told
  // them. nullopt: there is no header, or none that is certain.
  std::optional<uint8_t> refresh_frame_flags(std::span<const uint8_t> bytes,
                                             const core::Av1Parameters& told,
                                             const headers::Av1Slots& slots);

 private:
  std::optional<uint8_t> try_all(std::span<const uint8_t> bytes, const core::Av1Parameters& told,
                                 const headers::Av1Slots& slots);

  // What VA lacks of the sequence header, as it was right last time.
  std::optional<uint32_t> right_guess_;
};

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_AV1_HEADER_BYTES_H_
