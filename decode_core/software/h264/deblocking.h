// The deblocking pass (8.7): filters a reconstructed picture row after row.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_H_

#include <cstdint>
#include <vector>

#include "decode_core/software/h264/deblocking_thresholds.h"
#include "decode_core/software/h264/edge_strengths.h"
#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/picture_planes.h"
#include "gpu_kernels/deblock/h264.h"

namespace daedalus::core::h264 {

class Deblocking {
 public:
  // `list` and the samples outlive it.
  Deblocking(const PictureList& list, const v4l2_ctrl_h264_pps& pps, const PicturePlanes& target,
             const gpu_kernels::SubstrateChoice& substrate);

  // Rows (of pairs in an MBAFF frame) in order; the row is reconstructed. Changes samples of this
  // row and up to three lines of the one above, in an MBAFF frame up to three of each field.
  void filter_row(uint32_t row);

 private:
  void filter_plain_row(uint32_t row);
  void add_to_batch(uint32_t x, uint32_t row);
  void run_batch();

  const PictureList& list_;
  const PicturePlanes target_;
  const gpu_kernels::H264DeblockFunctions& functions_;
  DeblockingThresholds thresholds_;
  EdgeStrengths strengths_;
  std::vector<gpu_kernels::H264DeblockMacroblock> batch_;  // room for a row
  size_t batch_size_ = 0;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_DEBLOCKING_H_
