// Deblocking of MBAFF frames (8.7 with MbaffFrameFlag 1), where a macroblock's neighbours may be of
// the other kind.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_MBAFF_DEBLOCKING_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_MBAFF_DEBLOCKING_H_

#include <array>
#include <cstdint>

#include "decode_core/software/h264/deblocking_thresholds.h"
#include "decode_core/software/h264/edge_strengths.h"
#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/picture_planes.h"
#include "gpu_kernels/deblock/h264.h"

namespace daedalus::core::h264 {

class MbaffDeblocking {
 public:
  MbaffDeblocking(const PictureList& list, const PicturePlanes& target,
                  const gpu_kernels::H264DeblockFunctions& functions,
                  DeblockingThresholds& thresholds, EdgeStrengths& strengths)
      : list_(list),
        target_(target),
        functions_(functions),
        thresholds_(thresholds),
        strengths_(strengths) {}

  // A row of pairs.
  void filter_row(uint32_t row);

 private:
  using Qps = DeblockingThresholds::Qps;
  // One macroblock of a pair.
  struct Place {
    uint32_t x;
    uint32_t row;     // of pairs
    uint32_t bottom;  // 1: the second of the pair
    uint32_t index;
    bool field;
    gpu_kernels::H264Target target;
  };
  Place place_of(uint32_t x, uint32_t row, uint32_t bottom) const;
  uint32_t index_of(uint32_t x, uint32_t row, uint32_t bottom) const;
  bool is_field(uint32_t index) const;
  FilteredNeighbours neighbours_of_same_kind(const Place& place) const;

  struct Thresholds {
    const gpu_kernels::H264EdgeThresholds& y;
    const gpu_kernels::H264EdgeThresholds& cb;
    const gpu_kernels::H264EdgeThresholds& cr;
  };
  Thresholds thresholds_of(const Qps& qps) const;

  void filter(const Place& place);
  void filter_mixed_left(const Place& place);
  void filter_mixed_top(const Place& place);
  void filter_left_part(const Place& place, uint32_t beyond, const EdgeStrength& strength,
                        ptrdiff_t luma_offset, ptrdiff_t chroma_offset);
  void filter_top_part(const Place& place, uint32_t beyond, ptrdiff_t luma_offset,
                       ptrdiff_t chroma_offset, ptrdiff_t luma_stride, ptrdiff_t chroma_stride);
  void filter_edge(const Place& place, bool vertical, unsigned edge, const EdgeStrength& strength,
                   const Qps& qps) const;

  const PictureList& list_;
  const PicturePlanes& target_;
  const gpu_kernels::H264DeblockFunctions& functions_;
  DeblockingThresholds& thresholds_;
  EdgeStrengths& strengths_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_MBAFF_DEBLOCKING_H_
