// Writes VP8 frames: tag, bool-coded header from its syntax elements (RFC 6386 19.2), partitions.
#ifndef DAEDALUS_TEST_DECODE_CORE_HEADERS_VP8_HEADER_WRITER_H_
#define DAEDALUS_TEST_DECODE_CORE_HEADERS_VP8_HEADER_WRITER_H_

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "decode_core/headers/vp8_frame_tag.h"
#include "decode_core/headers/vp8_probability_tables.h"

namespace daedalus::test {

// The boolean entropy encoder (RFC 6386 7.3).
class Vp8BoolEncoder {
 public:
  void write(bool bit, uint8_t probability) {
    const uint32_t split = 1 + (((range_ - 1) * probability) >> 8);
    if (bit) {
      low_ += split;
      range_ -= split;
    } else {
      range_ = split;
    }
    while (range_ < 128) {
      range_ <<= 1;
      shift();
    }
  }
  void flag(bool bit) { write(bit, 128); }
  void literal(unsigned count, uint32_t value) {
    while (count-- > 0) flag((value >> count & 1) != 0);
  }
  void signed_literal(unsigned count, int value) {
    literal(count, static_cast<uint32_t>(std::abs(value)));
    flag(value < 0);
  }
  std::vector<uint8_t> finish() {
    for (int i = 0; i < 32; ++i) shift();
    return bytes_;
  }

 private:
  // low_ has 8 bits of window above `pending_` bits that are still to leave, and a carry above.
  void shift() {
    low_ <<= 1;
    if (++pending_ < 8) return;
    pending_ = 0;
    const uint32_t out = low_ >> 8;
    if (out > 0xff) {
      for (size_t i = bytes_.size(); i-- > 0 && ++bytes_[i] == 0;) {
      }
    }
    bytes_.push_back(static_cast<uint8_t>(out));
    low_ &= 0xff;
  }

  std::vector<uint8_t> bytes_;
  uint32_t low_ = 0;
  uint32_t range_ = 255;
  int pending_ = 0;
};

struct Vp8Bits {
  headers::Vp8FrameTag tag;  // first_part_size is filled in
  bool color_space = false, clamping_type = false;
  struct Segmentation {
    std::optional<std::array<std::optional<uint32_t>, 3>> probabilities;  // update of the map
    struct Data {
      bool absolute = false;
      std::array<std::optional<int>, 4> quant, filter;
    };
    std::optional<Data> data;
  };
  std::optional<Segmentation> segmentation;
  bool simple_filter = false;
  uint32_t level = 0, sharpness = 0;
  bool deltas_enabled = false;
  std::optional<std::array<std::optional<int>, 8>> deltas;  // four references, four modes
  uint32_t log2_partitions = 0;
  uint32_t y_ac_qi = 0;
  std::array<int, 5> q_deltas{};
  bool refresh_golden = false, refresh_alternate = false;
  uint32_t copy_to_golden = 0, copy_to_alternate = 0;
  bool bias_golden = false, bias_alternate = false;
  bool refresh_entropy = true, refresh_last = true;
  std::map<std::tuple<int, int, int, int>, uint8_t> coefficients;
  std::optional<uint32_t> prob_skip_false;
  uint32_t prob_intra = 0, prob_last = 0, prob_gf = 0;
  std::optional<std::array<uint8_t, 4>> luma_modes;
  std::optional<std::array<uint8_t, 3>> chroma_modes;
  std::map<std::pair<int, int>, uint8_t> vectors;  // the 7 bits as coded
  std::vector<std::pair<uint8_t, bool>> after;     // (probability, bit): what follows the header
  std::vector<std::vector<uint8_t>> partitions = {{1, 2, 3}};
};

inline void write_vp8_segmentation(const Vp8Bits::Segmentation& v, Vp8BoolEncoder& e) {
  const auto optional_signed = [&e](unsigned count, const std::optional<int>& value) {
    e.flag(value.has_value());
    if (value) e.signed_literal(count, *value);
  };
  e.flag(v.probabilities.has_value());
  e.flag(v.data.has_value());
  if (v.data) {
    e.flag(v.data->absolute);
    for (const auto& value : v.data->quant) optional_signed(7, value);
    for (const auto& value : v.data->filter) optional_signed(6, value);
  }
  if (!v.probabilities) return;
  for (const auto& value : *v.probabilities) {
    e.flag(value.has_value());
    if (value) e.literal(8, *value);
  }
}

inline void write_vp8_probabilities(const Vp8Bits& v, Vp8BoolEncoder& e) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 8; ++j) {
      for (int k = 0; k < 3; ++k) {
        for (int t = 0; t < V4L2_VP8_COEFF_PROB_CNT; ++t) {
          const auto found = v.coefficients.find({i, j, k, t});
          e.write(found != v.coefficients.end(), headers::kVp8CoefficientUpdates[i][j][k][t]);
          if (found != v.coefficients.end()) e.literal(8, found->second);
        }
      }
    }
  }
  e.flag(v.prob_skip_false.has_value());
  if (v.prob_skip_false) e.literal(8, *v.prob_skip_false);
  if (v.tag.key_frame) return;
  for (const uint32_t value : {v.prob_intra, v.prob_last, v.prob_gf}) e.literal(8, value);
  e.flag(v.luma_modes.has_value());
  if (v.luma_modes) {
    for (const uint8_t value : *v.luma_modes) e.literal(8, value);
  }
  e.flag(v.chroma_modes.has_value());
  if (v.chroma_modes) {
    for (const uint8_t value : *v.chroma_modes) e.literal(8, value);
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < V4L2_VP8_MV_PROB_CNT; ++j) {
      const auto found = v.vectors.find({i, j});
      e.write(found != v.vectors.end(), headers::kVp8VectorUpdates[i][j]);
      if (found != v.vectors.end()) e.literal(7, found->second);
    }
  }
}

inline void write_vp8_refresh(const Vp8Bits& v, Vp8BoolEncoder& e) {
  if (!v.tag.key_frame) {
    e.flag(v.refresh_golden);
    e.flag(v.refresh_alternate);
    if (!v.refresh_golden) e.literal(2, v.copy_to_golden);
    if (!v.refresh_alternate) e.literal(2, v.copy_to_alternate);
    e.flag(v.bias_golden);
    e.flag(v.bias_alternate);
  }
  e.flag(v.refresh_entropy);
  if (!v.tag.key_frame) e.flag(v.refresh_last);
}

inline std::vector<uint8_t> write_vp8_first_partition(const Vp8Bits& v) {
  Vp8BoolEncoder e;
  if (v.tag.key_frame) {
    e.flag(v.color_space);
    e.flag(v.clamping_type);
  }
  e.flag(v.segmentation.has_value());
  if (v.segmentation) write_vp8_segmentation(*v.segmentation, e);
  e.flag(v.simple_filter);
  e.literal(6, v.level);
  e.literal(3, v.sharpness);
  e.flag(v.deltas_enabled);
  if (v.deltas_enabled) {
    e.flag(v.deltas.has_value());
    if (v.deltas) {
      for (const auto& delta : *v.deltas) {
        e.flag(delta.has_value());
        if (delta) e.signed_literal(6, *delta);
      }
    }
  }
  e.literal(2, v.log2_partitions);
  e.literal(7, v.y_ac_qi);
  for (const int delta : v.q_deltas) {
    e.flag(delta != 0);
    if (delta != 0) e.signed_literal(4, delta);
  }
  write_vp8_refresh(v, e);
  write_vp8_probabilities(v, e);
  for (const auto& [probability, bit] : v.after) e.write(bit, probability);
  return e.finish();
}

inline std::vector<uint8_t> write_vp8(const Vp8Bits& v) {
  const std::vector<uint8_t> first = write_vp8_first_partition(v);
  headers::Vp8FrameTag tag = v.tag;
  tag.first_part_size = static_cast<uint32_t>(first.size());
  const auto tag_bytes = headers::write_vp8_frame_tag(tag);
  std::vector<uint8_t> frame(tag_bytes.begin(),
                             tag_bytes.begin() + static_cast<ptrdiff_t>(tag.bytes()));
  frame.insert(frame.end(), first.begin(), first.end());
  for (size_t i = 0; i + 1 < v.partitions.size(); ++i) {
    for (size_t byte = 0; byte < 3; ++byte) {
      frame.push_back(static_cast<uint8_t>(v.partitions[i].size() >> (8 * byte)));
    }
  }
  for (const auto& partition : v.partitions) {
    frame.insert(frame.end(), partition.begin(), partition.end());
  }
  return frame;
}

// A key frame of the given size.
inline Vp8Bits vp8_key_frame(uint16_t width, uint16_t height) {
  Vp8Bits bits;
  bits.tag.key_frame = true;
  bits.tag.width = width;
  bits.tag.height = height;
  return bits;
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HEADERS_VP8_HEADER_WRITER_H_
