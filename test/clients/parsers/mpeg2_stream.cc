#include "test/clients/parsers/mpeg2_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "test/clients/parsers/start_codes.h"

namespace daedalus::clients {
namespace {

// Default intra matrix (6.3.11) in the order of transmission.
constexpr std::array<uint8_t, 64> kDefaultIntra = {
    8,  16, 16, 19, 16, 19, 22, 22, 22, 22, 22, 22, 26, 24, 26, 27, 27, 27, 26, 26, 26, 26,
    27, 27, 27, 29, 29, 29, 34, 34, 34, 29, 29, 29, 27, 27, 29, 29, 32, 32, 34, 34, 37, 38,
    37, 35, 35, 34, 35, 38, 38, 40, 40, 40, 48, 48, 46, 46, 56, 56, 58, 69, 69, 83};
constexpr size_t kSmallestSlice = 6;  // bytes, start code included

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("MPEG-2: ") + what}; }

void read_matrix(BitReader& reader, uint8_t (&matrix)[64]) {
  for (uint8_t& value : matrix) value = static_cast<uint8_t>(reader.bits(8));
}

bool bidirectional(const v4l2_ctrl_mpeg2_picture& picture) {
  return picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B;
}

// Frames are coded in whole macroblocks, of fields where the sequence may be interlaced (6.3.3).
uint32_t coded_height(const v4l2_ctrl_mpeg2_sequence& sequence) {
  const uint32_t unit = sequence.flags & V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE ? 16 : 32;
  return (sequence.vertical_size + unit - 1) / unit * unit;
}

}  // namespace

Status Mpeg2Stream::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  for (const std::span<const uint8_t> unit : units_between_start_codes(packet, false)) {
    Status status = take_unit(unit, events);
    if (!status && first_error) first_error = std::move(status);
  }
  end_picture(events);
  return first_error;
}

void Mpeg2Stream::flush(std::vector<Event>& events) {
  end_picture(events);
  if (future_waits_) events.emplace_back(future_);
  future_waits_ = false;
  past_ = future_ = {};
  open_structure_ = 0;
}

Status Mpeg2Stream::take_unit(std::span<const uint8_t> unit, std::vector<Event>& events) {
  const uint8_t code = unit[0];
  if (code >= 0x01 && code <= 0xaf) {  // slice
    if (!has_sequence_extension_ || !has_picture_extension_ || passing_over_) return {};
    if (unit.size() + 3 < kSmallestSlice) return corrupt("a slice is too short");
    if (!coded_) start_picture();
    if (!coded_) return {};
    coded_->bitstream.insert(coded_->bitstream.end(), {0, 0, 1});
    coded_->bitstream.insert(coded_->bitstream.end(), unit.begin(), unit.end());
    return {};
  }
  BitReader reader(unit.subspan(1));
  if (code != 0xb5 && code != 0xb2) end_picture(events);
  switch (code) {
    case 0x00:
      read_picture_header(reader);
      break;
    case 0xb3:
      read_sequence_header(reader);
      break;
    case 0xb5:
      read_extension(reader);
      break;
    case 0xb8:
      reader.bits(25);
      closed_gop_ = reader.flag();
      break;
    default:
      break;
  }
  return reader.exhausted() ? Status(corrupt("a header is truncated")) : Status();
}

void Mpeg2Stream::read_sequence_header(BitReader& reader) {
  has_sequence_ = true;
  has_sequence_extension_ = has_picture_ = has_picture_extension_ = false;
  sequence_ = {};
  sequence_.control.horizontal_size = static_cast<uint16_t>(reader.bits(12));
  sequence_.control.vertical_size = static_cast<uint16_t>(reader.bits(12));
  sequence_.aspect_ratio = reader.bits(4);
  reader.bits(4 + 18 + 1);  // frame_rate_code, bit_rate_value, marker
  sequence_.control.vbv_buffer_size = reader.bits(10);
  reader.bits(1);
  auto& q = quantisation_;
  std::ranges::copy(kDefaultIntra, q.intra_quantiser_matrix);
  std::ranges::fill(q.non_intra_quantiser_matrix, uint8_t{16});
  if (reader.flag()) read_matrix(reader, q.intra_quantiser_matrix);
  if (reader.flag()) read_matrix(reader, q.non_intra_quantiser_matrix);
  std::memcpy(q.chroma_intra_quantiser_matrix, q.intra_quantiser_matrix, 64);
  std::memcpy(q.chroma_non_intra_quantiser_matrix, q.non_intra_quantiser_matrix, 64);
}

void Mpeg2Stream::read_extension(BitReader& reader) {
  switch (reader.bits(4)) {
    case 1:
      read_sequence_extension(reader);
      return;
    case 3:
      read_quant_matrices(reader);
      return;
    case 8:
      read_picture_extension(reader);
      return;
    default:
      return;
  }
}

void Mpeg2Stream::read_sequence_extension(BitReader& reader) {
  if (!has_sequence_ || has_sequence_extension_) return;
  has_sequence_extension_ = true;
  v4l2_ctrl_mpeg2_sequence& c = sequence_.control;
  c.profile_and_level_indication = static_cast<uint16_t>(reader.bits(8));
  if (reader.flag()) c.flags = V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE;
  c.chroma_format = static_cast<uint8_t>(reader.bits(2));
  c.horizontal_size |= static_cast<uint16_t>(reader.bits(2) << 12);
  c.vertical_size |= static_cast<uint16_t>(reader.bits(2) << 12);
  reader.bits(13);
  c.vbv_buffer_size |= reader.bits(8) << 10;
  sequence_.low_delay = reader.flag();
}

void Mpeg2Stream::read_quant_matrices(BitReader& reader) {
  auto& q = quantisation_;
  if (reader.flag()) {
    read_matrix(reader, q.intra_quantiser_matrix);
    std::memcpy(q.chroma_intra_quantiser_matrix, q.intra_quantiser_matrix, 64);
  }
  if (reader.flag()) {
    read_matrix(reader, q.non_intra_quantiser_matrix);
    std::memcpy(q.chroma_non_intra_quantiser_matrix, q.non_intra_quantiser_matrix, 64);
  }
  if (reader.flag()) read_matrix(reader, q.chroma_intra_quantiser_matrix);
  if (reader.flag()) read_matrix(reader, q.chroma_non_intra_quantiser_matrix);
}

void Mpeg2Stream::read_picture_header(BitReader& reader) {
  passing_over_ = false;
  has_picture_ = true;
  has_picture_extension_ = false;
  reader.bits(10);  // temporal_reference
  picture_ = {};
  picture_.picture_coding_type = static_cast<uint8_t>(reader.bits(3));
  const bool known = picture_.picture_coding_type >= V4L2_MPEG2_PIC_CODING_TYPE_I &&
                     picture_.picture_coding_type <= V4L2_MPEG2_PIC_CODING_TYPE_B;
  if (!known) has_picture_ = false;
}

void Mpeg2Stream::read_picture_extension(BitReader& reader) {
  if (!has_picture_) return;
  has_picture_extension_ = true;
  for (auto& direction : picture_.f_code) {
    for (uint8_t& code : direction) code = static_cast<uint8_t>(reader.bits(4));
  }
  picture_.intra_dc_precision = static_cast<uint8_t>(reader.bits(2));
  picture_.picture_structure = static_cast<uint8_t>(reader.bits(2));
  if (picture_.picture_structure == 0) has_picture_extension_ = false;
  constexpr uint32_t kFlags[] = {
      V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST, V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT,
      V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV,  V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE,
      V4L2_MPEG2_PIC_FLAG_INTRA_VLC,       V4L2_MPEG2_PIC_FLAG_ALT_SCAN,
      V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST};
  for (const uint32_t flag : kFlags) {
    if (reader.flag()) picture_.flags |= flag;
  }
  reader.bits(1);  // chroma_420_type
  if (reader.flag()) picture_.flags |= V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;
}

void Mpeg2Stream::change_sequence() {
  if (in_force_) {
    const v4l2_ctrl_mpeg2_sequence &a = in_force_->control, &b = sequence_.control;
    if (a.horizontal_size != b.horizontal_size || a.vertical_size != b.vertical_size ||
        a.chroma_format != b.chroma_format || in_force_->aspect_ratio != sequence_.aspect_ratio ||
        coded_height(a) != coded_height(b)) {
      past_ = future_ = {};
      future_waits_ = false;
      open_structure_ = 0;
    }
  }
  in_force_ = sequence_;
}

// coded_ stays empty where the picture is left out.
void Mpeg2Stream::start_picture() {
  change_sequence();
  const bool b = bidirectional(picture_);
  const bool frame_picture = picture_.picture_structure == V4L2_MPEG2_PIC_FRAME;
  const bool second = open_structure_ != 0 && !frame_picture &&
                      open_structure_ != picture_.picture_structure && open_bidirectional_ == b;
  const v4l2_ctrl_mpeg2_sequence& sequence = in_force_->control;
  if (!second) {
    open_structure_ = 0;
    passing_over_ = b && !past_.picture && !closed_gop_;
    if (passing_over_) return;
    frame_ = {pictures_.make(), {0, 0, sequence.horizontal_size, sequence.vertical_size}};
    if (!b) {
      if (future_waits_) due_ = future_;
      past_ = std::exchange(future_, frame_);
      future_waits_ = !in_force_->low_delay;
    }
  }
  CodedPicture& coded = coded_.emplace();
  coded.target = frame_.picture;
  coded.field = frame_picture ? Field::kFrame : second ? Field::kSecond : Field::kFirst;
  coded.format = {(sequence.horizontal_size + 15U) / 16 * 16, coded_height(sequence), 8,
                  sequence.chroma_format};
  if (b) {
    coded.references = {past_.picture, future_.picture};
  } else if (picture_.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_P) {
    // Without an earlier frame a second field has its own first field alone (7.6.2.1).
    coded.references = {second && !past_.picture ? frame_.picture : past_.picture, nullptr};
  }
  Mpeg2Controls controls{sequence, picture_, quantisation_};
  if (!coded.references.empty()) {
    controls.picture.forward_ref_ts = timestamp_of(coded.references[0]);
    controls.picture.backward_ref_ts = timestamp_of(coded.references[1]);
  }
  coded.controls = controls;
  open_structure_ = !frame_picture && !second ? picture_.picture_structure : 0;
  open_bidirectional_ = b;
}

void Mpeg2Stream::end_picture(std::vector<Event>& events) {
  passing_over_ = true;
  if (!coded_) return;
  const bool b = bidirectional(std::get<Mpeg2Controls>(coded_->controls).picture);
  events.emplace_back(std::move(*coded_));
  coded_.reset();
  if (due_) events.emplace_back(*due_);
  due_.reset();
  if (open_structure_ == 0 && (b || in_force_->low_delay)) events.emplace_back(frame_);
}

}  // namespace daedalus::clients
