#include "cuse_device/v4l2/stateless_jobs.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/headers/mpeg2_start_code.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/hevc_slice_parameters.h"

namespace daedalus::v4l2 {
namespace {

core::ByteRange range_in(std::span<const uint8_t> whole, std::span<const uint8_t> part) {
  return {static_cast<uint32_t>(part.data() - whole.data()), static_cast<uint32_t>(part.size())};
}

bool is_h264_slice(std::span<const uint8_t> nal) {
  const headers::H264NalHeader header = headers::h264_nal_header(nal);
  return header.valid && (header.type == headers::H264NalType::kSlice ||
                          header.type == headers::H264NalType::kSliceIdr);
}

bool is_hevc_slice(std::span<const uint8_t> nal) {
  const headers::HevcNalHeader header = headers::hevc_nal_header(nal);
  return header.valid && header.layer_id == 0 && headers::hevc_is_slice(header.type);
}

// The slices of Annex B data. Without start codes (V4L2_STATELESS_H264_START_CODE_NONE and HEVC's)
// there is a NAL unit before the first one, too.
std::vector<core::ByteRange> nal_slices(std::span<const uint8_t> bitstream, bool annex_b,
                                        bool (*is_slice)(std::span<const uint8_t> nal)) {
  std::vector<core::ByteRange> slices;
  const auto add = [&](std::span<const uint8_t> nal) {
    if (is_slice(nal)) slices.push_back(range_in(bitstream, nal));
  };
  headers::NalUnits units(bitstream);
  auto nal = units.next();
  if (!annex_b) {
    constexpr size_t kStartCodeBytes = 3;
    const size_t first =
        nal ? range_in(bitstream, *nal).offset - kStartCodeBytes : bitstream.size();
    add(bitstream.first(first));
  }
  for (; nal; nal = units.next()) add(*nal);
  return slices;
}

std::vector<core::ByteRange> mpeg2_slices(std::span<const uint8_t> bitstream) {
  std::vector<core::ByteRange> slices;
  headers::Mpeg2UnitReader units(bitstream);
  while (const auto unit = units.next()) {
    if (unit->slice()) slices.push_back(range_in(bitstream, unit->bytes));
  }
  return slices;
}

core::Profile h264_profile(const v4l2_ctrl_h264_sps& sps) {
  if (sps.profile_idc == 66) return core::Profile::kH264ConstrainedBaseline;
  return sps.profile_idc == 77 ? core::Profile::kH264Main : core::Profile::kH264High;
}

void fill_h264(const ControlValues& values, const FindPicture& find, StatelessJob* out) {
  core::DecodeJob& job = out->job;
  core::H264Parameters parameters;
  parameters.sps = values.structure<v4l2_ctrl_h264_sps>(V4L2_CID_STATELESS_H264_SPS);
  parameters.pps = values.structure<v4l2_ctrl_h264_pps>(V4L2_CID_STATELESS_H264_PPS);
  parameters.scaling_matrix =
      values.structure<v4l2_ctrl_h264_scaling_matrix>(V4L2_CID_STATELESS_H264_SCALING_MATRIX);
  parameters.decode =
      values.structure<v4l2_ctrl_h264_decode_params>(V4L2_CID_STATELESS_H264_DECODE_PARAMS);
  parameters.poc_offsets_known = true;
  parameters.default_reference_counts_known = true;
  for (v4l2_h264_dpb_entry& entry : parameters.decode.dpb) {
    const bool valid = (entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) != 0;
    job.references.push_back(valid ? find(entry.reference_ts) : nullptr);
    if (!valid) entry = {};
  }
  const uint32_t flags = parameters.decode.flags;
  if (flags & V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC) {
    out->parity = flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD ? Parity::kBottom : Parity::kTop;
  }
  out->profile = h264_profile(parameters.sps);
  const bool annex_b =
      values.integer(V4L2_CID_STATELESS_H264_START_CODE) == V4L2_STATELESS_H264_START_CODE_ANNEX_B;
  job.slices = nal_slices(job.bitstream, annex_b, &is_h264_slice);
  job.parameters = std::move(parameters);
}

// What the control of the slices says stands in their headers, too. One that cannot be read goes
// along: the core says what is wrong with it. A dependent slice segment has the fields of the slice
// that it belongs to (H.265 7.4.7.1), whose first segment may have come with a request before this
// one: `before` are those of the last segment then.
std::vector<core::HevcSliceParameters> read_slices(const core::DecodeJob& job,
                                                   const core::HevcParameters& parameters,
                                                   core::HevcSliceParameters before) {
  const v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  const headers::HevcSliceContext context{parameters.sps, parameters.pps, nullptr,
                                          headers::hevc_total_references(decode),
                                          decode.short_term_ref_pic_set_size};
  std::vector<core::HevcSliceParameters> slices;
  for (const core::ByteRange& range : job.slices) {
    const auto header = headers::parse_hevc_slice_header(job.bytes_of(range), context);
    if (!header) {
      before = {};
    } else if (!header->dependent) {
      before = core::hevc_slice_parameters(*header, decode);
    }
    before.reference_set_bits = decode.short_term_ref_pic_set_size;
    slices.push_back(before);
  }
  return slices;
}

core::HevcSliceParameters last_slice(const core::DecodeJob* job) {
  const auto* hevc = job ? std::get_if<core::HevcParameters>(&job->parameters) : nullptr;
  return hevc && !hevc->slices.empty() ? hevc->slices.back() : core::HevcSliceParameters{};
}

void fill_hevc(const ControlValues& values, const FindPicture& find, const core::DecodeJob* begun,
               StatelessJob* out) {
  core::DecodeJob& job = out->job;
  core::HevcParameters parameters;
  parameters.sps = values.structure<v4l2_ctrl_hevc_sps>(V4L2_CID_STATELESS_HEVC_SPS);
  parameters.pps = values.structure<v4l2_ctrl_hevc_pps>(V4L2_CID_STATELESS_HEVC_PPS);
  parameters.scaling_matrix =
      values.structure<v4l2_ctrl_hevc_scaling_matrix>(V4L2_CID_STATELESS_HEVC_SCALING_MATRIX);
  v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  decode = values.structure<v4l2_ctrl_hevc_decode_params>(V4L2_CID_STATELESS_HEVC_DECODE_PARAMS);
  for (size_t i = 0; i < std::size(decode.dpb); ++i) {
    if (i < decode.num_active_dpb_entries) {
      job.references.push_back(find(decode.dpb[i].timestamp));
    } else {
      decode.dpb[i] = {};
    }
  }
  out->profile = parameters.sps.bit_depth_luma_minus8 != 0 ? core::Profile::kHevcMain10
                                                           : core::Profile::kHevcMain;
  const bool annex_b =
      values.integer(V4L2_CID_STATELESS_HEVC_START_CODE) == V4L2_STATELESS_HEVC_START_CODE_ANNEX_B;
  job.slices = nal_slices(job.bitstream, annex_b, &is_hevc_slice);
  parameters.slices = read_slices(job, parameters, last_slice(begun));
  job.parameters = std::move(parameters);
}

void fill_vp8(const ControlValues& values, const FindPicture& find, StatelessJob* out) {
  const auto frame = values.structure<v4l2_ctrl_vp8_frame>(V4L2_CID_STATELESS_VP8_FRAME);
  out->job.references.resize(3);
  if (!V4L2_VP8_FRAME_IS_KEY_FRAME(&frame)) {
    out->job.references = {find(frame.last_frame_ts), find(frame.golden_frame_ts),
                           find(frame.alt_frame_ts)};
  }
  out->profile = core::Profile::kVp8;
  out->job.parameters = core::Vp8Parameters{frame};
}

void fill_vp9(const ControlValues& values, const FindPicture& find, StatelessJob* out) {
  const auto frame = values.structure<v4l2_ctrl_vp9_frame>(V4L2_CID_STATELESS_VP9_FRAME);
  out->job.references.resize(3);
  if ((frame.flags & (V4L2_VP9_FRAME_FLAG_KEY_FRAME | V4L2_VP9_FRAME_FLAG_INTRA_ONLY)) == 0) {
    out->job.references = {find(frame.last_frame_ts), find(frame.golden_frame_ts),
                           find(frame.alt_frame_ts)};
  }
  out->profile = frame.bit_depth == 10 ? core::Profile::kVp9Profile2 : core::Profile::kVp9Profile0;
  out->job.parameters = core::Vp9Parameters{frame};
}

void fill_mpeg2(const ControlValues& values, const FindPicture& find, StatelessJob* out) {
  core::Mpeg2Parameters parameters;
  parameters.sequence =
      values.structure<v4l2_ctrl_mpeg2_sequence>(V4L2_CID_STATELESS_MPEG2_SEQUENCE);
  parameters.picture = values.structure<v4l2_ctrl_mpeg2_picture>(V4L2_CID_STATELESS_MPEG2_PICTURE);
  parameters.quantisation =
      values.structure<v4l2_ctrl_mpeg2_quantisation>(V4L2_CID_STATELESS_MPEG2_QUANTISATION);
  const v4l2_ctrl_mpeg2_picture& picture = parameters.picture;
  out->job.references.resize(2);
  if (picture.picture_coding_type != V4L2_MPEG2_PIC_CODING_TYPE_I) {
    out->job.references[0] = find(picture.forward_ref_ts);
  }
  if (picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B) {
    out->job.references[1] = find(picture.backward_ref_ts);
  }
  if (picture.picture_structure == V4L2_MPEG2_PIC_TOP_FIELD) out->parity = Parity::kTop;
  if (picture.picture_structure == V4L2_MPEG2_PIC_BOTTOM_FIELD) out->parity = Parity::kBottom;
  // profile_and_level_indication, ISO 13818-2 table 8-2.
  out->profile = parameters.sequence.profile_and_level_indication >> 4 == 5
                     ? core::Profile::kMpeg2Simple
                     : core::Profile::kMpeg2Main;
  out->job.slices = mpeg2_slices(out->job.bitstream);
  out->job.parameters = parameters;
}

std::vector<v4l2_ctrl_av1_tile_group_entry> av1_tiles(const ControlValues& values) {
  const auto bytes = values.payload(V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY);
  std::vector<v4l2_ctrl_av1_tile_group_entry> tiles(bytes.size() /
                                                    sizeof(v4l2_ctrl_av1_tile_group_entry));
  std::memcpy(tiles.data(), bytes.data(), tiles.size() * sizeof(v4l2_ctrl_av1_tile_group_entry));
  return tiles;
}

// Clients need not send the film grain of a sequence that has none: that of an older one stays.
bool has_film_grain(const core::Av1Parameters& parameters) {
  return (parameters.sequence.flags & V4L2_AV1_SEQUENCE_FLAG_FILM_GRAIN_PARAMS_PRESENT) != 0 &&
         (parameters.film_grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN) != 0;
}

// reference_frame_ts names the slots as they are before the frame (kernel documentation of
// v4l2_ctrl_av1_frame; AV1 7.20), also where a client showed a key frame once more in between.
void fill_av1(const ControlValues& values, const FindPicture& find, StatelessJob* out) {
  core::DecodeJob& job = out->job;
  core::Av1Parameters parameters;
  parameters.sequence = values.structure<v4l2_ctrl_av1_sequence>(V4L2_CID_STATELESS_AV1_SEQUENCE);
  parameters.frame = values.structure<v4l2_ctrl_av1_frame>(V4L2_CID_STATELESS_AV1_FRAME);
  parameters.film_grain =
      values.structure<v4l2_ctrl_av1_film_grain>(V4L2_CID_STATELESS_AV1_FILM_GRAIN);
  parameters.tiles = av1_tiles(values);
  for (const uint64_t timestamp : parameters.frame.reference_frame_ts) {
    job.references.push_back(find(timestamp));
  }
  job.refresh_frame_flags = parameters.frame.refresh_frame_flags;
  for (const v4l2_ctrl_av1_tile_group_entry& tile : parameters.tiles) {
    job.slices.push_back({tile.tile_offset, tile.tile_size});
  }
  if (has_film_grain(parameters)) job.display = std::make_shared<core::Picture>();
  out->profile = core::Profile::kAv1Main;
  job.parameters = std::move(parameters);
}

}  // namespace

Result<StatelessJob> build_job(core::Codec codec, const ControlValues& values,
                               std::span<const uint8_t> payload, const FindPicture& find,
                               const core::DecodeJob* begun) {
  StatelessJob out;
  out.job.bitstream.assign(payload.begin(), payload.end());
  switch (codec) {
    case core::Codec::kH264:
      fill_h264(values, find, &out);
      break;
    case core::Codec::kVp8:
      fill_vp8(values, find, &out);
      break;
    case core::Codec::kVp9:
      fill_vp9(values, find, &out);
      break;
    case core::Codec::kMpeg2:
      fill_mpeg2(values, find, &out);
      break;
    case core::Codec::kHevc:
      fill_hevc(values, find, begun, &out);
      break;
    case core::Codec::kAv1:
      fill_av1(values, find, &out);
      break;
  }
  const bool frames = codec == core::Codec::kVp8 || codec == core::Codec::kVp9;
  if (frames && !payload.empty()) {
    out.job.slices.push_back({0, static_cast<uint32_t>(payload.size())});
  }
  if (out.job.slices.empty()) {
    return Error{ErrorCode::kCorrupt, "a request's buffer holds no slice"};
  }
  return out;
}

}  // namespace daedalus::v4l2
