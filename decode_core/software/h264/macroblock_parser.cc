#include "decode_core/software/h264/macroblock_parser.h"

#include <algorithm>

namespace daedalus::core::h264 {

PictureContext::PictureContext(const v4l2_ctrl_h264_sps& sps, const v4l2_ctrl_h264_pps& pps,
                               const v4l2_ctrl_h264_scaling_matrix* matrix,
                               PictureList& picture_list)
    : list(picture_list),
      has_chroma(sps.chroma_format_idc != 0),
      transform_8x8((pps.flags & V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE) != 0),
      constrained_intra((pps.flags & V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED) != 0),
      inference_8x8((sps.flags & V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE) != 0),
      own_scale(matrix != nullptr ? std::make_unique<const LevelScale>(matrix) : nullptr),
      scale(own_scale != nullptr ? *own_scale : LevelScale::flat()),
      chroma_qp{chroma_qp_table(pps.chroma_qp_index_offset),
                chroma_qp_table(pps.second_chroma_qp_index_offset)} {
  rows.resize(list.width, list.height, list.mbaff);
}

void MacroblockParser::begin_slice(const Slice& slice, uint32_t index, int qp,
                                   const DirectPrediction& direct) {
  slice_ = &slice;
  slice_index_ = index;
  direct_ = &direct;
  lists_ = slice.header.is_b() ? 2 : 1;
  qp_ = qp;
}

void MacroblockParser::begin(uint32_t x, uint32_t y, bool field) {
  x_ = x;
  y_ = y;
  field_ = field;
  PictureList& list = picture_.list;
  number_ = y * list.width + x;
  macroblock_ = &list.macroblocks[number_];
  *macroblock_ = Macroblock{};
  macroblock_->slice = static_cast<uint16_t>(slice_index_);
  if (field) macroblock_->flags |= Macroblock::kField;
  if (list.mbaff) {
    state_.near = picture_.rows.find_mbaff(x, y, field, slice_index_);
  } else {
    picture_.rows.find(x, y, slice_index_, state_.near);
  }
  state_.field_scan = field || list.structure != PictureStructure::kFrame;
  state_.intra = false;
  MacroblockContext& context = picture_.rows.at(x, y);
  context = MacroblockContext{};
  context.slice = slice_index_;
  if (field) context.flags |= MacroblockContext::kField;
  state_.context = &context;
  const uint32_t row = list.mbaff ? y / 2 : y;
  if (row_values_[0] != row) row_values_ = {row, 0};
  MotionField& motion = *list.motion;
  motion.slice[number_] = static_cast<uint16_t>(slice_index_);
  if (list.mbaff) motion.field[number_] = field ? 1 : 0;
}

template <typename Syntax>
bool MacroblockParser::parse(Syntax& syntax) {
  if (is_i()) return parse_intra(syntax, syntax.mb_type_i(state_.near));
  const unsigned first_intra = is_b() ? 23 : 5;
  const unsigned type = is_b() ? syntax.mb_type_b(state_.near) : syntax.mb_type_p();
  if (type >= first_intra) {
    set_no_motion();
    return parse_intra(syntax, type - first_intra);
  }
  return parse_inter(syntax, type);
}

template bool MacroblockParser::parse(CabacSyntax& syntax);
template bool MacroblockParser::parse(CavlcSyntax& syntax);

}  // namespace daedalus::core::h264
