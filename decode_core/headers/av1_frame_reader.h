// The parts of a frame header of AV1, in the order of uncompressed_header() (AV1 5.9.2); private to
// av1_frame_header.
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_FRAME_READER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_FRAME_READER_H_

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {

class Av1FrameReader {
 public:
  Av1FrameReader(const Av1SequenceHeader& sequence, const Av1Slots& slots,
                 std::span<const uint8_t> payload, Av1LayerIds ids);
  Result<Av1FrameHeader> read();

 private:
  // av1_frame_header.cc
  Result<Av1FrameHeader> read_show_existing();
  void read_kind();
  void read_temporal_point();
  void read_identity();
  void read_screen_content();
  void read_removal_times();
  void read_refresh();
  Status read_references();
  Status read_reference_slots();
  void read_inter_tools();
  void read_frame_size();
  void read_render_size();
  Status read_frame_size_with_references();
  void read_superres(uint32_t upscaled_width);
  Status check_sizes() const;
  Status check_references() const;

  // av1_frame_parts.cc
  struct TileAxis;  // one direction of the tiles
  Status read_tile_info();
  bool read_uniform_tiles(TileAxis& columns, TileAxis& rows);
  bool read_tiles(TileAxis& columns, TileAxis& rows);
  static unsigned min_log2_columns(const TileAxis& columns);
  static unsigned min_log2_tiles(const TileAxis& columns, const TileAxis& rows);
  void read_quantization();
  int8_t read_delta_q();
  void read_segmentation();
  void read_delta_q_and_lf();
  void read_loop_filter();
  void read_cdef();
  void read_restoration();
  void read_modes();
  uint32_t read_non_symmetric(uint32_t values);  // ns(n)

  // av1_reference_frames.cc
  void set_short_signalled_references(uint8_t last, uint8_t golden);
  bool find_skip_mode_frames();
  uint32_t reference_hint(size_t reference) const;

  // av1_global_motion.cc
  void read_global_motion();
  void read_motion_parameter(size_t reference, size_t index);

  // av1_film_grain.cc
  Status read_film_grain();
  void read_grain_points(uint8_t* count, uint8_t* values, uint8_t* scalings);
  void read_grain_chroma_points();
  void read_grain_coefficients();

  bool flag(uint32_t frame_flag);  // reads and notes it
  void note(bool set, uint32_t frame_flag) {
    if (set) header_.frame.flags |= frame_flag;
  }
  bool subsampled() const { return sequence_.subsampled_x && sequence_.subsampled_y; }
  const Av1FrameHeader* primary() const;  // null: none

  const Av1SequenceHeader& sequence_;
  const Av1Slots& slots_;
  BitReader reader_;
  Av1FrameHeader header_;
  // RefOrderHint before this frame refreshes any slot; that of an empty one is 0 unless the header
  // tells it.
  std::array<uint32_t, kAv1SlotCount> slot_order_hints_{};
  bool coded_lossless_ = false;
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_FRAME_READER_H_
