// Any bytes as temporal units of AV1, one after the other at every delimiter: what the stream
// engine reads of them before dav1d does, and what parsers make of them.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/headers/av1_obu.h"
#include "decode_core/headers/av1_sequence_header.h"
#include "decode_core/stream/header_probe.h"
#include "tools/parsed_stream/av1_parser.h"

namespace {

using Bytes = std::span<const uint8_t>;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_units(Bytes bytes) {
  daedalus::headers::Av1Obus units(bytes);
  size_t payloads = 0;
  while (const auto unit = units.next()) {
    payloads += unit->payload.size() + 1;
    require(payloads <= bytes.size());
    const auto header = daedalus::headers::parse_av1_sequence_header(unit->payload);
    if (!header.ok()) {
      require(!header.error().message.empty());
      continue;
    }
    require(header->max_width >= 1 && header->max_width <= 65536);
    require(header->max_height >= 1 && header->max_height <= 65536);
    require(header->bit_depth == 8 || header->bit_depth == 10 || header->bit_depth == 12);
    require(header->frame_id_bits <= 25 && header->order_hint_bits <= 8);
  }
}

// What engines and drivers take for granted of a frame that was parsed.
void check_job(const daedalus::core::DecodeJob& job) {
  const auto& parameters = std::get<daedalus::core::Av1Parameters>(job.parameters);
  const v4l2_ctrl_av1_frame& frame = parameters.frame;
  const v4l2_av1_tile_info& tiles = frame.tile_info;
  require(job.references.size() == V4L2_AV1_TOTAL_REFS_PER_FRAME);
  require(frame.upscaled_width >= 1 && frame.frame_width_minus_1 < frame.upscaled_width);
  require(frame.superres_denom >= 8 && frame.superres_denom <= 16);
  require(tiles.tile_cols >= 1 && tiles.tile_cols <= V4L2_AV1_MAX_TILE_COLS);
  require(tiles.tile_rows >= 1 && tiles.tile_rows <= V4L2_AV1_MAX_TILE_ROWS);
  require(parameters.tiles.size() == size_t{tiles.tile_cols} * tiles.tile_rows);
  require(parameters.tiles.size() == job.slices.size());
  require(tiles.context_update_tile_id < parameters.tiles.size());
  require(std::is_sorted(tiles.mi_col_starts, tiles.mi_col_starts + tiles.tile_cols + 1));
  require(std::is_sorted(tiles.mi_row_starts, tiles.mi_row_starts + tiles.tile_rows + 1));
  require(parameters.film_grain.num_y_points <= 14 && parameters.film_grain.num_cb_points <= 10);
  const bool intra =
      frame.frame_type == V4L2_AV1_KEY_FRAME || frame.frame_type == V4L2_AV1_INTRA_ONLY_FRAME;
  for (const int8_t slot : frame.ref_frame_idx) {
    require(slot >= 0 && slot < V4L2_AV1_TOTAL_REFS_PER_FRAME);
    require(intra || job.references[static_cast<size_t>(slot)] != nullptr);
  }
  require(job.target != nullptr && job.target != job.display);
}

// Ends at a delimiter (AV1 5.2: 0x12 0x00), the next one's.
Bytes take_temporal_unit(Bytes& rest) {
  constexpr std::array<uint8_t, 2> kDelimiter = {0x12, 0x00};
  const auto next = std::search(rest.begin() + std::min<size_t>(rest.size(), 1), rest.end(),
                                kDelimiter.begin(), kDelimiter.end());
  const Bytes unit = rest.first(static_cast<size_t>(next - rest.begin()));
  rest = rest.subspan(unit.size());
  return unit;
}

void check_parser(Bytes bytes) {
  daedalus::parsed_stream::Av1Parser parser;
  std::vector<daedalus::parsed_stream::Event> events;
  while (!bytes.empty()) {
    const auto status = parser.parse(take_temporal_unit(bytes), events);
    require(status.ok() || !status.error().message.empty());
    for (const auto& event : events) {
      if (const auto* decode = std::get_if<daedalus::parsed_stream::DecodeEvent>(&event)) {
        check_job(decode->job);
      } else {
        require(std::get<daedalus::parsed_stream::OutputEvent>(event).picture != nullptr);
      }
    }
    events.clear();
  }
  parser.flush(events);
  require(events.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  check_units(bytes);
  check_parser(bytes);
  daedalus::core::HeaderProbe probe(daedalus::core::Codec::kAv1);
  if (const auto format = probe.feed(bytes)) {
    require(format->visible.width == format->coded_width && format->coded_width > 0);
    require(format->visible.height == format->coded_height && format->coded_height > 0);
    require(!probe.feed(bytes).has_value());
  }
  return 0;
}
