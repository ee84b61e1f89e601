#include "decode_core/headers/av1_tile_group.h"

#include <algorithm>
#include <string>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("AV1 tile group: ") + what};
}

// The next tile's bytes, taken off `rest`; empty: it does not fit.
std::span<const uint8_t> take_tile(std::span<const uint8_t>& rest, size_t size_bytes, bool last) {
  size_t size = rest.size();
  if (!last) {
    if (rest.size() < size_bytes) return {};
    uint64_t minus_1 = 0;  // le()
    for (size_t i = 0; i < size_bytes; ++i) minus_1 |= uint64_t{rest[i]} << (8 * i);
    rest = rest.subspan(size_bytes);
    if (minus_1 >= rest.size()) return {};
    size = static_cast<size_t>(minus_1) + 1;
  }
  const std::span<const uint8_t> tile = rest.first(size);
  rest = rest.subspan(size);
  return tile;
}

}  // namespace

Result<Av1TileGroup> parse_av1_tile_group(const Av1FrameHeader& header,
                                          std::span<const uint8_t> payload) {
  const auto count = static_cast<uint32_t>(header.tile_count());
  BitReader reader(payload);
  Av1TileGroup group;
  uint32_t last = count - 1;
  if (count > 1 && reader.flag()) {  // tile_start_and_end_present_flag
    const unsigned bits = header.tile_columns_log2 + header.tile_rows_log2;
    group.first = reader.u(bits);
    last = reader.u(bits);
  }
  if (reader.overrun()) return corrupt("it ends too early");
  if (group.first > last || last >= count) return corrupt("tg_start and tg_end");
  reader.align();
  std::span<const uint8_t> rest = payload.subspan(std::min(reader.position() / 8, payload.size()));
  const v4l2_av1_tile_info& tiles = header.frame.tile_info;
  for (uint32_t i = group.first; i <= last; ++i) {
    const auto data = take_tile(rest, tiles.tile_size_bytes, i == last);
    if (data.empty()) return corrupt("a tile is longer than the group, or empty");
    group.tiles.push_back({i / tiles.tile_cols, i % tiles.tile_cols, data});
  }
  return group;
}

std::span<const uint8_t> av1_tile_group_of_frame(const Av1FrameHeader& header,
                                                 std::span<const uint8_t> payload) {
  return payload.subspan(std::min((header.bits + 7) / 8, payload.size()));
}

}  // namespace daedalus::headers
