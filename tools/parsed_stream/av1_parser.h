// AV1: temporal units to decoding jobs, and frames in display order.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_AV1_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_AV1_PARSER_H_

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/av1_obu.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// Decodes operating point 0 and shows, as ffmpeg does, each frame at its own size after
// super-resolution (render_size is a hint) and of spatial layers the highest of each temporal
// unit. Where film grain is applied the grained picture is shown. A frame of which a reference or a
// tile is missing is left out. Tile lists (large scale tile decoding) are refused.
class Av1Parser final : public Parser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  struct Slot {
    std::shared_ptr<core::Picture> picture;  // null: no frame
    OutputEvent shown;                       // where a later header shows it
  };
  // The frame whose tiles are being gathered.
  struct Gathering {
    headers::Av1FrameHeader header;
    core::DecodeJob job;
    uint32_t next_tile;
  };

  Status parse_unit(const headers::Av1Obu& unit, std::vector<Event>& events);
  Status parse_sequence(std::span<const uint8_t> payload);
  Status parse_frame_header(const headers::Av1Obu& unit, std::vector<Event>& events);
  Status parse_tiles(std::span<const uint8_t> group, std::vector<Event>& events);
  void show_existing(const headers::Av1FrameHeader& header, std::vector<Event>& events);
  void begin_frame(headers::Av1FrameHeader header);
  void end_frame(std::vector<Event>& events);
  Status end_temporal_unit(std::vector<Event>& events);
  void show(const OutputEvent& shown, uint8_t spatial_id, std::vector<Event>& events);
  uint16_t operating_point_idc() const;

  headers::Av1HeaderParser headers_;
  std::array<Slot, headers::kAv1SlotCount> slots_;
  std::optional<Gathering> gathering_;
  bool left_out_ = false;            // tiles are, up to the next frame header
  std::optional<OutputEvent> held_;  // of a lower spatial layer; a higher one may follow
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_AV1_PARSER_H_
