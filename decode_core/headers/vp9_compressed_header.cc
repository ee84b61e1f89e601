#include "decode_core/headers/vp9_compressed_header.h"

#include <algorithm>
#include <array>

#include "decode_core/headers/vp8_bool_decoder.h"

namespace daedalus::headers {
namespace {

constexpr uint8_t kUpdateProbability = 252;

// inv_map_table (10.5): twenty steps of 13 first, then everything between them.
constexpr std::array<uint8_t, 255> inverse_map() {
  std::array<uint8_t, 255> table{};
  size_t next = 0;
  for (int i = 0; i < 20; ++i) table[next++] = static_cast<uint8_t>(7 + 13 * i);
  for (int value = 1; value <= 253; ++value) {
    if (value % 13 != 7) table[next++] = static_cast<uint8_t>(value);
  }
  table[next] = 253;
  return table;
}
constexpr std::array<uint8_t, 255> kInverseMap = inverse_map();
static_assert(kInverseMap[19] == 254 && kInverseMap[20] == 1 && kInverseMap[253] == 253);

class HeaderReader {
 public:
  HeaderReader(std::span<const uint8_t> bytes, v4l2_ctrl_vp9_frame& frame)
      : frame_(frame), reader_(bytes) {}

  Result<v4l2_ctrl_vp9_compressed_hdr> read() {
    if (reader_.flag()) return Error{ErrorCode::kCorrupt, "VP9 compressed header: marker bit"};
    read_tx_mode();
    read_coefficients();
    read_all(h_.skip);
    const uint32_t intra = V4L2_VP9_FRAME_FLAG_KEY_FRAME | V4L2_VP9_FRAME_FLAG_INTRA_ONLY;
    if (!(frame_.flags & intra)) read_inter();
    if (reader_.overrun()) return Error{ErrorCode::kCorrupt, "VP9 compressed header: truncated"};
    return h_;
  }
  size_t consumed() const { return reader_.position(); }

 private:
  // decode_term_subexp() (6.3.6)
  uint32_t read_delta_code() {
    if (!reader_.flag()) return reader_.literal(4);
    if (!reader_.flag()) return reader_.literal(4) + 16;
    if (!reader_.flag()) return reader_.literal(5) + 32;
    const uint32_t value = reader_.literal(7);
    if (value < 65) return value + 64;
    return 2 * value - 1 + reader_.literal(1);
  }

  void read_all(uint8_t& probability) {
    if (reader_.read(kUpdateProbability)) probability = kInverseMap[read_delta_code()];
  }
  template <typename T, size_t N>
  void read_all(T (&probabilities)[N]) {
    for (T& part : probabilities) read_all(part);
  }

  void read_mv(uint8_t& probability) {
    if (reader_.read(kUpdateProbability))
      probability = static_cast<uint8_t>(reader_.literal(7) << 1 | 1);
  }
  template <typename T, size_t N>
  void read_mv(T (&probabilities)[N]) {
    for (T& part : probabilities) read_mv(part);
  }

  void read_tx_mode() {
    const v4l2_vp9_quantization& q = frame_.quant;
    if (!q.base_q_idx && !q.delta_q_y_dc && !q.delta_q_uv_dc && !q.delta_q_uv_ac) return;
    h_.tx_mode = static_cast<uint8_t>(reader_.literal(2));
    if (h_.tx_mode == V4L2_VP9_TX_MODE_ALLOW_32X32)
      h_.tx_mode = static_cast<uint8_t>(h_.tx_mode + reader_.literal(1));
    if (h_.tx_mode != V4L2_VP9_TX_MODE_SELECT) return;
    read_all(h_.tx8);
    read_all(h_.tx16);
    read_all(h_.tx32);
  }

  void read_coefficients() {
    const int largest = std::min<int>(h_.tx_mode, V4L2_VP9_TX_MODE_ALLOW_32X32);
    for (int size = 0; size <= largest; ++size) {
      if (!reader_.literal(1)) continue;
      for (auto& plane : h_.coef[size]) {
        for (auto& reference : plane) {
          for (int band = 0; band < 6; ++band) {
            for (int context = 0; context < (band == 0 ? 3 : 6); ++context)
              read_all(reference[band][context]);
          }
        }
      }
    }
  }

  void read_inter() {
    read_all(h_.inter_mode);
    if (frame_.interpolation_filter == V4L2_VP9_INTERP_FILTER_SWITCHABLE)
      read_all(h_.interp_filter);
    read_all(h_.is_inter);
    read_reference_mode();
    read_all(h_.y_mode);
    read_all(h_.partition);
    read_mv(h_.mv.joint);
    for (int i = 0; i < 2; ++i) {
      read_mv(h_.mv.sign[i]);
      read_mv(h_.mv.classes[i]);
      read_mv(h_.mv.class0_bit[i]);
      read_mv(h_.mv.bits[i]);
    }
    for (int i = 0; i < 2; ++i) {
      read_mv(h_.mv.class0_fr[i]);
      read_mv(h_.mv.fr[i]);
    }
    if (!(frame_.flags & V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV)) return;
    for (int i = 0; i < 2; ++i) {
      read_mv(h_.mv.class0_hp[i]);
      read_mv(h_.mv.hp[i]);
    }
  }

  void read_reference_mode() {
    // compoundReferenceAllowed: the three sign biases are not all the same.
    const uint8_t biases = frame_.ref_frame_sign_bias & 7;
    uint8_t mode = V4L2_VP9_REFERENCE_MODE_SINGLE_REFERENCE;
    if (biases != 0 && biases != 7 && reader_.literal(1)) {
      mode = reader_.literal(1) ? V4L2_VP9_REFERENCE_MODE_SELECT
                                : V4L2_VP9_REFERENCE_MODE_COMPOUND_REFERENCE;
    }
    frame_.reference_mode = mode;
    if (mode == V4L2_VP9_REFERENCE_MODE_SELECT) read_all(h_.comp_mode);
    if (mode != V4L2_VP9_REFERENCE_MODE_COMPOUND_REFERENCE) read_all(h_.single_ref);
    if (mode != V4L2_VP9_REFERENCE_MODE_SINGLE_REFERENCE) read_all(h_.comp_ref);
  }

  v4l2_ctrl_vp9_frame& frame_;
  Vp8BoolDecoder reader_;
  v4l2_ctrl_vp9_compressed_hdr h_{};
};

}  // namespace

Result<v4l2_ctrl_vp9_compressed_hdr> parse_vp9_compressed_header(std::span<const uint8_t> bytes,
                                                                 v4l2_ctrl_vp9_frame& frame,
                                                                 size_t* consumed) {
  HeaderReader reader(bytes, frame);
  auto header = reader.read();
  if (consumed != nullptr) *consumed = reader.consumed();
  return header;
}

}  // namespace daedalus::headers
