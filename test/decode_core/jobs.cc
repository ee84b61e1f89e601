#include "test/decode_core/jobs.h"

#include <array>
#include <cstring>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::test {
namespace {

JobParameters make_parameters(Codec codec, uint32_t width, uint32_t height) {
  switch (codec) {
    case Codec::kH264: {
      H264Parameters h264;
      h264.sps.profile_idc = 100;
      h264.sps.chroma_format_idc = 1;
      h264.sps.pic_order_cnt_type = 2;
      h264.sps.max_num_ref_frames = 4;
      h264.sps.pic_width_in_mbs_minus1 = static_cast<uint16_t>((width + 15) / 16 - 1);
      h264.sps.pic_height_in_map_units_minus1 = static_cast<uint16_t>((height + 15) / 16 - 1);
      h264.sps.flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY | V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
      return h264;
    }
    case Codec::kVp9: {
      Vp9Parameters vp9;
      vp9.frame.frame_width_minus_1 = static_cast<uint16_t>(width - 1);
      vp9.frame.frame_height_minus_1 = static_cast<uint16_t>(height - 1);
      vp9.frame.bit_depth = 8;
      return vp9;
    }
    case Codec::kVp8: {
      Vp8Parameters vp8;
      vp8.frame.width = static_cast<uint16_t>(width);
      vp8.frame.height = static_cast<uint16_t>(height);
      return vp8;
    }
    case Codec::kHevc: {
      HevcParameters hevc;
      hevc.sps.pic_width_in_luma_samples = static_cast<uint16_t>(width);
      hevc.sps.pic_height_in_luma_samples = static_cast<uint16_t>(height);
      hevc.sps.chroma_format_idc = 1;
      hevc.sps.log2_diff_max_min_luma_coding_block_size = 1;
      return hevc;
    }
    case Codec::kAv1: {
      Av1Parameters av1;
      av1.sequence.bit_depth = 8;
      av1.frame.upscaled_width = width;
      av1.frame.frame_height_minus_1 = height - 1;
      av1.frame.tile_info.tile_cols = 1;
      av1.frame.tile_info.tile_rows = 1;
      av1.frame.primary_ref_frame = 7;
      return av1;
    }
    case Codec::kMpeg2:
      break;
  }
  Mpeg2Parameters mpeg2;
  mpeg2.sequence.horizontal_size = static_cast<uint16_t>(width);
  mpeg2.sequence.vertical_size = static_cast<uint16_t>(height);
  mpeg2.sequence.chroma_format = 1;
  mpeg2.picture.picture_coding_type = V4L2_MPEG2_PIC_CODING_TYPE_I;
  mpeg2.picture.picture_structure = V4L2_MPEG2_PIC_FRAME;
  mpeg2.picture.flags = V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT | V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;
  std::memset(mpeg2.quantisation.intra_quantiser_matrix, 16, 64);
  std::memset(mpeg2.quantisation.non_intra_quantiser_matrix, 16, 64);
  return mpeg2;
}

}  // namespace

DecodeJob make_job(Codec codec, uint32_t width, uint32_t height) {
  DecodeJob job;
  job.parameters = make_parameters(codec, width, height);
  job.target = std::make_shared<Picture>();
  if (codec == Codec::kH264) {
    add_slice(job, make_slice({.idr = true, .slice_type = 2}));
  } else {
    add_slice(job, std::array<uint8_t, 6>{0, 0, 1, 1, 0x55, 0xaa});
  }
  return job;
}

void add_slice(DecodeJob& job, std::span<const uint8_t> bytes,
               std::array<uint8_t, 2> counts_minus1) {
  job.slices.push_back(
      {static_cast<uint32_t>(job.bitstream.size()), static_cast<uint32_t>(bytes.size())});
  job.bitstream.insert(job.bitstream.end(), bytes.begin(), bytes.end());
  if (auto* h264 = std::get_if<H264Parameters>(&job.parameters)) {
    h264->slice_reference_counts_minus1.push_back(counts_minus1);
  } else if (auto* hevc = std::get_if<HevcParameters>(&job.parameters)) {
    hevc->slices.emplace_back();
  } else if (auto* av1 = std::get_if<Av1Parameters>(&job.parameters)) {
    av1->tiles.push_back({0, 0, 0, static_cast<uint32_t>(av1->tiles.size())});
  }
}

std::vector<uint8_t> make_slice(const SliceWords& words) {
  rewrite::BitWriter bits;
  bits.ue(0);  // first_mb_in_slice
  bits.ue(words.slice_type);
  bits.ue(words.pps_id);
  bits.u(4, words.frame_num);
  if (words.idr) bits.ue(words.idr_pic_id);
  if (words.slice_type == 1) bits.flag(false);  // direct_spatial_mv_pred_flag
  if (words.slice_type != 2) {
    bits.flag(words.override_counts);
    if (words.override_counts) bits.ue(words.l0_minus1);
    if (words.override_counts && words.slice_type == 1) bits.ue(words.l1_minus1);
    bits.flag(false);                             // ref_pic_list_modification_flag_l0
    if (words.slice_type == 1) bits.flag(false);  // ref_pic_list_modification_flag_l1
  }
  if (words.idr) {
    bits.u(2, 0);  // no_output_of_prior_pics_flag, long_term_reference_flag
  } else {
    bits.flag(false);  // adaptive_ref_pic_marking_mode_flag
  }
  bits.se(0);  // slice_qp_delta
  bits.trailing_bits();
  std::vector<uint8_t> nal;
  rewrite::append_nal(words.idr ? 0x65 : 0x61, bits.bytes(), nal);
  nal.erase(nal.begin(), nal.begin() + 3);
  return nal;
}

FrameBuffer make_frame(SampleFormat format, uint32_t width, uint32_t height, uint32_t seed) {
  const size_t sample = is_wide(format) ? 2 : 1;
  const bool pairs = is_interleaved(format);
  const size_t chroma_width = (width + 1) / 2;
  const size_t chroma_height = (height + 1) / 2;
  const std::array<size_t, 3> row = {width * sample, chroma_width * sample * (pairs ? 2 : 1),
                                     pairs ? 0 : chroma_width * sample};
  const std::array<size_t, 3> rows = {height, chroma_height, pairs ? 0 : chroma_height};
  FrameBuffer frame{{format, width, height, {}}, nullptr};
  size_t size = 0;
  for (size_t plane = 0; plane < 3; ++plane) size += (row[plane] + 6) * rows[plane];
  auto memory = std::make_shared<std::vector<uint8_t>>(size);
  std::mt19937 random(seed);
  for (size_t i = 0; i < size; i += sample) {
    auto value = static_cast<uint16_t>(random() & (sample == 2 ? 0x3ff : 0xff));
    if (format == SampleFormat::kP010) value = static_cast<uint16_t>(value << 6);
    std::memcpy(memory->data() + i, &value, sample);
  }
  uint8_t* next = memory->data();
  for (size_t plane = 0; plane < 3; ++plane) {
    if (rows[plane] == 0) continue;
    frame.view.planes[plane] = {next, row[plane] + 6};
    next += (row[plane] + 6) * rows[plane];
  }
  frame.owner = std::move(memory);
  return frame;
}

uint16_t sample_at(const FrameView& frame, int component, uint32_t x, uint32_t y) {
  const bool pairs = is_interleaved(frame.format) && component > 0;
  const Plane& plane = frame.planes[pairs ? 1 : static_cast<size_t>(component)];
  const size_t column = pairs ? size_t{x} * 2 + (component == 2 ? 1 : 0) : x;
  const uint8_t* row = plane.data + y * plane.stride;
  if (!is_wide(frame.format)) return row[column];
  uint16_t value = 0;
  std::memcpy(&value, row + column * 2, 2);
  return frame.format == SampleFormat::kP010 ? static_cast<uint16_t>(value >> 6) : value;
}

}  // namespace daedalus::core::test
