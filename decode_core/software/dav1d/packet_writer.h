// write_av1_packet: a frame as the temporal unit that dav1d takes, all headers written anew.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_PACKET_WRITER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_PACKET_WRITER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "decode_core/job.h"
#include "decode_core/software/dav1d/rewrite/av1_frame_header.h"

namespace daedalus::core {

// What of a job is coded, without its pictures.
struct CodedFrame {
  Av1Parameters parameters;
  std::vector<uint8_t> bitstream;
  std::vector<ByteRange> slices;
};

// The same, borrowed.
struct CodedFrameView {
  const Av1Parameters& parameters;
  std::span<const uint8_t> bitstream;
  std::span<const ByteRange> slices;
};

// The frame's place in dav1d's slots.
struct FramePlace {
  std::array<uint8_t, V4L2_AV1_REFS_PER_FRAME> ref_frame_idx{};
  std::optional<uint8_t> slot;  // none: it refreshes nothing
  std::array<const rewrite::Av1SlotState*, V4L2_AV1_TOTAL_REFS_PER_FRAME> states{};
};

// Replaces `packet` with temporal delimiter, sequence header and frame. Returns what the frame
// leaves in its slot.
Result<rewrite::Av1SlotState> write_av1_packet(const CodedFrameView& frame, const FramePlace& place,
                                               std::vector<uint8_t>& packet);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_PACKET_WRITER_H_
