#include "decode_core/headers/hevc_pps.h"

#include <iterator>
#include <string>
#include <vector>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_scaling.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("HEVC picture parameter set: ") + what};
}

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> rbsp) : bits_(rbsp) {}

  Result<HevcPps> read() {
    bits_.skip(8 * kHevcNalHeaderBytes);
    const uint32_t pps_id = bits_.ue();
    const uint32_t sps_id = bits_.ue();
    if (pps_id > 63) return corrupt("pps_pic_parameter_set_id above 63");
    if (sps_id > 15) return corrupt("pps_seq_parameter_set_id above 15");
    control_.pic_parameter_set_id = static_cast<uint8_t>(pps_id);
    pps_.sps_id = static_cast<uint8_t>(sps_id);
    if (Status status = read_prediction(); !status) return status.error();
    if (Status status = read_tiles(); !status) return status.error();
    if (Status status = read_filters(); !status) return status.error();
    if (bits_.flag()) {
      pps_.scaling_matrix.emplace();
      if (!read_hevc_scaling_matrix(bits_, *pps_.scaling_matrix))
        return corrupt("bad scaling list");
    }
    note(V4L2_HEVC_PPS_FLAG_LISTS_MODIFICATION_PRESENT);
    const uint32_t merge_minus2 = bits_.ue();
    if (merge_minus2 > 4) return corrupt("log2_parallel_merge_level_minus2 above 4");
    control_.log2_parallel_merge_level_minus2 = static_cast<uint8_t>(merge_minus2);
    note(V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
    const uint32_t extensions = bits_.flag() ? bits_.u(8) : 0;
    if (bits_.overrun()) return corrupt("it ends too early");
    constexpr uint32_t kKnownExtensions = 0xf0;
    if (extensions & kKnownExtensions) {
      return Error{ErrorCode::kUnsupported,
                   "HEVC picture parameter set: extensions of later profiles"};
    }
    return pps_;
  }

 private:
  bool note(uint64_t flag) {
    const bool set = bits_.flag();
    if (set) control_.flags |= flag;
    return set;
  }

  Status read_prediction() {
    note(V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED);
    note(V4L2_HEVC_PPS_FLAG_OUTPUT_FLAG_PRESENT);
    control_.num_extra_slice_header_bits = static_cast<uint8_t>(bits_.u(3));
    note(V4L2_HEVC_PPS_FLAG_SIGN_DATA_HIDING_ENABLED);
    note(V4L2_HEVC_PPS_FLAG_CABAC_INIT_PRESENT);
    const uint32_t l0_minus1 = bits_.ue();
    const uint32_t l1_minus1 = bits_.ue();
    if (l0_minus1 > 14 || l1_minus1 > 14) return corrupt("more than 15 references by default");
    control_.num_ref_idx_l0_default_active_minus1 = static_cast<uint8_t>(l0_minus1);
    control_.num_ref_idx_l1_default_active_minus1 = static_cast<uint8_t>(l1_minus1);
    const int32_t init_qp_minus26 = bits_.se();
    if (init_qp_minus26 < -(26 + 48) || init_qp_minus26 > 25) return corrupt("bad init_qp_minus26");
    control_.init_qp_minus26 = static_cast<int8_t>(init_qp_minus26);
    note(V4L2_HEVC_PPS_FLAG_CONSTRAINED_INTRA_PRED);
    note(V4L2_HEVC_PPS_FLAG_TRANSFORM_SKIP_ENABLED);
    if (note(V4L2_HEVC_PPS_FLAG_CU_QP_DELTA_ENABLED)) {
      const uint32_t depth = bits_.ue();
      if (depth > 3) return corrupt("diff_cu_qp_delta_depth above 3");
      control_.diff_cu_qp_delta_depth = static_cast<uint8_t>(depth);
    }
    const int32_t cb = bits_.se();
    const int32_t cr = bits_.se();
    if (cb < -12 || cb > 12 || cr < -12 || cr > 12) return corrupt("chroma offset outside -12..12");
    control_.pps_cb_qp_offset = static_cast<int8_t>(cb);
    control_.pps_cr_qp_offset = static_cast<int8_t>(cr);
    note(V4L2_HEVC_PPS_FLAG_PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT);
    note(V4L2_HEVC_PPS_FLAG_WEIGHTED_PRED);
    note(V4L2_HEVC_PPS_FLAG_WEIGHTED_BIPRED);
    note(V4L2_HEVC_PPS_FLAG_TRANSQUANT_BYPASS_ENABLED);
    return {};
  }

  Status read_tiles() {
    const bool tiles = note(V4L2_HEVC_PPS_FLAG_TILES_ENABLED);
    note(V4L2_HEVC_PPS_FLAG_ENTROPY_CODING_SYNC_ENABLED);
    if (!tiles) {
      control_.flags |= V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED;  // inferred
      return {};
    }
    const uint32_t columns_minus1 = bits_.ue();
    const uint32_t rows_minus1 = bits_.ue();
    if (columns_minus1 >= std::size(control_.column_width_minus1) ||
        rows_minus1 >= std::size(control_.row_height_minus1)) {
      return corrupt("more than 20x22 tiles");
    }
    control_.num_tile_columns_minus1 = static_cast<uint8_t>(columns_minus1);
    control_.num_tile_rows_minus1 = static_cast<uint8_t>(rows_minus1);
    if (!note(V4L2_HEVC_PPS_FLAG_UNIFORM_SPACING)) {
      if (!read_sizes(columns_minus1, control_.column_width_minus1) ||
          !read_sizes(rows_minus1, control_.row_height_minus1)) {
        return corrupt("a tile above 256 coding tree blocks");
      }
    }
    note(V4L2_HEVC_PPS_FLAG_LOOP_FILTER_ACROSS_TILES_ENABLED);
    return {};
  }

  bool read_sizes(uint32_t count, uint8_t* sizes_minus1) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t size_minus1 = bits_.ue();
      if (size_minus1 > 255) return false;
      sizes_minus1[i] = static_cast<uint8_t>(size_minus1);
    }
    return true;
  }

  Status read_filters() {
    note(V4L2_HEVC_PPS_FLAG_PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
    if (!note(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) return {};
    note(V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_OVERRIDE_ENABLED);
    if (note(V4L2_HEVC_PPS_FLAG_PPS_DISABLE_DEBLOCKING_FILTER)) return {};
    const int32_t beta = bits_.se();
    const int32_t tc = bits_.se();
    if (beta < -6 || beta > 6 || tc < -6 || tc > 6)
      return corrupt("deblocking offset outside -6..6");
    control_.pps_beta_offset_div2 = static_cast<int8_t>(beta);
    control_.pps_tc_offset_div2 = static_cast<int8_t>(tc);
    return {};
  }

  BitReader bits_;
  HevcPps pps_;
  v4l2_ctrl_hevc_pps& control_ = pps_.control;
};

}  // namespace

Result<HevcPps> parse_hevc_pps(std::span<const uint8_t> nal) {
  const HevcNalHeader header = hevc_nal_header(nal);
  if (!header.valid || header.type != HevcNalType::kPps || header.layer_id != 0) {
    return corrupt("not of NAL unit type 34 and layer 0");
  }
  constexpr size_t kLongest = 16 << 10;
  const std::vector<uint8_t> rbsp = extract_rbsp(nal, kLongest);
  return Reader(rbsp).read();
}

}  // namespace daedalus::headers
