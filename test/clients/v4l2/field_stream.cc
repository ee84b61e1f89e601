#include "test/clients/v4l2/field_stream.h"

#include <random>

#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::v4l2_client::testing {
namespace {

constexpr uint32_t kWidthInMbs = 4;
constexpr uint32_t kRowsOfField = 2;
constexpr uint32_t kMbs = kWidthInMbs * kRowsOfField;

void append(std::vector<uint8_t>& stream, const std::vector<uint8_t>& nal) {
  stream.insert(stream.end(), {0, 0, 0, 1});
  stream.insert(stream.end(), nal.begin(), nal.end());
}

// slice_header() (7.3.3) of a field that is a reference.
void write_header(test::BitWriter& out, uint32_t field, bool intra, bool idr) {
  const bool bottom = field % 2 != 0;
  out.ue(0);
  out.ue(intra ? V4L2_H264_SLICE_TYPE_I : V4L2_H264_SLICE_TYPE_P);
  out.ue(0);
  out.u(field / 2 % 16, 4);  // frame_num
  out.flag(true);            // field_pic_flag
  out.flag(bottom);
  if (idr) out.ue(0);
  out.u(field * 2 % 256, 8);  // pic_order_cnt_lsb
  if (!intra) out.u(0, 2);    // neither counts nor modifications
  out.u(0, idr ? 2 : 1);      // dec_ref_pic_marking(): sliding window
  out.se(0);                  // slice_qp_delta
}

// Every macroblock I_PCM (7.3.5).
void write_noise(test::BitWriter& out, std::mt19937& random) {
  for (uint32_t mb = 0; mb < kMbs; ++mb) {
    out.ue(25);
    while (out.size() % 8 != 0) out.flag(false);
    for (int sample = 0; sample < 384; ++sample) out.u(1 + random() % 255, 8);
  }
}

}  // namespace

std::vector<uint8_t> make_field_stream(uint32_t fields) {
  headers::H264Sps sps = test::simple_sps(kWidthInMbs, kRowsOfField);
  sps.control.flags = V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;  // not only frames
  sps.control.max_num_ref_frames = 2;
  std::vector<uint8_t> stream;
  append(stream, test::write_sps(sps));
  append(stream, test::write_pps(sps, test::simple_pps()));
  std::mt19937 random(1);
  for (uint32_t field = 0; field < fields; ++field) {
    const bool intra = field % 2 == 0;
    const bool idr = field == 0;
    test::BitWriter out;
    write_header(out, field, intra, idr);
    if (intra) {
      write_noise(out, random);
    } else {
      out.ue(kMbs);  // mb_skip_run
    }
    append(stream, test::make_nal(1, idr ? 5 : 1, out.finish()));
  }
  return stream;
}

}  // namespace daedalus::v4l2_client::testing
