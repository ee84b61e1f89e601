#include "decode_core/software/dav1d/rewrite/av1_tile_info.h"

#include <algorithm>
#include <optional>

#include "decode_core/software/dav1d/rewrite/av1_codes.h"

namespace daedalus::core::rewrite {
namespace {

constexpr uint32_t kMaxTileWidth = 4096;        // MAX_TILE_WIDTH
constexpr uint32_t kMaxTileArea = 4096 * 2304;  // MAX_TILE_AREA

Error invalid(const char* message) { return {ErrorCode::kInvalidArgument, message}; }

// The smallest k with unit << k at least `target` (5.9.16).
unsigned tile_log2(uint32_t unit, uint32_t target) {
  unsigned k = 0;
  while ((unit << k) < target) ++k;
  return k;
}

// Bounds in superblocks.
struct Limits {
  uint32_t columns, rows;  // of the frame
  uint32_t max_tile_width;
  unsigned min_log2_columns, max_log2_columns, max_log2_rows, min_log2_tiles;
};

Limits limits_of(const Av1TileFrame& frame) {
  const unsigned log2 = frame.superblock_128 ? 7 : 6;
  const auto superblocks = [&](uint32_t samples) {
    return ((samples + 7) / 8 * 8 + (1u << log2) - 1) >> log2;
  };
  Limits limits{};
  limits.columns = superblocks(frame.width);
  limits.rows = superblocks(frame.height);
  limits.max_tile_width = kMaxTileWidth >> log2;
  limits.min_log2_columns = tile_log2(limits.max_tile_width, limits.columns);
  limits.max_log2_columns =
      tile_log2(1, std::min<uint32_t>(limits.columns, V4L2_AV1_MAX_TILE_COLS));
  limits.max_log2_rows = tile_log2(1, std::min<uint32_t>(limits.rows, V4L2_AV1_MAX_TILE_ROWS));
  limits.min_log2_tiles = std::max(
      limits.min_log2_columns, tile_log2(kMaxTileArea >> (2 * log2), limits.columns * limits.rows));
  return limits;
}

// The exponent whose uniform spacing gives `count` tiles of a side of `superblocks`.
std::optional<unsigned> uniform_log2(uint32_t superblocks, uint32_t count, unsigned min,
                                     unsigned max) {
  for (unsigned log2 = min; log2 <= std::max(min, max); ++log2) {
    const uint32_t size = (superblocks + (1u << log2) - 1) >> log2;
    if ((superblocks + size - 1) / size == count) return log2;
  }
  return std::nullopt;
}

void write_increments(BitWriter& bits, unsigned value, unsigned min, unsigned max) {
  for (unsigned i = min; i < value; ++i) bits.flag(true);
  if (value < max) bits.flag(false);
}

// The sizes of `count` tiles that cover `superblocks`; returns the largest.
Result<uint32_t> write_sizes(BitWriter& bits, const uint32_t* sizes_minus_1, uint32_t count,
                             uint32_t superblocks, uint32_t max_size) {
  uint32_t largest = 0;
  uint32_t start = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t most = std::min(superblocks - start, max_size);
    if (most == 0 || sizes_minus_1[i] >= most) {
      return invalid("AV1: the tiles are larger than the frame or than a tile may be");
    }
    write_ns(bits, most, sizes_minus_1[i]);
    start += sizes_minus_1[i] + 1;
    largest = std::max(largest, sizes_minus_1[i] + 1);
  }
  if (start != superblocks) return invalid("AV1: the tiles do not cover the frame");
  return largest;
}

}  // namespace

Status write_av1_tile_info(BitWriter& bits, const v4l2_av1_tile_info& info,
                           const Av1TileFrame& frame, unsigned tile_size_bytes) {
  const Limits limits = limits_of(frame);
  unsigned columns_log2 = 0;
  unsigned rows_log2 = 0;
  const bool uniform = info.flags & V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
  bits.flag(uniform);
  if (uniform) {
    const auto columns = uniform_log2(limits.columns, info.tile_cols, limits.min_log2_columns,
                                      limits.max_log2_columns);
    if (!columns.has_value()) return invalid("AV1: no uniform tiles of so many columns");
    columns_log2 = *columns;
    write_increments(bits, columns_log2, limits.min_log2_columns, limits.max_log2_columns);
    const unsigned min_log2_rows =
        limits.min_log2_tiles > columns_log2 ? limits.min_log2_tiles - columns_log2 : 0;
    const auto rows =
        uniform_log2(limits.rows, info.tile_rows, min_log2_rows, limits.max_log2_rows);
    if (!rows.has_value()) return invalid("AV1: no uniform tiles of so many rows");
    rows_log2 = *rows;
    write_increments(bits, rows_log2, min_log2_rows, limits.max_log2_rows);
  } else {
    const auto widest = write_sizes(bits, info.width_in_sbs_minus_1, info.tile_cols, limits.columns,
                                    limits.max_tile_width);
    if (!widest) return widest.error();
    const uint32_t area = limits.columns * limits.rows;
    const uint32_t max_area =
        limits.min_log2_tiles > 0 ? area >> (limits.min_log2_tiles + 1) : area;
    const auto tallest = write_sizes(bits, info.height_in_sbs_minus_1, info.tile_rows, limits.rows,
                                     std::max<uint32_t>(max_area / *widest, 1));
    if (!tallest) return tallest.error();
    columns_log2 = tile_log2(1, info.tile_cols);
    rows_log2 = tile_log2(1, info.tile_rows);
  }
  if (columns_log2 == 0 && rows_log2 == 0) return {};
  if (info.context_update_tile_id >= info.tile_cols * info.tile_rows) {
    return invalid("AV1: context_update_tile_id names no tile");
  }
  bits.u(columns_log2 + rows_log2, info.context_update_tile_id);
  bits.u(2, tile_size_bytes - 1);
  return {};
}

}  // namespace daedalus::core::rewrite
