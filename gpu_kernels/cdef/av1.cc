#include "gpu_kernels/cdef/av1.h"

#include <string>

#include "gpu_kernels/cdef/av1_tables.h"

namespace daedalus::gpu_kernels {
namespace {

constexpr uint32_t kMostBlocks = 8192;  // of pictures of 65536 samples

Error invalid(const char* what) {
  return {ErrorCode::kInvalidArgument, std::string("AV1 CDEF: ") + what};
}

constexpr bool valid_secondary(uint8_t strength) { return strength <= 4 && strength != 3; }

bool valid(const Av1CdefStrengths& strengths) {
  return strengths.y_primary <= 15 && strengths.uv_primary <= 15 &&
         valid_secondary(strengths.y_secondary) && valid_secondary(strengths.uv_secondary);
}

}  // namespace

Status check_av1_cdef(const Av1CdefPicture& picture) {
  if (picture.bit_depth != 8 && picture.bit_depth != 10) return invalid("neither 8 nor 10 bits");
  if (picture.blocks_across == 0 || picture.block_rows == 0 ||
      picture.blocks_across > kMostBlocks || picture.block_rows > kMostBlocks) {
    return invalid("the picture's size is out of range");
  }
  if (picture.damping < 3 || picture.damping > 6) return invalid("damping is not 3 to 6");
  for (const Av1CdefStrengths& strengths : picture.strengths) {
    if (!valid(strengths)) return invalid("a strength is out of range");
  }
  const uint8_t* const end = picture.blocks + size_t{picture.blocks_across} * picture.block_rows;
  const bool chosen = std::all_of(
      picture.blocks, end, [](uint8_t block) { return block < 8 || block == kAv1CdefSkipped; });
  if (!chosen) return invalid("a block's strengths are none of the eight");
  return {};
}

const Av1CdefFunctions& av1_cdef_functions(Substrate wish) {
  return wish == Substrate::kScalar ? cdef::av1_scalar_functions() : cdef::av1_simd_functions();
}

}  // namespace daedalus::gpu_kernels
