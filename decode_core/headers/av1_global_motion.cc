// Global motion of the frame header (AV1 5.9.24, 5.9.25) and whether it can warp (7.11.3.6).
#include <algorithm>
#include <bit>
#include <cstdlib>

#include "decode_core/headers/av1_frame_reader.h"
#include "decode_core/headers/av1_warp.h"

namespace daedalus::headers {
namespace {

constexpr unsigned kWarpPrecision = 16;  // WARPEDMODEL_PREC_BITS
constexpr int32_t kUnity = 1 << kWarpPrecision;

bool is_diagonal(size_t index) { return index % 3 == 2; }

// inverse_recenter() (5.9.29)
int32_t inverse_recenter(int32_t reference, int32_t value) {
  if (value > 2 * reference) return value;
  return value % 2 != 0 ? reference - (value + 1) / 2 : reference + value / 2;
}

// What a parameter is coded with (5.9.25): its magnitude's bits, and how many are the fraction's.
struct Precision {
  unsigned magnitude_bits;
  unsigned fraction_bits;
};

Precision precision_of(v4l2_av1_warp_model type, size_t index, bool high_precision) {
  if (index >= 2) return {12, 15};  // GM_ABS_ALPHA_BITS, GM_ALPHA_PREC_BITS
  if (type != V4L2_AV1_WARP_MODEL_TRANSLATION) return {12, 6};  // GM_ABS_TRANS_BITS, …
  const unsigned coarse = high_precision ? 0 : 1;
  return {9 - coarse, 3 - coarse};  // GM_ABS_TRANS_ONLY_BITS, GM_TRANS_ONLY_PREC_BITS
}

}  // namespace

void Av1FrameReader::read_global_motion() {
  v4l2_av1_global_motion& out = header_.frame.global_motion;
  for (auto& parameters : out.params) {
    for (size_t i = 0; i < std::size(parameters); ++i) parameters[i] = is_diagonal(i) ? kUnity : 0;
  }
  if (header_.intra()) return;
  for (size_t reference = V4L2_AV1_REF_LAST_FRAME; reference <= V4L2_AV1_REF_ALTREF_FRAME;
       ++reference) {
    uint8_t& flags = out.flags[reference];
    v4l2_av1_warp_model& type = out.type[reference];
    if (!reader_.flag()) continue;
    flags |= V4L2_AV1_GLOBAL_MOTION_FLAG_IS_GLOBAL;
    if (reader_.flag()) {
      flags |= V4L2_AV1_GLOBAL_MOTION_FLAG_IS_ROT_ZOOM;
      type = V4L2_AV1_WARP_MODEL_ROTZOOM;
    } else if (reader_.flag()) {
      flags |= V4L2_AV1_GLOBAL_MOTION_FLAG_IS_TRANSLATION;
      type = V4L2_AV1_WARP_MODEL_TRANSLATION;
    } else {
      type = V4L2_AV1_WARP_MODEL_AFFINE;
    }
    int32_t* const parameters = out.params[reference];
    if (type >= V4L2_AV1_WARP_MODEL_ROTZOOM) {
      read_motion_parameter(reference, 2);
      read_motion_parameter(reference, 3);
      if (type == V4L2_AV1_WARP_MODEL_AFFINE) {
        read_motion_parameter(reference, 4);
        read_motion_parameter(reference, 5);
      } else {
        parameters[4] = -parameters[3];
        parameters[5] = parameters[2];
      }
    }
    read_motion_parameter(reference, 0);
    read_motion_parameter(reference, 1);
    if (type >= V4L2_AV1_WARP_MODEL_ROTZOOM && !av1_warp_is_valid(out.params[reference])) {
      out.invalid |= V4L2_AV1_GLOBAL_MOTION_IS_INVALID(reference);
    }
  }
}

// read_global_param() (5.9.25) with decode_signed_subexp_with_ref() (5.9.26 to 5.9.28).
void Av1FrameReader::read_motion_parameter(size_t reference, size_t index) {
  v4l2_av1_global_motion& out = header_.frame.global_motion;
  const Precision precision = precision_of(
      out.type[reference], index, header_.has(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV));
  const unsigned shift = kWarpPrecision - precision.fraction_bits;
  const int32_t round = is_diagonal(index) ? kUnity : 0;
  const int32_t most = 1 << precision.magnitude_bits;
  const Av1FrameHeader* const previous = primary();
  const int32_t before =
      previous != nullptr ? previous->frame.global_motion.params[reference][index] : round;
  // Above the least value that can be coded.
  const int32_t values = 2 * most + 1;
  // Within these bounds already, but where a client says what the slots hold.
  const int32_t expected = std::clamp((before >> shift) - (round >> shift) + most, 0, 2 * most);

  int32_t coded = 0;
  constexpr unsigned kFirstBits = 3;
  for (unsigned i = 0;; ++i) {
    const unsigned bits = i == 0 ? kFirstBits : kFirstBits + i - 1;
    const int32_t step = 1 << bits;
    if (values <= coded + 3 * step) {
      coded += static_cast<int32_t>(read_non_symmetric(static_cast<uint32_t>(values - coded)));
      break;
    }
    if (!reader_.flag()) {
      coded += static_cast<int32_t>(reader_.u(bits));
      break;
    }
    coded += step;
  }
  const int32_t value = expected * 2 <= values
                            ? inverse_recenter(expected, coded)
                            : values - 1 - inverse_recenter(values - 1 - expected, coded);
  out.params[reference][index] = (value - most) * (1 << shift) + round;
}

bool av1_warp_is_valid(std::span<const int32_t, 6> parameters) {
  constexpr int kReduceBits = 6;                        // WARP_PARAM_REDUCE_BITS
  constexpr unsigned kLutBits = 8, kLutPrecision = 14;  // DIV_LUT_BITS, DIV_LUT_PREC_BITS
  if (parameters[2] <= 0) return false;
  const auto round_signed = [](int64_t value, unsigned bits) {
    if (bits == 0) return value;
    const int64_t half = int64_t{1} << (bits - 1);
    return value < 0 ? -((-value + half) >> bits) : (value + half) >> bits;
  };
  const auto clamp = [](int64_t value) { return std::clamp<int64_t>(value, INT16_MIN, INT16_MAX); };
  const auto reduce = [&](int64_t value) {
    return round_signed(value, kReduceBits) * (1 << kReduceBits);
  };

  // resolve_divisor() (7.11.3.7)
  const auto divisor = static_cast<uint32_t>(parameters[2]);
  const unsigned log2 = static_cast<unsigned>(std::bit_width(divisor)) - 1;
  const int64_t rest = int64_t{divisor} - (int64_t{1} << log2);
  const int64_t fraction =
      log2 > kLutBits ? round_signed(rest, log2 - kLutBits) : rest << (kLutBits - log2);
  const int64_t lut_divisor = (1 << kLutBits) + fraction;
  // Div_Lut[fraction]
  const int64_t factor =
      ((int64_t{1} << (kLutBits + kLutPrecision)) + lut_divisor / 2) / lut_divisor;
  const unsigned shift = log2 + kLutPrecision;

  const int64_t alpha = reduce(clamp(int64_t{parameters[2]} - kUnity));
  const int64_t beta = reduce(clamp(parameters[3]));
  // Behind this bound parameters[2] is near 1 and parameters[3] near 0, so that the products below
  // fit, whatever the others are.
  if (4 * std::abs(alpha) + 7 * std::abs(beta) >= kUnity) return false;
  const int64_t v = int64_t{parameters[4]} * kUnity;
  const int64_t gamma = reduce(clamp(round_signed(v * factor, shift)));
  const int64_t w = int64_t{parameters[3]} * parameters[4];
  const int64_t delta = reduce(clamp(parameters[5] - round_signed(w * factor, shift) - kUnity));
  return 4 * std::abs(gamma) + 4 * std::abs(delta) < kUnity;
}

}  // namespace daedalus::headers
