#include "decode_core/software/dav1d/packet_writer.h"

#include "decode_core/software/dav1d/rewrite/av1_units.h"

namespace daedalus::core {

Result<rewrite::Av1SlotState> write_av1_packet(const CodedFrameView& frame, const FramePlace& place,
                                               std::vector<uint8_t>& packet) {
  const Av1Parameters& parameters = frame.parameters;
  const size_t columns = parameters.frame.tile_info.tile_cols;
  std::vector<std::span<const uint8_t>> tiles(columns * parameters.frame.tile_info.tile_rows);
  for (size_t i = 0; i < frame.slices.size(); ++i) {
    const v4l2_ctrl_av1_tile_group_entry& entry = parameters.tiles[i];
    tiles[entry.tile_row * columns + entry.tile_col] =
        frame.bitstream.subspan(frame.slices[i].offset, frame.slices[i].size);
  }
  rewrite::Av1FrameToWrite coded{parameters.sequence, parameters.frame, place.ref_frame_idx, 0,
                                 place.states};
  if (place.slot.has_value()) coded.refresh_frame_flags = static_cast<uint8_t>(1u << *place.slot);
  packet.clear();
  rewrite::append_av1_temporal_delimiter(packet);
  rewrite::append_av1_sequence_header(parameters.sequence, packet);
  return rewrite::append_av1_frame(coded, tiles, packet);
}

}  // namespace daedalus::core
