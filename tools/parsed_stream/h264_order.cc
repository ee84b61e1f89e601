#include "tools/parsed_stream/h264_order.h"

namespace daedalus::parsed_stream {
namespace {

int64_t max_frame_num(const v4l2_ctrl_h264_sps& sps) {
  return int64_t{1} << (sps.log2_max_frame_num_minus4 + 4);
}

// A conforming count fits; a damaged one wraps.
int32_t wrap(int64_t count) { return static_cast<int32_t>(static_cast<uint32_t>(count)); }

}  // namespace

H264OrderCounts H264Order::compute(const v4l2_ctrl_h264_sps& sps,
                                   const headers::H264SliceHeader& header) {
  if (header.idr()) *this = H264Order();
  reference_ = header.nal.ref_idc != 0;
  frame_num_ = header.decode.frame_num;
  frame_num_offset_ = header.idr() ? 0 : next_frame_num_offset(sps, frame_num_);
  switch (sps.pic_order_cnt_type) {
    case 0:
      return by_lsb(sps, header);
    case 1:
      return by_cycle(sps, header);
    default:
      return by_frame_num(header);
  }
}

int64_t H264Order::next_frame_num_offset(const v4l2_ctrl_h264_sps& sps, uint32_t frame_num) const {
  // A conforming stream stays below: its counts, twice as large, fit 32 bits.
  constexpr int64_t kWrap = int64_t{1} << 30;
  const bool wrapped = previous_frame_num_ > frame_num;
  return (previous_frame_num_offset_ + (wrapped ? max_frame_num(sps) : 0)) % kWrap;
}

// 8.2.1.1
H264OrderCounts H264Order::by_lsb(const v4l2_ctrl_h264_sps& sps,
                                  const headers::H264SliceHeader& header) {
  const int64_t max_lsb = int64_t{1} << (sps.log2_max_pic_order_cnt_lsb_minus4 + 4);
  lsb_ = header.decode.pic_order_cnt_lsb;
  msb_ = previous_msb_;
  if (lsb_ < previous_lsb_ && previous_lsb_ - lsb_ >= max_lsb / 2) {
    msb_ += max_lsb;
  } else if (lsb_ > previous_lsb_ && lsb_ - previous_lsb_ > max_lsb / 2) {
    msb_ -= max_lsb;
  }
  const int64_t first = msb_ + lsb_;
  if (header.field_pic) return {wrap(first), wrap(first)};
  return {wrap(first), wrap(first + header.decode.delta_pic_order_cnt_bottom)};
}

// 8.2.1.2
H264OrderCounts H264Order::by_cycle(const v4l2_ctrl_h264_sps& sps,
                                    const headers::H264SliceHeader& header) {
  const int64_t cycle = sps.num_ref_frames_in_pic_order_cnt_cycle;
  int64_t absolute = cycle != 0 ? frame_num_offset_ + frame_num_ : 0;
  if (!reference_ && absolute > 0) --absolute;
  int64_t expected = 0;
  if (absolute > 0) {
    int64_t delta_of_cycle = 0;
    for (int64_t i = 0; i < cycle; ++i) delta_of_cycle += sps.offset_for_ref_frame[i];
    expected = (absolute - 1) / cycle * delta_of_cycle;
    for (int64_t i = 0; i <= (absolute - 1) % cycle; ++i) expected += sps.offset_for_ref_frame[i];
  }
  if (!reference_) expected += sps.offset_for_non_ref_pic;
  const int64_t top = expected + header.decode.delta_pic_order_cnt0;
  int64_t bottom = top + sps.offset_for_top_to_bottom_field;
  if (!header.field_pic) bottom += header.decode.delta_pic_order_cnt1;
  return {wrap(top), wrap(bottom)};
}

// 8.2.1.3
H264OrderCounts H264Order::by_frame_num(const headers::H264SliceHeader& header) {
  int64_t count = 2 * (frame_num_offset_ + frame_num_);
  if (!reference_ && !header.idr()) --count;
  return {wrap(count), wrap(count)};
}

void H264Order::finish(bool reset, int32_t top_after_reset) {
  previous_frame_num_ = reset ? 0 : frame_num_;
  previous_frame_num_offset_ = reset ? 0 : frame_num_offset_;
  if (!reference_) return;
  previous_msb_ = reset ? 0 : msb_;
  previous_lsb_ = reset ? top_after_reset : lsb_;
}

H264OrderCounts H264Order::infer(const v4l2_ctrl_h264_sps& sps, uint32_t frame_num) {
  headers::H264SliceHeader header;
  header.nal.ref_idc = 1;
  header.nal.type = headers::H264NalType::kSlice;
  header.decode.frame_num = static_cast<uint16_t>(frame_num);
  if (sps.pic_order_cnt_type == 0) {  // has no counts, and leaves those of type 0 alone
    skip_to(sps, frame_num);
    return {0, 0};
  }
  const H264OrderCounts counts = compute(sps, header);
  finish(false, 0);
  return counts;
}

void H264Order::skip_to(const v4l2_ctrl_h264_sps& sps, uint32_t frame_num) {
  previous_frame_num_offset_ = next_frame_num_offset(sps, frame_num);
  previous_frame_num_ = frame_num;
}

}  // namespace daedalus::parsed_stream
