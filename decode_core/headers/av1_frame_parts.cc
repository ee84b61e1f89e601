// Tiles, quantisers, segments and filters of the frame header (AV1 5.9.12 to 5.9.23).
#include <algorithm>
#include <bit>
#include <string>

#include "decode_core/headers/av1_frame_reader.h"

namespace daedalus::headers {
namespace {

constexpr uint32_t kMaxTileWidth = 4096;                // MAX_TILE_WIDTH
constexpr uint32_t kMaxTileArea = 4096 * 2304;          // MAX_TILE_AREA
constexpr uint32_t kMaxTiles = V4L2_AV1_MAX_TILE_COLS;  // a direction
static_assert(V4L2_AV1_MAX_TILE_ROWS == V4L2_AV1_MAX_TILE_COLS);

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("AV1 frame header: ") + what};
}

// tile_log2() (5.9.16)
unsigned tile_log2(uint32_t block, uint32_t target) {
  unsigned k = 0;
  while ((block << k) < target) ++k;
  return k;
}

constexpr std::array<unsigned, V4L2_AV1_SEG_LVL_MAX> kFeatureBits = {8, 6, 6, 6, 6, 3, 0, 0};
constexpr std::array<int, V4L2_AV1_SEG_LVL_MAX> kFeatureMax = {255, 63, 63, 63, 63, 7, 0, 0};
constexpr size_t kSignedFeatures = V4L2_AV1_SEG_LVL_REF_FRAME;  // those before it are

constexpr std::array<int8_t, V4L2_AV1_TOTAL_REFS_PER_FRAME> kDefaultReferenceDeltas = {
    1, 0, 0, 0, -1, 0, -1, -1};

}  // namespace

// With get_qidx() (7.12.2).
bool av1_is_coded_lossless(const v4l2_ctrl_av1_frame& frame) {
  const v4l2_av1_quantization& q = frame.quantization;
  const v4l2_av1_segmentation& segmentation = frame.segmentation;
  if (q.delta_q_y_dc != 0 || q.delta_q_u_dc != 0 || q.delta_q_u_ac != 0 || q.delta_q_v_dc != 0 ||
      q.delta_q_v_ac != 0) {
    return false;
  }
  for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
    int index = q.base_q_idx;
    if (segmentation.feature_enabled[segment] >> V4L2_AV1_SEG_LVL_ALT_Q & 1) {
      index += segmentation.feature_data[segment][V4L2_AV1_SEG_LVL_ALT_Q];
    }
    if (index > 0) return false;
  }
  return true;
}

struct Av1FrameReader::TileAxis {
  uint32_t superblocks;
  unsigned superblock_shift;  // log2 of its size in units of 4 luma samples
  uint32_t units;             // MiCols or MiRows
  uint32_t* starts;           // mi_col_starts or mi_row_starts
  uint32_t* sizes_minus_1;
  uint32_t count = 0;
  uint32_t position = 0;  // the next tile's, in superblocks

  bool complete() const { return position >= superblocks; }
  uint32_t left() const { return superblocks - position; }
  uint32_t max_tile_width() const { return kMaxTileWidth >> (superblock_shift + 2); }
  // False: there are too many.
  bool add(uint32_t size) {
    if (count == kMaxTiles) return false;
    starts[count] = position << superblock_shift;
    sizes_minus_1[count] = std::min(size, left()) - 1;
    position += size;
    starts[++count] = std::min(position << superblock_shift, units);
    return true;
  }
  bool add_uniform(unsigned log2) {
    const uint32_t size = (superblocks + (1u << log2) - 1) >> log2;
    while (!complete()) {
      if (!add(size)) return false;
    }
    return true;
  }
};

unsigned Av1FrameReader::min_log2_columns(const TileAxis& columns) {
  return tile_log2(columns.max_tile_width(), columns.superblocks);
}

unsigned Av1FrameReader::min_log2_tiles(const TileAxis& columns, const TileAxis& rows) {
  const uint32_t max_area = kMaxTileArea >> (2 * (columns.superblock_shift + 2));
  return std::max(min_log2_columns(columns),
                  tile_log2(max_area, rows.superblocks * columns.superblocks));
}

uint32_t Av1FrameReader::read_non_symmetric(uint32_t values) {
  if (values <= 1) return 0;
  const unsigned width = static_cast<unsigned>(std::bit_width(values));
  const uint32_t short_codes = (1u << width) - values;
  const uint32_t value = reader_.u(width - 1);
  if (value < short_codes) return value;
  return (value << 1) - short_codes + reader_.u(1);
}

// tile_info() (5.9.15)
Status Av1FrameReader::read_tile_info() {
  v4l2_av1_tile_info& tiles = header_.frame.tile_info;
  const unsigned shift = sequence_.has(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK) ? 5 : 4;
  const uint32_t mi_columns = 2 * ((header_.frame.frame_width_minus_1 + 8) >> 3);
  const uint32_t mi_rows = 2 * ((header_.frame.frame_height_minus_1 + 8) >> 3);
  const auto superblocks = [&](uint32_t units) { return (units + (1u << shift) - 1) >> shift; };
  TileAxis columns{superblocks(mi_columns), shift, mi_columns, tiles.mi_col_starts,
                   tiles.width_in_sbs_minus_1};
  TileAxis rows{superblocks(mi_rows), shift, mi_rows, tiles.mi_row_starts,
                tiles.height_in_sbs_minus_1};
  const bool uniform = reader_.flag();
  if (uniform) tiles.flags |= V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
  const bool fits = uniform ? read_uniform_tiles(columns, rows) : read_tiles(columns, rows);
  if (!fits) return corrupt("more tiles than 64 a direction");
  tiles.tile_cols = static_cast<uint8_t>(columns.count);
  tiles.tile_rows = static_cast<uint8_t>(rows.count);
  if (header_.tile_columns_log2 + header_.tile_rows_log2 == 0) return {};
  const uint32_t update_tile = reader_.u(header_.tile_columns_log2 + header_.tile_rows_log2);
  if (update_tile >= columns.count * rows.count || update_tile > UINT8_MAX) {
    return corrupt("context_update_tile_id");
  }
  tiles.context_update_tile_id = static_cast<uint8_t>(update_tile);
  tiles.tile_size_bytes = static_cast<uint8_t>(reader_.u(2) + 1);
  return {};
}

bool Av1FrameReader::read_uniform_tiles(TileAxis& columns, TileAxis& rows) {
  const auto increments = [this](unsigned log2, const TileAxis& axis) {
    const unsigned most = tile_log2(1, std::min(axis.superblocks, kMaxTiles));
    while (log2 < most && reader_.flag()) ++log2;
    return log2;
  };
  const unsigned columns_log2 = increments(min_log2_columns(columns), columns);
  const unsigned min_log2 = min_log2_tiles(columns, rows);
  const unsigned rows_log2 =
      increments(min_log2 > columns_log2 ? min_log2 - columns_log2 : 0, rows);
  // As they were coded, not as the tiles come out.
  header_.tile_columns_log2 = static_cast<uint8_t>(columns_log2);
  header_.tile_rows_log2 = static_cast<uint8_t>(rows_log2);
  return columns.add_uniform(columns_log2) && rows.add_uniform(rows_log2);
}

bool Av1FrameReader::read_tiles(TileAxis& columns, TileAxis& rows) {
  uint32_t widest = 1;
  while (!columns.complete()) {
    const uint32_t most = std::min(columns.left(), columns.max_tile_width());
    const uint32_t size = read_non_symmetric(most) + 1;
    widest = std::max(widest, size);
    if (!columns.add(size)) return false;
  }
  const unsigned min_log2 = min_log2_tiles(columns, rows);
  const uint32_t area = rows.superblocks * columns.superblocks;
  const uint32_t max_area = min_log2 > 0 ? area >> (min_log2 + 1) : area;
  const uint32_t max_height = std::max(max_area / widest, 1u);
  while (!rows.complete()) {
    if (!rows.add(read_non_symmetric(std::min(rows.left(), max_height)) + 1)) return false;
  }
  header_.tile_columns_log2 = static_cast<uint8_t>(tile_log2(1, columns.count));
  header_.tile_rows_log2 = static_cast<uint8_t>(tile_log2(1, rows.count));
  return true;
}

// read_delta_q() (5.9.13)
int8_t Av1FrameReader::read_delta_q() {
  return reader_.flag() ? static_cast<int8_t>(reader_.s(7)) : int8_t{0};
}

// quantization_params() (5.9.12)
void Av1FrameReader::read_quantization() {
  v4l2_av1_quantization& out = header_.frame.quantization;
  const bool separate = sequence_.has(V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q);
  out.base_q_idx = static_cast<uint8_t>(reader_.u(8));
  out.delta_q_y_dc = read_delta_q();
  if (sequence_.planes() > 1) {
    const bool differ = separate && reader_.flag();
    if (differ) out.flags |= V4L2_AV1_QUANTIZATION_FLAG_DIFF_UV_DELTA;
    out.delta_q_u_dc = read_delta_q();
    out.delta_q_u_ac = read_delta_q();
    out.delta_q_v_dc = differ ? read_delta_q() : out.delta_q_u_dc;
    out.delta_q_v_ac = differ ? read_delta_q() : out.delta_q_u_ac;
  }
  if (!reader_.flag()) return;
  out.flags |= V4L2_AV1_QUANTIZATION_FLAG_USING_QMATRIX;
  out.qm_y = static_cast<uint8_t>(reader_.u(4));
  out.qm_u = static_cast<uint8_t>(reader_.u(4));
  out.qm_v = separate ? static_cast<uint8_t>(reader_.u(4)) : out.qm_u;
}

// segmentation_params() (5.9.14)
void Av1FrameReader::read_segmentation() {
  v4l2_av1_segmentation& out = header_.frame.segmentation;
  if (!reader_.flag()) return;
  const Av1FrameHeader* const previous = primary();
  const auto note_flag = [&](bool set, uint8_t value) {
    if (set) out.flags |= value;
    return set;
  };
  note_flag(true, V4L2_AV1_SEGMENTATION_FLAG_ENABLED);
  const bool first = header_.frame.primary_ref_frame == kAv1NoPrimaryReference;
  if (note_flag(first || reader_.flag(), V4L2_AV1_SEGMENTATION_FLAG_UPDATE_MAP) && !first) {
    note_flag(reader_.flag(), V4L2_AV1_SEGMENTATION_FLAG_TEMPORAL_UPDATE);
  }
  if (note_flag(first || reader_.flag(), V4L2_AV1_SEGMENTATION_FLAG_UPDATE_DATA)) {
    for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
      for (size_t feature = 0; feature < V4L2_AV1_SEG_LVL_MAX; ++feature) {
        if (!reader_.flag()) continue;
        const int most = kFeatureMax[feature];
        const unsigned bits = kFeatureBits[feature];
        const int value =
            feature < kSignedFeatures ? reader_.s(bits + 1) : static_cast<int>(reader_.u(bits));
        out.feature_enabled[segment] |= static_cast<uint8_t>(1u << feature);
        out.feature_data[segment][feature] =
            static_cast<int16_t>(std::clamp(value, feature < kSignedFeatures ? -most : 0, most));
      }
    }
  } else if (previous != nullptr) {
    const v4l2_av1_segmentation& from = previous->frame.segmentation;
    std::copy(std::begin(from.feature_enabled), std::end(from.feature_enabled),
              out.feature_enabled);
    std::copy(&from.feature_data[0][0],
              &from.feature_data[0][0] + sizeof from.feature_data / sizeof(int16_t),
              &out.feature_data[0][0]);
  }
  for (size_t segment = 0; segment < V4L2_AV1_MAX_SEGMENTS; ++segment) {
    if (out.feature_enabled[segment] == 0) continue;
    out.last_active_seg_id = static_cast<uint8_t>(segment);
    note_flag(out.feature_enabled[segment] >> V4L2_AV1_SEG_LVL_REF_FRAME != 0,
              V4L2_AV1_SEGMENTATION_FLAG_SEG_ID_PRE_SKIP);
  }
}

// delta_q_params() and delta_lf_params() (5.9.17, 5.9.18)
void Av1FrameReader::read_delta_q_and_lf() {
  v4l2_av1_quantization& quantization = header_.frame.quantization;
  v4l2_av1_loop_filter& filter = header_.frame.loop_filter;
  if (quantization.base_q_idx == 0 || !reader_.flag()) return;
  quantization.flags |= V4L2_AV1_QUANTIZATION_FLAG_DELTA_Q_PRESENT;
  quantization.delta_q_res = static_cast<uint8_t>(reader_.u(2));
  if (header_.has(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC) || !reader_.flag()) return;
  filter.flags |= V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_PRESENT;
  filter.delta_lf_res = static_cast<uint8_t>(reader_.u(2));
  if (reader_.flag()) filter.flags |= V4L2_AV1_LOOP_FILTER_FLAG_DELTA_LF_MULTI;
}

// loop_filter_params() (5.9.11)
void Av1FrameReader::read_loop_filter() {
  v4l2_av1_loop_filter& out = header_.frame.loop_filter;
  std::copy(kDefaultReferenceDeltas.begin(), kDefaultReferenceDeltas.end(), out.ref_deltas);
  if (coded_lossless_ || header_.has(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC)) return;
  if (const Av1FrameHeader* const previous = primary()) {
    const v4l2_av1_loop_filter& from = previous->frame.loop_filter;
    std::copy(std::begin(from.ref_deltas), std::end(from.ref_deltas), out.ref_deltas);
    std::copy(std::begin(from.mode_deltas), std::end(from.mode_deltas), out.mode_deltas);
  }
  out.level[0] = static_cast<uint8_t>(reader_.u(6));
  out.level[1] = static_cast<uint8_t>(reader_.u(6));
  if (sequence_.planes() > 1 && (out.level[0] != 0 || out.level[1] != 0)) {
    out.level[2] = static_cast<uint8_t>(reader_.u(6));
    out.level[3] = static_cast<uint8_t>(reader_.u(6));
  }
  out.sharpness = static_cast<uint8_t>(reader_.u(3));
  if (!reader_.flag()) return;
  out.flags |= V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED;
  if (!reader_.flag()) return;
  out.flags |= V4L2_AV1_LOOP_FILTER_FLAG_DELTA_UPDATE;
  const auto update = [this](int8_t& delta) {
    if (reader_.flag()) delta = static_cast<int8_t>(reader_.s(7));
  };
  for (int8_t& delta : out.ref_deltas) update(delta);
  for (int8_t& delta : out.mode_deltas) update(delta);
}

// cdef_params() (5.9.19)
void Av1FrameReader::read_cdef() {
  if (coded_lossless_ || header_.has(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC) ||
      !sequence_.has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF)) {
    return;
  }
  v4l2_av1_cdef& out = header_.frame.cdef;
  const auto strengths = [this](uint8_t& primary, uint8_t& secondary) {
    primary = static_cast<uint8_t>(reader_.u(4));
    secondary = static_cast<uint8_t>(reader_.u(2));
    if (secondary == 3) ++secondary;
  };
  out.damping_minus_3 = static_cast<uint8_t>(reader_.u(2));
  out.bits = static_cast<uint8_t>(reader_.u(2));
  for (size_t i = 0; i < size_t{1} << out.bits; ++i) {
    strengths(out.y_pri_strength[i], out.y_sec_strength[i]);
    if (sequence_.planes() > 1) strengths(out.uv_pri_strength[i], out.uv_sec_strength[i]);
  }
}

// lr_params() (5.9.20)
void Av1FrameReader::read_restoration() {
  constexpr std::array<v4l2_av1_frame_restoration_type, 4> kTypes = {
      V4L2_AV1_FRAME_RESTORE_NONE, V4L2_AV1_FRAME_RESTORE_SWITCHABLE, V4L2_AV1_FRAME_RESTORE_WIENER,
      V4L2_AV1_FRAME_RESTORE_SGRPROJ};  // Remap_Lr_Type
  constexpr uint32_t kMaxUnit = 256;    // RESTORATION_TILESIZE_MAX
  const v4l2_ctrl_av1_frame& frame = header_.frame;
  const bool all_lossless =
      coded_lossless_ && frame.upscaled_width == frame.frame_width_minus_1 + 1;
  if (all_lossless || header_.has(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC) ||
      !sequence_.has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION)) {
    return;
  }
  v4l2_av1_loop_restoration& out = header_.frame.loop_restoration;
  for (int plane = 0; plane < sequence_.planes(); ++plane) {
    out.frame_restoration_type[plane] = kTypes[reader_.u(2)];
    if (out.frame_restoration_type[plane] == V4L2_AV1_FRAME_RESTORE_NONE) continue;
    out.flags |= V4L2_AV1_LOOP_RESTORATION_FLAG_USES_LR;
    if (plane > 0) out.flags |= V4L2_AV1_LOOP_RESTORATION_FLAG_USES_CHROMA_LR;
  }
  if ((out.flags & V4L2_AV1_LOOP_RESTORATION_FLAG_USES_LR) == 0) return;
  const bool large = sequence_.has(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
  out.lr_unit_shift = static_cast<uint8_t>(reader_.u(1));
  if (large) {
    ++out.lr_unit_shift;
  } else if (out.lr_unit_shift != 0) {
    out.lr_unit_shift = static_cast<uint8_t>(1 + reader_.u(1));
  }
  if (subsampled() && (out.flags & V4L2_AV1_LOOP_RESTORATION_FLAG_USES_CHROMA_LR) != 0) {
    out.lr_uv_shift = static_cast<uint8_t>(reader_.u(1));
  }
  out.loop_restoration_size[0] = kMaxUnit >> (2 - out.lr_unit_shift);
  out.loop_restoration_size[1] = out.loop_restoration_size[0] >> out.lr_uv_shift;
  out.loop_restoration_size[2] = out.loop_restoration_size[1];
}

// read_tx_mode() to reduced_tx_set (5.9.21 to 5.9.23)
void Av1FrameReader::read_modes() {
  if (coded_lossless_) {
    header_.frame.tx_mode = V4L2_AV1_TX_MODE_ONLY_4X4;
  } else {
    header_.frame.tx_mode = reader_.flag() ? V4L2_AV1_TX_MODE_SELECT : V4L2_AV1_TX_MODE_LARGEST;
  }
  if (!header_.intra()) flag(V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT);
  if (find_skip_mode_frames()) {
    note(true, V4L2_AV1_FRAME_FLAG_SKIP_MODE_ALLOWED);
    flag(V4L2_AV1_FRAME_FLAG_SKIP_MODE_PRESENT);
  }
  if (!header_.intra() && !header_.has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE) &&
      sequence_.has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION)) {
    flag(V4L2_AV1_FRAME_FLAG_ALLOW_WARPED_MOTION);
  }
  flag(V4L2_AV1_FRAME_FLAG_REDUCED_TX_SET);
}

}  // namespace daedalus::headers
