#include "decode_core/headers/av1_sequence_header.h"

#include <string>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {
namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("AV1 sequence header: ") + what};
}

// uvlc() (4.10.3), of which only the length matters.
void skip_uvlc(BitReader& reader) {
  unsigned zeros = 0;
  while (!reader.overrun() && !reader.flag()) ++zeros;
  if (zeros < 32) reader.skip(zeros);
}

class SequenceReader {
 public:
  explicit SequenceReader(std::span<const uint8_t> payload) : reader_(payload) {}
  Result<Av1SequenceHeader> read();

 private:
  void read_timing();
  void read_operating_points();
  void read_frame_sizes();
  void read_tools();
  void read_order_hint_tools();
  void read_colour();
  void read_sampling();
  void tool(uint32_t flag) {
    if (reader_.flag()) header_.tools |= flag;
  }

  BitReader reader_;
  Av1SequenceHeader header_;
  unsigned delay_bits_ = 0;  // of a buffer delay
};

// timing_info() and decoder_model_info() (5.5.3, 5.5.4).
void SequenceReader::read_timing() {
  if (!reader_.flag()) return;
  reader_.skip(64);
  header_.equal_picture_interval = reader_.flag();
  if (header_.equal_picture_interval) skip_uvlc(reader_);
  header_.decoder_model = reader_.flag();
  if (!header_.decoder_model) return;
  delay_bits_ = reader_.u(5) + 1;
  reader_.skip(32);
  header_.removal_time_bits = static_cast<uint8_t>(reader_.u(5) + 1);
  header_.presentation_time_bits = static_cast<uint8_t>(reader_.u(5) + 1);
}

void SequenceReader::read_operating_points() {
  constexpr uint32_t kFirstLevelWithTiers = 8;
  const bool display_delays = reader_.flag();
  header_.operating_point_count = static_cast<uint8_t>(reader_.u(5) + 1);
  for (size_t i = 0; i < header_.operating_point_count; ++i) {
    Av1OperatingPoint& point = header_.operating_points[i];
    point.idc = static_cast<uint16_t>(reader_.u(12));
    if (reader_.u(5) >= kFirstLevelWithTiers) reader_.skip(1);
    if (header_.decoder_model) {
      point.decoder_model = reader_.flag();
      if (point.decoder_model) reader_.skip(size_t{2} * delay_bits_ + 1);
    }
    if (display_delays && reader_.flag()) reader_.skip(4);
  }
}

void SequenceReader::read_frame_sizes() {
  header_.width_bits = static_cast<uint8_t>(reader_.u(4) + 1);
  header_.height_bits = static_cast<uint8_t>(reader_.u(4) + 1);
  header_.max_width = reader_.u(header_.width_bits) + 1;
  header_.max_height = reader_.u(header_.height_bits) + 1;
  if (header_.reduced_still_picture || !reader_.flag()) return;
  header_.delta_frame_id_bits = static_cast<uint8_t>(reader_.u(4) + 2);
  header_.frame_id_bits = static_cast<uint8_t>(reader_.u(3) + header_.delta_frame_id_bits + 1);
}

// From use_128x128_superblock to enable_restoration (5.5.1).
void SequenceReader::read_tools() {
  tool(V4L2_AV1_SEQUENCE_FLAG_USE_128X128_SUPERBLOCK);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_FILTER_INTRA);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTRA_EDGE_FILTER);
  if (!header_.reduced_still_picture) read_order_hint_tools();
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_RESTORATION);
}

void SequenceReader::read_order_hint_tools() {
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_INTERINTRA_COMPOUND);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_MASKED_COMPOUND);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_WARPED_MOTION);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_DUAL_FILTER);
  tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT);
  const bool order_hint = header_.has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_ORDER_HINT);
  if (order_hint) {
    tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_JNT_COMP);
    tool(V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS);
  }
  const auto forced = [this] {
    return reader_.flag() ? kAv1ChosenByFrame : static_cast<uint8_t>(reader_.u(1));
  };
  header_.force_screen_content_tools = forced();
  if (header_.force_screen_content_tools != 0) header_.force_integer_mv = forced();
  if (order_hint) header_.order_hint_bits = static_cast<uint8_t>(reader_.u(3) + 1);
}

// color_config() (5.5.2).
void SequenceReader::read_colour() {
  const bool high = reader_.flag();
  header_.bit_depth = high ? 10 : 8;
  if (header_.profile == 2 && high && reader_.flag()) header_.bit_depth = 12;
  header_.monochrome = header_.profile != 1 && reader_.flag();
  if (reader_.flag()) {
    header_.primaries = static_cast<uint8_t>(reader_.u(8));
    header_.transfer = static_cast<uint8_t>(reader_.u(8));
    header_.matrix = static_cast<uint8_t>(reader_.u(8));
  }
  if (header_.monochrome) {
    header_.full_range = reader_.flag();
    return;
  }
  read_sampling();
  tool(V4L2_AV1_SEQUENCE_FLAG_SEPARATE_UV_DELTA_Q);
}

void SequenceReader::read_sampling() {
  constexpr uint8_t kBt709 = 1, kSrgb = 13, kIdentity = 0;
  if (header_.primaries == kBt709 && header_.transfer == kSrgb && header_.matrix == kIdentity) {
    header_.full_range = true;
    header_.subsampled_x = header_.subsampled_y = false;
    return;
  }
  header_.full_range = reader_.flag();
  if (header_.profile == 1) header_.subsampled_x = header_.subsampled_y = false;
  if (header_.profile == 2) {
    header_.subsampled_y = false;
    if (header_.bit_depth == 12) {
      header_.subsampled_x = reader_.flag();
      header_.subsampled_y = header_.subsampled_x && reader_.flag();
    }
  }
  if (header_.subsampled_x && header_.subsampled_y) reader_.skip(2);  // chroma_sample_position
}

Result<Av1SequenceHeader> SequenceReader::read() {
  header_.profile = static_cast<uint8_t>(reader_.u(3));
  if (header_.profile > 2) return corrupt("seq_profile above 2");
  header_.still_picture = reader_.flag();
  header_.reduced_still_picture = reader_.flag();
  if (header_.reduced_still_picture) {
    if (!header_.still_picture) return corrupt("a reduced header of more than a still picture");
    reader_.skip(5);
  } else {
    read_timing();
    read_operating_points();
  }
  read_frame_sizes();
  read_tools();
  read_colour();
  tool(V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT);
  if (reader_.overrun()) return corrupt("it ends too early");
  return header_;
}

}  // namespace

v4l2_ctrl_av1_sequence Av1SequenceHeader::control() const {
  v4l2_ctrl_av1_sequence control{};
  control.flags = tools;
  const auto flag = [&](bool set, uint32_t value) {
    if (set) control.flags |= value;
  };
  flag(still_picture, V4L2_AV1_SEQUENCE_FLAG_STILL_PICTURE);
  flag(monochrome, V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME);
  flag(full_range, V4L2_AV1_SEQUENCE_FLAG_COLOR_RANGE);
  flag(subsampled_x, V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X);
  flag(subsampled_y, V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y);
  control.seq_profile = profile;
  control.order_hint_bits = order_hint_bits;
  control.bit_depth = bit_depth;
  control.max_frame_width_minus_1 = static_cast<uint16_t>(max_width - 1);
  control.max_frame_height_minus_1 = static_cast<uint16_t>(max_height - 1);
  return control;
}

Result<Av1SequenceHeader> parse_av1_sequence_header(std::span<const uint8_t> payload) {
  return SequenceReader(payload).read();
}

}  // namespace daedalus::headers
