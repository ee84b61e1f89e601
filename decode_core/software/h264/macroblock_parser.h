// MacroblockParser: macroblock_layer() (7.3.5) and what follows from it without a pixel, for both
// entropy coders.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_PARSER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_PARSER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "decode_core/software/h264/cabac_syntax.h"
#include "decode_core/software/h264/cavlc_syntax.h"
#include "decode_core/software/h264/direct_prediction.h"
#include "decode_core/software/h264/level_scale.h"
#include "decode_core/software/h264/macroblock_context.h"
#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/macroblock_state.h"
#include "decode_core/software/h264/motion_cache.h"
#include "decode_core/software/h264/slice.h"

namespace daedalus::core::h264 {

// What all macroblocks of a picture share.
struct PictureContext {
  PictureContext(const v4l2_ctrl_h264_sps& sps, const v4l2_ctrl_h264_pps& pps,
                 const v4l2_ctrl_h264_scaling_matrix* matrix, PictureList& picture_list);

  PictureList& list;
  bool has_chroma;                              // 4:2:0; else 4:0:0
  bool transform_8x8;                           // transform_8x8_mode_flag
  bool constrained_intra;                       // constrained_intra_pred_flag
  bool inference_8x8;                           // direct_8x8_inference_flag
  std::unique_ptr<const LevelScale> own_scale;  // of scaling matrices that are not flat
  const LevelScale& scale;
  std::array<std::array<uint8_t, 52>, 2> chroma_qp;  // of Cb, Cr by QPY
  ContextRows rows;
};

class MacroblockParser {
 public:
  explicit MacroblockParser(PictureContext& picture) : picture_(picture) {}

  // slice: of the picture's list, `index` there. qp: SliceQPY. direct: of the slice, if it has B
  // macroblocks.
  void begin_slice(const Slice& slice, uint32_t index, int qp, const DirectPrediction& direct);

  // The macroblock at (x, y); field: a field macroblock of an MBAFF frame. Its neighbours are then
  // known, it is in the slice and has no content yet. To be called again where `field` turns out to
  // be another.
  void begin(uint32_t x, uint32_t y, bool field);
  const Neighbours& neighbours() const { return state_.near; }

  // Of the macroblock that was begun. False: damage.
  template <typename Syntax>
  bool parse(Syntax& syntax);
  // P_Skip or B_Skip.
  void skip();

  bool is_i() const { return slice_->header.is_intra(); }
  bool is_b() const { return lists_ == 2; }
  // The slice's number in the list and in contexts.
  uint32_t slice_index() const { return slice_index_; }

 private:
  // How a macroblock, or an 8x8 block, is divided and which lists its parts use (bits 0 and 1).
  struct Division {
    Partition partition;
    std::array<uint8_t, 2> lists;
  };
  // In 4x4 blocks.
  struct Part {
    int x;
    int y;
    int width;
    int height;
  };
  struct Parts {
    size_t count;
    std::array<Part, 4> parts;
  };
  static constexpr std::array<Parts, 4> parts_of_square(int size);
  static const std::array<Parts, 4> kPartsOfMacroblock;
  static const std::array<Parts, 4> kPartsOfQuarter;
  static const std::array<Division, 22> kDivisionsB;
  static const std::array<Division, 13> kSubDivisionsB;

  unsigned entries(size_t list) const {
    return unsigned{slice_->list_sizes[list]} << (field_ ? 1 : 0);
  }
  size_t lists() const { return lists_; }

  // Intra (macroblock_intra.cc).
  template <typename Syntax>
  bool parse_intra(Syntax& syntax, unsigned type);
  template <typename Syntax>
  bool parse_intra_modes(Syntax& syntax);
  template <typename Syntax>
  bool parse_pcm(Syntax& syntax);
  void find_intra_neighbours();
  bool has_neighbours_4x4(unsigned mode, int x, int y, int size) const;
  bool has_neighbours_whole(bool vertical, bool horizontal, bool plane) const;

  // Inter (macroblock_inter.cc).
  template <typename Syntax>
  bool parse_inter(Syntax& syntax, unsigned type);
  template <typename Syntax>
  bool parse_whole(Syntax& syntax, unsigned used);
  template <typename Syntax>
  bool parse_halves(Syntax& syntax, const Division& division);
  template <typename Syntax>
  bool parse_quarters(Syntax& syntax, bool first_references, bool& small_parts);
  template <typename Syntax>
  bool parse_motion(Syntax& syntax, unsigned type, bool& small_parts);
  template <typename Syntax>
  bool parse_reference(Syntax& syntax, size_t list, bool used, const Part& part,
                       unsigned& reference);
  template <typename Syntax>
  void parse_quarter_vectors(Syntax& syntax, size_t list, size_t quarter, int8_t reference);
  template <typename Syntax>
  MotionVector parse_vector(Syntax& syntax, size_t list, const Part& part, MotionVector predicted);
  template <typename Syntax>
  void set_unused(size_t list, const Part& part);
  void load_motion(size_t list);
  void load_contexts(size_t list);
  void store_whole(size_t list, int8_t reference, MotionVector vector);
  void set_no_motion();
  void derive_direct(DirectMotion& motion);
  void parse_direct();
  void set_direct_quarter(const DirectMotion& motion, size_t list, size_t quarter);

  // Residual (macroblock_residual.cc).
  template <typename Syntax>
  bool parse_residual(Syntax& syntax, bool intra16x16);
  template <typename Syntax>
  void parse_luma(Syntax& syntax);
  template <typename Syntax>
  void parse_luma_16x16(Syntax& syntax);
  template <typename Syntax>
  void parse_chroma(Syntax& syntax);
  template <typename Syntax>
  bool parse_qp_delta(Syntax& syntax);
  int16_t* reserve_values();
  void set_nonzero_blocks();

  PictureContext& picture_;
  const Slice* slice_ = nullptr;
  const DirectPrediction* direct_ = nullptr;
  uint32_t slice_index_ = 0;
  size_t lists_ = 1;  // 2 in B slices
  int qp_ = 0;        // QPY of the macroblock before

  // The macroblock in work.
  uint32_t x_ = 0;
  uint32_t y_ = 0;
  uint32_t number_ = 0;  // in the list and the motion field
  bool field_ = false;
  Macroblock* macroblock_ = nullptr;
  MacroblockState state_;
  ResidualWriter writer_;
  std::array<MotionCache, 2> motion_;
  std::array<MotionContexts, 2> motion_contexts_;
  std::array<size_t, 2> row_values_{};  // row in work, values taken of its store
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_PARSER_H_
