// Writes VP9 frames that are all header: the uncompressed header from its syntax elements (VP9 6.2)
// and a compressed header of the announced size, all zero.
#ifndef DAEDALUS_TEST_DECODE_CORE_HEADERS_VP9_HEADER_WRITER_H_
#define DAEDALUS_TEST_DECODE_CORE_HEADERS_VP9_HEADER_WRITER_H_

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::test {

struct Vp9Bits {
  uint32_t profile = 0;
  std::optional<uint32_t> show_existing;
  bool key_frame = true;
  bool show_frame = true;
  bool error_resilient = false;
  bool intra_only = false;  // needs show_frame = false
  uint32_t reset_frame_context = 0;

  bool twelve_bits = false;  // profiles 2 and 3
  uint32_t color_space = 2;
  bool full_range = false;
  bool subsampling_x = false, subsampling_y = false;  // profiles 1 and 3

  uint32_t refresh_frame_flags = 0;
  std::array<uint32_t, 3> ref_frame_idx{};
  std::array<bool, 3> sign_bias{};
  std::optional<uint32_t> size_of_ref;  // found_ref: the index of the first that is set
  uint32_t width = 64, height = 64;
  std::optional<std::array<uint32_t, 2>> render_size;
  bool high_precision = false;
  std::optional<uint32_t> filter;  // absent: switchable

  bool refresh_context = true, parallel = true;
  uint32_t context = 0;

  uint32_t level = 0, sharpness = 0;
  bool delta_enabled = false;
  std::optional<std::array<std::optional<int>, 6>> deltas;  // four references, two modes

  uint32_t base_q_idx = 0;
  std::array<int, 3> delta_q{};

  bool segmentation = false;
  std::optional<std::array<std::optional<uint32_t>, 7>> tree_probs;
  std::optional<std::array<std::optional<uint32_t>, 3>> pred_probs;
  // By segment and feature; absent: no update_data.
  std::optional<std::array<std::array<std::optional<int>, 4>, 8>> features;
  bool absolute = false;

  uint32_t tile_col_increments = 0, tile_col_max_increments = 0;
  uint32_t tile_rows_log2 = 0;
  uint32_t compressed_header_size = 8;
};

class Vp9Writer {
 public:
  explicit Vp9Writer(const Vp9Bits& bits) : v_(bits) {}

  std::vector<uint8_t> write() {
    w_.u(2, 2);
    w_.u(1, v_.profile & 1);
    w_.u(1, v_.profile >> 1);
    if (v_.profile == 3) w_.u(1, 0);
    w_.flag(v_.show_existing.has_value());
    if (v_.show_existing) {
      w_.u(3, *v_.show_existing);
      return w_.bytes();
    }
    w_.flag(!v_.key_frame);
    w_.flag(v_.show_frame);
    w_.flag(v_.error_resilient);
    frame_type_part();
    if (!v_.error_resilient) {
      w_.flag(v_.refresh_context);
      w_.flag(v_.parallel);
    }
    w_.u(2, v_.context);
    loop_filter();
    w_.u(8, v_.base_q_idx);
    for (const int delta : v_.delta_q) {
      w_.flag(delta != 0);
      if (delta != 0) su(4, delta);
    }
    segmentation();
    tiles();
    w_.u(16, v_.compressed_header_size);
    std::vector<uint8_t> frame = w_.bytes();
    frame.resize(frame.size() + v_.compressed_header_size);
    return frame;
  }

 private:
  void su(unsigned count, int value) {
    w_.u(count, static_cast<uint32_t>(std::abs(value)));
    w_.flag(value < 0);
  }

  void frame_type_part() {
    if (v_.key_frame) {
      w_.u(24, 0x498342);
      color();
      size();
      render();
      return;
    }
    if (!v_.show_frame) w_.flag(v_.intra_only);
    if (!v_.error_resilient) w_.u(2, v_.reset_frame_context);
    if (v_.intra_only) {
      w_.u(24, 0x498342);
      if (v_.profile > 0) color();
      w_.u(8, v_.refresh_frame_flags);
      size();
      render();
      return;
    }
    w_.u(8, v_.refresh_frame_flags);
    for (size_t i = 0; i < 3; ++i) {
      w_.u(3, v_.ref_frame_idx[i]);
      w_.flag(v_.sign_bias[i]);
    }
    for (uint32_t i = 0; i < 3; ++i) {
      w_.flag(v_.size_of_ref == i);
      if (v_.size_of_ref == i) break;
    }
    if (!v_.size_of_ref) size();
    render();
    w_.flag(v_.high_precision);
    w_.flag(!v_.filter.has_value());
    if (v_.filter) w_.u(2, *v_.filter);
  }

  void color() {
    if (v_.profile >= 2) w_.flag(v_.twelve_bits);
    w_.u(3, v_.color_space);
    const bool odd = (v_.profile & 1) != 0;
    if (v_.color_space != 7) {
      w_.flag(v_.full_range);
      if (odd) {
        w_.flag(v_.subsampling_x);
        w_.flag(v_.subsampling_y);
      }
    }
    if (odd) w_.u(1, 0);
  }

  void size() {
    w_.u(16, v_.width - 1);
    w_.u(16, v_.height - 1);
  }

  void render() {
    w_.flag(v_.render_size.has_value());
    if (!v_.render_size) return;
    for (const uint32_t value : *v_.render_size) w_.u(16, value - 1);
  }

  void loop_filter() {
    w_.u(6, v_.level);
    w_.u(3, v_.sharpness);
    w_.flag(v_.delta_enabled);
    if (!v_.delta_enabled) return;
    w_.flag(v_.deltas.has_value());
    if (!v_.deltas) return;
    for (const auto& delta : *v_.deltas) {
      w_.flag(delta.has_value());
      if (delta) su(6, *delta);
    }
  }

  void probability(const std::optional<uint32_t>& value) {
    w_.flag(value.has_value());
    if (value) w_.u(8, *value);
  }

  void segmentation() {
    w_.flag(v_.segmentation);
    if (!v_.segmentation) return;
    w_.flag(v_.tree_probs.has_value());
    if (v_.tree_probs) {
      for (const auto& value : *v_.tree_probs) probability(value);
      w_.flag(v_.pred_probs.has_value());
      if (v_.pred_probs) {
        for (const auto& value : *v_.pred_probs) probability(value);
      }
    }
    w_.flag(v_.features.has_value());
    if (!v_.features) return;
    w_.flag(v_.absolute);
    constexpr unsigned kBits[4] = {8, 6, 2, 0};
    for (const auto& segment : *v_.features) {
      for (size_t i = 0; i < 4; ++i) {
        w_.flag(segment[i].has_value());
        if (!segment[i]) continue;
        if (i < 2) {
          su(kBits[i], *segment[i]);
        } else {
          w_.u(kBits[i], static_cast<uint32_t>(*segment[i]));
        }
      }
    }
  }

  void tiles() {
    for (uint32_t i = 0; i < v_.tile_col_increments; ++i) w_.u(1, 1);
    if (v_.tile_col_increments < v_.tile_col_max_increments) w_.u(1, 0);
    w_.flag(v_.tile_rows_log2 > 0);
    if (v_.tile_rows_log2 > 0) w_.flag(v_.tile_rows_log2 > 1);
  }

  const Vp9Bits& v_;
  core::rewrite::BitWriter w_;
};

inline std::vector<uint8_t> write_vp9(const Vp9Bits& bits) { return Vp9Writer(bits).write(); }

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HEADERS_VP9_HEADER_WRITER_H_
