// The reconstruction pass: a row's macroblock list to samples, not yet deblocked.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_RECONSTRUCTION_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_RECONSTRUCTION_H_

#include <cstdint>
#include <vector>

#include "decode_core/software/h264/intra_reconstruction.h"
#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/picture_planes.h"
#include "decode_core/software/h264/prediction_lists.h"
#include "decode_core/software/h264/reference_samples.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::core::h264 {

class Reconstruction {
 public:
  // All that is passed by reference and the samples outlive it.
  Reconstruction(const PictureList& list, const ReferenceSamples& references,
                 const PicturePlanes& target, const gpu_kernels::SubstrateChoice& substrate);

  // Rows (of pairs in an MBAFF frame) in order, each planned and then reconstructed. What inter
  // prediction has to do; no samples are looked at.
  void plan_row(uint32_t row) { lists_.build_row(row); }
  // Luma lines from the top of each reference frame that the planned row reads, at most; for a row
  // of frame macroblocks.
  uint32_t lines_read() const { return lists_.lines_read(); }
  // Inter prediction and residual of the whole row, then its intra macroblocks. Writes samples of
  // this row alone, and reads of the picture only those.
  void reconstruct_row(uint32_t row);

  // Whether any block so far was predicted from a reference that is missing.
  bool missed_reference() const { return lists_.missed_reference(); }

 private:
  void predict(PictureStructure structure, const PicturePlanes& target);
  void add_residual(uint32_t row);
  void reconstruct_intra(uint32_t row);
  gpu_kernels::H264Target target_of(uint32_t x, uint32_t y, const Macroblock& macroblock) const;

  const PictureList& list_;
  const ReferenceSamples& references_;
  const PicturePlanes target_;
  const gpu_kernels::H264McFunctions& mc_;
  const gpu_kernels::H264IdctFunctions& idct_;
  PredictionLists lists_;
  IntraReconstruction intra_;
  std::vector<gpu_kernels::H264ResidualMacroblock> residuals_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_RECONSTRUCTION_H_
