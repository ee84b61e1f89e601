// PredictionLists: what inter prediction has to do for one row of macroblocks.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_PREDICTION_LISTS_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_PREDICTION_LISTS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/reference_samples.h"
#include "gpu_kernels/mc/h264.h"

namespace daedalus::core::h264 {

class PredictionLists {
 public:
  // Both outlive it.
  PredictionLists(const PictureList& list, const ReferenceSamples& references);
  PredictionLists(const PredictionLists&) = delete;
  PredictionLists& operator=(const PredictionLists&) = delete;

  // Replaces the lists by those of a row (of pairs in an MBAFF frame). Missing macroblocks are
  // copied from a reference.
  void build_row(uint32_t row);

  // Blocks of the picture itself (kFrame, whatever it is), and of the fields of an MBAFF frame.
  std::span<const gpu_kernels::H264Prediction> of(PictureStructure target) const {
    return lists_[static_cast<size_t>(target)];
  }
  std::span<const gpu_kernels::H264McWeights> weights() const { return weights_; }
  // Luma lines from the top of their references that the blocks of of(kFrame) read, at most.
  uint32_t lines_read() const;
  // Whether any block so far was predicted from a reference that is missing.
  bool missed_reference() const { return missed_reference_; }

 private:
  struct Block {
    uint32_t macroblock;
    const Slice* slice;
    uint32_t x, y;             // of the macroblock, in luma samples of the target
    bool field_of_frame;       // a field macroblock of an MBAFF frame
    PictureStructure current;  // what is predicted
  };
  void add_macroblock(uint32_t x, uint32_t y);
  void add_quarter(const Block& block, unsigned quarter, Partition division);
  void add(const Block& block, unsigned left, unsigned top, unsigned width, unsigned height);
  void add_concealed(const Block& block);
  uint8_t reference_of(const Block& block, size_t list, int index);
  uint16_t weights_of(const Block& block, std::array<int, 2> reference);
  uint16_t make_weights(const Block& block, std::array<int, 2> reference,
                        PictureStructure macroblock);

  // Weights by refIdxL0 + 1 and refIdxL1 + 1, for frame macroblocks and those of either field.
  static constexpr size_t kRemembered = kMaxReferences + 1;
  using RememberedWeights = std::array<std::array<uint16_t, kRemembered>, kRemembered>;
  void forget_weights();

  const PictureList& list_;
  const ReferenceSamples& references_;
  std::array<std::vector<gpu_kernels::H264Prediction>, 3> lists_;
  std::vector<gpu_kernels::H264McWeights> weights_;
  std::array<RememberedWeights, 3> remembered_;
  std::vector<uint16_t*> known_;  // those of remembered_ that are
  const Slice* weighted_slice_ = nullptr;
  bool missed_reference_ = false;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_PREDICTION_LISTS_H_
