// AV1's film grain (7.18.3), for 8 and 10 bit 4:2:0 and 4:0:0, added on the way from the decoded
// picture to what a client reads. What a picture needs is prepared once; bands of rows are then
// independent of each other.
#ifndef DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_H_
#define DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// A scaling function: point_*_value, ascending, and point_*_scaling.
struct Av1ScalingPoints {
  size_t count = 0;  // luma: at most 14; chroma: at most 10
  std::array<uint8_t, 14> value{};
  std::array<uint8_t, 14> scaling{};
};

struct Av1ChromaGrainParameters {
  Av1ScalingPoints points;
  std::array<int8_t, 25> ar_coeffs{};  // the last one used is luma's
  int mult = 0;                        // -128 to 127, like luma_mult
  int luma_mult = 0;
  int offset = 0;  // -256 to 255
};

// film_grain_params() (5.9.30) with apply_grain, without the constants that the bitstream adds
// ("_plus_128", "_minus_8").
struct Av1FilmGrainParameters {
  uint16_t grain_seed = 0;
  Av1ScalingPoints luma_points;
  std::array<int8_t, 24> luma_ar_coeffs{};
  std::array<Av1ChromaGrainParameters, 2> chroma;  // Cb, Cr; not read with monochrome
  int scaling_shift = 8;                           // 8 to 11
  int ar_coeff_lag = 0;                            // 0 to 3
  int ar_coeff_shift = 6;                          // 6 to 9
  int grain_scale_shift = 0;                       // 0 to 3
  bool chroma_scaling_from_luma = false;           // then the chroma points are not read
  bool overlap = false;
  bool clip_to_restricted_range = false;  // chroma to 240: matrix_coefficients is not MC_IDENTITY
};

struct Av1GrainPictureSize {
  uint32_t width = 0;  // luma samples, at most 65536 each way
  uint32_t height = 0;
  int bit_depth = 8;  // 8 or 10
  bool monochrome = false;
};

// The film grain of one plane.
struct Av1PlaneGrain {
  static constexpr size_t kMaxTemplate = size_t{73} * 82;
  // 7.18.3.3: luma 73 rows of 82, chroma 38 of 44.
  uint32_t template_width = 0;
  std::array<int16_t, kMaxTemplate> grain{};
  // scale_lut (7.18.3.5) by sample value: 256 or 1024 entries.
  std::array<uint8_t, 1024> scaling{};
  // ScalingLut (7.18.3.4) and its last entry once more, between which scale_lut is linear.
  std::array<uint8_t, 257> scaling_points{};
  // Chroma is scaled by clip(((luma * luma_mult + chroma * mult) >> 6) + offset).
  int luma_mult = 0;
  int mult = 0;
  int offset = 0;
  // The result is clipped to these.
  int min_value = 0;
  int max_value = 0;
  // False: the samples stay as they are (and the kernels leave them so: nothing is scaled).
  bool applied = false;
};

// One picture's film grain, prepared. Then only read, by any number of threads; flat, so that it
// can be copied to a GPU.
struct Av1FilmGrain {
  Av1GrainPictureSize size;
  int scaling_shift = 8;
  bool overlap = false;
  std::array<Av1PlaneGrain, 3> planes;  // Y, Cb, Cr
  // Where in the templates each block of 32x32 luma samples begins: offsetX << 4 | offsetY; stripes
  // of blocks_across.
  uint32_t blocks_across = 0;
  std::vector<uint8_t> block_offsets;

  bool applies_to_luma() const { return planes[0].applied; }
  bool applies_to_chroma() const { return planes[1].applied || planes[2].applied; }
};

// kInvalidArgument: parameters that are out of range (clients may send anything), the message says
// which; kOutOfMemory.
Result<std::shared_ptr<const Av1FilmGrain>> prepare_av1_film_grain(
    const Av1FilmGrainParameters& parameters, const Av1GrainPictureSize& size);

// What of a plane is wanted: the target's rows [band.first_row, band.end_row), of band.width
// samples. The target's first sample shows sample (x, y) of the picture's plane. All of it is
// inside the picture.
struct Av1GrainWindow {
  uint32_t x = 0;
  uint32_t y = 0;
  Band band;
};

// Sources are the whole planes of a picture: Y, Cb, Cr. Addresses, strides and threads: as
// PackFunctions. Samples of 10 bits are "low", those of *_to_high "high"; all are below
// 1 << bit_depth.
struct Av1FilmGrainFunctions {
  Substrate substrate;
  const char* target;

  using Planes = std::array<SourcePlane, 3>;
  void (*luma_8)(const Av1FilmGrain& grain, SourcePlane luma, TargetPlane to,
                 const Av1GrainWindow& window);
  void (*luma_10)(const Av1FilmGrain& grain, SourcePlane luma, TargetPlane to,
                  const Av1GrainWindow& window);
  void (*luma_10_to_high)(const Av1FilmGrain& grain, SourcePlane luma, TargetPlane to,
                          const Av1GrainWindow& window);
  // To planes of their own (I420), or to pairs of Cb and Cr (NV12, P010).
  void (*chroma_8)(const Av1FilmGrain& grain, const Planes& from, TargetPlane cb, TargetPlane cr,
                   const Av1GrainWindow& window);
  void (*chroma_8_interleaved)(const Av1FilmGrain& grain, const Planes& from, TargetPlane pairs,
                               const Av1GrainWindow& window);
  void (*chroma_10)(const Av1FilmGrain& grain, const Planes& from, TargetPlane cb, TargetPlane cr,
                    const Av1GrainWindow& window);
  void (*chroma_10_to_high_interleaved)(const Av1FilmGrain& grain, const Planes& from,
                                        TargetPlane pairs, const Av1GrainWindow& window);
};

// What a wish gives, as pack_functions().
const Av1FilmGrainFunctions& av1_film_grain_functions(Substrate wish);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_FILM_GRAIN_AV1_H_
