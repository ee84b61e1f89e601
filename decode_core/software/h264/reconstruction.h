// The reconstruction pass: a row's macroblock list to samples, not yet deblocked.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_RECONSTRUCTION_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_RECONSTRUCTION_H_

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "decode_core/software/h264/inter_gpu.h"
#include "decode_core/software/h264/intra_reconstruction.h"
#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/picture_planes.h"
#include "decode_core/software/h264/prediction_lists.h"
#include "decode_core/software/h264/reference_samples.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::core::h264 {

// Who did a picture's inter prediction.
enum class InterOn : uint8_t {
  kCpu,
  kGpu,
  kCpuForGpu,  // which failed
};

class Reconstruction {
 public:
  // All that is passed by reference, the samples and `gpu` outlive it. `gpu`: takes the
  // picture; null for the CPU, as in MBAFF frames.
  Reconstruction(const PictureList& list, const ReferenceSamples& references,
                 const PicturePlanes& target, const gpu_kernels::SubstrateChoice& substrate,
                 InterGpu* gpu);

  // Whether all rows are predicted with the first one: then the first one is planned when the whole
  // list is there.
  bool predicts_at_once() const { return gpu_ != nullptr; }

  // Rows (of pairs in an MBAFF frame) in order, each planned and then reconstructed. What inter
  // prediction has to do; no samples are looked at.
  void plan_row(uint32_t row);
  // Luma lines from the top of each reference frame that the planned row reads, at most; for a row
  // of frame macroblocks that is predicted by itself.
  uint32_t lines_read() const { return lists_.lines_read(); }
  // Inter prediction and residual of the whole row, then its intra macroblocks. Writes samples of
  // this row alone, and reads of the picture only those; but for a picture that is predicted at
  // once the first row's may write all.
  void reconstruct_row(uint32_t row);

  // Whether any block so far was predicted from a reference that is missing.
  bool missed_reference() const { return lists_.missed_reference(); }
  // Of the rows reconstructed so far.
  InterOn inter_on() const { return inter_on_; }

 private:
  void predict(PictureStructure structure, const PicturePlanes& target);
  bool plan_picture();
  Status predict_on_gpu(const gpu_kernels::H264McPictures& pictures);
  void predict_picture();
  bool has_residual(const Macroblock& macroblock) const;
  gpu_kernels::H264Residual residual_of(const Macroblock& macroblock, uint32_t row) const;
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

  // Of a picture that is predicted at once.
  InterGpu* const gpu_;
  bool at_once_ = false;
  std::vector<gpu_kernels::H264Prediction> predictions_;
  std::vector<gpu_kernels::H264McWeights> weights_;
  InterOn inter_on_ = InterOn::kCpu;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_RECONSTRUCTION_H_
