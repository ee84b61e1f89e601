// Reconstruction of intra macroblocks, which follow one another: each is predicted from its
// neighbours as they are before deblocking (8.3), then its residual is added.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_INTRA_RECONSTRUCTION_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_INTRA_RECONSTRUCTION_H_

#include <array>
#include <cstdint>
#include <vector>

#include "decode_core/software/h264/macroblock_list.h"
#include "decode_core/software/h264/picture_planes.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/intra/h264.h"

namespace daedalus::core::h264 {

class IntraReconstruction {
 public:
  // `list` and the samples outlive it.
  IntraReconstruction(const PictureList& list, const PicturePlanes& target,
                      const gpu_kernels::SubstrateChoice& substrate);

  // A macroblock that is intra coded (kPcm too), with its neighbours to the left done; x and y in
  // macroblocks as in PictureList. `coefficients`: its own.
  void reconstruct(uint32_t x, uint32_t y, const int16_t* coefficients);

  // Keeps the last lines of a row (of pairs) for the next one, before they are deblocked. All of
  // its macroblocks are reconstructed.
  void keep_last_lines(uint32_t row);

 private:
  // One macroblock and what lies above: pointers to the samples above its first ones, with one
  // more macroblock readable on each side.
  struct Place {
    const Macroblock& macroblock;
    const int16_t* coefficients;
    gpu_kernels::H264Target target;
    const uint8_t* luma_above;
    const uint8_t* chroma_above;
  };
  Place place_of(uint32_t x, uint32_t y, const int16_t* coefficients) const;
  void reconstruct_4x4(const Place& place) const;
  void reconstruct_8x8(const Place& place) const;
  void predict_16x16(const Place& place) const;
  void predict_chroma(const Place& place) const;

  struct Line {
    std::vector<uint8_t> luma;
    std::vector<uint8_t> chroma;
  };
  static constexpr size_t kMargin = 32;

  const PictureList& list_;
  const PicturePlanes target_;
  const gpu_kernels::H264IntraFunctions& intra_;
  const gpu_kernels::H264IdctFunctions& idct_;
  // The last two lines of the row above: in an MBAFF frame the last of each field; else only the
  // second is kept.
  std::array<Line, 2> above_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_INTRA_RECONSTRUCTION_H_
