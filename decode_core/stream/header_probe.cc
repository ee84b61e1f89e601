#include "decode_core/stream/header_probe.h"

#include <algorithm>
#include <array>

#include "decode_core/headers/av1_obu.h"
#include "decode_core/headers/av1_sequence_header.h"
#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/h264_sps.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_sps.h"
#include "decode_core/headers/mpeg2_headers.h"
#include "decode_core/headers/mpeg2_start_code.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/headers/vp8_frame_header.h"
#include "decode_core/headers/vp9_superframe.h"
#include "decode_core/headers/vp9_uncompressed_header.h"

namespace daedalus::core {
namespace {

StreamFormat format_of(const headers::H264Sps& sps) {
  StreamFormat format;
  format.coded_width = headers::h264_width_in_mbs(sps.control) * 16;
  format.coded_height = headers::h264_frame_height_in_mbs(sps.control) * 16;
  const headers::H264Cropping& crop = sps.cropping;
  format.visible = {crop.left, crop.top, format.coded_width - crop.left - crop.right,
                    format.coded_height - crop.top - crop.bottom};
  format.bit_depth = 8 + sps.control.bit_depth_luma_minus8;
  // E.2.1: where the depth of reordering is not told, it is that of the decoded picture buffer.
  format.min_buffers = 1 + (sps.restriction ? sps.restriction->max_num_reorder_frames
                                            : headers::h264_max_dpb_frames(sps.control));
  format.colorimetry = {sps.colour.primaries, sps.colour.transfer, sps.colour.matrix,
                        sps.colour.full_range};
  return format;
}

std::optional<StreamFormat> probe_h264(std::span<const uint8_t> bytes) {
  headers::NalUnits units(bytes);
  std::optional<StreamFormat> format;
  while (const auto nal = units.next()) {
    if (format) return format;  // a unit stands behind it: it is whole
    const headers::H264NalHeader header = headers::h264_nal_header(*nal);
    if (!header.valid || header.type != headers::H264NalType::kSps) continue;
    const auto sps = headers::parse_h264_sps(*nal);
    if (sps && sps->control.chroma_format_idc <= 1) format = format_of(*sps);
  }
  return std::nullopt;
}

StreamFormat format_of(const headers::HevcSps& sps) {
  StreamFormat format;
  format.coded_width = sps.width;
  format.coded_height = sps.height;
  const headers::HevcConformanceWindow& window = sps.window;
  format.visible = {window.left, window.top, sps.width - window.left - window.right,
                    sps.height - window.top - window.bottom};
  format.bit_depth = sps.bit_depth_luma;
  format.min_buffers = 1u + sps.max_num_reorder_pics;
  format.colorimetry = {sps.colour.primaries, sps.colour.transfer, sps.colour.matrix,
                        sps.colour.full_range};
  return format;
}

bool is_hevc(const headers::HevcNalHeader& header, headers::HevcNalType type) {
  return header.valid && header.layer_id == 0 && header.type == type;
}

std::optional<StreamFormat> probe_hevc(std::span<const uint8_t> bytes) {
  headers::NalUnits units(bytes);
  std::optional<StreamFormat> format;
  while (const auto nal = units.next()) {
    if (format) return format;  // a unit stands behind it: it is whole
    if (!is_hevc(headers::hevc_nal_header(*nal), headers::HevcNalType::kSps)) continue;
    const auto sps = headers::parse_hevc_sps(*nal);
    const bool supported =
        sps && sps->chroma_format_idc == 1 && sps->bit_depth_chroma == sps->bit_depth_luma;
    if (supported) format = format_of(*sps);
  }
  return std::nullopt;
}

StreamFormat format_of(const headers::Mpeg2Sequence& sequence, const Colorimetry& colorimetry) {
  StreamFormat format;
  format.coded_width = sequence.control.horizontal_size;
  format.coded_height = sequence.control.vertical_size;
  format.visible = {0, 0, format.coded_width, format.coded_height};
  format.min_buffers = sequence.low_delay ? 1 : 2;
  format.colorimetry = colorimetry;
  return format;
}

// sequence_display_extension() (6.2.2.4).
void read_display_extension(const headers::Mpeg2Unit& unit, Colorimetry& colorimetry) {
  constexpr uint32_t kIdentifier = 2;
  headers::BitReader bits(unit.payload());
  if (unit.code() != headers::kMpeg2Extension || bits.u(4) != kIdentifier) return;
  bits.skip(3);  // video_format
  if (!bits.flag()) return;
  const auto primaries = static_cast<uint8_t>(bits.u(8));
  const auto transfer = static_cast<uint8_t>(bits.u(8));
  const auto matrix = static_cast<uint8_t>(bits.u(8));
  if (!bits.overrun()) colorimetry = {primaries, transfer, matrix, false};
}

std::optional<StreamFormat> probe_mpeg2(std::span<const uint8_t> bytes) {
  headers::Mpeg2UnitReader units(bytes);
  headers::Mpeg2HeaderParser parser;
  Colorimetry colorimetry;
  while (const auto unit = units.next()) {
    const bool extension = unit->code() == headers::kMpeg2Extension;
    const bool user_data = unit->code() == headers::kMpeg2UserData;
    if (parser.has_sequence() && !extension && !user_data) {
      return format_of(parser.sequence(), colorimetry);
    }
    static_cast<void>(parser.parse(*unit));  // what is damaged leaves no sequence
    read_display_extension(*unit, colorimetry);
  }
  return std::nullopt;
}

StreamFormat frame_format(uint32_t width, uint32_t height) {
  StreamFormat format;
  format.coded_width = width;
  format.coded_height = height;
  format.visible = {0, 0, width, height};
  return format;
}

// Colour is BT.601 (RFC 6386 9.2); libavcodec takes pixels that need no clamping for full range.
std::optional<StreamFormat> probe_vp8(std::span<const uint8_t> packet) {
  constexpr uint8_t kBt601 = 5;
  const auto header = headers::Vp8HeaderParser().parse(packet);
  if (!header || !header->tag.key_frame) return std::nullopt;
  StreamFormat format = frame_format(header->tag.width, header->tag.height);
  format.colorimetry.matrix = kBt601;
  format.colorimetry.full_range = header->clamping_type != 0;
  return format;
}

// 4:2:0 of 8 or 10 bits; the others have no decoder.
bool is_decodable(const v4l2_ctrl_vp9_frame& frame) {
  constexpr uint32_t k420 = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  return (frame.flags & k420) == k420 && (frame.bit_depth == 8 || frame.bit_depth == 10);
}

std::optional<StreamFormat> probe_vp9(std::span<const uint8_t> packet) {
  // color_space (VP9 7.2.2) in the code points of ISO/IEC 23091-2.
  constexpr std::array<uint8_t, 8> kMatrices = {2, 5, 1, 6, 7, 9, 3, 0};
  const auto frames = headers::split_vp9_superframe(packet);
  if (!frames || frames->count == 0) return std::nullopt;
  const auto header = headers::Vp9HeaderParser().parse(frames->frames().front());
  if (!header || header->show_existing_frame || !header->key_frame) return std::nullopt;
  if (!is_decodable(header->frame)) return std::nullopt;
  StreamFormat format = frame_format(header->width(), header->height());
  format.bit_depth = header->frame.bit_depth;
  format.colorimetry.matrix = kMatrices[header->color_space % kMatrices.size()];
  format.colorimetry.full_range =
      (header->frame.flags & V4L2_VP9_FRAME_FLAG_COLOR_RANGE_FULL_SWING) != 0;
  return format;
}

// A temporal unit is whole, and so is a sequence header in it.
std::optional<StreamFormat> probe_av1(std::span<const uint8_t> temporal_unit) {
  headers::Av1Obus units(temporal_unit);
  while (const auto unit = units.next()) {
    if (unit->type != headers::Av1ObuType::kSequenceHeader) continue;
    const auto header = headers::parse_av1_sequence_header(unit->payload);
    if (!header || header->monochrome || !header->subsampled_x || !header->subsampled_y) continue;
    StreamFormat format = frame_format(header->max_width, header->max_height);
    format.bit_depth = header->bit_depth;
    format.colorimetry = {header->primaries, header->transfer, header->matrix, header->full_range};
    return format;
  }
  return std::nullopt;
}

std::optional<StreamFormat> probe(Codec codec, std::span<const uint8_t> bytes) {
  switch (codec) {
    case Codec::kH264:
      return probe_h264(bytes);
    case Codec::kHevc:
      return probe_hevc(bytes);
    case Codec::kMpeg2:
      return probe_mpeg2(bytes);
    case Codec::kAv1:
      return probe_av1(bytes);
    case Codec::kVp8:
      return probe_vp8(bytes);
    case Codec::kVp9:
      break;
  }
  return probe_vp9(bytes);
}

bool has_start_codes(Codec codec) {
  return codec == Codec::kH264 || codec == Codec::kHevc || codec == Codec::kMpeg2;
}

void append_unit(std::span<const uint8_t> nal, std::vector<uint8_t>& out) {
  out.insert(out.end(), {0, 0, 1});
  out.insert(out.end(), nal.begin(), nal.end());
}

void append_h264_parameter_sets(std::span<const uint8_t> bytes, std::vector<uint8_t>& out) {
  headers::NalUnits units(bytes);
  while (const auto nal = units.next()) {
    const headers::H264NalType type = headers::h264_nal_header(*nal).type;
    if (type == headers::H264NalType::kSps || type == headers::H264NalType::kPps) {
      append_unit(*nal, out);
    }
  }
}

void append_hevc_parameter_sets(std::span<const uint8_t> bytes, std::vector<uint8_t>& out) {
  headers::NalUnits units(bytes);
  while (const auto nal = units.next()) {
    const headers::HevcNalHeader header = headers::hevc_nal_header(*nal);
    if (is_hevc(header, headers::HevcNalType::kVps) ||
        is_hevc(header, headers::HevcNalType::kSps) ||
        is_hevc(header, headers::HevcNalType::kPps)) {
      append_unit(*nal, out);
    }
  }
}

// The sequence header and the extensions that follow it.
void append_mpeg2_sequence(std::span<const uint8_t> bytes, std::vector<uint8_t>& out) {
  headers::Mpeg2UnitReader units(bytes);
  bool in_sequence = false;
  while (const auto unit = units.next()) {
    in_sequence = unit->code() == headers::kMpeg2SequenceHeader ||
                  (in_sequence && unit->code() == headers::kMpeg2Extension);
    if (in_sequence) out.insert(out.end(), unit->bytes.begin(), unit->bytes.end());
  }
}

}  // namespace

std::optional<StreamFormat> HeaderProbe::feed(std::span<const uint8_t> run) {
  if (runs_ == kMaxRuns) return {};
  ++runs_;
  if (has_start_codes(codec_)) return feed_byte_stream(run);
  auto format = probe(codec_, run);
  if (format) runs_ = kMaxRuns;
  return format;
}

std::optional<StreamFormat> HeaderProbe::feed_byte_stream(std::span<const uint8_t> run) {
  run = run.first(std::min(run.size(), kMaxBytes - bytes_.size()));
  bytes_.insert(bytes_.end(), run.begin(), run.end());
  auto format = probe(codec_, bytes_);
  if (format || runs_ == kMaxRuns || bytes_.size() == kMaxBytes) {
    runs_ = kMaxRuns;
    bytes_ = {};
  }
  return format;
}

std::vector<uint8_t> parameter_sets_of(Codec codec, std::span<const uint8_t> bytes) {
  std::vector<uint8_t> result;
  if (codec == Codec::kH264) append_h264_parameter_sets(bytes, result);
  if (codec == Codec::kHevc) append_hevc_parameter_sets(bytes, result);
  if (codec == Codec::kMpeg2) append_mpeg2_sequence(bytes, result);
  return result;
}

bool may_begin(Codec codec, std::span<const uint8_t> packet) {
  if (codec != Codec::kHevc) return true;
  headers::NalUnits units(packet);
  while (const auto nal = units.next()) {
    const headers::HevcNalHeader header = headers::hevc_nal_header(*nal);
    if (header.valid && header.layer_id == 0 && headers::hevc_is_irap(header.type)) return true;
  }
  return false;
}

}  // namespace daedalus::core
