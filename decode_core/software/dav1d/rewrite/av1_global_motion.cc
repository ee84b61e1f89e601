#include "decode_core/software/dav1d/rewrite/av1_global_motion.h"

#include <algorithm>

#include "decode_core/software/dav1d/rewrite/av1_codes.h"

namespace daedalus::core::rewrite {
namespace {

constexpr int kModelPrecision = 16;  // WARPEDMODEL_PREC_BITS

// How a parameter is coded: magnitude and precision in bits (5.9.25).
struct Precision {
  int magnitude;
  int precision;
};

Precision precision_of(size_t index, v4l2_av1_warp_model type, bool high_precision) {
  if (index >= 2) return {12, 15};
  if (type != V4L2_AV1_WARP_MODEL_TRANSLATION) return {12, 6};
  return high_precision ? Precision{9, 3} : Precision{8, 2};
}

bool write_parameter(BitWriter& bits, int32_t value, int32_t previous, size_t index,
                     v4l2_av1_warp_model type, bool high_precision) {
  const Precision code = precision_of(index, type, high_precision);
  const int shift = kModelPrecision - code.precision;
  const bool diagonal = index % 3 == 2;
  const int64_t origin = diagonal ? int64_t{1} << kModelPrecision : 0;
  const int64_t scaled = (value - origin) >> shift;
  const int32_t most = 1 << code.magnitude;
  if (scaled * (int64_t{1} << shift) + origin != value || scaled < -most || scaled > most) {
    return false;
  }
  const int32_t reference = (previous >> shift) - (diagonal ? 1 << code.precision : 0);
  write_signed_subexp_with_ref(bits, -most, most + 1, std::clamp(reference, -most, most),
                               static_cast<int32_t>(scaled));
  return true;
}

}  // namespace

const Av1GlobalMotion& default_av1_global_motion() {
  static constexpr std::array<int32_t, 6> kNone = {0, 0, 1 << kModelPrecision,
                                                   0, 0, 1 << kModelPrecision};
  static constexpr Av1GlobalMotion kDefault = {kNone, kNone, kNone, kNone,
                                               kNone, kNone, kNone, kNone};
  return kDefault;
}

Status write_av1_global_motion(BitWriter& bits, const v4l2_av1_global_motion& motion,
                               const Av1GlobalMotion& previous, bool high_precision,
                               Av1GlobalMotion& result) {
  for (size_t ref = V4L2_AV1_REF_LAST_FRAME; ref <= V4L2_AV1_REF_ALTREF_FRAME; ++ref) {
    const v4l2_av1_warp_model type = motion.type[ref];
    const auto& params = motion.params[ref];
    bits.flag(type != V4L2_AV1_WARP_MODEL_IDENTITY);  // is_global
    if (type == V4L2_AV1_WARP_MODEL_IDENTITY) continue;
    bits.flag(type == V4L2_AV1_WARP_MODEL_ROTZOOM);
    if (type != V4L2_AV1_WARP_MODEL_ROTZOOM) {
      bits.flag(type == V4L2_AV1_WARP_MODEL_TRANSLATION);
    }
    const auto write = [&](size_t index) {
      result[ref][index] = params[index];
      return write_parameter(bits, params[index], previous[ref][index], index, type,
                             high_precision);
    };
    bool told = true;
    if (type != V4L2_AV1_WARP_MODEL_TRANSLATION) {
      told = write(2) && write(3);
      if (told) result[ref][4] = -params[3];
      result[ref][5] = params[2];
    }
    if (told && type != V4L2_AV1_WARP_MODEL_TRANSLATION && type != V4L2_AV1_WARP_MODEL_ROTZOOM) {
      told = write(4) && write(5);
    }
    told = told && write(0) && write(1);
    if (!told) {
      return Error{ErrorCode::kInvalidArgument,
                   "AV1: a parameter of the global motion is out of range"};
    }
  }
  return {};
}

}  // namespace daedalus::core::rewrite
