// Tile groups of AV1 (AV1 5.11.1).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_TILE_GROUP_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_TILE_GROUP_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/headers/av1_frame_header.h"

namespace daedalus::headers {

struct Av1Tile {
  uint32_t row = 0;
  uint32_t column = 0;
  std::span<const uint8_t> data;  // without its size; never empty
};

struct Av1TileGroup {
  uint32_t first = 0;  // tg_start
  std::vector<Av1Tile> tiles;
  uint32_t end() const { return first + static_cast<uint32_t>(tiles.size()); }
};

// `payload` of a unit of type kTileGroup, or what follows the aligned frame header in one of type
// kFrame. Borrows the bytes.
Result<Av1TileGroup> parse_av1_tile_group(const Av1FrameHeader& header,
                                          std::span<const uint8_t> payload);

// The tile group in the payload of a unit of type kFrame.
std::span<const uint8_t> av1_tile_group_of_frame(const Av1FrameHeader& header,
                                                 std::span<const uint8_t> payload);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_TILE_GROUP_H_
